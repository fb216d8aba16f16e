"""Every interleaving of two workers, one comment, late landings, a person's edits and crashes, up to a depth.

The model holds a journal's row, the helpdesk and what is on its way between them. What is done next with the row is
decided by the real ``next_step``; the rest is as the journal and the helpdesks do it. Time is in seconds. Two rules of
the world are assumed and stand here alone: a stamp has whole seconds, and where nothing is compared a request lands
within its quarantine or never.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.site import Effect
from connector.engine.next_step import APART, QUARANTINE, Evidence, Next, OpenRow, Step, is_dead, next_step
from connector.ports import Guard, Presence

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
AUDIENCE = Effect.NOTES
LATEST = int(QUARANTINE[AUDIENCE].total_seconds())
BETWEEN_LOOKS = int(APART.total_seconds())
TWO_SECONDS = 2
LEASE = 30
"""Seconds within which an armed request has to leave; after them its sender knows that it may have been replaced."""


@dataclass(frozen=True, slots=True)
class Row:
    status: str = "planned"
    attempts: int = 0
    resent: int = 0
    sent_at: int = 0
    absent_at: int | None = None
    stamp: int = 0


@dataclass(frozen=True, slots=True)
class Worker:
    """``armed``: the row as this worker armed it, before its request left; ``before``: as it was before a resend."""

    armed: Row | None = None
    before: Row | None = None
    acked: Row | None = None


@dataclass(frozen=True, slots=True)
class World:
    now: int = 10
    version: int = 5
    said: int = 0
    flying: tuple[tuple[int, int], ...] = ()  # (stamp, left at)
    row: Row = Row()
    workers: tuple[Worker, Worker] = (Worker(), Worker())
    edits: int = 1
    crashes: int = 1


Moves = Iterator[tuple[str, World]]


@dataclass(frozen=True)
class Model:
    """``compares``: the helpdesk has compare-and-set. ``step`` decides, ``two_seconds`` keeps the rule of that name.

    ``gives_way``: what may be sent again may also be given up, once it is dead, and planned anew another time; then
    nothing lands after its quarantine where the helpdesk compares, either. ``patient`` waits until it is dead.
    """

    compares: bool
    gives_way: bool = False
    patient: bool = True
    step: Callable[[OpenRow, Evidence], Next] = next_step
    two_seconds: bool = True

    def moves(self, w: World) -> Moves:
        yield from self._time(w)
        yield from self._others(w)
        for n in (0, 1):
            yield from self._work(w, n)

    @property
    def hurries_none(self) -> bool:
        """Nothing lands later than a quarantine after it left, and time goes by in quarantines."""
        return self.gives_way or not self.compares

    # ---- the world

    def _time(self, w: World) -> Moves:
        for seconds in (LATEST, BETWEEN_LOOKS) if self.hurries_none else (1, 10):
            yield f"+{seconds} s", replace(w, now=w.now + seconds)

    def _others(self, w: World) -> Moves:
        if w.edits:
            yield "a person edits", replace(w, version=w.now, edits=w.edits - 1)
        for message in dict.fromkeys(w.flying):
            rest = list(w.flying)
            rest.remove(message)
            gone = replace(w, flying=tuple(rest))
            stamp, left_at = message
            if self.compares and stamp != w.version:
                continue
            if not self.hurries_none or w.now - left_at <= LATEST:
                yield "a request lands late", replace(gone, said=w.said + 1, version=w.now)

    # ---- a worker

    def _work(self, w: World, n: int) -> Moves:
        me = w.workers[n]
        if w.crashes and me != Worker():
            yield f"{n} dies", _put(replace(w, crashes=w.crashes - 1), n, Worker())
        if me.acked is not None:
            yield f"{n} settles", self._settled(w, n, me.acked)
        elif me.armed is not None:
            yield from self._sends(w, n, me)
        elif w.row.status in {"planned", "failed"}:
            yield from self._arms(w, n)
        elif w.row.status == "sending":
            yield f"{n} looks", self._looks(w, n)
            if self.gives_way and self._may_give_way(w):
                yield f"{n} gives way", replace(w, row=replace(w.row, status="failed", resent=w.row.resent + 1))

    def _may_send(self, w: World) -> bool:
        return not (self.compares and self.two_seconds) or w.now - w.version >= TWO_SECONDS

    def _arms(self, w: World, n: int) -> Moves:
        row = Row("sending", w.row.attempts + 1, w.row.resent, w.now, None, w.version)
        yield f"{n} arms", _put(replace(w, row=row), n, Worker(armed=row))

    def _may_give_way(self, w: World) -> bool:
        found = self._next(w)
        return found.step is Step.RESEND and (is_dead(_open(w.row), _moment(w.now)) or not self.patient)

    def _next(self, w: World) -> Next:
        guard = Guard.NONE if not self.compares else Guard.STANDS if w.row.stamp == w.version else Guard.MOVED
        presence = Presence.FOUND if w.said else Presence.ABSENT
        return self.step(_open(w.row), Evidence(presence=presence, guard=guard, at=_moment(w.now)))

    def _looks(self, w: World, n: int) -> World:
        row, found = w.row, self._next(w)
        match found.step:
            case Step.DONE:
                return replace(w, row=replace(row, status="done"))
            case Step.PLAN_AGAIN:
                return replace(w, row=replace(row, status="failed"))
            case Step.PARK:
                return replace(w, row=replace(row, status="parked"))
            case Step.WAIT:
                seen = None if found.absent_at is None else int((found.absent_at - START).total_seconds())
                return replace(w, row=replace(row, absent_at=seen))
        again = replace(row, attempts=row.attempts + 1, resent=row.resent + 1, sent_at=w.now, absent_at=None)
        return _put(replace(w, row=again), n, Worker(armed=again, before=row))

    def _sends(self, w: World, n: int, me: Worker) -> Moves:
        armed = me.armed
        assert armed is not None
        idle = _put(w, n, Worker())
        if w.now - armed.sent_at > LEASE and self.hurries_none:
            yield f"{n} finds its turn over", idle
            return
        if not self._may_send(w):
            return
        if self.compares and armed.stamp != w.version:
            yield f"{n} is refused", self._refused(idle, me)
            return
        landed = replace(idle, said=w.said + 1, version=w.now)
        yield f"{n} sends, the answer is lost", landed
        yield f"{n} sends, it hangs", replace(idle, flying=(*w.flying, (armed.stamp, w.now)))
        yield f"{n} sends", _put(landed, n, Worker(acked=armed))

    def _refused(self, w: World, me: Worker) -> World:
        """A first copy that is refused was not applied; of an open row that is true of this copy alone."""
        if me.armed != w.row:
            return w
        return replace(w, row=me.before if me.before is not None else replace(w.row, status="failed"))

    def _settled(self, w: World, n: int, acked: Row) -> World:
        """A row that was armed again since is not moved by who armed it before."""
        idle = _put(w, n, Worker())
        return replace(idle, row=replace(w.row, status="done")) if w.row == acked else idle


def _put(w: World, n: int, worker: Worker) -> World:
    pair = (worker, w.workers[1]) if n == 0 else (w.workers[0], worker)
    return replace(w, workers=pair)


def _open(row: Row) -> OpenRow:
    absent_at = None if row.absent_at is None else _moment(row.absent_at)
    return OpenRow(sent_at=_moment(row.sent_at), audience=AUDIENCE, resent=row.resent, absent_at=absent_at)


def _moment(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def canonical(model: Model, w: World) -> World:
    """Return the same state as seen from its own present, without what has no future: requests that nobody takes any
    more, what a settled row remembers, and which of the workers is which."""
    ago = -w.now
    pair = tuple(Worker(*(_shifted(row, ago) for row in (me.armed, me.before, me.acked))) for me in w.workers)
    flying = (m for m in w.flying if not model.compares or m[0] == w.version)
    flying = (m for m in flying if not model.hurries_none or w.now - m[1] <= LATEST)
    row = _shifted(w.row, ago) if w.row.status == "sending" else Row(w.row.status, w.row.attempts, w.row.resent)
    assert row is not None
    return replace(
        w,
        now=0,
        version=w.version + ago,
        flying=tuple(sorted((stamp + ago, left_at + ago) for stamp, left_at in flying)),
        row=Row(row.status) if row.status in {"done", "parked"} else row,
        workers=pair if hash(pair[0]) <= hash(pair[1]) else (pair[1], pair[0]),
    )


def _shifted(row: Row | None, by: int) -> Row | None:
    if row is None:
        return None
    absent_at = None if row.absent_at is None else row.absent_at + by
    return replace(row, sent_at=row.sent_at + by, stamp=row.stamp + by, absent_at=absent_at)


def reachable(model: Model, depth: int) -> dict[World, tuple[World, str] | None]:
    """Return every state within ``depth`` moves, with the move that led there first."""
    start = canonical(model, World())
    found: dict[World, tuple[World, str] | None] = {start: None}
    edge = [start]
    for _ in range(depth):
        fresh = []
        for state in edge:
            for name, moved in model.moves(state):
                after = canonical(model, moved)
                if after not in found:
                    found[after] = state, name
                    fresh.append(after)
        edge = fresh
    return found


def story(found: dict[World, tuple[World, str] | None], state: World) -> list[str]:
    told: list[str] = []
    while (came := found[state]) is not None:
        state, name = came
        told.insert(0, name)
    return told


def said_twice(found: dict[World, tuple[World, str] | None]) -> World | None:
    return next((state for state in found if state.said > 1), None)


def come_to_rest(model: Model, w: World) -> World:
    """Nothing goes wrong any more: what flies dies, both workers' work is over, and one of them goes on."""
    w = replace(w, flying=(), workers=(Worker(), Worker()), crashes=0, edits=0)
    for _ in range(12):
        if w.row.status in {"done", "parked"}:
            return w
        w = replace(w, now=w.now + LATEST + BETWEEN_LOOKS)
        for _ in range(3):
            names = ("0 arms", "0 sends", "0 settles", "0 looks")
            w = next((after for name in names for told, after in model.moves(w) if told == name), w)
    return w


DEPTH, FULL_DEPTH = 7, 12


MODELS = [
    pytest.param(Model(compares=True), id="compare-and-set"),
    pytest.param(Model(compares=False), id="nothing"),
    pytest.param(Model(compares=True, gives_way=True), id="compare-and-set, giving way"),
    pytest.param(Model(compares=False, gives_way=True), id="nothing, giving way"),
]


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_said_twice_in_any_interleaving(model: Model, full: bool) -> None:
    found = reachable(model, FULL_DEPTH if full else DEPTH)
    twice = said_twice(found)
    assert twice is None, story(found, twice)
    assert len(found) > (3000 if model.compares and not model.gives_way else 1000)


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_lost_from_any_state(model: Model, full: bool) -> None:
    """Wherever it stops, going on ends with the comment said, or (only where nothing is compared) with it parked."""
    found = reachable(model, DEPTH if full else DEPTH - 2)
    for state in found:
        end = come_to_rest(model, state)
        assert end.row.status in ({"done"} if model.compares else {"done", "parked"}), story(found, state)
        assert end.said == 1 or (end.row.status == "parked" and end.said <= 1), story(found, state)


def _at_once(row: OpenRow, seen: Evidence) -> Next:
    """What a careless hand would do: send again whatever is not there."""
    found = next_step(row, seen)
    return Next(step=Step.RESEND) if found.step in {Step.WAIT, Step.PARK} else found


@pytest.mark.parametrize(
    "careless",
    [
        pytest.param(Model(compares=False, step=_at_once), id="no quarantine"),
        pytest.param(Model(compares=True, two_seconds=False), id="no two-second rule"),
        pytest.param(Model(compares=True, gives_way=True, patient=False), id="giving way at once"),
    ],
)
def test_the_model_sees_what_goes_wrong_without_a_guard(careless: Model) -> None:
    assert said_twice(reachable(careless, DEPTH)) is not None
