"""YAML documents: what is read, what is refused, and where problems say they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from ruamel.yaml import YAML

from connector.documents import (
    Duration,
    Names,
    PartlyRead,
    Share,
    Strict,
    checked,
    closest,
    duration_text,
    judged,
    parse,
    read,
    read_duration,
)
from connector.errors import ConfigError, Problem

keys = st.text(alphabet="abcdefgh_-%. ", min_size=1, max_size=8).filter(lambda k: k == k.strip())
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=20).filter(str.isprintable),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=15,
)


class Site(Strict):
    name: str
    kind: Literal["jira", "zendesk"]
    effects: Names = ()
    every: Duration = timedelta(minutes=1)
    share: Share = 0.3


class Root(Strict):
    sites: tuple[Site, ...]
    limits: Mapping[str, int] = Field(default_factory=dict)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        checked(Root, parse(text, file="c.yaml"))
    return [str(p) for p in caught.value.problems]


def judgements(text: str, path: Path) -> list[str]:
    """Return everything that is wrong with a file: what cannot be read of it, and what does not fit the model."""
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        judged(path, partial(checked, Root), shown="c.yaml")
    return [str(p) for p in caught.value.problems]


def refusals(text: str) -> tuple[Problem, ...]:
    try:
        parse(text, file="x")
    except ConfigError as error:
        return error.problems
    return ()


@given(plain)
def test_what_json_says_is_read_as_it_stands(value: object) -> None:
    assert parse(json.dumps(value, ensure_ascii=False), file="x").value == value


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused_with_a_place_in_the_file(text: str) -> None:
    lines = 2 + sum(text.count(end) for end in "\n\r\x85\u2028\u2029")
    assert all(p.file == "x" and p.message and p.line <= lines for p in refusals(text))


@given(st.dictionaries(keys, plain, min_size=1, max_size=5))
def test_every_key_has_the_place_where_it_stands(value: dict[str, object]) -> None:
    text = "\n".join(f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in value.items())
    document = parse(text, file="x")
    assert [document.place((k,)) for k in value] == [(n + 1, 1) for n in range(len(value))]


def test_country_codes_and_dates_and_times_stay_text() -> None:
    read_value = parse("a: NO\nno: off\nd: 2026-12-24\nt: 12:30\n75%: y\n501: anna\n", file="x").value
    assert read_value == {"a": "NO", "no": "off", "d": "2026-12-24", "t": "12:30", "75%": "y", "501": "anna"}


def test_numbers_follow_yaml_1_2() -> None:
    assert parse("[010, 0o17, 0x1f, 1_000, -3, 1e3, true, ~]", file="x").value == [
        10,
        15,
        31,
        1000,
        -3,
        1000.0,
        True,
        None,
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        pytest.param("a: 1\nb: 2\na: 3\n", 3, 1, "given twice, first in line 1", id="duplicate key"),
        pytest.param("a: {b: 1, b: 2}\n", 1, 11, "given twice", id="duplicate key inside"),
        pytest.param("a: 1\n---\nb: 1\n", 2, 1, "second document", id="second document"),
        pytest.param("a: !!python/object/apply:os.system [ls]\n", 1, 4, "tag", id="tag on a list"),
        pytest.param("a: !secret x\n", 1, 4, "tag", id="tag on text"),
        pytest.param('a: "\\ud83c"\n', 1, 4, "half a character", id="lone surrogate"),
        pytest.param("? [a]\n: 1\n", 1, 3, "key must be plain text", id="list as key"),
        pytest.param("a: .nan\n", 1, 4, "not a number", id="not a number"),
        pytest.param("? {a: 1}\n: 1\n", 1, 3, "key must be plain text", id="mapping as key"),
        pytest.param("a:\n  b: 1\n  : 2\n", 3, 3, "key must be plain text", id="stray colon"),
        pytest.param("a: {~: 2}\n", 1, 5, "key must be plain text", id="nothing as key"),
        pytest.param("!secret a: 2\n", 1, 1, "key must be plain text", id="tag on a key"),
        pytest.param('"\\ud83c": 2\n', 1, 1, "key must be plain text", id="half a character as key"),
        pytest.param("a: &x [1]\nb: {*x : 2}\n", 1, 4, "key must be plain text", id="alias of a list as key"),
        pytest.param("a: [1\nb: 2\n", 1, 4, "bracket is opened here and never closed", id="open bracket"),
        pytest.param("a: {b: 1\n", 1, 4, "bracket is opened here and never closed", id="open brace"),
        pytest.param('a:\n  b: "x\nc: 2\n', 2, 6, "quote is opened here and never closed", id="open quote"),
        pytest.param("a:\n\tb: 1\n", 2, 1, "not valid YAML", id="tab"),
        pytest.param("a:\n  b: c : d\n", 2, 8, "mapping values are not allowed here", id="two colons"),
        pytest.param("a: &x [*x]\n", 1, 1, "", id="alias of itself"),
        pytest.param("[" * 60 + "]" * 60, 1, 41, "nested deeper", id="deep"),
        pytest.param("a: &x 1\nb: &x 2\nc: *x\n", 2, 4, "the anchor x twice", id="an anchor twice"),
        pytest.param("a: &x 1\nb: [" + "*x, " * 101 + "]", 2, 405, "aliases", id="many aliases"),
        pytest.param("b: 1\na: \x07\n", 2, 4, "U+0007", id="control character"),
    ],
)
def test_refused_with_its_place(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, file="c.yaml")
    first = caught.value.problems[0]
    assert words in first.message
    assert first.remedy or not words
    assert not words or (first.line, first.column) == (line, column)


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 11)]
    with pytest.raises(ConfigError, match="aliases make it too large"):
        parse("\n".join(rows), file="c.yaml")


def test_a_large_file_is_refused_unread(tmp_path) -> None:
    path = tmp_path / "big.yaml"
    path.write_text("a: " + "x" * 1_000_001)
    with pytest.raises(ConfigError, match="larger than 1,000,000 bytes"):
        read(path)


def test_a_missing_file_and_a_wrong_encoding_are_named(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"no\.yaml: cannot be read"):
        read(tmp_path / "no.yaml", shown="no.yaml")
    (tmp_path / "latin.yaml").write_bytes("a: Grüße".encode("latin-1"))
    with pytest.raises(ConfigError, match="not UTF-8 at byte 5"):
        read(tmp_path / "latin.yaml")


def test_all_problems_at_once_with_places_and_remedies() -> None:
    text = "sites:\n  - name: a\n    kind: jria\n    efects: [fields]\n    every: soon\n"
    text += "  - kind: zendesk\nlimits: {x: many}\n"
    assert problems(text) == [
        "c.yaml:3:5: sites.0.kind: 'jria' is not known here (did you mean jira?)",
        "c.yaml:4:5: sites.0.efects: unknown key (did you mean effects?)",
        "c.yaml:5:5: sites.0.every: 'soon' is not a duration; write 30m, 4h, 1h30m or 3d",
        "c.yaml:6:5: sites.1.name: is missing (add it)",
        "c.yaml:7:10: limits.x: must be a whole number",
    ]


def test_an_empty_document_is_a_problem_not_a_crash() -> None:
    assert problems("") == ["c.yaml: must be a mapping"]


def test_one_name_may_stand_without_brackets() -> None:
    root = checked(Root, parse("sites: [{name: 7, kind: jira, effects: notes, share: 2%}]", file="c.yaml"))
    assert root.sites[0] == Site(name="7", kind="jira", effects=("notes",), share=0.02)


@given(st.integers(0, 10**7))
def test_durations_are_read_as_they_are_written(seconds: int) -> None:
    length = timedelta(seconds=seconds)
    assert read_duration(duration_text(length)) == length


@pytest.mark.parametrize("text", ["", "30", "1x", "-5m", "1h 30", "m", None, 5])
def test_what_is_not_a_duration(text: object) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        read_duration(text)


def test_closest_names_one_or_lists_few() -> None:
    assert closest("Fieds", ["fields", "notes"]) == "did you mean fields?"
    assert closest("zzz", ["b", "a"]) == "use a, b"
    assert closest("zzz", []) == ""


def test_a_round_trip_reader_agrees_on_the_values() -> None:
    text = "a: [1, {b: 'x: y'}]\nc: |\n  two\n  lines\n"
    assert parse(text, file="x").value == YAML(typ="safe", pure=True).load(text)


@pytest.mark.parametrize(("version", "value"), [("1.1", False), ("1.2", "no")])
def test_a_text_is_read_by_the_rules_of_the_version_that_it_names(version: str, value: object) -> None:
    assert parse(f"%YAML {version}\n---\na: no\n", file="x").value == {"a": value}


def test_a_character_that_json_writes_as_two_halves_is_one() -> None:
    assert parse(json.dumps({"😀": "a 😀 b"}), file="x").value == {"😀": "a 😀 b"}


@given(plain)
def test_what_a_reader_does_to_its_values_no_other_reader_sees(value: object) -> None:
    text = json.dumps({"a": [value]})
    first = parse(text, file="x")
    first.value["a"].append("more")
    first.value["b"] = 1
    again = parse(text, file="x")
    assert again.value == {"a": [value]}
    assert again.places == first.places


def test_the_same_text_of_two_files_has_each_files_name() -> None:
    assert [parse("a: 1\n", file=name).file for name in ("x", "y", "x")] == ["x", "y", "x"]


# ---- of a broken file the rest is judged as well


def test_a_key_given_twice_or_a_tag_hides_no_other_mistake(tmp_path) -> None:
    text = "sites:\n  - {name: a, name: b, kind: jria}\n  - {name: !!python/object x, kind: jira}\nlimit: {}\n"
    assert [line.partition(" (")[0] for line in judgements(text, tmp_path / "c.yaml")] == [
        "c.yaml:2:15: sites.0.name: is given twice, first in line 2",
        "c.yaml:3:12: sites.1.name: the tag python/object is not accepted",
        "c.yaml:2:24: sites.0.kind: 'jria' is not known here",
        "c.yaml:4:1: limit: unknown key",
    ]


def test_broken_syntax_hides_no_mistake_in_other_sections_nor_other_broken_syntax(tmp_path) -> None:
    text = "# first\n---\nsites:\n- name: a\n  kind: jria\nfirst: [1,\n"
    text += "limits: {a: x}\nsecond: 'open\nlimits: {}\nlimit: 3\n"
    found = judgements(text, tmp_path / "c.yaml")
    assert [line.partition(" (")[0] for line in found] == [
        "c.yaml:6:8: is not valid YAML: a bracket is opened here and never closed",
        "c.yaml:8:9: is not valid YAML: a quote is opened here and never closed",
        "c.yaml:9:1: limits: is given twice, first in line 7",
        "c.yaml:5:3: sites.0.kind: 'jria' is not known here",
        "c.yaml:7:10: limits.a: must be a whole number",
        "c.yaml:10:1: limit: unknown key",
    ]


def test_of_a_section_that_cannot_be_read_nothing_is_said_but_that(tmp_path) -> None:
    """Neither that it is missing nor that it is empty; nor where another section's anchor stands in a broken one."""
    (line,) = judgements("sites: [{name: a, kind: jira\n", tmp_path / "c.yaml")
    assert "is not valid YAML" in line
    (line,) = judgements("limits: &l {a: 1]\nsites: [{name: a, kind: jira, effects: *l}]\n", tmp_path / "c.yaml")
    assert "is not valid YAML" in line


@given(
    st.dictionaries(st.sampled_from("abcdef"), plain, min_size=1), st.sampled_from("abcdef"), st.sampled_from("[{'\"")
)
def test_what_can_be_read_of_a_broken_file_is_what_it_says(values: dict[str, object], key: str, opening: str) -> None:
    """One section is broken: every other has its value, and its place is where it stands."""
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    broken = [f"{name}: {opening}" if name == key else line for name, line in zip(values, lines, strict=True)]
    if key not in values:
        broken.append(f"{key}: {opening}")
    with pytest.raises(PartlyRead) as caught:
        parse("\n".join(broken) + "\n", file="x")
    rest = caught.value.document
    assert rest.value == {**values, key: None}
    assert [rest.place((name,))[0] for name in rest.value] == list(range(1, len(broken) + 1))
    assert caught.value.unread == {(), (key,)}


def test_a_key_that_is_no_text_is_told_and_what_it_may_hold_is_not_missed(tmp_path) -> None:
    """Whatever the mapping lacks, or another part of the file refers to, may stand under that key."""
    text = "sites:\n  - ? [name]\n    : a\n    kind: jira\nlimits:\n  x: many\n  : 3\n"
    assert judgements(text, tmp_path / "c.yaml") == [
        "c.yaml:2:7: sites.0: a key must be plain text (put quotes around it)",
        "c.yaml:7:3: limits: a key must be plain text (write a name before the colon)",
    ]
    text = "? [sites]\n: [{name: a, kind: jira}]\nlimits: {x: many}\n"
    assert judgements(text, tmp_path / "c.yaml") == [
        "c.yaml:1:3: a key must be plain text (put quotes around it)",
        "c.yaml:3:10: limits.x: must be a whole number",
    ]


@given(
    st.dictionaries(keys, plain, min_size=1, max_size=4),
    st.sampled_from(["? [a, b]\n: 1", "? {a: b}\n: 1", ": 1", "~: 1", "null: 1", "!x y: 1"]),
    st.sampled_from(["", "  "]),
    st.integers(0, 3),
)
def test_no_mapping_with_a_key_that_is_no_text_is_taken_for_whole(
    value: dict[str, object], bad: str, indent: str, at: int
) -> None:
    lines = [f"{json.dumps(name)}: {json.dumps(each, ensure_ascii=False)}" for name, each in value.items()]
    lines.insert(at, bad)
    told = "\n".join(indent + line for line in "\n".join(lines).split("\n"))
    with pytest.raises(PartlyRead) as caught:
        parse(f"outer:\n{told}\n" if indent else f"{told}\n", file="x")
    (problem,) = caught.value.problems
    assert problem.message == "a key must be plain text"
    assert caught.value.unread == {("outer",) if indent else ()}


def test_a_section_whose_key_lost_its_colon_is_not_called_missing(tmp_path) -> None:
    """It stands in the text of the section before it, which is broken by it."""
    (line,) = judgements("limits:\n  a: 1\nsites\n  - {name: a, kind: jira}\n", tmp_path / "c.yaml")
    assert "is not valid YAML" in line


def test_the_bracket_that_is_left_open_is_named_where_the_error_shows_later(tmp_path) -> None:
    text = "limits: {a: 1}\nsites:\n  - {name: [a,\n     kind: jira}\n"
    (line,) = judgements(text, tmp_path / "c.yaml")
    assert line.startswith("c.yaml:4:")
    assert line.endswith("(fix the syntax here, or close the bracket of line 3)")


def test_a_file_of_very_many_sections_is_not_taken_apart() -> None:
    (found,) = refusals("".join(f"k{n}: ]\n" for n in range(1000)))
    assert "is not valid YAML" in found.message
