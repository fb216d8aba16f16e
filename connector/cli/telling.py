"""The demo's words: one short line for what people did at once, one for each write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.domain.change import Field, FieldChange, Write

_KNOWN_PLACE = re.compile(r"^(?:path \S+, level \d+|level \d+ of path \S+): ")
"""What a reason repeats of the fields that stand before it."""

_WORTH_TELLING = {"status", "priority", "assignee", "group", "impact", "urgency", "labels"}


def ticket_words(ticket: str | None) -> str:
    """Return a ticket as people write it: ``#12`` for a bare number."""
    return f"#{ticket}" if ticket and ticket.isdigit() else ticket or ""


def written_words(write: Write) -> str:
    """Return what one write did, its fields joined."""
    changed = {change.field: change for change in write.fields}
    parts = [words for change in write.fields if (words := _changed(change, changed))]
    if write.comment is not None:
        kind = "public comment" if write.comment.public else "note"
        parts.append(f"{kind} ({write.comment.notice.locale}) “{first_line(write.comment.body)}”")
    return ", ".join(parts)


def reasons_of(write: Write) -> list[str]:
    """Return why, each reason once, without the path and level that the fields name already."""
    told = [change.reason for change in write.fields if change.field is not Field.NEXT_DUE]
    if write.comment is not None:
        told.append(write.comment.notice.reason)
    return list(dict.fromkeys(_KNOWN_PLACE.sub("", part) for reason in told for part in reason.split("; ") if part))


def first_line(text: str, longest: int = 90) -> str:
    """Return the beginning of a text in one line."""
    line = next(iter(text.strip().splitlines()), "")
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def _changed(change: FieldChange, all_of_them: Mapping[Field, FieldChange]) -> str:
    """Return one field; a new path takes its level along, a due time stands only where nothing else was written."""
    match change.field:
        case Field.NEXT_DUE:
            return "" if len(all_of_them) > 1 else f"next due {_moment(change.after)}"
        case Field.LEVEL if Field.PATH in all_of_them:
            return ""
        case Field.PATH:
            level = all_of_them.get(Field.LEVEL)
            return _from_to("path", change) + (f" level {level.after}" if level else "")
    return _from_to(str(change.field), change)


def _from_to(name: str, change: FieldChange) -> str:
    if not change.before or change.field is Field.LABELS:
        return f"{name} {change.after}"
    return f"{name} {change.before} → {change.after}"


def _moment(text: str | None) -> str:
    try:
        return f"{datetime.fromisoformat(text or ''):%d %b %H:%M}"
    except ValueError:
        return text or "(none)"


def deeds(facts: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], list[str]]]:
    """Yield what somebody did to a ticket at one moment: its first fact, and all of it in words."""
    groups: dict[tuple[object, ...], list[Mapping[str, Any]]] = {}
    for fact in facts:
        groups.setdefault((fact["at"], fact["site"], fact["ticket"], fact["actor"]), []).append(fact)
    for group in groups.values():
        opened = any(fact["kind"] == "ticket" and fact["data"]["event"] == "created" for fact in group)
        told = [words for fact in group if (words := _deed(fact, opened=opened))]
        if told:
            yield group[0], told


def _deed(fact: Mapping[str, Any], *, opened: bool) -> str:
    """Return one fact in a few words; nothing for what is not worth telling, such as the text of a new ticket."""
    data = fact["data"]
    match fact["kind"]:
        case "ticket":
            return "opens" if data["event"] == "created" else str(data["event"])
        case "comment" if not opened:
            return f"{'writes' if data['public'] else 'notes'} “{first_line(' '.join(str(data['body']).split()), 70)}”"
        case "field" if data.get("name") in _WORTH_TELLING and not opened:
            before, after = _shown(data.get("before")), _shown(data.get("after"))
            return f"{data['name']} {before} → {after or '(none)'}" if before else f"{data['name']} {after}"
    return ""


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return "" if value is None else str(value)
