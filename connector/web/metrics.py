"""The page of ``/metrics`` in Prometheus' text form: how every site is. No ticket is named in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Sample = tuple[Mapping[str, str], float]
"""Labels and a value."""


def page(families: Iterable[tuple[str, str, str, Iterable[Sample]]]) -> str:
    """Return families of (name, ``gauge`` or ``counter``, help, samples) as text."""
    lines: list[str] = []
    for name, kind, help_text, samples in families:
        told = [f"connector_{name}{_labels(labels)} {value:g}" for labels, value in samples]
        if told:
            lines += [f"# HELP connector_{name} {help_text}", f"# TYPE connector_{name} {kind}", *told]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{_quoted(value)}"' for name, value in labels.items())
    return f"{{{inner}}}" if inner else ""


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
