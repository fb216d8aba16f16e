"""The starter policy, site maps, texts and schemas, as they come with the program.

Their one home in the source tree is the folder ``mappings``; a wheel holds a copy in ``connector/starter/mappings``.
"""

from __future__ import annotations

import shutil
from pathlib import Path

_INSTALLED = Path(__file__).parent / "mappings"
_SOURCE = Path(__file__).parents[2] / "mappings"


def starter_folder() -> Path:
    """Return the folder with ``policy.yaml``, ``sites``, ``templates``, ``tests`` and ``schema``."""
    return _INSTALLED if _INSTALLED.is_dir() else _SOURCE


def copy_starter(target: Path) -> tuple[Path, ...]:
    """Copy the starter files to ``target``; files that are already there stay. Return what was written, sorted."""
    written: list[Path] = []
    for source in sorted(path for path in starter_folder().rglob("*") if path.is_file()):
        copy = target / source.relative_to(starter_folder())
        if copy.exists():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        written.append(copy)
    return tuple(written)
