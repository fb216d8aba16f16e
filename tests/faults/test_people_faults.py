"""People, groups and options that change under us, rivals, and lost races: the whole engine on simulated sites.

Ground truth is the site's own ledger; the connector never sees it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.domain.policy import AssignMode, Level, LevelTarget, Policy, TargetKind
from connector.domain.policy import Path as EscalationPath
from connector.domain.site import Effect
from connector.engine.gather import situations
from connector.journal import open_journal
from connector.ports import Alarm, AlarmKind
from connector.sandbox.core.ledger import Entry
from connector.sandbox.core.site import NewTicket
from tests.canaries import BODY, SUBJECT
from tests.gates.site import POLICY, Passes, sandbox

KINDS = ("jira", "zendesk")
GROUP, USER = TargetKind.GROUP, TargetKind.USER


class Ears:
    """A notifier that remembers."""

    def __init__(self) -> None:
        self.alarms: list[Alarm] = []

    def alarm(self, alarm: Alarm) -> None:
        self.alarms.append(alarm)

    def ping(self, *, ok: bool) -> None:
        """Nobody asks."""


class Shelf:
    """One policy, put together for a test."""

    def __init__(self, *levels: Level) -> None:
        path = EscalationPath(name="default", levels=levels)
        rules = dataclasses.replace(POLICY.escalation, paths={**POLICY.escalation.paths, "default": path})
        self.policy: Policy = dataclasses.replace(POLICY, escalation=rules) if levels else POLICY

    def current(self) -> Policy:
        return self.policy

    def document(self, _digest: str) -> str | None:
        return None


class Story:
    """One simulated site under the connector, with everything on."""

    def __init__(self, kind: str, passes: Passes, ears: Ears) -> None:
        self.kind = kind
        self.passes = passes
        self.ears = ears
        self.running = passes.running

    @property
    def people(self) -> Any:
        return self.running.site(self.kind).people

    def opened(self, **values: Any) -> str:
        """Return what people call a new ticket: site-wide and blocked, hence P1, unless told otherwise."""
        told = {"impact": "site", "urgency": "blocked", "priority": "P3", **values}
        new = NewTicket(subject=SUBJECT, body=BODY, requester="jonas", **told)
        ticket = str(self.people.create_ticket(new))
        self.running.clock.advance(timedelta(minutes=6))  # a new ticket is not found at once everywhere
        return ticket

    def is_a_program(self, key: str) -> None:
        """Say so in the site's map: on Zendesk a bot has an agent's account. Jira knows by itself."""
        if self.kind == "zendesk":
            roles = self.passes.ports.reader._roles
            id_ = str(self.people.clerk.desk.directory.user(key).id)
            roles._fields = dataclasses.replace(roles._fields, automations=frozenset({id_}))

    def pass_(self, *, minutes: float = 1) -> Any:
        self.running.clock.advance(timedelta(minutes=minutes))
        return self.passes.run()

    def live(self, ticket: str) -> dict[str, Any]:
        rows = self.running.site(self.kind).view()
        return next(r for r in rows if str(r["ticket"]) == ticket or str(r["id"]) == ticket)

    def ours(self, ticket: str, name: str) -> list[Any]:
        """Return the values that we gave to a field, in order."""
        of = {ticket, str(self.live(ticket)["id"])}
        facts = [f for f in self.running.facts if f.site == self.kind and f.kind == "field" and f.ticket in of]
        return [f.data["after"] for f in facts if f.via == "api" and f.data["name"] == name]

    def stored(self, ticket: str) -> Any:
        (found,) = self.passes.journal.load(
            self.kind, [str(self.live(ticket)["id"])], now=self.passes.around.clock.now()
        )
        return found

    def explained(self, ticket: str) -> list[str]:
        lines = self.passes.journal.records().standoffs(site=self.kind)
        return [why for ref, why in lines if ref.id == str(self.live(ticket)["id"])]


@contextmanager
def story(kind: str, folder: Path, *levels: Level, **options: Any) -> Iterator[Story]:
    with sandbox(kind, 0, **options) as running, open_journal(str(folder / "state.db"), least_free=0) as journal:
        passes = Passes(running, kind, journal, folder / "state.db", effects=frozenset(Effect))
        ears = Ears()
        passes.around = dataclasses.replace(passes.around, notifier=ears, policies=Shelf(*levels))
        yield Story(kind, passes, ears)


def level(number: int, target: LevelTarget, *, fallback: LevelTarget | None = None) -> Level:
    by = AssignMode.PERSON if target.kind is USER else AssignMode.GROUP
    return Level(level=number, target=target, within=timedelta(minutes=30), fallback=fallback, assign=by)


def lose_option(told: Story, name: str) -> None:
    """An administrator removes an option that our group field needs (Jira), or renames a priority's value."""
    catalog = told.running.site("jira").people._state.catalog
    field = "customfield_10114"
    catalog.choices[field] = tuple(o for o in catalog.choices[field] if o.name != name)


def test_fault_35_an_option_that_was_removed_costs_its_own_field_alone(tmp_path: Path) -> None:
    """The group's option is gone: priority, path and level are written, the group is not tried over and over."""
    with story("jira", tmp_path) as told:
        lose_option(told, "service-desk")
        ticket, other = told.opened(), told.opened(impact="team", urgency="degraded")
        told.pass_()
        live = told.live(ticket)
        assert (live["priority"], live["group"], live["fields"]["level"]) == ("P1", None, 1)
        before = told.passes.writes
        for _ in range(3):
            told.pass_(minutes=2)
        assert told.passes.writes == before, "what the site refused is not sent again"
        assert told.live(other) is not None


def test_fault_35_a_value_that_the_map_does_not_know_is_never_overwritten(tmp_path: Path) -> None:
    """Somebody renamed a priority: what stands there now is unknown, so it is left as it is and said."""
    with story("jira", tmp_path) as told:
        ticket = told.opened()
        reader = told.passes.ports.reader
        known = {p: v for p, v in reader.shape.fields.priorities.items() if p.name != "P3"}
        reader._shape = dataclasses.replace(
            reader.shape, fields=dataclasses.replace(reader.shape.fields, priorities=known)
        )
        told.pass_()
        assert told.ours(ticket, "priority") == []
        assert told.live(ticket)["priority"] == "P3"
        assert told.live(ticket)["fields"]["level"] == 1, "the rest goes on"


def test_fault_36_a_deactivated_assignee_makes_way_for_the_fallback_group(tmp_path: Path) -> None:
    """The person is gone: the fallback's group gets the ticket, and nobody is assigned."""
    first = level(1, LevelTarget(USER, "ben"), fallback=LevelTarget(GROUP, "second-line"))
    with story("zendesk", tmp_path, first) as told:
        told.people.clerk.desk.directory.user("ben").active = False
        ticket = told.opened()
        told.pass_()
        live = told.live(ticket)
        assert (live["priority"], live["group"], live["assignee"]) == ("P1", "second-line", None)


def test_fault_36_a_deactivated_assignee_without_a_fallback_leaves_it_unassigned_and_loud(tmp_path: Path) -> None:
    """Nobody is left: nothing is assigned and nothing is cleared, and people hear of it at once."""
    with story("zendesk", tmp_path, level(1, LevelTarget(USER, "ben"))) as told:
        told.people.clerk.desk.directory.user("ben").active = False
        ticket = told.opened()
        told.pass_()
        live = told.live(ticket)
        assert (live["priority"], live["assignee"]) == ("P1", None)
        loud = [a.message for a in told.ears.alarms if a.kind is AlarmKind.UNREACHABLE]
        assert any("nobody can be reached" in message for message in loud)


def test_fault_37_a_deleted_group_is_passed_over_and_clears_nothing(tmp_path: Path) -> None:
    """The first level's group is gone: the second's gets the ticket, with an alarm that names the missing one."""
    levels = level(1, LevelTarget(GROUP, "service-desk")), level(2, LevelTarget(GROUP, "second-line"))
    with story("zendesk", tmp_path, *levels) as told:
        directory = told.people.clerk.desk.directory
        del directory.groups[directory.group_id("service-desk")]
        ticket = told.opened()
        told.pass_()
        live = told.live(ticket)
        assert (live["priority"], live["group"]) == ("P1", "second-line")
        loud = [a.message for a in told.ears.alarms]
        assert any("group service-desk does not exist here" in message for message in loud)


@pytest.mark.parametrize("kind", KINDS)
def test_a_rival_bot_is_yielded_to_and_then_owns_the_field(kind: str, tmp_path: Path) -> None:
    """However many reasons come, we write the priority twice and no more; the alarm comes once; a release goes on."""
    with story(kind, tmp_path) as told:
        told.is_a_program("tidy-bot")
        ticket = told.opened()
        told.pass_()
        for _ in range(5):
            told.running.clock.advance(timedelta(minutes=1))
            if told.live(ticket)["priority"] == "P1":
                told.people.set_priority(ticket, "tidy-bot", "P3")
            for impact in ("user", "site"):
                told.running.clock.advance(timedelta(minutes=2))
                told.people.set_field(ticket, "anna", "impact", impact)
                told.pass_(minutes=2)
        assert told.ours(ticket, "priority") == ["P1", "P1"]
        assert told.live(ticket)["priority"] == "P3"
        assert len([a for a in told.ears.alarms if a.kind is AlarmKind.STANDOFF]) == 1
        (why,) = told.explained(ticket)
        assert "ownership conflict: priority" in why
        told.passes.journal.release(told.stored(ticket).ticket.ref, now=told.passes.around.clock.now(), actor="sam")
        told.pass_()
        assert told.ours(ticket, "priority") == ["P1", "P1", "P1"]
        assert told.explained(ticket) == []


def test_what_a_person_sets_between_our_look_and_our_edit_is_given_back_once(tmp_path: Path) -> None:
    """Jira has no compare-and-set: the answer to the edit shows the lost race, and the person's value stands."""
    with story("jira", tmp_path) as told:
        ticket = told.opened()
        id_ = str(told.live(ticket)["id"])
        left = [1]

        def slip_in(entry: Entry) -> None:
            looked = entry.kind == "request" and entry.data["method"] == "GET"
            if looked and entry.data["path"].endswith(f"/issue/{id_}") and left[0]:
                left[0] -= 1
                told.people.set_priority(ticket, "anna", "P4")

        told.people._state.world.ledger.listen(slip_in)
        told.pass_()
        assert left == [0]
        assert told.ours(ticket, "priority") == ["P1", "P4"]
        assert told.live(ticket)["priority"] == "P4"
        kinds = [e.kind for e in told.passes.journal.records().events(site="jira")]
        assert kinds.count("lost_race") == 1
        for _ in range(3):
            told.pass_(minutes=3)
        assert told.live(ticket)["priority"] == "P4", "it stands from then on"
        assert told.ours(ticket, "priority") == ["P1", "P4"]


def test_a_follow_up_of_a_closed_ticket_goes_on_with_its_clocks(tmp_path: Path) -> None:
    """Zendesk does not reopen what is closed: the requester's next mail is a new ticket that names the old one."""
    with story("zendesk", tmp_path) as told:
        ticket = told.opened(impact="team", urgency="degraded")
        told.pass_()
        told.people.comment(ticket, "anna", "Done.", public=True)
        told.pass_(minutes=5)
        told.people.close(ticket, "anna")
        told.pass_(minutes=5)
        later = told.opened(impact="team", urgency="degraded", follows=ticket)
        told.pass_(minutes=60)
        started = told.stored(ticket).ticket.opened_at
        (link,) = told.stored(later).ticket.links
        assert (str(link.kind), link.target) == ("follow_up", ticket)
        (found,) = _situations(told, later)
        assert found.ticket.opened_at == started


def _situations(told: Story, ticket: str) -> Iterator[Any]:
    passes, id_ = told.passes, str(told.live(ticket)["id"])
    return situations(passes.reading, passes.around, [id_], {}, now=passes.around.clock.now())


class Rationed:
    """A site's own reader whose share for histories is used up, until it is given some."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self.left = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def history_allowance(self) -> int:
        return self.left


@pytest.mark.parametrize("kind", KINDS)
def test_what_people_do_stands_while_no_history_can_be_read(kind: str, tmp_path: Path) -> None:
    """A priority set by hand and a hold in a note, both before we first look: neither is overruled, nor afterwards."""
    with story(kind, tmp_path) as told:
        told.pass_()
        reader = Rationed(told.passes.ports.reader)
        told.passes.reading = dataclasses.replace(told.passes.reading, reader=reader)
        chosen = told.people.create_ticket(outage())
        held = told.people.create_ticket(outage())
        told.running.clock.advance(timedelta(seconds=20))
        told.people.set_priority(chosen, "anna", "P4")
        told.people.comment(held, "anna", "/esc hold 4h", public=False)
        for minutes in (6, 1):
            told.pass_(minutes=minutes)
        assert told.ours(chosen, "priority") == told.ours(held, "priority") == []
        assert told.ours(held, "level") == []
        reader.left = 10
        told.pass_()
        assert told.stored(chosen).history.complete
        assert told.stored(held).history.complete
        assert told.ours(chosen, "priority") == told.ours(held, "level") == []


def outage() -> NewTicket:
    return NewTicket(subject="s", body="b", requester="jonas", impact="site", urgency="blocked", priority="P3")
