"""Which language to write in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator


def normal(tag: str) -> str:
    """Return a language tag as folders are named: ``de``, ``de-AT``, ``zh-Hant-TW``."""
    first, *rest = tag.strip().replace("_", "-").split("-")
    return "-".join([first.lower(), *(part.title() if len(part) == 4 else part.upper() for part in rest)])


def negotiate(wanted: Iterable[str | None], available: Collection[str]) -> str | None:
    """Return the first available language along ``wanted``: each as it is, then without region, then the next.

    ``de-AT``, ``en`` over ``{de, en}`` is ``de``. ``None`` when nothing fits.
    """
    return next((tag for tag in candidates(wanted) if tag in available), None)


def candidates(wanted: Iterable[str | None]) -> Iterator[str]:
    """Yield every tag to try, from the most wanted to the least."""
    for tag in wanted:
        parts = normal(tag).split("-") if tag else []
        yield from ("-".join(parts[:n]) for n in range(len(parts), 0, -1))
