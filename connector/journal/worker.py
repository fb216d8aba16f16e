"""Who runs the journal's transactions: one thread with the one writing connection, or a reader's own connection."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from connector.errors import Busy, ConnectorError
from connector.journal.faults import StateBroken, translate

T = TypeVar("T")

_NOT_REWRITTEN = "what was erased is in no row any more, but the state's file could not be rewritten"
_REWRITE = "free the state's size on its disk and close what reads it; then: connector erase --user nobody"

Seal = Callable[[Connection], Callable[[], None] | None]
"""A transaction's last act, and what follows its commit."""


class Runner(Protocol):
    """Runs work on a connection."""

    def run(self, work: Callable[[Connection], T]) -> T:
        """Return what ``work`` returns; its statements are one transaction. Raises ``ConnectorError``."""


class Reader:
    """Runs queries, each in a transaction of its own that sees one moment of the database; from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(self, work: Callable[[Connection], T]) -> T:
        """Return what ``work`` returns."""
        try:
            with self._engine.connect() as connection:
                return work(connection)
        except DBAPIError as error:
            raise translate(error) from error


class JournalThread:
    """The one thread that owns the writing connection; whoever calls waits for the transaction to be durable.

    After a failure of the disk every further call raises the same error: what cannot be stored must not be sent.
    """

    def __init__(self, engine: Engine) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._broken: StateBroken | None = None
        self._guard: Callable[[Connection], None] | None = None
        self._seal: Seal | None = None
        try:
            self._connection = self._pool.submit(self._connect, engine).result()
        except BaseException:
            self._pool.shutdown()
            raise

    @staticmethod
    def _connect(engine: Engine) -> Connection:
        try:
            return engine.connect()
        except DBAPIError as error:
            raise translate(error) from error

    def guard(self, check: Callable[[Connection], None]) -> None:
        """Run ``check`` at the start of every transaction from now on."""
        self._guard = check

    def seal(self, last_act: Seal) -> None:
        """Run ``last_act`` at the end of every transaction from now on, and what it returns after the commit."""
        self._seal = last_act

    def run(self, work: Callable[[Connection], T]) -> T:
        """Return what ``work`` returns, after its transaction is on disk; nothing of it happened when this raises."""
        try:
            pending = self._pool.submit(self._transaction, work)
        except RuntimeError as error:
            raise ConnectorError("the journal is closed") from error
        return pending.result()

    def _transaction(self, work: Callable[[Connection], T]) -> T:
        if self._broken:
            raise self._broken
        try:
            with self._connection.begin():
                if self._guard:
                    self._guard(self._connection)
                result = work(self._connection)
                committed = self._seal(self._connection) if self._seal else None
        except DBAPIError as error:
            self._leave_transaction()
            raise self._note(translate(error)) from error
        if committed is not None:
            committed()
        return result

    def _leave_transaction(self) -> None:
        """End a transaction whose very commit failed: SQLite may have kept it open, and the next could not begin.

        What fails here follows from what failed before, which is what is told; each driver has words of its own for it.
        """
        with contextlib.suppress(Exception):
            self._connection.connection.rollback()

    def compact(self) -> None:
        """Rewrite the whole file, so that nothing deleted can be read from it (SQLite; a server tidies up itself).

        Raises:
            Busy: Somebody reads: what was deleted may still stand in the log.
            StateFull: The disk lacks the space for the state a second time.
            StateBroken: The disk failed.
        """
        try:
            self._pool.submit(self._compact).result()
        except RuntimeError as error:
            raise ConnectorError("the journal is closed") from error

    def _compact(self) -> None:
        if self._connection.dialect.name != "sqlite":
            return
        raw = self._connection.connection.driver_connection
        assert raw is not None  # noqa: S101 - an open connection has one
        try:
            raw.execute("VACUUM").fetchall()
            (is_busy, *_), *_ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            told = translate(DBAPIError("VACUUM", None, error))
            raise self._note(type(told)(f"{_NOT_REWRITTEN}: {told}", remedy=_REWRITE)) from error
        if is_busy:
            raise Busy(f"{_NOT_REWRITTEN}: somebody reads it, and its log is kept for them", remedy=_REWRITE)

    def _note(self, error: ConnectorError) -> ConnectorError:
        if isinstance(error, StateBroken):
            self._broken = error
        return error

    def close(self) -> None:
        """Finish what was handed in and close the connection."""
        try:
            self._pool.submit(self._connection.close).result()
        except RuntimeError:
            return  # closed before
        self._pool.shutdown()
