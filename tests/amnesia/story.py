"""A day at one desk during which the state is lost, and the same day without that: nothing twice, nothing lost."""

from __future__ import annotations

import contextlib
import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from connector.domain.ticket import Priority, Status
from connector.engine.passes import PassOutcome
from connector.errors import ConnectorError
from connector.helpdesks.memory.world import AGENT, CUSTOMER
from connector.journal.backup import make_backup, put_back
from connector.journal.opening import lock_path
from connector.journal.witness import SUFFIX
from connector.ports import SiteState
from tests.engine.ledger import internal_stays_internal, nothing_is_said_twice
from tests.engine.stage import MINUTE, Desk, Stage
from tests.engine.stage import POLICY as DAILY
from tests.helpdesks.stopped_clock import StoppedClock

STEPS, STEP = 16, 25 * MINUTE
REST, LONG_STEP = 10, 240 * MINUTE  # through the next day: whatever still climbs has reached its end
POLICY = replace(DAILY, quiet=replace(DAILY.quiet, notes_per_day=50))  # so that none waits for the next day
Stand = tuple[Status, Priority | None, int | None, str | None]
Stands = dict[str, Stand]
WAYS = ("deleted", "deleted with its witness", "page", "backup", "copied back")


@dataclass(frozen=True, slots=True)
class Loss:
    """How the state is lost, at which step, and the step of the backup that is put back."""

    way: str
    at: int
    aged: int
    seed: int


@dataclass(frozen=True, slots=True)
class Day:
    """What a day left: where each ticket stood in the evening; once all has come to rest, that and what we said.

    ``answers`` are the tickets that an agent answered before our comments were let go on again.
    """

    evening: Stands
    said: Counter[tuple[str, str]]
    stands: Stands
    acknowledged: frozenset[str]
    answers: frozenset[str]
    forgot: bool

    def answered(self, what: tuple[str, str]) -> bool:
        """True for what is owed to nobody, because people have answered the ticket before it could be said.

        That is so for a level where they answered it as it stands, and for a first response that they have given.
        """
        ticket, name = what
        if name.startswith("threshold:first_response:"):
            return ticket in self.answers
        return ticket in self.acknowledged and name.startswith(("level:", "repeat:"))


def loss_of(seed: int) -> Loss:
    rng = random.Random(seed)
    at = rng.randrange(3, STEPS - 4)
    return Loss(way=WAYS[seed % len(WAYS)], at=at, aged=rng.randrange(1, at), seed=seed)


class Storyteller:
    """Plays one day; the people's part depends on the seed alone."""

    def __init__(self, template: Path, seed: int, loss: Loss | None) -> None:
        self.clock = StoppedClock(_morning())
        self.desk = Desk("desk", self.clock)
        self.desk.world.page_size = 5  # of which a pass reads the histories: recalling takes several
        self.stage = Stage(template, self.desk, clock=self.clock, policy=POLICY)
        self._rng = random.Random(seed)
        self._loss = loss
        self._kept = self.stage.folder / "kept.db"
        self._forgot = False
        self._silent_until: datetime | None = None

    def tell(self) -> Day:
        try:
            for step in range(STEPS):
                self._people(step)
                self._operator(step)
                self._pass()
                self.clock.move(STEP)
            return self._end()
        finally:
            self.stage.close()

    def _pass(self) -> None:
        result = self.stage.run("desk")
        assert result.outcome in {PassOutcome.OK, PassOutcome.HELD}, result
        site = self._site()
        if not site.recall.is_over:
            self._silent_until = self.clock.now()
        elif site.frozen:  # to catch up may cost more than a budget: a person lets it through, as the alarm asks
            self.stage.journal.resume("desk", allow=50, now=self.clock.now(), actor="op")

    # ---- people

    def _people(self, step: int) -> None:
        world, rng = self.desk.world, self._rng
        for _ in range(rng.choice((0, 0, 1, 2)) if step < STEPS - 5 else 0):
            facts = {
                "impact": rng.choice(("site", "department", "user")),
                "urgency": rng.choice(("blocked", "degraded")),
            }
            world.create(facts=facts, group="service-desk")
        act, pick = rng.random(), rng.random()
        if not world.rows:
            return
        id_ = sorted(world.rows, key=int)[int(pick * len(world.rows))]
        if not world.ticket(id_).is_open:
            return
        if act < 0.15:
            world.comment(id_, "we look at it", AGENT)
        elif act < 0.25:
            world.update(id_, AGENT, group="specialists")
        elif act < 0.3:
            world.comment(id_, "any news?", CUSTOMER)
        elif act < 0.35:
            world.update(id_, AGENT, status=Status.SOLVED)

    # ---- the operator's bad day

    def _operator(self, step: int) -> None:
        if self._loss is None:
            return
        if step == self._loss.at - self._loss.aged:
            make_backup(self.stage.state, self._kept)
        if step == self._loss.at:
            self.stage.journal.close()
            _WAYS[self._loss.way](self)
            self.stage.restart()
            self._forgot = bool(self.stage.journal.forgotten)

    def _delete(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._beside(suffix).unlink(missing_ok=True)

    def _delete_all(self) -> None:
        self._delete()
        self._beside(SUFFIX).unlink()

    def _damage(self) -> None:
        """Overwrite a page, and do what the refusal to open it asks for."""
        data = bytearray(self.stage.state.read_bytes())
        rng = random.Random(self._loss.seed if self._loss else 0)
        page = rng.randrange(1, len(data) // 4096) * 4096
        data[page : page + 4096] = rng.randbytes(4096)
        self.stage.state.write_bytes(data)
        with contextlib.suppress(ConnectorError):  # a page that no read has met yet does its harm later
            self.stage.restart()
            self.stage.journal.close()
        self._restore()

    def _restore(self) -> None:
        state = self.stage.state
        now = self.clock.now()
        put_back(state, self._kept, lock_path(state), now=now, opened=lambda: None)

    def _copy_back(self) -> None:
        """Copy an old state into place by hand, over what stands there, as one should not."""
        self._delete()
        shutil.copy(self._kept, self.stage.state)

    def _beside(self, suffix: str) -> Path:
        return self.stage.state.with_name(self.stage.state.name + suffix)

    # ---- the end

    def _end(self) -> Day:
        for _ in range(3):
            self._pass()
            self.clock.move(5 * MINUTE)
        evening = self._stands()
        for _ in range(REST):
            self.clock.move(LONG_STEP)
            self._pass()
        nothing_is_said_twice(self.desk)
        internal_stays_internal(self.desk)
        state = self._site()
        assert state.recall.is_over
        forgot = self._forgot or bool(state.recall.why)
        return Day(evening, self._said(), self._stands(), self._acknowledged(), self._answers(), forgot)

    def _site(self) -> SiteState:
        return self.stage.journal.open_site("desk", fingerprint=self.desk.rules.fingerprint)

    def _answers(self) -> frozenset[str]:
        """Return the tickets that an agent answered in public before the first pass that could speak again."""
        if self._silent_until is None:
            return frozenset()
        until = self._silent_until + STEP
        posted = (one for one in self.desk.world.comments if one.public and one.by == AGENT)
        return frozenset(one.ticket for one in posted if one.at <= until)

    def _acknowledged(self) -> frozenset[str]:
        known = self.stage.journal.load("desk", sorted(self.desk.world.rows), now=self.clock.now())
        return frozenset(one.ticket.ref.id for one in known if one.state.acknowledged_at is not None)

    def _said(self) -> Counter[tuple[str, str]]:
        writes = {s.write.key: s.write for s in self.desk.writer.sent}
        found: Counter[tuple[str, str]] = Counter()
        for posted in self.desk.world.comments:
            comment = writes[posted.key].comment if posted.key else None
            if comment is not None:
                for about in (comment.notice.occasion, *comment.notice.covers):
                    parts = about.parts if about.kind != "level" else (about.parts[0], about.parts[2])
                    found[posted.ticket, f"{about.kind}:{':'.join(parts)} {comment.notice.audience}"] += 1
        return found

    def _stands(self) -> Stands:
        rows = self.desk.world.rows
        return {id_: (r.ticket.status, r.ticket.priority, r.ticket.level, r.ticket.path) for id_, r in rows.items()}


_WAYS: dict[str, Callable[[Storyteller], None]] = {
    "deleted": Storyteller._delete,
    "deleted with its witness": Storyteller._delete_all,
    "page": Storyteller._damage,
    "backup": Storyteller._restore,
    "copied back": Storyteller._copy_back,
}


def _morning() -> datetime:
    from tests.engine.stage import MONDAY  # noqa: PLC0415

    return MONDAY - timedelta(hours=2)


def compare(template: Path, seed: int) -> str:
    """Return what differs between a day on which the state is lost and the same day without that; empty: nothing.

    Later is allowed: reading back takes its time, a level whose timer ran out meanwhile has a fresh interval, and what
    falls due meanwhile is said together, the highest mark for those below it. So both days are played on, without
    people, until nothing climbs any more: then everything said on the ordinary day has been said on the other one as
    well, and every ticket stands with the same priority on the same level, or on a higher one where people answered a
    level that came later; below it stands only what they answered meanwhile. No other ticket is ahead of its time in
    the evening. What was solved by then is nobody's concern.
    """
    plain, lost = (Storyteller(template, seed, loss).tell() for loss in (None, loss_of(seed)))
    moved = {id_: (stood, lost.stands[id_]) for id_, stood in plain.stands.items() if lost.stands[id_] != stood}
    moved = {id_: both for id_, both in moved.items() if not both[1][0].is_finished and not _is_further(*both)}
    moved = {id_: both for id_, both in moved.items() if id_ not in lost.acknowledged}
    higher = [id_ for id_, stood in plain.evening.items() if (lost.evening[id_][2] or 0) > (stood[2] or 0)]
    ahead = [id_ for id_ in higher if id_ not in plain.acknowledged]
    waiting = [what for what in plain.said if not lost.stands[what[0]][0].is_finished and not lost.answered(what)]
    unsaid = [what for what in waiting if what not in lost.said and not _spoken_for(what, lost.said)]
    twice = [what for what, times in lost.said.items() if times > max(1, plain.said[what])]
    noticed = lost.forgot or _knew_all(seed)
    told = {"twice": twice, "elsewhere": moved, "ahead": ahead, "never said": unsaid, "not noticed": not noticed}
    return "; ".join(f"{name}: {found}" for name, found in told.items() if found)


def _is_further(plain: Stand, lost: Stand) -> bool:
    return (*plain[:2], plain[3]) == (*lost[:2], lost[3]) and (lost[2] or 0) > (plain[2] or 0)


def _spoken_for(what: tuple[str, str], said: Counter[tuple[str, str]]) -> bool:
    """True for a mark, a level or an update that a later one of the same clock or path has spoken for."""
    ticket, name = what
    series, number = _in_series(name)
    return any(of == ticket and _in_series(other)[0] == series and _in_series(other)[1] > number for of, other in said)


def _in_series(name: str) -> tuple[str, tuple[str, int]]:
    """Return what a comment belongs to and its place there: ``level:default:3 notes`` is the third of its path.

    Updates are of one series whenever it began: a ticket that came in as the state was lost is raised later, and its
    updates count from there.
    """
    about, audience = name.rsplit(" ", 1)
    series, last = about.rsplit(":", 1)
    number = last.removesuffix("%")
    if not number.isdecimal():
        return name, ("", 0)
    series, began = series.split(":", 1) if series.startswith("update:") else (series, "")
    return f"{series} {audience}", (began, int(number))


def _knew_all(seed: int) -> bool:
    """True where there was nothing to forget: nothing had been written yet, and its witness went with the state."""
    return loss_of(seed).way == "deleted with its witness"
