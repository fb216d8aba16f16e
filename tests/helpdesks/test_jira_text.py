"""Text on its way to Jira: shown as written, in ADF and in wiki text, and never obeyed."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.helpdesks.jira.text import LONGEST_COMMENT, adf, plain, plain_of, refers_to, wiki, wiki_note
from connector.helpdesks.plaintext import clean, truncated, utf8, utf16
from connector.sandbox.wiki import render

JOINER = "\u2060"
HOSTILE = (
    "[~accountid:5fc9e78d2730d800760becc4]",
    "[~admin]",
    "[click|http://evil.example]",
    "[http://evil.example]",
    "http://evil.example/a?b=c#d",
    "HTTPS://EVIL.EXAMPLE",
    "www.evil.example",
    "mailto:a@b.example",
    "file:///etc/passwd",
    "anna@desk.example",
    "!http://evil.example/pixel.png!",
    "!pixel.png|width=1!",
    "{html}<script>{html}",
    "{code:java}x{code}",
    "{noformat}x{noformat}",
    "{color:red}x{color}",
    "{{mono}}",
    "*bold* _it_ +ins+ -del- ^up^ ~down~ ??cite??",
    "h1. Heading",
    "  bq. quote",
    "* item\n** item\n# item\n- item",
    "||head||\n|cell|",
    "----",
    "(!) (/) (x) (y) :) :D :P ;) :-)",
    "SUP-1 ESC-1234567890",
    "\\[~admin]",
    "\\\\[~admin]",
    "C:\\temp \\\\server\\share \\ ",
    "\\",
    "\u202e[~admin]\u202c",
    "[\u200b~admin]",
    "{\x00code}",
)
WHAT_THEY_ARE_MADE_OF = "".join(sorted({c for text in HOSTILE for c in text}))
hostile = st.one_of(
    st.lists(st.sampled_from(HOSTILE) | st.text(alphabet=WHAT_THEY_ARE_MADE_OF, max_size=20), max_size=6).map("".join),
    st.text(max_size=200),
)


def nodes(document: Any) -> list[dict[str, Any]]:
    return [document, *(n for child in document.get("content", ()) for n in nodes(child))]


_KINDS = st.sampled_from(
    ["doc", "paragraph", "text", "hardBreak", "panel", "codeBlock", "mention", "emoji", "odd", 5, None]
)
_ATTRIBUTES = st.dictionaries(st.sampled_from(["text", "shortName", "url", "level"]), st.sampled_from(["@A", ":b:", 3]))
_TEXTS = st.one_of(st.none(), st.text(max_size=5), st.just(7))
_DOCUMENTS = st.recursive(
    st.one_of(st.text(max_size=5), st.none(), st.fixed_dictionaries({}, optional={"type": _KINDS, "text": _TEXTS})),
    lambda inner: st.fixed_dictionaries(
        {"type": _KINDS},
        optional={
            "text": _TEXTS,
            "attrs": _ATTRIBUTES,
            "content": st.one_of(st.lists(inner, max_size=4), st.just("x")),
        },
    ),
    max_leaves=12,
)


class TestAdf:
    @given(hostile)
    def test_there_is_nothing_but_text(self, text: str) -> None:
        document = adf(text)
        assert {node["type"] for node in nodes(document)} <= {"doc", "paragraph", "text", "hardBreak"}
        assert all(set(node) <= {"type", "text", "content", "version"} for node in nodes(document))
        json.dumps(document, ensure_ascii=False).encode()

    @given(hostile)
    def test_it_reads_as_written(self, text: str) -> None:
        def squeeze(shown: str) -> str:
            return re.sub(r"\s+", " ", shown).strip()

        assert squeeze(plain(adf(text))) == squeeze(clean(text))

    @given(st.text(min_size=1, max_size=20).map(lambda unit: unit * (40_000 // len(unit))))
    def test_it_fits(self, text: str) -> None:
        assert utf16("".join(n.get("text", "") for n in nodes(adf(text)))) <= LONGEST_COMMENT

    def test_paragraphs_and_lines_are_kept(self) -> None:
        assert plain(adf("one\ntwo\n\nthree")) == "one\ntwo\nthree"

    @pytest.mark.parametrize(
        ("node", "text"),
        [
            ({"type": "mention", "attrs": {"id": "1", "text": "@Anna"}}, "@Anna"),
            ({"type": "emoji", "attrs": {"shortName": ":fire:"}}, ":fire:"),
            ({"type": "inlineCard", "attrs": {"url": "https://x.example"}}, "https://x.example"),
            ({"type": "media", "attrs": {"id": 5}}, ""),
            ({"type": "text", "text": None}, ""),
            ({"type": "text"}, ""),
            ({"type": "unheard of", "content": [{"type": "text", "text": "inside"}]}, "inside"),
            ({"content": "not a list"}, ""),
            ("not a node", ""),
        ],
    )
    def test_what_others_wrote_is_read(self, node: Any, text: str) -> None:
        assert plain({"type": "doc", "content": [node]}) == text

    @given(_DOCUMENTS)
    @example({"type": "doc", "content": ["b", {"type": "text", "text": "c"}]})
    @example(
        {
            "type": "doc",
            "content": [
                {"type": "rule"},
                {"type": "text", "text": "b"},
                {"type": "rule"},
                {"type": "text", "text": "c"},
            ],
        }
    )
    @example(
        {
            "type": "doc",
            "content": [
                {"type": "text", "text": "b"},
                {"type": "panel", "attrs": {"level": 3}, "content": [{"type": "text", "text": "c"}]},
            ],
        }
    )
    @example(
        {
            "type": "doc",
            "content": [
                {"type": "hardBreak", "text": "b"},
                {"type": "text", "text": "c"},
                {"type": "hardBreak", "attrs": {"text": "@A"}},
                {"type": "text", "text": "d"},
            ],
        }
    )
    def test_a_document_reads_the_same_from_its_bytes(self, document: Any) -> None:
        assert plain_of(msgspec.Raw(json.dumps(document).encode())) == plain(document)

    def test_depth_is_survived(self) -> None:
        document: dict[str, Any] = {"type": "text", "text": "deep"}
        for _ in range(500):
            document = {"type": "panel", "content": [document]}
        assert "deep" not in plain(document)


class TestWiki:
    @pytest.mark.parametrize("text", HOSTILE)
    def test_nothing_in_a_hostile_text_comes_alive(self, text: str) -> None:
        assert render(wiki(text)).live == ()

    def test_the_corpus_is_hostile(self) -> None:
        alive = [text for text in HOSTILE if render(text).live]
        assert len(alive) > len(HOSTILE) * 0.7

    def test_nothing_comes_alive_in_any_pair(self) -> None:
        texts = [first + glue + second for first in HOSTILE for second in HOSTILE for glue in ("", " ", "\n")]
        assert len(texts) >= 1000
        assert [text for text in texts if render(wiki(text)).live] == []

    @given(hostile)
    def test_nothing_comes_alive(self, text: str) -> None:
        assert render(wiki(text)).live == ()

    @given(hostile)
    def test_it_reads_as_written(self, text: str) -> None:
        assert render(wiki(text)).text.replace(JOINER, "") == clean(text)

    @given(st.text(alphabet=WHAT_THEY_ARE_MADE_OF, min_size=1, max_size=10).map(lambda unit: unit * 4000))
    def test_it_fits_with_all_its_escapes(self, text: str) -> None:
        note = wiki_note(text, "ESC-0123456789")
        assert utf16(note) <= LONGEST_COMMENT
        assert refers_to(note, "ESC-0123456789")

    @given(hostile)
    def test_the_reference_is_read_and_found_again(self, text: str) -> None:
        note = wiki_note(text, "ESC-0A1B2C3D4E")
        assert render(note).text.endswith("\n\nRef ESC-0A1B2C3D4E")
        assert refers_to(adf(render(note).text), "ESC-0A1B2C3D4E")
        assert refers_to(note, "ESC-0A1B2C3D4E")  # a site that gives wiki text back as it came

    @pytest.mark.parametrize("text", ["Ref ESC-0A1B2C3D4", "Ref ESC-0A1B2C3D4E5", "ESC-0A1B2C3D4E", "Ref", ""])
    def test_another_reference_is_another(self, text: str) -> None:
        assert not refers_to(adf(text), "ESC-0A1B2C3D4E")


class TestPlainText:
    @given(st.text(max_size=100) | st.text(alphabet="a字\u200b\u202e\n\ufe00\ufe0f\U000e0100\U000e01ef", max_size=12))
    def test_cleaning_is_done_once(self, text: str) -> None:
        assert clean(clean(text)) == clean(text)

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("a\r\nb\rc\x85d\u2028e", "a\nb\nc\nd\ne"),
            ("tab\tstays", "tab\tstays"),
            ("\ufeffa\u200bb\u2060c\x00d\ud800e\uffffe\U0001fffe", "abcdee"),
            ("\u202etxt.exe\u202c", "txt.exe"),
            ("hidden\U000e0041\U000e0042", "hidden"),
            ("blank\u034f\u115f\u1160\u3164\uffa0 letters", "blank letters"),
            ("bytes" + "".join(map(chr, range(0xE0100, 0xE0110))), "bytes"),
            ("\u2764" + "".join(map(chr, range(0xFE00, 0xFE10))), "\u2764\ufe00"),
            ("葛\U000e0100飾\U000e0101\U000e0102\ufe00", "葛\U000e0100飾\U000e0101"),
            ("\u2764\ufe0f 1\ufe0f\u20e3 한국어", "\u2764\ufe0f 1\ufe0f\u20e3 한국어"),
            ("می\u200cخواهم 👩🏽\u200d💻", "می\u200cخواهم 👩🏽\u200d💻"),
        ],
    )
    def test_what_hides_or_steers_is_gone(self, text: str, shown: str) -> None:
        assert clean(text) == shown

    @given(st.text(max_size=60), st.integers(min_value=3, max_value=80))
    def test_a_cut_fits_and_is_a_beginning(self, text: str, limit: int) -> None:
        safe = clean(text)
        cut = truncated(safe, limit)
        assert utf8(cut) <= limit
        assert cut == safe or (cut.endswith("…") and safe.startswith(cut[:-1]))

    @pytest.mark.parametrize("character", ["é", "👩🏽\u200d💻", "🇩🇪", "각", "한", "ก็", "\N{HEAVY BLACK HEART}\ufe0f"])
    @pytest.mark.parametrize("before", ["", "a", "日本"])
    def test_a_cut_never_falls_inside_of_what_is_seen_as_one(self, character: str, before: str) -> None:
        text = before + character * 6
        for limit in range(3, utf8(text)):
            shown = truncated(text, limit).removesuffix("…").removeprefix(before)
            assert shown == character * (len(shown) // len(character)) or before.startswith(shown), (limit, shown)

    def test_a_pile_of_marks_is_cut_through(self) -> None:
        assert utf8(truncated("a" + "\u0301" * 100_000, 1000)) <= 1000
