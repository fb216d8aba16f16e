"""YAML documents: text → plain values that remember where they stand, and pydantic's findings as problems with a place.

Open to ``settings`` and ``policyfiles`` only. YAML 1.2, so ``no`` and ``NO`` are text; a key given twice, a second
document, tags, deep nesting, many aliases and large files are refused. Nothing here knows what a document means.
"""

from __future__ import annotations

from connector.documents.checking import checked, closest, problems_of
from connector.documents.document import Document, KeyPath, PartlyRead, Place, Refused
from connector.documents.reading import judged, parse, read
from connector.documents.values import Duration, Names, Share, Strict, Text, as_written, duration_text, read_duration

__all__ = [
    "Document",
    "Duration",
    "KeyPath",
    "Names",
    "PartlyRead",
    "Place",
    "Refused",
    "Share",
    "Strict",
    "Text",
    "as_written",
    "checked",
    "closest",
    "duration_text",
    "judged",
    "parse",
    "problems_of",
    "read",
    "read_duration",
]
