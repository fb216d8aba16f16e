"""Lines that fit a terminal: nothing is cut, words are wrapped, and what finds no room in a table stands below its row.

Widths are in terminal columns: a Japanese character takes two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

LEAST_PROSE = 40
"""Columns that a column of prose needs beside others; a narrower one is told below its row."""

LEAST_WIDTH = 20
"""A terminal that says it is narrower does not know."""

_BETWEEN = "  "
_BELOW = "  "
_HANG = 4

Row = Sequence[str]


def fitted_table(columns: Row, rows: Sequence[Row], *, prose: frozenset[str], width: int) -> list[str]:
    """Return a table as lines, the header first, none wider than ``width``.

    Where it does not fit, the columns named in ``prose`` are wrapped; where that leaves them too narrow they are told
    below each row, and so are the last of the other columns until the rest fits. The first is never prose.
    """
    width = max(width, LEAST_WIDTH)
    natural = [max(map(_size, column)) for column in zip(columns, *rows, strict=True)]
    if _total(natural) <= width:
        return _side_by_side(columns, rows, natural)
    wide = [n for n, name in enumerate(columns) if name in prose]
    fixed = [0 if n in wide else size for n, size in enumerate(natural)]
    share = (width - _total(fixed)) // len(wide) if wide else 0
    if share >= LEAST_PROSE:
        return _side_by_side(columns, rows, [share if n in wide else size for n, size in enumerate(natural)])
    beside = [n for n in range(len(columns)) if n not in wide]
    while len(beside) > 1 and _total([natural[n] for n in beside]) > width:
        beside.pop()
    return list(_stacked(columns, rows, beside, wide, width))


def wrapped(line: str, width: int, *, hang: int = 0) -> Iterator[str]:
    """Yield a line in pieces no wider than ``width``; all but the first begin with ``hang`` more spaces than it."""
    left = line.lstrip(" ")
    indent = min(len(line) - len(left), width // 2)
    margin, below = " " * indent, " " * min(indent + hang, width // 2)
    while len(margin) + _size(left) > width:
        at = _break(left, width - len(margin))
        yield (margin + left[:at]).rstrip()
        left, margin = left[at:].lstrip(" "), below
    yield (margin + left).rstrip()


def _side_by_side(columns: Row, rows: Sequence[Row], widths: Sequence[int]) -> list[str]:
    return [line for row in (columns, *rows) for line in _row(row, widths)]


def _row(row: Row, widths: Sequence[int]) -> Iterator[str]:
    cells = [list(wrapped(cell, width)) if width else [""] for cell, width in zip(row, widths, strict=True)]
    for n in range(max(map(len, cells))):
        parts = (_padded(cell[n] if n < len(cell) else "", width) for cell, width in zip(cells, widths, strict=True))
        yield _BETWEEN.join(parts).rstrip()


def _stacked(
    columns: Row, rows: Sequence[Row], beside: Sequence[int], wide: Sequence[int], width: int
) -> Iterator[str]:
    widths = [min(max(_size(row[n]) for row in (columns, *rows)), width) for n in beside]
    yield from _row([columns[n] for n in beside], widths)
    moved = [n for n in range(len(columns)) if n not in beside and n not in wide]
    for row in rows:
        yield from _row([row[n] for n in beside], widths)
        if told := ", ".join(f"{columns[n]}: {row[n]}" for n in moved if row[n]):
            yield from wrapped(_BELOW + told, width, hang=_HANG)
        for n in wide:
            if row[n]:
                label = "" if len(wide) == 1 and not moved else f"{columns[n]}: "
                yield from wrapped(f"{_BELOW}{label}{row[n]}", width, hang=_HANG)


def _break(text: str, width: int) -> int:
    """Return where to break a text: behind the last blank that fits, else after the last character that does."""
    fits = used = 0
    for character in text:
        used += _size(character)
        if used > width:
            break
        fits += 1
    blank = text.rfind(" ", 0, fits + 1)
    return blank if blank > 0 else max(fits, 1)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_BETWEEN) * (len(widths) - 1)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _size(text))


def _size(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - only where a text is not plain

    return cell_len(text)
