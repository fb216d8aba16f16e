"""Plays a scenario: people act at their moments, bots and people react to what happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connector.sandbox.core.ledger import Entry
from connector.sandbox.core.site import Site
from connector.sandbox.core.world import World
from connector.sandbox.script import Reaction, Scenario, Step

HANDLES = ("into", "target")  # arguments that name another ticket


class Cast:
    """Everybody who acts in a scenario, on the sites where they act.

    A step that its site refuses is recorded as a problem of that site; the story goes on.
    """

    def __init__(self, scenario: Scenario, stages: Mapping[str, tuple[Site, World]]) -> None:
        self._stages = stages
        self._scenario = scenario
        self._ids: dict[tuple[str, str], str] = {}
        self._handles: dict[tuple[str, str], str] = {}

    def enter(self) -> None:
        """Put every step into its site's schedule and start watching."""
        for name in self._stages:
            self._follow(iter([step for step in self._scenario.steps if step.site == name]))
        for reaction in self._scenario.reactions:
            if reaction.site in self._stages:
                self._watch(reaction)

    def handles(self) -> dict[str, dict[str, str]]:
        """By site: handle → the ticket's id or key, for those that exist by now."""
        found: dict[str, dict[str, str]] = {name: {} for name in self._stages}
        for (site, handle), ticket in self._ids.items():
            found[site][handle] = ticket
        return found

    def _follow(self, steps: Iterator[Step]) -> None:
        """Schedule one step; the next follows once it is done, so that a long story stays light."""
        step = next(steps, None)
        if step is None:
            return
        _, world = self._stages[step.site]

        def perform() -> None:
            self._follow(steps)
            self._perform(step)

        world.at(step.at, f"{step.do} {step.ticket}", perform)

    def _schedule(self, step: Step) -> None:
        _, world = self._stages[step.site]
        world.at(step.at, f"{step.do} {step.ticket}", lambda: self._perform(step))

    def _perform(self, step: Step) -> None:
        site, _ = self._stages[step.site]
        if step.do == "create_ticket":
            ticket = site.people.create_ticket(step.details["ticket"])
            self._ids[step.site, step.ticket] = ticket
            self._handles[step.site, ticket] = step.ticket
            return
        details = {name: self._resolve(step.site, name, value) for name, value in step.details.items()}
        verb: Callable[..., Any] = getattr(site.people, step.do)
        verb(self._ids[step.site, step.ticket], **details)

    def _resolve(self, site: str, name: str, value: Any) -> Any:
        return self._ids.get((site, value), value) if name in HANDLES else value

    def _watch(self, reaction: Reaction) -> None:
        _, world = self._stages[reaction.site]
        left = [reaction.times]

        def notice(entry: Entry) -> None:
            handle = self._handles.get((reaction.site, entry.ticket or ""))
            if handle is None or not left[0] or not _provokes(entry, handle, reaction):
                return
            left[0] -= 1
            at = entry.at + reaction.delay
            self._schedule(Step(at=at, site=reaction.site, do=reaction.do, ticket=handle, details=reaction.details))

        world.ledger.listen(notice)


def _provokes(entry: Entry, handle: str, reaction: Reaction) -> bool:
    return (
        entry.kind == reaction.kind
        and entry.via == reaction.via
        and reaction.ticket in (None, handle)
        and reaction.name in (None, entry.data.get("name"))
        and reaction.after in (None, entry.data.get("after"))
    )
