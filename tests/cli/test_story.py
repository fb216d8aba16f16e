"""The demo's story: one line per write, one order whoever is quicker, what is left to people once."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connector.cli.story import Story
from connector.domain.change import Comment, Field, FieldChange, Notice, Write
from connector.domain.occasion import level
from connector.domain.site import Effect
from connector.domain.ticket import TicketRef

AT = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
OCCASION = level("default", AT, 2)


class Town:
    """People's acts and the time, as the sandbox tells them."""

    def __init__(self) -> None:
        self.at = AT
        self.facts: list[dict[str, Any]] = []

    def now(self) -> datetime:
        return self.at

    def truth(self, site: str | None = None, *, since: int = 0, **_: Any) -> list[dict[str, Any]]:
        return [f for f in self.facts if f["seq"] > since and site in {None, f["site"]}]

    def view(self, site: str) -> list[dict[str, Any]]:
        return [{"id": "10010", "ticket": "SUP-10", "subject": f"down at {site}"}, {"id": "12", "subject": "slow"}]

    def fact(self, kind: str, data: dict[str, Any], *, ticket: str = "SUP-10", via: str = "people") -> None:
        site = "jsm" if ticket.startswith("SUP") else "zd"
        seq = len(self.facts) + 1
        about = {"site": site, "ticket": ticket, "actor": "anna", "via": via, "kind": kind}
        self.facts.append({"seq": seq, "at": self.at.isoformat(), "data": data, **about})


def field(name: Field, before: str | None, after: str, reason: str = "path default, level 2: not acknowledged") -> Any:
    return FieldChange(field=name, before=before, after=after, reason=reason, occasion=OCCASION)


def comment(reason: str) -> Comment:
    notice = Notice(
        occasion=OCCASION, audience=Effect.NOTES, template="escalated", locale="de", values={}, reason=reason
    )
    return Comment(notice=notice, key="ab" * 32, body="SUP-10 wurde eskaliert.\nMehr.")


def write(*fields: FieldChange, said: Comment | None = None) -> Write:
    return Write(ref=TicketRef("jsm", "10010"), key="k", seen="1", fields=fields, comment=said)


def told(story: Story, stream: io.StringIO) -> list[str]:
    story.close()
    return stream.getvalue().splitlines()


def test_a_write_is_one_line_and_its_reason_stands_once() -> None:
    town, stream = Town(), io.StringIO()
    story = Story(town, stream)
    first = write(
        field(Field.PATH, None, "default"),
        field(Field.LEVEL, "1", "2"),
        field(Field.GROUP, "service-desk", "second-line"),
        field(Field.NEXT_DUE, None, "2026-11-23T09:00+00:00", "next deadline"),
    )
    story.event("write_done", site="jsm", ticket="SUP-10", write=first)
    second = write(said=comment("level 2 of path default: not acknowledged"))
    story.event("write_done", site="jsm", ticket="SUP-10", write=second)
    assert told(story, stream) == [
        "07:00 > jsm      SUP-10  path default level 2, group service-desk → second-line — not acknowledged",
        "07:00 > jsm      SUP-10  note (de) “SUP-10 wurde eskaliert.”",
    ]
    assert (story.writes, story.touched) == (2, {("jsm", "SUP-10"): 2})


def test_a_due_time_is_told_where_nothing_else_was_written() -> None:
    town, stream = Town(), io.StringIO()
    story = Story(town, stream)
    alone = write(field(Field.NEXT_DUE, None, "2026-11-23T09:00+00:00", "next deadline"))
    story.event("write_done", site="jsm", ticket="SUP-10", write=alone)
    assert told(story, stream) == ["07:00 > jsm      SUP-10  next due 23 Nov 09:00"]


def test_what_people_do_at_once_is_one_line() -> None:
    town, stream = Town(), io.StringIO()
    story = Story(town, stream)
    town.fact("ticket", {"event": "created"})
    town.fact("comment", {"public": True, "body": "the text of a new ticket is not repeated"})
    town.fact("field", {"name": "impact", "before": None, "after": "site"}, ticket="12")
    town.fact("field", {"name": "labels", "before": ["a"], "after": ["a", "b"]}, ticket="12")
    town.fact("field", {"name": "status", "before": "new", "after": "open"}, via="api", ticket="12")
    assert told(story, stream) == [
        "07:00   jsm      SUP-10  anna: opens “down at jsm”",
        "07:00   zd       #12     anna: impact site, labels a → a b",
    ]


def test_what_is_left_to_people_is_told_once_for_each_reason() -> None:
    town, stream = Town(), io.StringIO()
    story = Story(town, stream)
    for why in ("held by anna", "held by anna", "held by ben"):
        story.event("left_alone", site="zd", ticket="#12", what="priority", why=why)
        town.at += timedelta(minutes=5)
    assert told(story, stream) == [
        "07:00 = zd       #12     left to people: priority — held by anna",
        "07:10 = zd       #12     left to people: priority — held by ben",
    ]
    assert story.left == 2


@given(st.permutations(["jsm", "zd"] * 3))
def test_whichever_site_is_quicker_the_story_is_the_same(order: list[str]) -> None:
    stories = []
    for sites in (order, sorted(order)):
        town, stream = Town(), io.StringIO()
        story = Story(town, stream)
        made = dict.fromkeys(sites, 0)
        for site in sites:
            made[site] += 1
            change = field(Field.LEVEL, str(made[site]), str(made[site] + 1))
            story.event("write_done", site=site, ticket="#1", write=write(change))
        assert stream.getvalue() == ""  # the moment is not over
        town.at += timedelta(minutes=1)
        story.event("run_started")
        stories.append(stream.getvalue())
    assert stories[0] == stories[1]
    assert stories[0].count("\n") == len(order)
