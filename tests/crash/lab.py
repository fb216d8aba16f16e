"""Many stories with many deaths: which kills are drawn for a story, who tells them, and the table at the end."""

from __future__ import annotations

import itertools
import json
import mmap
import os
import random
import select
import shutil
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.canaries import found_below
from tests.crash.failpoints import BOUNDARIES, Kill
from tests.crash.judge import judge
from tests.crash.play import Stage, play
from tests.crash.processes import warm
from tests.lab.office import JIRA, ZENDESK, empty_state
from tests.lab.story import Plot, story

PLAYS_PER_STORY = 2
KILLS_PER_PLAY = 12
FIRST_PASS = {"before-commit": 28, "after-commit": 28, "checkpoint": 28, "reading": 6}
"""How often about a connector that takes over passes these boundaries before its first pass has ended."""

RELOADED = 10
"""So many files a reload reads."""

CROWD = 6
"""Tickets enough for a job."""

ENOUGH = 10
"""Kills per boundary and vendor from which on each must have been struck."""

MANY = 400
"""Wished kills from which on a share of them must have come while the next process was still recovering."""

AGAIN = 4
"""One kill in so many, at least: every third one is drawn to be such, and not all strike before the pass has ended."""

ROOM = 400 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One story of one vendor, to be told undisturbed and then with deaths."""

    vendor: str
    seed: int
    plays: int = PLAYS_PER_STORY
    kills: int = KILLS_PER_PLAY


@dataclass(slots=True)
class Result:
    """What one telling with deaths showed; lists hold sentences, empty is what is wanted.

    ``offered`` are the boundaries that its story reaches, so those at which deaths could be drawn.
    """

    vendor: str
    seed: int
    killed: list[str] = field(default_factory=list)
    again: int = 0
    duplicates: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    parked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    offered: list[str] = field(default_factory=list)
    took: float = 0.0

    @property
    def wrong(self) -> list[str]:
        return [*self.duplicates, *self.losses, *self.leaks, *self.errors]


def room() -> Path:
    """Make a folder in memory where there is room: a killed process loses nothing that the kernel has."""
    shared = Path("/dev/shm")  # noqa: S108 - the folder below it is private
    fits = shared.is_dir() and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > ROOM
    return Path(tempfile.mkdtemp(prefix="crash-", dir=shared if fits else None))


def tell(order: Order, template: Path, folder: Path) -> Iterator[Result]:
    """Tell one story as often as ordered, each time with other deaths, and hold it against the same one attended."""
    stage = Stage(folder=folder / f"{order.vendor}-{order.seed}", template=template, vendor=order.vendor)
    scenario = story(order.seed, (order.vendor,), plot(order))
    try:
        undisturbed = play(stage, scenario)
        for number in range(order.plays):
            rng = random.Random(f"{order.vendor}/{order.seed}/{number}")
            result = Result(vendor=order.vendor, seed=order.seed, offered=offered(undisturbed.counts))
            kills = draw(rng, undisturbed.counts, first=order.seed * order.plays + number, count=order.kills)
            try:
                told = play(stage, scenario, kills)
                attended = play(stage, scenario, looks=told.looks)
            except AssertionError as error:
                result.errors.append(f"{kills}: {error}")
                yield result
                continue
            verdict = judge(told.account, attended.account, parked=told.parked)
            result.leaks += found_below(stage.folder)  # state, backups and the connector's log
            result.killed, result.again, result.took = told.killed, told.again, told.took
            for name, found in asdict(verdict).items():
                getattr(result, name).extend(found)
            if told.sending:
                result.losses.append(f"{told.sending} writes have no outcome at the end")
            yield result
    finally:
        shutil.rmtree(stage.folder, ignore_errors=True)


def plot(order: Order) -> Plot:
    """Return how a story is drawn; every third one has a crowd, written by a job where the helpdesk has jobs."""
    return Plot(options={order.vendor: temper(order)}, crowd=CROWD if order.seed % 3 == 0 else 0)


def temper(order: Order) -> Mapping[str, Any]:
    """Draw how the helpdesk behaves, once for a story.

    Were it drawn anew with every change, each telling would have a helpdesk of its own: one more request, and the index
    shows something else a minute later.
    """
    rng = random.Random(f"{order.vendor}/{order.seed}/temper")
    lag = rng.randrange(121)
    if order.vendor == JIRA:
        return {"index_lag": (lag, lag)}
    touch, repeat = float(rng.random() < 0.5), float(rng.random() < 0.5)
    return {
        "search_lag": (lag, lag),
        "system_touch_chance": touch,
        "system_touch_delay": (lag, lag),
        "repeat_chance": repeat,
    }


def offered(counts: Mapping[str, int]) -> list[str]:
    """Return the boundaries that a story reaches, by how often it passed them undisturbed."""
    return [name for name in BOUNDARIES if counts[name] or name == "reload"]


def draw(rng: random.Random, counts: Mapping[str, int], *, first: int, count: int) -> list[Kill]:
    """Draw deaths: the boundaries in turn from ``first`` on, each at a passing that the story reaches.

    Every third one strikes again at once, in the first pass of the process that took over.
    """
    names = offered(counts)
    turn = itertools.islice(itertools.cycle(names), first * count % len(names), None)
    drawn = [next(turn) for _ in range(count)]
    rng.shuffle(drawn)
    kills = [_kill(rng, name, counts, share=count - number) for number, name in enumerate(drawn)]
    kills.sort(key=lambda kill: kill.boundary != "migration")  # it is only reached on a state that is not there yet
    for number in range(2, count, 3):
        if kills[number].boundary not in {"migration", "reload"}:
            again = rng.choice(tuple(FIRST_PASS))
            kills[number] = Kill(boundary=again, nth=rng.randint(1, FIRST_PASS[again]), fraction=rng.random())
    return kills


def _kill(rng: random.Random, boundary: str, counts: Mapping[str, int], *, share: int) -> Kill:
    """Draw the passing; ``share`` more deaths are to find room in what is left of the story."""
    most = {"migration": counts["migration"], "reload": RELOADED}.get(boundary, counts[boundary] // (share + 1))
    return Kill(boundary=boundary, nth=rng.randint(1, max(most, 1)), fraction=rng.random())


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to run: about so many kills of these vendors, the first story's seed, deaths in one telling."""

    scenarios: int
    vendors: tuple[str, ...] = (JIRA, ZENDESK)
    seed: int = 1
    kills: int = KILLS_PER_PLAY
    plays: int = PLAYS_PER_STORY
    workers: int = 1

    def orders(self, worker: int) -> Iterator[Order]:
        """Yield one worker's share of the stories, without end."""
        stories = ((seed, vendor) for seed in itertools.count(self.seed) for vendor in self.vendors)
        for seed, vendor in itertools.islice(stories, worker, None, self.workers):
            yield Order(vendor=vendor, seed=seed, plays=self.plays, kills=self.kills)


def run(wish: Wish) -> Iterator[Result]:
    """Tell stories until there were as many kills as wished; results come as they are known."""
    folder, enough = room(), mmap.mmap(-1, 1)
    try:
        warm()
        template = empty_state(folder / "empty.db")
        left = wish.scenarios
        for result in _results([_worker(wish, number, template, folder, enough) for number in range(wish.workers)]):
            yield result
            left -= len(result.killed)
            if left <= 0 or result.errors:
                enough[0] = 1
    finally:
        enough[0] = 1
        shutil.rmtree(folder, ignore_errors=True)


def _worker(wish: Wish, number: int, template: Path, folder: Path, enough: mmap.mmap) -> int:
    """Fork a process that tells its share until there was enough, and return the reading end of its results."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        return reading
    code = 70
    try:
        os.close(reading)
        with os.fdopen(writing, "w") as out:
            results = (result for order in wish.orders(number) for result in tell(order, template, folder))
            while not enough[0] and (result := next(results, None)):
                out.write(json.dumps(asdict(result)) + "\n")
                out.flush()
            results.close()
        code = 0
    except BaseException:  # noqa: BLE001 - the worker must end here, whatever happens
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(code)


def _results(pipes: Sequence[int]) -> Iterator[Result]:
    """Read every worker's lines as they come."""
    left = dict.fromkeys(pipes, b"")
    while left:
        for pipe in select.select(list(left), [], [])[0]:
            piece = os.read(pipe, 65536)
            *lines, left[pipe] = (left[pipe] + piece).split(b"\n")
            yield from (Result(**json.loads(line)) for line in lines)
            if not piece:
                os.close(pipe)
                del left[pipe]
                if os.waitstatus_to_exitcode(os.wait()[1]):
                    raise AssertionError("a worker failed; its own words are on standard error")


def never_struck(results: Iterable[Result], *, wished: int) -> list[str]:
    """Return the boundaries that stories of a vendor reach and at which no process of it died, as ``vendor boundary``.

    A run that is too small to reach each is not judged: one with fewer than ``ENOUGH`` wished kills per boundary.
    """
    found = list(results)
    reached = {(result.vendor, name) for result in found for name in result.offered}
    if wished < ENOUGH * len(reached):
        return []
    struck = {(result.vendor, name) for result in found for name in result.killed}
    return [f"{vendor} {name}" for vendor, name in sorted(reached - struck)]


def too_few_again(results: Iterable[Result], *, wished: int) -> str:
    """Return what is missing where too few processes died while recovering; empty where enough did, or few wished."""
    found = list(results)
    kills, again = sum(len(result.killed) for result in found), sum(result.again for result in found)
    if wished < MANY or again * AGAIN >= kills:
        return ""
    return f"{again} of {kills} kills struck while the next process recovered: fewer than one in {AGAIN}"


def table(results: Iterable[Result]) -> str:
    """Return boundary by vendor: kills; then what was found in all."""
    found = list(results)
    kills = Counter((name, result.vendor) for result in found for name in result.killed)
    vendors = [v for v in (JIRA, ZENDESK) if any(r.vendor == v for r in found)]
    lines = [f"{'boundary':<16}" + "".join(f"{v:>10}" for v in vendors) + f"{'all':>8}"]
    for name in BOUNDARIES:
        row = [kills[name, v] for v in vendors]
        lines.append(f"{name:<16}" + "".join(f"{n:>10}" for n in row) + f"{sum(row):>8}")
    lines.append(f"{'kills':<16}" + "".join(f"{_sum(found, v):>10}" for v in vendors) + f"{sum(kills.values()):>8}")
    for what in ("again", "duplicates", "losses", "leaks", "parked", "errors"):
        counts = [sum(_size(getattr(r, what)) for r in found if r.vendor == v) for v in vendors]
        lines.append(f"{what:<16}" + "".join(f"{n:>10}" for n in counts) + f"{sum(counts):>8}")
    return "\n".join(lines)


def _sum(results: Sequence[Result], vendor: str) -> int:
    return sum(len(r.killed) for r in results if r.vendor == vendor)


def _size(value: object) -> int:
    return value if isinstance(value, int) else len(value)  # type: ignore[arg-type]
