"""Runs the fuzz targets of the tests for as many executions as asked, and tells what came out."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from typing import Any, AnyStr

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.security.fuzz_inputs import Target
from tests.security.fuzz_targets import COSTLY, TARGETS
from tests.security.injections import BASES

ROUND = 20_000
"""Executions of one search: Hypothesis keeps what it has seen in memory, so a long run is many searches."""

MUTANTS = 40
"""Executions with mutants of each input that the search comes up with."""

HANG_SECONDS = 1.0

COSTLY_SHARE = 0.01
"""What a costly target gets of what another one gets: one execution of it takes milliseconds."""

_SHARED = (
    "executions of all targets together (100000): each gets the same number, and the costly ones "
    f"({', '.join(sorted(COSTLY))}) a hundredth of it"
)


class Tally:
    """Counts executions and the longest of them."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.execs = 0
        self.longest = 0.0

    def __call__(self, given_input: Any) -> None:
        began = time.perf_counter()
        try:
            self.target(given_input)
        except BaseException as finding:
            finding.add_note(repr(given_input)[:200])
            raise
        finally:
            self.execs += 1
            self.longest = max(self.longest, time.perf_counter() - began)


def main() -> int:
    wanted = _arguments()
    chosen = {name: target for name, target in TARGETS.items() if wanted.only in name}
    if not chosen:
        print(f"no target has {wanted.only!r} in its name", file=sys.stderr)
        return 64
    share = {name: COSTLY_SHARE if name in COSTLY else 1.0 for name in chosen}
    print(f"{'target':20} {'execs':>10} {'per s':>8} {'longest ms':>10}  findings")
    findings, total, began = 0, 0, time.perf_counter()
    for name, target in chosen.items():
        execs = wanted.each or max(int(wanted.execs * share[name] / sum(share.values())), 1)
        tally = Tally(target)
        at = time.perf_counter()
        finding = _fuzz(tally, execs, wanted.seed)
        took = time.perf_counter() - at
        slow = "" if tally.longest < HANG_SECONDS * (10 if name in COSTLY else 1) else "HANG"
        findings += bool(finding or slow)
        total += tally.execs
        print(
            f"{name:20} {tally.execs:>10} {tally.execs / took:>8.0f} {tally.longest * 1000:>10.1f}  {finding}{slow}",
            flush=True,
        )
    took = time.perf_counter() - began
    print(f"\n{total} executions in {took:.0f} s, {total / took:.0f} per second; {findings} findings")
    return 1 if findings else 0


def _fuzz(tally: Tally, execs: int, number: int) -> str:
    """Search in rounds, each from another seed; return the first finding in one line."""
    while tally.execs < execs:
        try:
            _round(tally, min(ROUND, execs - tally.execs), number + tally.execs)()
        except BaseException as finding:
            if isinstance(finding, KeyboardInterrupt):
                raise
            notes = " ".join(getattr(finding, "__notes__", ()))
            return f"{type(finding).__name__}: {str(finding)[:160]!r} {notes[:300]}"
    return ""


def _round(tally: Tally, execs: int, number: int) -> Callable[[], None]:
    @seed(number)
    @settings(
        max_examples=max(execs // (MUTANTS + 1), 1),
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(tally.target.inputs, st.randoms(use_true_random=False))
    def search(given_input: Any, rng: random.Random) -> None:
        tally(given_input)
        mutate = random.Random(rng.getrandbits(64))
        for _ in range(MUTANTS if _is_mutable(given_input) else 0):
            tally(_mutant(given_input, mutate))

    return search


def _is_mutable(value: Any) -> bool:
    return isinstance(value, str | bytes) or (isinstance(value, tuple) and any(map(_is_mutable, value)))


def _mutant(value: Any, rng: random.Random) -> Any:
    """Return ``value`` with a few pieces cut out, doubled, moved, or put in from what is known to bite."""
    if isinstance(value, tuple):
        return tuple(_mutant(each, rng) if _is_mutable(each) else each for each in value)
    if not isinstance(value, str | bytes):
        return value
    for _ in range(rng.randint(1, 4)):
        at, end = sorted(rng.randint(0, len(value)) for _ in range(2))
        piece = rng.choice(BASES)[:40]
        if isinstance(value, bytes):
            value = _mixed(value, piece.encode("utf-8", "surrogatepass"), at, end, rng)
        else:
            value = _mixed(value, piece, at, end, rng)
    return value


def _mixed(value: AnyStr, piece: AnyStr, at: int, end: int, rng: random.Random) -> AnyStr:
    return rng.choice((value[:at] + value[end:], value[:end] + value[at:], value[:at] + piece + value[at:]))[:400]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--execs", type=int, default=100_000, metavar="N", help=_SHARED)
    parser.add_argument("--each", type=int, metavar="N", help="executions of every target, costly or not, instead")
    parser.add_argument("--only", default="", metavar="NAME", help="targets whose name contains NAME")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, another search")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
