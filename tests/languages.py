"""The starter's mappings with the texts of a few languages, for tests of something else.

Every command reads its texts anew and tries each of them, which is most of what a small one costs. That all five
languages are read and hold is what ``tests/render``, the demo and the starter's own tests show.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path


def keep_languages(mappings: Path, *languages: str) -> None:
    """Take the texts of all other languages out of a copy of the starter's mappings, and out of its maps."""
    for folder in (mappings / "templates").iterdir():
        if folder.name not in languages:
            shutil.rmtree(folder)
    for path in (mappings / "sites").glob("*.yaml"):
        named = f"locales: [{', '.join(languages)}]"
        text, replaced = re.subn(r"^locales: \[.*\]$", named, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert replaced == 1, f"{path} names its languages in another way"
        path.write_text(text, encoding="utf-8")
