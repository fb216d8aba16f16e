"""Records what a process does to the files of a folder: every write, and every sync that makes writes durable.

SQLite's own file operations are seen by an extension of its operating system layer ("VFS"), put in place through
ctypes in the library that Python's ``sqlite3`` itself uses; no compiler and no rights are needed. What Python writes is
seen by wrapping the functions of ``os``. Both only watch: every operation is then done as asked. A file that is opened
for writing in any other way is noted as ``unseen``, for the test to refuse.

Install it only in a process that does nothing else: it cannot be taken out again.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import os
import sys
import threading
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from pathlib import Path
from typing import Any

Entry = tuple[Any, ...]
"""``create path file`` · ``mkdir path`` · ``write file offset bytes`` · ``truncate file size`` · ``sync file`` ·
``replace source target`` · ``unlink path`` · ``syncdir folder`` · ``unseen path`` · ``said words…``; a ``file`` is a
number that stays the same when its name changes."""

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
_Delete = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)
_Close = CFUNCTYPE(c_int, c_void_p)
_Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_Truncate = CFUNCTYPE(c_int, c_void_p, c_int64)
_Sync = CFUNCTYPE(c_int, c_void_p, c_int)
_OpenDirectory = CFUNCTYPE(c_int, c_char_p, c_void_p)
_SetCall = CFUNCTYPE(c_int, c_void_p, c_char_p, c_void_p)
_GetCall = CFUNCTYPE(c_void_p, c_void_p, c_char_p)


class _Methods(Structure):
    """``sqlite3_io_methods`` of any version up to 3, as in sqlite3.h."""

    _fields_ = (
        ("version", c_int),
        ("close", c_void_p),
        ("read", c_void_p),
        ("write", c_void_p),
        ("truncate", c_void_p),
        ("sync", c_void_p),
        ("others", c_void_p * 13),
    )


class _File(Structure):
    """``sqlite3_file``: what follows belongs to the VFS."""

    _fields_ = (("methods", POINTER(_Methods)),)


class _Vfs(Structure):
    """``sqlite3_vfs`` of version 3."""

    _fields_ = (
        ("version", c_int),
        ("file_size", c_int),
        ("longest_path", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("data", c_void_p),
        ("open", c_void_p),
        ("delete", c_void_p),
        ("others", c_void_p * 11),
        ("set_call", c_void_p),
        ("get_call", c_void_p),
        ("next_call", c_void_p),
    )


def why_not() -> str:
    """Return why SQLite's operations cannot be recorded here; empty where they can."""
    try:
        vfs = _default_vfs()
    except (AttributeError, OSError) as error:
        return f"the SQLite that Python uses cannot be reached: {error}"
    return "" if vfs.version >= 3 and vfs.name == b"unix" else f"SQLite writes through {vfs.name!r}, not 'unix'"


def _default_vfs() -> Any:
    library = ctypes.CDLL(getattr(_sqlite3, "__file__", None))  # finds what the module is linked to as well
    find = library.sqlite3_vfs_find
    find.restype, find.argtypes = POINTER(_Vfs), [c_char_p]
    return find(None).contents


def _full(path: Any) -> str:
    return str(Path.cwd() / os.fsdecode(path))


class Recorder:
    """Keeps, in order, what was done below ``folder``, which is empty when it begins."""

    def __init__(self, folder: Path) -> None:
        self.entries: list[Entry] = []
        self._folder = f"{folder.resolve()}{os.sep}"
        self._names: dict[str, int] = {}
        self._made = 0
        self._lock = threading.RLock()

    def install(self) -> None:
        """Watch this process from now on."""
        self._watched = _WatchedSqlite(self), _WatchedOs(self)  # SQLite's pointers to them are no references
        for each in self._watched:
            each.install()

    def note(self, *entry: Any) -> None:
        """Add an entry."""
        with self._lock:
            self.entries.append(entry)

    def covers(self, path: str) -> bool:
        """Return whether a path is below the folder, or is the folder itself."""
        return f"{path}{os.sep}".startswith(self._folder)

    def opened(self, path: str) -> int:
        """Return the number of the file that stands at ``path``, which is created where none does."""
        with self._lock:
            if path not in self._names:
                self._made += 1
                self._names[path] = self._made
                self.note("create", path, self._made)
            return self._names[path]

    def file_at(self, path: str) -> int | None:
        """Return the number of the file at ``path``; ``None`` where there is none that we know."""
        return self._names.get(path)

    def replaced(self, source: str, target: str) -> None:
        """A file has another name now."""
        with self._lock:
            if source in self._names:
                self._names[target] = self._names.pop(source)
                self.note("replace", source, target)

    def unlinked(self, path: str) -> None:
        """A name is gone."""
        with self._lock:
            if self._names.pop(path, None) is not None:
                self.note("unlink", path)


class _WatchedSqlite:
    """The default VFS with its opening and deleting replaced, and of every file its writes, truncations and syncs."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._files: dict[int, int] = {}
        self._kept: list[Any] = []  # callbacks and tables that SQLite holds pointers to
        self._tables: dict[int, Any] = {}

    def install(self) -> None:
        vfs = _default_vfs()
        vfs.open = self._callback(_Open, self._open(_Open(vfs.open)))
        vfs.delete = self._callback(_Delete, self._delete(_Delete(vfs.delete)))
        # SQLite opens a folder for one purpose alone: to sync it
        original = _OpenDirectory(_GetCall(vfs.get_call)(ctypes.addressof(vfs), b"openDirectory"))
        watched = self._callback(_OpenDirectory, self._sync_folder(original))
        if _SetCall(vfs.set_call)(ctypes.addressof(vfs), b"openDirectory", watched) != 0:
            raise OSError("SQLite's syncs of folders cannot be watched")

    def _callback(self, kind: Any, function: Callable[..., int]) -> int:
        made = kind(function)
        self._kept.append(made)
        return int(ctypes.cast(made, c_void_p).value or 0)

    def _open(self, original: Any) -> Callable[..., int]:
        def opened(vfs: int, name: int | None, file: int, flags: int, out: int) -> int:
            code = int(original(vfs, name, file, flags, out))
            path = os.fsdecode(ctypes.string_at(name)) if name else ""  # a temporary file has none
            if code == 0 and path and self._recorder.covers(path):
                self._files[file] = self._recorder.opened(path)
                head = _File.from_address(file)
                head.methods = ctypes.pointer(self._table(head.methods))
            return code

        return opened

    def _table(self, methods: Any) -> _Methods:
        place = ctypes.addressof(methods.contents)
        if place not in self._tables:
            original = methods.contents
            table = _Methods.from_buffer_copy(original)
            table.write = self._callback(_Write, self._write(_Write(original.write)))
            table.truncate = self._callback(_Truncate, self._truncate(_Truncate(original.truncate)))
            table.sync = self._callback(_Sync, self._sync(_Sync(original.sync)))
            table.close = self._callback(_Close, self._close(_Close(original.close)))
            self._tables[place] = table
        return self._tables[place]

    def _write(self, original: Any) -> Callable[..., int]:
        def write(file: int, data: int, size: int, offset: int) -> int:
            self._recorder.note("write", self._files[file], offset, ctypes.string_at(data, size))
            return int(original(file, data, size, offset))

        return write

    def _truncate(self, original: Any) -> Callable[..., int]:
        def truncate(file: int, size: int) -> int:
            self._recorder.note("truncate", self._files[file], size)
            return int(original(file, size))

        return truncate

    def _sync(self, original: Any) -> Callable[..., int]:
        def sync(file: int, flags: int) -> int:
            code = int(original(file, flags))
            if code == 0:
                self._recorder.note("sync", self._files[file])
            return code

        return sync

    def _close(self, original: Any) -> Callable[..., int]:
        def close(file: int) -> int:
            self._files.pop(file, None)
            return int(original(file))

        return close

    def _delete(self, original: Any) -> Callable[..., int]:
        def delete(vfs: int, name: bytes, sync_folder: int) -> int:
            self._recorder.unlinked(os.fsdecode(name))
            return int(original(vfs, name, sync_folder))

        return delete

    def _sync_folder(self, original: Any) -> Callable[..., int]:
        def open_directory(name: bytes, out: int) -> int:
            code = int(original(name, out))
            if code == 0:
                self._recorder.note("syncdir", str(Path(os.fsdecode(name)).parent))
            return code

        return open_directory


class _WatchedOs:
    """The functions of ``os`` that change files, as the journal's Python code uses them."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._paths: dict[int, str] = {}
        self._ours = threading.local()

    def install(self) -> None:
        for name in ("open", "close", "write", "pwrite", "ftruncate", "fsync", "replace", "unlink", "mkdir"):
            setattr(os, name, getattr(self, f"_{name}")(getattr(os, name)))
        os.rename, os.remove, os.fdatasync = os.replace, os.unlink, os.fsync
        sys.addaudithook(self._refuse_unseen)

    def _refuse_unseen(self, event: str, given: tuple[Any, ...]) -> None:
        if event != "open" or getattr(self._ours, "opening", False) or isinstance(given[0], int):
            return
        path = _full(given[0])
        if given[2] & _WRITES and self._recorder.covers(path):
            self._recorder.note("unseen", path)

    def _open(self, original: Any) -> Any:
        def opened(path: Any, flags: int, *rest: Any, **named: Any) -> int:
            self._ours.opening = True
            try:
                number = int(original(path, flags, *rest, **named))
            finally:
                self._ours.opening = False
            full = _full(path)
            if self._recorder.covers(full):
                self._paths[number] = full
                if flags & _WRITES:
                    file = self._recorder.opened(full)
                    if flags & os.O_TRUNC:
                        self._recorder.note("truncate", file, 0)
            return number

        return opened

    def _close(self, original: Any) -> Any:
        def close(number: int) -> None:
            self._paths.pop(number, None)
            original(number)

        return close

    def _file(self, number: int) -> int | None:
        return self._recorder.file_at(self._paths[number]) if number in self._paths else None

    def _write(self, original: Any) -> Any:
        def write(number: int, data: Any) -> int:
            if self._file(number) is not None:
                self._recorder.note("write", self._file(number), os.lseek(number, 0, os.SEEK_CUR), bytes(data))
            return int(original(number, data))

        return write

    def _pwrite(self, original: Any) -> Any:
        def pwrite(number: int, data: Any, offset: int) -> int:
            if self._file(number) is not None:
                self._recorder.note("write", self._file(number), offset, bytes(data))
            return int(original(number, data, offset))

        return pwrite

    def _ftruncate(self, original: Any) -> Any:
        def ftruncate(number: int, size: int) -> None:
            if self._file(number) is not None:
                self._recorder.note("truncate", self._file(number), size)
            original(number, size)

        return ftruncate

    def _fsync(self, original: Any) -> Any:
        def fsync(number: int) -> None:
            original(number)
            if self._file(number) is not None:
                self._recorder.note("sync", self._file(number))
            elif number in self._paths and Path(self._paths[number]).is_dir():
                self._recorder.note("syncdir", self._paths[number])

        return fsync

    def _replace(self, original: Any) -> Any:
        def replace(source: Any, target: Any, **named: Any) -> None:
            original(source, target, **named)
            self._recorder.replaced(_full(source), _full(target))

        return replace

    def _unlink(self, original: Any) -> Any:
        def unlink(path: Any, **named: Any) -> None:
            original(path, **named)
            self._recorder.unlinked(_full(path))

        return unlink

    def _mkdir(self, original: Any) -> Any:
        def mkdir(path: Any, *rest: Any, **named: Any) -> None:
            original(path, *rest, **named)
            full = _full(path)
            if self._recorder.covers(full):
                self._recorder.note("mkdir", full)

        return mkdir
