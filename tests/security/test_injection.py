"""A thousand hostile strings through every renderer: nothing comes alive, judged by readers that are not ours."""

from __future__ import annotations

import io
import json
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connector.cli.log import Log
from connector.cli.show import emit_json, emit_table, put, say
from connector.domain.change import Comment, Notice
from connector.domain.occasion import Occasion
from connector.domain.reason import Reason, ReasonKind
from connector.domain.site import Effect
from connector.helpdesks.jira.text import adf, wiki, wiki_note
from connector.helpdesks.jira.wire import open_jql
from connector.helpdesks.zendesk.text import safe_body
from connector.render import VOCABULARY, TextRenderer, load_templates
from connector.render.vocabulary import REASON_NAMES
from tests.helpdesks.contract import note
from tests.security.injections import injections
from tests.security.judges import (
    addresses,
    hidden,
    live_in_adf,
    live_in_wiki,
    live_in_zendesk,
    text_of_adf,
)

CORPUS = injections()
STARTER = Path(__file__).parents[2] / "mappings" / "templates"
RENDERER = TextRenderer(load_templates(STARTER, locales=("en", "de", "ja")), timezone="UTC", fallback=("en",))
OURS = "https://acme.example/browse/SUP-14"


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 1000


def test_the_judges_see_what_is_alive() -> None:
    """Unescaped, the same corpus is full of life: otherwise the tests below could not fail."""
    some = CORPUS[::4]
    assert sum(bool(live_in_wiki(text)) for text in some) > 100
    assert sum(bool(live_in_zendesk(text, links=True)) for text in some) > 60
    assert sum(bool(addresses(text)) for text in some) > 40
    assert sum(bool(hidden(text)) for text in some) > 50
    assert live_in_adf({"type": "doc", "content": [{"type": "mention", "attrs": {}}]})


def test_adf_is_text_alone() -> None:
    for text in CORPUS:
        document = adf(text)
        assert live_in_adf(document) == []
        assert hidden(text_of_adf(document)) == [], text


def test_wiki_notes_are_dead() -> None:
    for text in CORPUS:
        assert live_in_wiki(wiki(text)) == [], text
        assert live_in_wiki(wiki_note(text, "ESC-1234567890")) == [], text
        assert hidden(wiki(text)) == [], text


def test_zendesk_bodies_are_dead() -> None:
    for text in CORPUS:
        body = safe_body(text)
        assert live_in_zendesk(body, links=False) == [], text
        assert hidden(body) == [], text


def rendered(value: str, template: str, locale: str) -> str:
    values = {**dict.fromkeys(VOCABULARY, value), "url": OURS, "clock": "resolution"}
    about = Occasion("level", ("default", "20261123T150000Z", "2"))
    notice = Notice(occasion=about, audience=Effect.NOTES, template=template, locale=locale, values=values, reason="r")
    whys = [Reason(kind, dict.fromkeys(REASON_NAMES - {"kind"}, value)) for kind in ReasonKind]
    notice = replace(notice, why=whys[-1], also=tuple(whys))
    return RENDERER.render(notice)


@pytest.mark.parametrize(("template", "locale"), [("escalated", "en"), ("hold", "de"), ("breached", "ja")])
def test_from_a_ticket_to_every_helpdesk_nothing_is_live(template: str, locale: str, *, full: bool) -> None:
    """Values go through our templates: no link but the ticket's own, no mention, no placeholder, in any helpdesk."""
    for value in CORPUS if full else CORPUS[::31]:
        text = rendered(value, template, locale)
        assert len(text) <= 8_000
        assert [a for a in addresses(text) if a != OURS] == [], value
        assert live_in_adf(adf(text)) == []
        assert live_in_wiki(wiki(text)) == [], value
        assert live_in_zendesk(safe_body(text.replace(OURS, "")), links=True) == [], value
        assert hidden(text) == [], value


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


_OWN_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def test_tables_for_people_cannot_steer_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    emit_table(("what", "why"), [(text, "because") for text in CORPUS if len(text) < 300])
    assert hidden(_OWN_COLOURS.sub("", screen.getvalue())) == []


def test_lines_for_pipes_keep_their_columns_and_are_no_formulas(capsys: pytest.CaptureFixture[str]) -> None:
    emit_table(("what", "why", "n"), [(text, "because", -5) for text in CORPUS])
    lines = capsys.readouterr().out.removesuffix("\n").split("\n")[1:]
    assert len(lines) == len(CORPUS)
    assert all(line.count("\t") == 2 for line in lines)
    assert not any(line.startswith(("=", "+", "@", "-")) for line in lines)
    assert all(line.endswith("\tbecause\t-5") for line in lines)
    assert hidden("\n".join(lines)) == []


def test_json_says_exactly_what_was_given_and_hides_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    emit_json("corpus", texts=list(CORPUS))
    out = capsys.readouterr().out
    assert json.loads(out)["texts"] == list(CORPUS)
    assert out.count("\n") == 1
    assert hidden(out) == []


def test_sentences_hide_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    for text in CORPUS:
        put(text)
        say(text)
    told = capsys.readouterr()
    assert hidden(told.out) == []
    assert hidden(told.err) == []


@pytest.mark.parametrize("form", ["json", "text"])
def test_one_event_is_one_line_of_the_log(form: str) -> None:
    stream = io.StringIO()
    log = Log(lambda: datetime(2026, 11, 22, tzinfo=UTC), level="debug", form=form, stream=stream)
    for text in CORPUS:
        log.event("write_parked", site=text, ticket=text, why=text)
    lines = stream.getvalue().removesuffix("\n").split("\n")
    assert len(lines) == len(CORPUS)
    assert hidden(stream.getvalue()) == []
    if form == "json":
        assert [json.loads(line)["why"] for line in lines] == list(CORPUS)
        assert {json.loads(line)["event"] for line in lines} == {"write_parked"}


def test_a_query_cannot_be_left() -> None:
    for text in CORPUS:
        query = open_jql([text])
        quoted = re.fullmatch(r'project in \("((?:[^"\\]|\\.)*)"\) AND .*', query, re.DOTALL)
        assert quoted is not None, text
        assert re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL) == text


def test_the_log_carries_no_text_of_a_comment() -> None:
    from connector.cli.log import write_words  # noqa: PLC0415 - the one function that words a write
    from connector.domain.change import Write  # noqa: PLC0415
    from connector.domain.ticket import TicketRef  # noqa: PLC0415

    said: Comment = note(TicketRef("j", "7"), "canary-of-a-text")
    write: Any = Write(ref=TicketRef("j", "7"), key="k", seen="1", comment=said)
    assert "canary" not in " ".join(write_words(write))
