"""``plan`` and ``apply``: every change with its reason, and exactly these changes."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connector.cli.context import Moment, Options, examples, pass_options
from connector.cli.exits import Exit, exit_of
from connector.cli.show import Output, emit_json, emit_lines, put_fitted, say, say_error
from connector.errors import WrongUse

if TYPE_CHECKING:
    from connector.domain.change import Comment, FieldChange
    from connector.engine.reconcile import PassPlan, Planned
    from connector.errors import ConnectorError


_HANG = 22
"""Columns by which the rest of a long line stands further in: below the change, beside ticket and field."""


@click.command(
    short_help="Show every change that would be written now; write none.",
    epilog=examples(
        "connector plan",
        "connector plan --select jsm-eu --out eu.json && connector apply eu.json",
        "connector -o json plan --at 2026-11-23T18:00+01:00",
    ),
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Keep the plan in FILE for `apply`.")
@click.option("--select", "selected", multiple=True, metavar="SITE", help="Only this site (repeatable).")
@click.option("--at", type=Moment(), help="Decide as if it were this moment (nothing can be applied from it).")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there is something to change, 0 when not.")
@pass_options
def plan(
    options: Options, *, out: Path | None, selected: Sequence[str], at: datetime | None, detailed_exitcode: bool
) -> int:
    """Show what would be written now, field by field, with reasons and texts. Writes nothing, stores nothing."""
    if out is not None and at is not None:
        raise click.UsageError("--out and --at exclude each other: a plan for another moment cannot be applied.")
    if out is not None:
        check_place(out)
    with options.watching() as program:
        plans, failures = program.plan(program.select(selected), at=at)
    if out is not None and plans:
        program.write_plan(out, plans)
    _show_plans(options, plans, failures, out)
    for site, error in failures:
        say_error(error, about=site)
    if failures:
        codes = {exit_of(error) for _, error in failures}
        return Exit.PARTIAL if plans else codes.pop() if len(codes) == 1 else Exit.FAILED
    pending = any(p.planned for p in plans)
    return Exit.CHANGES if detailed_exitcode and pending else Exit.OK


@click.command(
    short_help="Write exactly what a plan file holds.",
    epilog=examples("connector plan --out today.json", "connector apply today.json"),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@pass_options
def apply(options: Options, *, file: Path) -> int:
    """Write exactly what a plan FILE holds; a ticket that changed since is refused."""
    program = options.load(need_secrets=True)
    report = program.apply_file(file)
    if options.output is Output.TEXT:
        for key, why in report.refused:
            put_fitted(f"refused {key}: {why}")
        refused = f"{len(report.refused)} refused" + (f" ({report.held} of them held)" if report.held else "")
        put_fitted(f"Applied: {report.written} written, {refused}, {report.failed} failed.")
    else:
        emit_json(
            "apply",
            written=report.written,
            failed=report.failed,
            held=report.held,
            refused=[{"ticket": key, "why": why} for key, why in report.refused],
            stopped=report.stopped,
        )
    if program.stopping.is_set():
        say("interrupted: what was in hand is finished and stored; plan again for the rest")
        return Exit.INTERRUPTED
    if report.failed or report.stopped or len(report.refused) > report.held:
        return Exit.PARTIAL
    return Exit.HELD if report.held else Exit.OK


def check_place(path: Path) -> None:
    """Raise ``WrongUse`` where no file can be written; before long work and not after it."""
    real = Path(os.path.realpath(path))  # which tells of a link that leads to itself, where ``resolve`` fails
    if real.is_symlink() or (real.exists() and not real.is_file()):
        raise WrongUse(f"{path} cannot be written: it is no ordinary file", remedy="name a file; `-o json` prints")
    folder = real.parent
    if not folder.is_dir():
        raise WrongUse(f"{path} cannot be written: there is no folder {folder}", remedy="make it, or name another one")
    if not os.access(folder, os.W_OK):
        raise WrongUse(f"{path} cannot be written: {folder} is not writable", remedy="name another folder")


def _show_plans(
    options: Options, plans: Sequence[PassPlan], failures: Sequence[tuple[str, ConnectorError]], out: Path | None
) -> None:
    rows = [row for p in plans for row in plan_rows(p)]
    if options.output is Output.NDJSON:
        emit_lines("change", rows)
        return
    totals = plan_totals(plans)
    if options.output is Output.JSON:
        failed = [{"site": site, "why": str(error), "remedy": error.remedy} for site, error in failures]
        file = str(out) if out and plans else None
        emit_json("plan", sites=[p.site for p in plans], changes=rows, totals=totals, failed=failed, file=file)
        return
    for one in plans:
        put_fitted(f"policy {one.policy.name} @{one.policy.short_hash} · site {one.site} · {_looked_at(one)}")
        for line in plan_lines(one):
            put_fitted(line, hang=_HANG)
    hint = f" Apply with: connector apply {shlex.quote(str(out))}" if out and totals["tickets"] else ""
    put_fitted(_summary(totals) + hint if plans else "Plan: not made; no site could be read.")


def _looked_at(plan: PassPlan) -> str:
    """Return how many tickets there are, and how many of them had anything to decide."""
    return f"{_open(plan.open_tickets)}, {plan.decided} changed or due were decided"


def _open(count: int) -> str:
    return f"{count} open {'ticket' if count == 1 else 'tickets'}"


def plan_lines(plan: PassPlan) -> list[str]:
    """Return a plan as lines: one per change, with old, new and reason."""
    lines = [line for planned in plan.planned for line in _ticket_lines(planned)]
    lines += [line for each in plan.shadow for line in _lines(each.key, each.fields, each.comments, mark="would: ")]
    lines += [f"  {h.key:<10} held       {h.what:<28} {h.why}" for h in plan.held]
    lines += [f"  {item.key:<10} left       {item.item.what:<28} {item.item.why}" for item in plan.left]
    return lines


def _ticket_lines(planned: Planned) -> list[str]:
    return _lines(planned.change.key, planned.change.fields, planned.change.comments)


def _lines(key: str, fields: Sequence[FieldChange], comments: Sequence[Comment], *, mark: str = "") -> list[str]:
    lines = [(f"{mark}{f.field}", f"{f.before or '(none)'} -> {f.after}", f.reason) for f in fields]
    for comment in comments:
        audience = "public" if comment.public else "internal"
        name = f"+ {audience}, {comment.notice.locale}, {comment.notice.template}"
        lines.append((f"{mark}comment", name, comment.notice.reason))
        lines += [("", f"| {text}", "") for text in comment.body.splitlines()]
    shown = []
    for index, (what, change_text, why) in enumerate(lines):
        first = key if index == 0 else ""
        shown.append(f"  {first:<10} {what:<{10 + len(mark)}} {change_text:<28} {why}".rstrip())
    return shown


def plan_rows(plan: PassPlan) -> list[dict[str, Any]]:
    """Return a plan as plain rows for machines."""
    rows: list[dict[str, Any]] = []
    for change in (planned.change for planned in plan.planned):
        base = {"site": plan.site, "ticket": change.key, "id": change.ref.id, "state": "planned"}
        rows += _rows(base, change.fields, change.comments)
    for each in plan.shadow:
        rows += _rows({"site": plan.site, "ticket": each.key, "state": "shadow"}, each.fields, each.comments)
    rows += [{"site": plan.site, "ticket": h.key, "state": "held", "what": h.what, "why": h.why} for h in plan.held]
    rows += [
        {"site": plan.site, "ticket": i.key, "state": "left", "what": i.item.what, "why": i.item.why} for i in plan.left
    ]
    return rows


def _rows(
    base: Mapping[str, Any], fields: Sequence[FieldChange], comments: Sequence[Comment]
) -> Iterator[dict[str, Any]]:
    for f in fields:
        yield {**base, "field": f.field, "before": f.before, "after": f.after, "why": f.reason}
    for c in comments:
        about = {"comment": c.notice.template, "audience": c.notice.audience, "locale": c.notice.locale}
        yield {**base, **about, "text": c.body, "why": c.notice.reason}


def plan_totals(plans: Sequence[PassPlan]) -> dict[str, int]:
    """Return counts over all sites: by field, comments, mails that they will cause, held, left.

    ``would_do`` and ``would_public`` count changes and mails in shadow, which are not written. ``unchanged`` are the
    open tickets that stay as they are, whether or not there was anything to decide on them.
    """
    changes = [p.change for one in plans for p in one.planned]
    totals: dict[str, int] = {}
    for change in changes:
        for f in change.fields:
            totals[str(f.field)] = totals.get(str(f.field), 0) + 1
    comments = [c for change in changes for c in change.comments]
    totals["comment"] = len(comments)
    totals["public"] = sum(c.public for c in comments)
    totals["tickets"] = len(changes)
    totals["unchanged"] = sum(p.open_tickets - sum(each.ticket.is_open for each in p.planned) for p in plans)
    totals["held"] = sum(len(p.held) for p in plans)
    totals["left"] = sum(len(p.left) for p in plans)
    totals["would_do"] = sum(len(s.fields) + len(s.comments) for p in plans for s in p.shadow)
    totals["would_public"] = sum(c.public for p in plans for s in p.shadow for c in s.comments)
    return totals


def _summary(totals: dict[str, int]) -> str:
    fixed = ("tickets", "unchanged", "held", "left", "would_do", "public", "would_public")
    parts = [f"{n} {name}" for name, n in totals.items() if name not in fixed and n]
    mails, would = (_mails(totals[name]) for name in ("public", "would_public"))
    tail = f"{_open(totals['unchanged'])} unchanged; {totals['left']} left to people; {totals['held']} held"
    marked = f"`would:`, {would}" if would else "`would:`"
    shadow = f"; {totals['would_do']} in shadow ({marked}), not written" if totals["would_do"] else ""
    return f"Plan: {', '.join(parts) or 'no changes'}{f' ({mails})' if mails else ''}; {tail}{shadow}."


def _mails(count: int) -> str:
    return f"{count} {'mail' if count == 1 else 'mails'} to customers" if count else ""
