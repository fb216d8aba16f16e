"""A section that is given twice is one mistake: nothing that the other half of it would mend is told beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from connector.documents import judged
from connector.errors import ConfigError
from connector.policyfiles import read_policy, read_site_map
from tests.policyfiles.starter import ROOT, SITES, TEMPLATES, TODAY

FILES = ("policy.yaml", "sites/jsm-eu.yaml", "sites/zendesk.yaml")
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in FILES}
READ_POLICY = partial(read_policy, today=TODAY, templates=TEMPLATES, sites=SITES)


def told(name: str, text: str, folder: Path) -> list[str]:
    """Return what is told of a file; places are left out, as what is split moves the rest."""
    path = folder / "file.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        judged(path, READ_POLICY if name == "policy.yaml" else read_site_map)
    return [f"{problem.key}: {re.sub(r' in line [0-9]+', '', problem.message)}" for problem in caught.value.problems]


def sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each section of a file with its lines."""
    for found in re.finditer(r"^(\w+):.*\n(?:(?:[ #].*)?\n)*", text, re.MULTILINE):
        yield found[1], found[0].splitlines(keepends=True)


def halves(text: str) -> Iterator[tuple[str, str]]:
    """Yield a section's name and the file with that section given in two halves, cut before each of its parts."""
    for key, lines in sections(text):
        for at in range(2, len(lines)):
            if re.match(r"  [\w-]", lines[at]):
                cut = "".join([*lines[:at], f"{key}:\n", *lines[at:]])
                yield key, text.replace("".join(lines), cut, 1)


@pytest.mark.parametrize("name", FILES)
def test_a_section_in_two_halves_is_one_mistake(name: str, tmp_path: Path) -> None:
    for key, text in halves(TEXTS[name]):
        assert told(name, text, tmp_path) == [f"{key}: is given twice, first"]


@pytest.mark.parametrize("name", FILES)
def test_a_copied_section_is_one_mistake_also_where_the_first_is_empty(name: str, tmp_path: Path) -> None:
    text = TEXTS[name]
    for key, lines in sections(text):
        section = "".join(lines)
        assert told(name, f"{text}\n{section}", tmp_path) == [f"{key}: is given twice, first"]
        assert told(name, text.replace(section, f"{key}:\n{section}", 1), tmp_path) == [f"{key}: is given twice, first"]


def test_a_broken_line_elsewhere_changes_nothing_about_it(tmp_path: Path) -> None:
    key, text = next(each for each in halves(TEXTS["policy.yaml"]) if each[0] == "calendars")
    assert told("policy.yaml", f"{text}\nodd: [1\n", tmp_path) == [
        f"{key}: is given twice, first",
        ": is not valid YAML: a bracket is opened here and never closed",
    ]


def test_what_is_wrong_whichever_half_is_kept_is_told_beside_it(tmp_path: Path) -> None:
    key, text = next(each for each in halves(TEXTS["policy.yaml"]) if each[0] == "calendars")
    wrong = text.replace("calendar: always", "calendar: never", 1)
    assert wrong != text
    first, second = told("policy.yaml", wrong, tmp_path)
    assert first == f"{key}: is given twice, first"
    assert second.startswith("defaults.calendar: there is no calendar never")
