"""Tables and verdicts on standard output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from scripts.benchmarks.runs import Results, Spread, per_ticket, ratio


@dataclass(slots=True)
class Verdicts:
    """Every target that was looked at, and whether it was met."""

    rows: list[tuple[bool, str, str, str]] = field(default_factory=list)

    def add(self, what: str, *, target: str, found: str, met: bool) -> None:
        """Note one target and say at once how it stands."""
        self.rows.append((met, what, target, found))
        print(f"  {_word(met=met)}  {what}: {found} (target {target})")

    @property
    def missed(self) -> int:
        """Return how many targets were missed."""
        return sum(1 for row in self.rows if not row[0])

    def show(self) -> None:
        """Print all of them together."""
        heading("Targets")
        table(("", "gate", "target", "measured"), [(_word(met=m), *rest) for m, *rest in self.rows])


def _word(*, met: bool) -> str:
    return "PASS" if met else "MISS"


def heading(text: str) -> None:
    """Print a section's title."""
    print(f"\n{text}\n{'-' * len(text)}")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns, the first two to the left and the others to the right."""
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    for row in (head, *rows):
        cells = [c.ljust(w) if place < 2 else c.rjust(w) for place, (c, w) in enumerate(zip(row, widths, strict=True))]
        print("  " + "  ".join(cells).rstrip())


def pulls(results: Results, tickets: int, *, against: str) -> None:
    """Print one section's clients: processor time, rate, ratio and memory."""
    rows = []
    for name, found in results.items():
        cpu = per_ticket(found, tickets)
        wall = Spread.of([tickets / result["wall"] for result in found])
        memory = Spread.of([result["peak"] for result in found])
        above = Spread.of([max(result["peak"] - result["base"], 0.0) for result in found])
        rows.append(
            (name, f"{cpu.middle:.0f} [{cpu.least:.0f}..{cpu.most:.0f}]", f"{wall.middle:.0f}",
             times(ratio(results, against, name)), f"{memory.middle:.0f}", f"{above.middle:.0f}")
        )  # fmt: skip
    table(("client", "CPU us/ticket", "tickets/s", f"{against} / this", "peak MB", "above imports"), rows)


def times(spread: Spread) -> str:
    """Write a ratio with its range."""
    digits = 1 if spread.middle >= 2 else 2
    return f"{spread.middle:.{digits}f} [{spread.least:.{digits}f}..{spread.most:.{digits}f}]"
