"""Lengths of time in words: for people who read English, and in the policy's own spelling for texts."""

from __future__ import annotations

from datetime import timedelta


def length(time: timedelta) -> str:
    """Return a length of time as people write it: ``2 d 3 h``, ``11 min 15 s``."""
    parts = [f"{n} {unit}" for n, unit in zip(_parts(time), ("d", "h", "min", "s"), strict=True) if n]
    return ("-" if time < timedelta() else "") + (" ".join(parts) or "0 s")


def spelled(time: timedelta) -> str:
    """Return a length as the policy spells it, which a text's ``length`` filter reads: ``1h30m``, ``26h``."""
    days, hours, minutes, seconds = _parts(time)
    parts = ((24 * days + hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{n}{unit}" for n, unit in parts if n) or "0m"


def _parts(time: timedelta) -> tuple[int, int, int, int]:
    days, rest = divmod(int(abs(time).total_seconds()), 86_400)
    hours, rest = divmod(rest, 3600)
    return days, hours, *divmod(rest, 60)
