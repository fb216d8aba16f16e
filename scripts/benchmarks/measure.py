"""What one process measures of itself: processor time, wall time and peak memory of the part that matters."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def measured(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Run ``work`` and return what it tells, with seconds of processor and wall, and memory in MB.

    ``base`` is the memory before, after imports; ``peak`` the highest during the work, where the system tells it.
    """
    with suppress(OSError):
        CLEAR.write_text("5")  # forget the peak of the imports
    base = memory("VmRSS")
    cpu, wall = time.process_time(), time.perf_counter()
    told = work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {**told, "cpu": cpu, "wall": wall, "base": base, "peak": memory("VmHWM")}


def memory(name: str) -> float:
    """Return a line of this process's status in MB: ``VmRSS`` now, ``VmHWM`` at its highest."""
    try:
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
        return int(line.split()[1]) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
