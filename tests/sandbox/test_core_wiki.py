"""Wiki markup: what is live is seen, what is escaped is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.sandbox.wiki import render

LIVE = [
    ("hi [~accountid:qm:anna]", "mention", "accountid:qm:anna"),
    ("[~anna]", "mention", "anna"),
    ("see [here|https://evil.example/x]", "link", "https://evil.example/x"),
    ("[https://evil.example]", "link", "https://evil.example"),
    ("[^file.exe]", "link", "^file.exe"),
    ("go to https://evil.example/x now", "autolink", "https://evil.example/x"),
    ("write to a.b@c.example", "autolink", "a.b@c.example"),
    ("!https://evil.example/pixel.png!", "image", "https://evil.example/pixel.png"),
    ("!shot.png|thumbnail!", "image", "shot.png"),
    ("{html}<b>{html}", "macro", "html"),
    ("{color:red}x{color}", "macro", "color"),
    ("{code:java}[~anna]{code}", "macro", "code"),
    ("h1. Loud", "block", "h1."),
    ("* item", "block", "*"),
    ("text\n|cell|cell|", "block", "|"),
    ("bq. quoted", "block", "bq."),
    ("*bold*", "emphasis", "*"),
    ("a -struck- b", "emphasis", "-"),
    ("{{mono}}", "emphasis", "mono"),
    ("blame SUP-12", "ticket", "SUP-12"),
    ("fine (!)", "icon", "(!)"),
]


@pytest.mark.parametrize(("source", "kind", "target"), LIVE)
def test_markup_is_seen(source: str, kind: str, target: str) -> None:
    assert (kind, target) in {(live.kind, live.target) for live in render(source).live}


@pytest.mark.parametrize(
    "source",
    ["a-b-c and x_y_z, 3*4*5", "C'est 50 % !", "[just words]", "{ not a macro }", "don't panic - yet", "100! 200!"],
)
def test_ordinary_text_stays_text(source: str) -> None:
    assert render(source) == render(source).__class__(text=source, live=())


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\\"), max_size=60))
def test_escaping_every_sign_leaves_nothing_live_but_bare_words(text: str) -> None:
    escaped = "".join(char if char.isalnum() or char.isspace() or char == "_" else "\\" + char for char in text)
    rendered = render(escaped)
    assert rendered.of("mention", "link", "image", "macro", "icon") == ()


@pytest.mark.parametrize(("source", "_kind", "target"), [row for row in LIVE if row[1] in ("mention", "link", "macro")])
def test_escaped_markup_reads_as_it_was_typed(source: str, _kind: str, target: str) -> None:
    escaped = "".join("\\" + char if char in "[]{}|^~" else char for char in source)
    assert render(escaped).of("mention", "link", "macro") == ()
    assert render(escaped).text == source


def test_inside_a_verbatim_macro_nothing_else_lives() -> None:
    assert render("{noformat}[~anna] !x.png!{noformat}").of("mention", "image") == ()
