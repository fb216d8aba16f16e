"""Policy cases: read a file of stories, replay each against a policy, and say in words what differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connector.documents import Document, Refused, checked, judged
from connector.domain.policy import Policy
from connector.errors import ConfigError, Problem
from connector.policyfiles.cases_file import LAST_YEAR, CaseFile, CasesFile, Moment
from connector.policyfiles.expect import differences
from connector.policyfiles.replay import Replay


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCase:
    """One story with the place where it is written."""

    file: str
    line: int
    story: CaseFile

    @property
    def name(self) -> str:
        """Return the story in a few words."""
        return self.story.name


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """What came of one case; it passed when nothing differs."""

    case: PolicyCase
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """True when everything was as expected."""
        return not self.differences


def load_cases(paths: Sequence[Path]) -> tuple[PolicyCase, ...]:
    """Read case files; folders stand for the YAML files in them.

    Raises:
        ConfigError: with every problem of every file.
    """
    cases: list[PolicyCase] = []
    problems: list[Problem] = []
    for path in _files(paths):
        try:
            cases += judged(path, read_cases, shown=str(path))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(tuple(sorted(problems)))
    return tuple(cases)


def read_cases(document: Document) -> tuple[PolicyCase, ...]:
    """Return the cases in ``document``; raises ``ConfigError`` with every problem found."""
    file = checked(CasesFile, document)
    refused = Refused(document)
    for index, case in enumerate(file.cases):
        if any(case.name == other.name for other in file.cases[:index]):
            refused.add(("cases", index, "name"), f"{case.name} is the name of two cases", "rename one")
        for key, items in (("events", case.events), ("expect", case.expect)):
            moments = [item.at for item in items]
            for n in (n for n, at in enumerate(moments) if at.since(case.ticket.opened).year > LAST_YEAR):
                refused.add(("cases", index, key, n, "at"), f"lies beyond the year {LAST_YEAR}", "write a shorter time")
            for n in _out_of_order(case, moments):
                refused.add(("cases", index, key, n, "at"), "comes before the one ahead of it", "put them in order")
    if refused.problems:
        raise ConfigError(tuple(sorted(refused.problems)))
    return tuple(
        PolicyCase(file=document.file, line=document.place(("cases", index))[0], story=case)
        for index, case in enumerate(file.cases)
    )


def run_case(case: PolicyCase, policy: Policy) -> CaseResult:
    """Replay one case: every step is compared with what decide and plan make of the ticket by then."""
    replay = Replay(case.story, policy)
    found: list[str] = []
    for step in case.story.expect:
        found += differences(step, replay.advance(step.at.since(replay.opened_at)))
    return CaseResult(case=case, differences=tuple(found))


def run_cases(cases: Sequence[PolicyCase], policy: Policy) -> tuple[CaseResult, ...]:
    """Replay every case against ``policy``."""
    return tuple(run_case(case, policy) for case in cases)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(path.glob("*.yaml")) if path.is_dir() else (path,)


def _out_of_order(case: CaseFile, moments: Sequence[Moment]) -> Iterator[int]:
    at = [moment.since(case.ticket.opened) for moment in moments]
    yield from (n for n in range(1, len(at)) if at[n] < at[n - 1])
