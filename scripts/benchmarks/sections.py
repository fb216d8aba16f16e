"""The sections of the benchmark: what each runs, prints and holds against its targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scripts.benchmarks import local, tables
from scripts.benchmarks.lag import change_to_decision, crossing_to_intent
from scripts.benchmarks.runs import Results, agree, interleaved, per_ticket, ratio, run
from scripts.benchmarks.server import running
from scripts.benchmarks.tables import Verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything.

    Attributes:
        tickets: Tickets of a pull; half as many issues.
        reps: Interleaved repetitions.
        many: Tickets of the pull whose memory is looked at; a fifth of it is the smaller one.
        stored: Open tickets in the journal when what is due is looked for.
        decided: Stored tickets that are decided again.
        minutes: Simulated minutes of changes.
        rate: Changes a minute in that simulation.
    """

    tickets: int = 10_000
    reps: int = 5
    many: int = 50_000
    stored: int = 1_000_000
    decided: int = 20_000
    minutes: int = 10
    rate: int = 1_000


QUICK = Sizes(tickets=2_000, reps=2, many=10_000, stored=100_000, decided=2_000, minutes=3, rate=100)


CONNECTOR = ("connector: received", "connector: in our terms")
"""Receive, decode and read the same fields, as the other clients do; and the same with normalising, as a pass does."""


def zendesk(sizes: Sizes, verdicts: Verdicts) -> None:
    """Pull by the cursor export."""
    tables.heading(f"Zendesk pull: {sizes.tickets} tickets, {sizes.reps} repetitions")
    names = (*CONNECTOR, "zenpy", "requests + json", "floor: receive + json.loads", "floor: receive only")
    with running("zendesk", sizes.tickets) as site:
        results = interleaved("zendesk", names, site, reps=sizes.reps)
    tables.pulls(results, sizes.tickets, against="zenpy")
    _same_rows(results)
    _pull_verdicts(results, verdicts, what="Zendesk pull, CPU against zenpy", against="zenpy", least=20)


def jira(sizes: Sizes, verdicts: Verdicts) -> None:
    """Pull by ``search/jql``."""
    issues = sizes.tickets // 2
    tables.heading(f"Jira pull: {issues} issues, {sizes.reps} repetitions")
    names = (
        *CONNECTOR,
        "jira library",
        "jira library, all fields",
        "requests + json",
        "floor: receive + json.loads",
        "floor: receive only",
    )
    with running("jira", issues) as site:
        results = interleaved("jira", names, site, reps=sizes.reps)
    tables.pulls(results, issues, against="jira library")
    _same_rows(results)
    what = "Jira pull, CPU against the jira library"
    _pull_verdicts(results, verdicts, what=what, against="jira library", least=12)


def _pull_verdicts(results: Results, verdicts: Verdicts, *, what: str, against: str, least: float) -> None:
    """Hold both of ours against one target: what does just what the library does, and what a pass really takes."""
    for name in CONNECTOR:
        found = ratio(results, against, name)
        how = name.removeprefix("connector: ")
        verdicts.add(f"{what}, {how}", target=f">= {least:g}x", found=tables.times(found), met=found.middle >= least)


def _same_rows(results: Results) -> None:
    print(f"  all clients made the same rows: {'yes' if agree(results) else 'NO'}")


def pipeline(sizes: Sizes, verdicts: Verdicts) -> None:
    """Pull, normalise, decide and store.

    Nothing has changed for the second pass once all histories are in. What it costs before that is shown beside it, and
    held against no target.
    """
    tables.heading(f"Whole pipeline: {sizes.tickets} tickets, {sizes.reps} repetitions")
    first, second = "connector: first pass", "connector: second pass, nothing changed"
    floor = "floor: receive + json.loads"
    waiting = "connector: second pass, no history in"
    names = (first, "connector: first pull, not decided", second, waiting, floor)
    with running("zendesk", sizes.tickets) as site:
        results = interleaved("pipeline", names, site, reps=sizes.reps)
    tables.pulls(results, sizes.tickets, against=floor)
    decided = [f"{sum(r['decided'] for r in results[name]) / sizes.reps:.0f}" for name in (first, second, waiting)]
    print(f"  tickets decided: first pass {decided[0]}, second {decided[1]}, with no history in {decided[2]}")
    for name in (first, second):
        found = ratio(results, name, floor)
        what = f"{name.removeprefix('connector: ')}, CPU against a bare json.loads"
        verdicts.add(what, target="<= 0.6x", found=tables.times(found), met=found.middle <= 0.6)


def memory(sizes: Sizes, verdicts: Verdicts) -> None:
    """Peak memory of a pull, and how it grows with the number of tickets."""
    fewer, whole = sizes.many // 5, CONNECTOR[-1]
    tables.heading(f"Memory of a pull: {fewer} and {sizes.many} tickets")
    rows, above = [], {}
    for tickets in (fewer, sizes.many):
        with running("zendesk", tickets) as site:
            for name in (whole, "requests + json", "zenpy"):
                found = run("zendesk", name, site)
                above[name, tickets] = found["peak"] - found["base"]
                rows.append((name, f"{tickets}", f"{found['peak']:.0f}", f"{above[name, tickets]:.1f}"))
    tables.table(("client", "tickets", "peak MB", "above imports"), rows)
    most, growth = above[whole, sizes.many], above[whole, sizes.many] / above[whole, fewer] - 1
    what = f"peak memory above imports, {sizes.many} tickets"
    verdicts.add(what, target="<= 30 MB", found=f"{most:.1f} MB", met=most <= 30)
    what = f"growth from {fewer} to {sizes.many} tickets"
    verdicts.add(what, target="<= 10 %", found=f"{growth:.0%}", met=growth <= 0.10)


def due(sizes: Sizes, verdicts: Verdicts) -> None:
    """Find what is due among many stored tickets; nothing here knows of a helpdesk."""
    tables.heading(f"What is due among {sizes.stored} open tickets")
    found = local.due(sizes.stored)
    tables.table(("look-up", "", "ms, median", "ms, p99"), [(n, "", f"{m:.3f}", f"{p:.3f}") for n, m, p in found.rows])
    median = found.rows[0][1]
    met = median <= 1.0 and found.requests == 0
    shown = f"{median:.3f} ms, {found.requests} API reads"
    verdicts.add(f"due among {sizes.stored} open tickets", target="<= 1 ms, 0 API reads", found=shown, met=met)


def rescore(sizes: Sizes, verdicts: Verdicts) -> None:
    """Decide stored tickets anew, as after a change of the policy."""
    tables.heading(f"Deciding {sizes.decided} stored tickets again, decide alone")
    with running("zendesk", sizes.decided) as site:
        results = interleaved("pipeline", ["connector: decide alone"], site, reps=max(sizes.reps // 2, 1))
    (runs,) = results.values()
    each = per_ticket(runs, runs[0]["count"], of="alone")
    million = each.middle
    print(f"  {each.middle:.0f} us [{each.least:.0f}..{each.most:.0f}] for each of {runs[0]['count']} open tickets")
    how = "measured" if runs[0]["count"] >= 1_000_000 else f"extrapolated from {runs[0]['count']}"
    what = "1,000,000 stored tickets decided again, one core"
    verdicts.add(what, target="<= 30 s", found=f"{million:.0f} s ({how})", met=million <= 30)


def lag(sizes: Sizes, verdicts: Verdicts) -> None:
    """From a crossing to the armed intent, and from a change in the helpdesk to the decision."""
    tables.heading("Lag")
    crossing = crossing_to_intent(others=min(sizes.stored, 100_000))
    changes = change_to_decision(rate=sizes.rate, minutes=sizes.minutes)
    rows = [(r.what, "", f"{r.count}", f"{r.p50:.2f}", f"{r.p95:.2f}", f"{r.p99:.2f}") for r in (crossing, *changes)]
    tables.table(("from, to", "", "times", "p50 s", "p95 s", "p99 s"), rows)
    what = f"{crossing.what}: p99"
    verdicts.add(what, target="<= 2 s", found=f"{crossing.p99:.2f} s", met=crossing.p99 <= 2)
    for row in changes:
        verdicts.add(f"{row.what}: p95", target="<= 75 s", found=f"{row.p95:.1f} s", met=row.p95 <= 75)


SECTIONS: Mapping[str, Callable[[Sizes, Verdicts], None]] = {
    "zendesk": zendesk,
    "jira": jira,
    "pipeline": pipeline,
    "memory": memory,
    "due": due,
    "rescore": rescore,
    "lag": lag,
}
