"""``check``: is everything in place, is anything too much? Looks at every site with both credentials and only reads."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from connector.bootstrap.expiring import endings
from connector.bootstrap.helpdesks import inspector
from connector.errors import ConfigError, ConnectorError, Denied
from connector.helpdesks.transport import Surroundings
from connector.journal import require_folder, state_file
from connector.ports.inspection import Finding, Verdict, Wanted
from connector.settings import Settings

if TYPE_CHECKING:
    from connector.bootstrap.connector import Connector

MOST_SKEW = timedelta(seconds=120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One finding and its site; no site: it is about this machine."""

    site: str
    finding: Finding
    denied: bool = False


def check(program: Connector, names: Sequence[str], *, now: datetime) -> list[Checked]:
    """Return every finding, site by site."""
    found = [Checked(site="", finding=finding) for finding in _here(program)]
    found += [
        Checked(site=a.site, finding=Finding(verdict=Verdict.MISSING, what="secret", why=a.message, remedy=a.remedy))
        for a in endings(program.settings, now=now)
        if a.site in names
    ]
    for name in names:
        found += _site(program, name)
    return found


def _here(program: Connector) -> Iterator[Finding]:
    """Yield what there is to say of this machine."""
    yield _state(program.settings)
    yield from _secrets(program.settings)
    command = program.settings.alarm_command
    if command and shutil.which(command[0]) is None:
        yield Finding(
            verdict=Verdict.BROKEN, what=f"alarm_command {command[0]}", why="no such program", remedy="correct the path"
        )
    elif command:
        yield Finding(verdict=Verdict.OK, what=f"alarm_command {command[0]}")
    else:
        why = "nobody hears of a frozen or parked write"
        yield Finding(verdict=Verdict.UNKNOWN, what="alarm_command", why=why, remedy="name a program")


def _state(settings: Settings) -> Finding:
    file, what = state_file(settings.state_url), f"state {settings.state}"
    try:
        require_folder(settings.state_url)
        is_new = file is not None and not file.exists()
    except ConfigError as error:
        (problem,) = error.problems
        return Finding(verdict=Verdict.BROKEN, what=what, why=problem.message, remedy=problem.remedy)
    except OSError as error:
        return Finding(verdict=Verdict.BROKEN, what=what, why=error.strerror or "", remedy="correct the path")
    return Finding(verdict=Verdict.OK, what=f"{what}, none yet: the first run makes it" if is_new else what)


def _secrets(settings: Settings) -> Iterator[Finding]:
    for loose in settings.loose_secrets():
        what = f"{'secrets folder' if loose.is_folder else 'secret file'} {loose.path}"
        yield Finding(verdict=Verdict.EXCESS, what=what, why=str(loose), remedy=loose.remedy)


def _site(program: Connector, name: str) -> Iterator[Checked]:
    rules = program.rules(name)
    effects = frozenset().union(rules.effects, *rules.scopes.values())
    clock = program.make_clock("check", join=False)
    try:
        around = Surroundings(clock=clock, redactor=program.redactor)
        look = inspector(program.settings, rules, program.policies.loaded.maps[name].fields, around)
        searches = program.settings.site(name).poll.by == "search"
        for finding in look.inspect(Wanted(effects=effects, searches=searches)):
            yield Checked(site=name, finding=finding)
    except ConnectorError as error:
        verdict = Verdict.MISSING if isinstance(error, Denied) else Verdict.UNKNOWN
        finding = Finding(verdict=verdict, what="access", why=str(error), remedy=error.remedy)
        yield Checked(site=name, finding=finding, denied=isinstance(error, Denied))
