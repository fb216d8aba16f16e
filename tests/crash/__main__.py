"""``scripts/crash``: kill the real daemon at every boundary, and let the sandboxes' own account judge."""

# ruff: noqa: T201 - a program that prints
from __future__ import annotations

import argparse
import os
import sys
import time

from tests.crash.lab import KILLS_PER_PLAY, PLAYS_PER_STORY, Result, Wish, never_struck, run, table, too_few_again
from tests.lab.office import JIRA, ZENDESK

VENDORS = {"jira": (JIRA,), "zendesk": (ZENDESK,), "both": (JIRA, ZENDESK)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/crash", description=__doc__)
    parser.add_argument("--scenarios", type=int, default=400, metavar="N", help="about so many kills (default 400)")
    parser.add_argument("--seed", type=int, default=1, help="the first story's seed")
    parser.add_argument("--vendor", choices=tuple(VENDORS), default="both")
    parser.add_argument("--kills", type=int, default=KILLS_PER_PLAY, metavar="N", help="deaths in one telling")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--plays", type=int, default=PLAYS_PER_STORY, metavar="N", help="tellings of one story")
    given = parser.parse_args()
    began = time.perf_counter()
    told: list[Result] = []
    wish = Wish(
        scenarios=given.scenarios,
        vendors=VENDORS[given.vendor],
        seed=given.seed,
        kills=given.kills,
        plays=given.plays,
        workers=given.workers,
    )
    for result in run(wish):
        told.append(result)
        for line in result.wrong:
            print(f"{result.vendor} story {result.seed} {'+'.join(result.killed)}: {line}", flush=True)
        if sys.stderr.isatty():
            print(f"\r{sum(len(r.killed) for r in told)} kills", end="", file=sys.stderr, flush=True)
    kills = sum(len(r.killed) for r in told)
    print(table(told))
    stories = {(result.vendor, result.seed) for result in told}
    print(f"{kills} kills in {time.perf_counter() - began:.0f} s: {len(told)} tellings of {len(stories)} stories")
    spared = never_struck(told, wished=given.scenarios)
    for boundary in spared:
        print(f"{boundary}: reached by the stories, and no process died there")
    if few := too_few_again(told, wished=given.scenarios):
        print(few)
    return 1 if kills < given.scenarios or spared or few or any(result.wrong for result in told) else 0


if __name__ == "__main__":
    sys.exit(main())
