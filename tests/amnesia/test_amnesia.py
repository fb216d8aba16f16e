"""The state is deleted, damaged, rolled back or restored at a random step of a day: nothing twice, nothing lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from connector.ports import TicketHistory
from tests.amnesia.story import WAYS, Storyteller, compare, loss_of

QUICK, FULL = (0, 4), range(100)


@pytest.mark.parametrize("seed", QUICK)
def test_a_day_with_a_lost_state_ends_like_one_without(empty_state: Path, seed: int) -> None:
    assert compare(empty_state, seed) == ""


@pytest.mark.full
def test_a_hundred_days_with_a_lost_state(empty_state: Path) -> None:
    wrong = {str(loss_of(seed)): told for seed in FULL if (told := compare(empty_state, seed))}
    assert wrong == {}
    assert min(Counter(loss_of(seed).way for seed in FULL).values()) >= len(FULL) // len(WAYS)


def test_the_story_would_notice(empty_state: Path) -> None:
    """With a helpdesk that does not show what was written, a lost state says things twice: the story is no sham."""

    def unmarked(ids: Sequence[str], *, probe: bool) -> Iterator[TicketHistory]:
        return (replace(history, marks=()) for history in read(ids, probe=probe))

    plain, forgetful = Storyteller(empty_state, 0, None).tell(), Storyteller(empty_state, 0, loss_of(0))
    read, forgetful.desk.reader.history = forgetful.desk.reader.history, unmarked
    said = forgetful.tell().said
    assert any(times > max(1, plain.said[what]) for what, times in said.items())
