"""``scripts/crash``: kill the real daemon at every boundary, and let the sandboxes' own account judge."""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.crash.lab import KILLS_PER_PLAY, Result, orders, run, table
from tests.lab.office import JIRA, ZENDESK

VENDORS = {"jira": (JIRA,), "zendesk": (ZENDESK,), "both": (JIRA, ZENDESK)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/crash", description=__doc__)
    parser.add_argument("--scenarios", type=int, default=400, metavar="N", help="about so many kills (default 400)")
    parser.add_argument("--seed", type=int, default=1, help="the first story's seed")
    parser.add_argument("--vendor", choices=tuple(VENDORS), default="both")
    parser.add_argument("--kills", type=int, default=KILLS_PER_PLAY, metavar="N", help="deaths in one telling")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    began = time.perf_counter()
    told: list[Result] = []
    wanted = orders(given.scenarios, VENDORS[given.vendor], seed=given.seed, kills=given.kills)
    for result in run(wanted, workers=min(given.workers, len(wanted))):
        told.append(result)
        for line in result.wrong:
            print(f"{result.vendor} story {result.seed} {'+'.join(result.killed)}: {line}", flush=True)
        if sys.stderr.isatty():
            print(f"\r{sum(len(r.killed) for r in told)} kills", end="", file=sys.stderr, flush=True)
    kills = sum(len(r.killed) for r in told)
    print(table(told))
    print(f"{kills} kills in {time.perf_counter() - began:.0f} s, {len(wanted)} stories, {len(told)} tellings")
    return 1 if any(result.wrong for result in told) else 0


if __name__ == "__main__":
    sys.exit(main())
