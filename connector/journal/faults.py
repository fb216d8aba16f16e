"""What a database says when it fails, in the words of our error tree."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, OperationalError

from connector.errors import Busy, ConnectorError, StateFull, Unforeseen

_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED", "55P03", "40001", "40P01")
_FULL = ("SQLITE_FULL", "53100")
_CLOSED = ("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH", "SQLITE_READONLY")
_UNREACHED = ("08", "57P")
_REFUSED = ("SQLITE_CONSTRAINT", "SQLITE_MISMATCH", "SQLITE_TOOBIG", "22", "23")  # a server quotes the row as well
_BROKEN = ("SQLITE_IOERR", "SQLITE_CORRUPT", "SQLITE_NOTADB", "58030", "XX001", "XX002")


class StateBroken(ConnectorError):
    """The disk or the database file failed; nothing may go on as if it had not."""

    remedy = "stop, check the disk, and restore the state from a backup"


def translate(error: DBAPIError) -> ConnectorError:
    """Return the error that says what the caller must do about a failed statement."""
    code = _code(error)
    said = f"the state's database failed: {error.orig}"
    if code.startswith(_BUSY):
        return Busy(said, remedy="close whatever else has the database open, then try again")
    if code.startswith(_FULL):
        return StateFull(said)
    if code.startswith(_BROKEN):
        return StateBroken(said)
    if code.startswith(_REFUSED):
        return Unforeseen(f"the state's database refused what was to be stored ({code})", remedy="please report it")
    if code.startswith(_CLOSED):
        return ConnectorError(said, remedy="check the permissions of the database and of its folder")
    if code.startswith(_UNREACHED) or (not code and isinstance(error, OperationalError)):
        return ConnectorError(said, remedy="check that the database server runs and that `state` names it")
    return ConnectorError(said, remedy="see the log for the first error of this run")


def _code(error: DBAPIError) -> str:
    """Return SQLite's error name or PostgreSQL's SQLSTATE, whichever the driver gives."""
    for name in ("sqlite_errorname", "sqlstate"):
        if isinstance(found := getattr(error.orig, name, None), str):
            return found
    return ""
