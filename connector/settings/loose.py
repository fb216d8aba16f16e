"""Secrets that other accounts of this machine may read: too much, and nothing that stops the work.

What a file of ours allows others is refused when it is read. Left are files that belong to root, which orchestrators
mount as they please and an administrator may have forgotten, folders that others may list, and a program that runs as
root itself.
"""

from __future__ import annotations

import os
import pwd
import shlex
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ORCHESTRATED = ("/run/secrets", "/var/run/secrets", "/run/credentials")
"""Where containers and services find their secrets, with modes that their runtime chose."""


@dataclass(frozen=True, slots=True)
class Loose:
    """A secret file, or a folder of them, that others may read: where it is, its mode, and the command that ends it."""

    path: Path
    mode: int
    is_folder: bool
    remedy: str

    def __str__(self) -> str:
        reach = "listed" if self.is_folder else "read"
        return f"may be {reach} by other users (mode {self.mode:04o})"


def loose_places(places: Iterable[Path], environ: Mapping[str, str]) -> Iterator[Loose]:
    """Yield what is too open of files with secrets and of their folders; what cannot be looked at is told elsewhere."""
    mounted = [*ORCHESTRATED, *filter(None, [environ.get("CREDENTIALS_DIRECTORY")])]
    for place in dict.fromkeys(places):
        try:
            status, real = place.stat(), place.resolve()
            is_mounted = any(real.is_relative_to(Path(root).resolve()) for root in mounted) or _is_read_only(real)
        except OSError:
            continue
        is_ours = status.st_uid == os.geteuid()
        if not is_mounted and is_loose(status.st_mode, owner=status.st_uid, us=os.geteuid()):
            mode, is_folder = stat.S_IMODE(status.st_mode), stat.S_ISDIR(status.st_mode)
            yield Loose(place, mode, is_folder, _remedy(place, is_folder=is_folder, is_ours=is_ours))


def is_loose(mode: int, *, owner: int, us: int) -> bool:
    """Return whether more accounts may read than have to: of root's files a group is how we read them."""
    return bool(mode & (stat.S_IROTH | stat.S_IRGRP if owner == us else stat.S_IROTH))


def _is_read_only(place: Path) -> bool:
    """Return whether it is on a file system whose modes nobody here can change, as Kubernetes mounts secrets."""
    return bool(os.statvfs(place).f_flag & os.ST_RDONLY)


def _remedy(place: Path, *, is_folder: bool, is_ours: bool) -> str:
    path, mode = shlex.quote(str(place)), "700" if is_folder else "600"
    return f"chmod {mode} {path}" if is_ours else f"chown {_our_name()} {path} && chmod {mode} {path}"


def _our_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's account need not have one
        return str(os.geteuid())
