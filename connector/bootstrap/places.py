"""Where the files beside a state are: the control socket and the pause file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Places:
    """Files beside the state. A database server's state has them in the runtime folder of the account."""

    socket: Path
    paused: Path

    @classmethod
    def beside(cls, state_url: str) -> Places:
        """Return the places for a state."""
        base = _base(state_url)
        return cls(socket=base.with_name(base.name + ".sock"), paused=base.with_name("PAUSED"))

    @property
    def is_paused(self) -> bool:
        """True while a file ``PAUSED`` stands beside the state: a kill switch that needs no command."""
        return self.paused.exists()


def _base(url: str) -> Path:
    if url.startswith("sqlite:///"):
        return Path(url.removeprefix("sqlite:///"))
    if "://" not in url:
        return Path(url)
    parts = urlsplit(url)
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")  # noqa: S108 - the socket itself is 0600
    return runtime / f"connector-{(parts.hostname or 'state')}-{parts.path.strip('/') or 'state'}"
