"""``policy``: test a policy against written cases, lint it, show the one in force or an earlier one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from connector.cli.context import Options, examples, pass_options
from connector.cli.exits import Exit
from connector.cli.show import Output, emit_json, put, put_fitted
from connector.errors import ConnectorError


@click.group()
def policy() -> None:
    """Test, lint and show policies."""


@policy.command(
    "test",
    short_help="Replay written cases against the policy.",
    epilog=examples("connector policy test", "connector policy test -k security --policy draft.yaml"),
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--policy", "policy_file", type=click.Path(path_type=Path, dir_okay=False), help="Another policy file.")
@click.option("-k", "only", metavar="TEXT", help="Only cases whose name contains TEXT.")
@pass_options
def test(options: Options, *, files: Sequence[Path], policy_file: Path | None, only: str | None) -> int:
    """Replay written cases and compare what the policy decides with what they expect.

    FILES are case files or folders of them; without any, the `tests` folder beside the policy. Needs no site, no state
    and no network.
    """
    from connector.bootstrap import policy_test  # noqa: PLC0415 - heavy

    results = policy_test(options.config, policy_file=policy_file, files=files, only=only)
    if not results:
        message = f"no case's name contains {only!r}" if only else "there are no cases"
        raise ConnectorError(message, remedy="`connector policy test` runs and names those beside the policy")
    failed = [r for r in results if r.differences]
    if options.output is Output.TEXT:
        for result in results:
            put_fitted(f"{'FAIL' if result.differences else 'ok  '} {result.case.name}", hang=5)
            for difference in result.differences:
                put_fitted(f"       {difference}")
        put_fitted(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    else:
        emit_json("policy-test", cases=[{"name": r.case.name, "differences": list(r.differences)} for r in results])
    return Exit.FAILED if failed else Exit.OK


@policy.command(
    "lint",
    short_help="Say what is unwise about the policy on the configured sites.",
    epilog=examples("connector policy lint", "connector -o json policy lint"),
)
@pass_options
def lint(options: Options) -> int:
    """Check policy, maps and texts against one another and against the sites' budgets.

    Errors end with 78: what could not be loaded, and a worst case for one ticket that exceeds a site's budgets.
    Warnings, such as a trigger without words in a language that a site supports, end with 0.
    """
    from connector.bootstrap import policy_lint  # noqa: PLC0415 - heavy

    findings = policy_lint(options.config)
    if options.output is Output.TEXT:
        for found in findings:
            put_fitted(f"{found.weight}: {found.key} on {found.site}: {found.message} ({found.remedy}) [{found.code}]")
        print(f"{len(findings)} finding(s)" if findings else "nothing to say")
    else:
        emit_json("policy-lint", findings=[asdict(found) for found in findings])
    return Exit.CONFIG if any(found.weight == "error" for found in findings) else Exit.OK


@policy.command(
    "show",
    short_help="Print the policy in force, or an earlier one.",
    epilog=examples("connector policy show", "connector policy show 60347fd    # as `explain` names it"),
)
@click.argument("digest", required=False)
@pass_options
def show(options: Options, *, digest: str | None) -> int:
    """Print the canonical document of the policy in force, or of an earlier one by (the beginning of) its hash."""
    put(options.load().policy_document(digest))
    return 0
