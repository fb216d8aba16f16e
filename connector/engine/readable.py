"""What may be read within a pass before its tickets are decided: the most urgent, as many as the budget allows.

A ticket beyond that gains nothing by waiting for the end of the pass: its second decision would be its first one.
"""

from __future__ import annotations

from bisect import insort

from connector.domain.decision import Decision
from connector.domain.situation import Situation
from connector.engine.unread import Place, Unread


class Readable:
    """The places of the most urgent tickets so far whose own histories are to be read, ``room`` of them at most."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._most_urgent: list[Place] = []

    def postpones(self, unread: Unread, situation: Situation, decision: Decision) -> bool:
        """Return whether a ticket is decided again after what it needs was read; ``unread`` takes note of that.

        One that needs nothing but its own history, and is less urgent than all that can be read, is not; unless it is
        one of a storm, as what is read of the others may show who speaks.
        """
        if unread.is_of_storm(situation, decision):
            return unread.takes(situation, decision)
        needs = Unread()
        if not needs.takes(situation, decision):
            return False
        others = needs.texts or situation.unread
        if not others and not self._has_room(needs):
            return False
        return unread.takes(situation, decision)

    def _has_room(self, needs: Unread) -> bool:
        """Take a place for a history, as they are read."""
        for place in needs.own:
            if len(self._most_urgent) >= self._room:
                if not self._most_urgent or place >= self._most_urgent[-1]:
                    return False
                self._most_urgent.pop()
            insort(self._most_urgent, place)
        return True
