"""What every command gets: the global options, and shortcuts from there to a composed program."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.cli.progress import ProgressLine, Watched
from connector.cli.show import Output

if TYPE_CHECKING:
    from connector.bootstrap import Connector
    from connector.ports import Observer


@dataclass(frozen=True, slots=True)
class Options:
    """The global options."""

    config: Path
    output: Output
    verbosity: int
    color: bool

    def load(self, *, need_secrets: bool = False) -> Connector:
        """Read the configuration and compose the program; raises ``ConfigError`` with every problem found.

        ``need_secrets`` is for commands that talk to a helpdesk.
        """
        from connector.bootstrap import Connector  # noqa: PLC0415 - heavy; `--help` must not pay for it

        return Connector.load(self.config, self._log, need_secrets=need_secrets)

    @contextmanager
    def watching(self) -> Iterator[Connector]:
        """Load the program for a command that takes a while: a person at a terminal sees how far it is.

        Nothing is shown in a pipe, with ``-q``, or where the results are for machines.
        """
        from connector.bootstrap import Connector  # noqa: PLC0415 - as above

        is_watched = self.output is Output.TEXT and self.verbosity >= 0 and sys.stderr.isatty()
        line = ProgressLine(sys.stderr) if is_watched and os.environ.get("TERM") != "dumb" else None
        try:
            yield Connector.load(self.config, partial(self._log, line=line), need_secrets=True)
        finally:
            if line is not None:
                line.show("")

    def _log(self, program: Connector, *, line: ProgressLine | None = None) -> Observer:
        """Return the log of ``program``: as its configuration says, unless ``-q`` or ``-v`` says otherwise.

        With a ``line`` its lines go above it, and progress is shown there.
        """
        from connector.cli.foreign import take_over_crashes, take_over_libraries  # noqa: PLC0415
        from connector.cli.log import Log  # noqa: PLC0415

        wanted = program.settings.log
        level = {-1: "warning", 1: "debug"}.get(self.verbosity, wanted.level)
        log = Log(program.now, clean=program.redactor.clean, level=level, form=wanted.format, stream=line)
        take_over_libraries(log)
        take_over_crashes(log)
        return log if line is None else Watched(log, line)


_YEARS = range(1970, 2101)
"""Of what moments one may ask: calendars reckon with more years, which leaves room for what is due after them."""


class Moment(click.ParamType[datetime]):
    """An ISO 8601 moment with an offset, such as ``2026-11-22T18:00+01:00`` or ``…Z``."""

    name = "moment"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the moment in UTC."""
        if isinstance(value, datetime):
            return value
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a moment such as 2026-11-22T18:00+01:00", param, ctx)
        if at.tzinfo is None:
            self.fail(f"{value!r} needs an offset, such as +01:00 or Z", param, ctx)
        if at.year not in _YEARS:
            self.fail(f"{value!r} is not in the years {_YEARS.start} to {_YEARS.stop - 1}", param, ctx)
        return at.astimezone(UTC)


class PingAddress(click.ParamType[str]):
    """An address to ping, under the rules of the configuration's ``ping_url``."""

    name = "url"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address."""
        from connector.settings.urls import ping_url  # noqa: PLC0415 - `--help` does without pydantic

        try:
            return ping_url(str(value))
        except ValueError as error:
            self.fail(f"it {error}", param, ctx)  # not in its own words: a secret may stand in it


class ListenAddress(click.ParamType[str]):
    """Where to listen: a host and a port."""

    name = "host:port"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it as it was typed."""
        from connector.settings.urls import place_to_listen  # noqa: PLC0415 - as above

        try:
            place_to_listen(str(value))
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)
        return str(value)


class Words(click.ParamType[str]):
    """A name or a reason. Bytes that are no UTF-8 are shown as such: nothing else could store them."""

    name = "text"

    def convert(self, value: object, _param: click.Parameter | None, _ctx: click.Context | None) -> str:
        """Return it in characters that can be stored."""
        return str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def operator() -> str:
    """Return who gives this command, as the audit names them: an account without a name by its number.

    In a container the account often has none, and nobody is to find one before writing can be stopped.
    """
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def examples(*commands: str) -> str:
    """Return the end of a command's help: commands to copy."""
    return "\n".join(("\b", "Examples:", *(f"  {command}" for command in commands)))


pass_options = click.make_pass_decorator(Options)
