"""Who owns the journal, as a row: what keeps a second machine out where no file lock can.

The time in the row is the database's own, so workers' clocks do not matter. A holder that was quiet for longer than the
lease lasts keeps it until somebody else takes it; its next transaction then finds another epoch and fails.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Update, insert, select, update
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from connector.errors import Busy
from connector.journal.moments import length_micros
from connector.journal.statements import AnyRow
from connector.journal.tables import lease

LASTS = timedelta(seconds=120)  # outlasts the longest request that is begun within it
RENEWED_EVERY = timedelta(seconds=15)
_NAME = "journal"


class DatabaseNow(FunctionElement[int]):
    """The database's own time in microseconds since 1970; SQLite's has whole seconds."""

    type = BigInteger()
    inherit_cache = True


@compiles(DatabaseNow)
def _now(_element: DatabaseNow, _compiler: Any, **_: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"


@compiles(DatabaseNow, "sqlite")
def _now_in_sqlite(_element: DatabaseNow, _compiler: Any, **_: Any) -> str:
    return "CAST(strftime('%s', 'now') AS INTEGER) * 1000000"


def _database_now(connection: Connection) -> int:
    return int(connection.execute(select(DatabaseNow())).scalar_one())


class Lease:
    """Our turn at the journal, named by its epoch."""

    def __init__(self, connection: Connection, *, holder: str, shared: bool) -> None:
        """Take the lease; where the database is ``shared`` by machines a living holder raises ``Busy``."""
        now = _database_now(connection)
        held = connection.execute(select(lease).where(lease.c.name == _NAME).with_for_update()).one_or_none()
        if shared and held is not None and held.holder and now - held.renewed_at < length_micros(LASTS):
            raise Busy(f"{held.holder} holds this state", remedy=f"wait {LASTS.seconds} s after it has stopped")
        self.epoch = 1 if held is None else held.epoch + 1
        self._shared = shared
        _store(connection, held, holder=holder, epoch=self.epoch, renewed_at=now)

    def check(self, connection: Connection) -> None:
        """Raise ``Busy`` when somebody else took over; renew a lease that grows old. Runs inside each transaction."""
        if not self._shared:
            return
        now = _database_now(connection)
        held = connection.execute(select(lease.c.epoch, lease.c.renewed_at).where(lease.c.name == _NAME)).one()
        if held.epoch != self.epoch:
            raise Busy("another process took this state over", remedy="stop this one")
        if now - held.renewed_at >= length_micros(RENEWED_EVERY):
            connection.execute(self._mine().values(renewed_at=now))

    def give_up(self, connection: Connection) -> None:
        """Let the next one in at once."""
        connection.execute(self._mine().values(holder=""))

    def _mine(self) -> Update:
        return update(lease).where(lease.c.name == _NAME, lease.c.epoch == self.epoch)


def _store(connection: Connection, held: AnyRow, **values: object) -> None:
    if held is None:
        connection.execute(insert(lease).values(name=_NAME, **values))
    else:
        connection.execute(update(lease).where(lease.c.name == _NAME).values(**values))
