"""Ports that count what they have handed out and somebody still holds."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from connector.domain.ticket import Text
from connector.helpdesks.memory import MemoryHelpdesk, MemoryReader
from connector.ports import Observation, Page, Stored

T = TypeVar("T")


class HeldText(Text):
    """A text to which a weak reference can point."""


class HeldTicket(Stored):
    """What the journal knows of a ticket, to which a weak reference can point."""


class Held:
    """How many of one kind were handed out in ``all``, and the ``most`` that were held at once."""

    def __init__(self) -> None:
        self.all = self.most = 0
        self._now = 0

    def count(self, kind: type[T], of: Any) -> T:
        """Return the same as a value of ``kind``, counted until nobody holds it any more."""
        made = object.__new__(kind)
        for each in dataclasses.fields(of):
            object.__setattr__(made, each.name, getattr(of, each.name))
        weakref.finalize(made, self._lets_go)
        self.all += 1
        self._now += 1
        self.most = max(self.most, self._now)
        return made

    def _lets_go(self) -> None:
        self._now -= 1


class CountingReader(MemoryReader):
    """Counts the texts of tickets that changed."""

    def __init__(self, world: MemoryHelpdesk) -> None:
        super().__init__(world)
        self.texts = Held()

    def changes(self, cursor: str) -> Iterator[Page]:
        for page in super().changes(cursor):
            yield dataclasses.replace(page, observations=tuple(map(self._counted, page.observations)))

    def _counted(self, observation: Observation) -> Observation:
        text = self.texts.count(HeldText, observation.ticket.text)
        return dataclasses.replace(observation, ticket=dataclasses.replace(observation.ticket, text=text))


class CountingJournal:
    """Counts the tickets that were loaded."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.tickets = Held()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def load(self, site: str, ids: Sequence[str], *, now: datetime) -> tuple[Stored, ...]:
        return tuple(self.tickets.count(HeldTicket, found) for found in self._real.load(site, ids, now=now))
