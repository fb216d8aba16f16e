"""What the author of a text wrote, apart from the mail that is quoted in it and from notes of our own.

There are two readings, because they err on opposite sides: a command that is only quoted must not be obeyed, and a
report that is only quoted must not be missed. A mail is quoted with a mark on every line, or stands unmarked below a
line such as "Am 3.11.2026 um 09:12 schrieb Ann Berg:", which an ordinary sentence may look like.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from connector.domain.ticket import Text

_MARKED = re.compile(r"^[ \t]*(?:>|\|[^|]*$)")  # a line with two bars is a row of a table
_OWN_REF = re.compile(r"\bRef ESC-[0-9A-F]{10}\b")
_OWN_REF_ALONE = re.compile(r"^[^\w>|]*Ref ESC-[0-9A-F]{10}\W*$")

_DIVIDER = r"-{2,}\s*(?:original message|ursprüngliche nachricht|oorspronkelijk bericht|message d'origine)\s*-{2,}"
_MAY_QUOTE = re.compile(
    rf"^\s*(?:{_DIVIDER}"
    r"|(?:on|am|le|op|el|il) .{4,120}(?:wrote|schrieb|a écrit|schreef|escribió|ha scritto).{0,80}:"
    r"|.{4,120}(?:のメッセージ|書きました|wrote)[:：])\s*$",
    re.IGNORECASE,
)
_WROTE = r"\b(?:wrote|a écrit|escribió|escreveu|ha scritto)|のメッセージ|書きました|<[^\s<>@]+@[^\s<>@]+>"
_ATTRIBUTION = re.compile(
    rf"^.{{4,200}}(?:{_WROTE})\s*[:：]\s*$|^.{{0,120}}\b(?:schrieb|schreef)\b.{{0,80}}:\s*$", re.IGNORECASE
)
_DIVIDES = re.compile(rf"^\s*{_DIVIDER}\s*$", re.IGNORECASE)
_ADDRESS = re.compile(r"\S@\S")
_TIME = re.compile(r"\b\d{1,2}\s?(?:[:：h]\s?\d{2}|時|uhr\b)", re.IGNORECASE)
_NUMBER = re.compile(r"\d")
_LONGEST_ATTRIBUTION = 400

_ANSWER = re.compile(
    r"^\s*(?:\[[^\]]*\]\s*)?(?:re|aw|antw|antwort|antwoord|sv|réf|rép|res|rif|odp|返信|回复|답장)\s*(?:\[\d+\])?\s*[:：]",
    re.IGNORECASE,
)
_FORWARD = re.compile(
    r"forwarded message|weitergeleitete\w* nachricht|message (?:transféré|réexpédié)|doorgestuurd bericht"
    r"|mensaje reenviado|messaggio inoltrato|転送",
    re.IGNORECASE,
)


def own_words(text: str) -> str:
    """Return what surely is the author's own, for commands: whatever may be a quotation is left out."""
    kept: list[str] = []
    for line in text.splitlines():
        if _MAY_QUOTE.match(line):
            break
        if _OWN_REF.search(line):
            _drop_paragraph(kept)
        elif not _MARKED.match(line):
            kept.append(line)
    return "\n".join(kept)


def reported(text: Text) -> str:
    """Return what the requester tells, for triggers: only what surely is a quotation, or our own note, is left out.

    Marked lines are quotations. Unmarked text is one in an answer only (``Re:``), below a divider or a line that names
    who wrote, with an address or a date and time, and below something of the requester's own. What is forwarded is
    the report itself, and so is a quotation with nothing beside it.
    """
    lines = _without_our_notes(text.first_message.splitlines())
    own = list(_unquoted(lines, is_answer=_ANSWER.match(text.subject) is not None))
    says_something = any(line.strip() and not _names_writer(line) for line in own)
    return "\n".join((text.subject, "", *(own if says_something else lines)))


def _unquoted(lines: Sequence[str], *, is_answer: bool) -> Iterator[str]:
    has_begun = False
    for at, line in enumerate(lines):
        if _FORWARD.search(line):
            yield from lines[at:]
            return
        if _MARKED.match(line):
            continue
        yield line
        begins = is_answer and (_DIVIDES.match(line) is not None or _names_writer(line))
        if begins and has_begun and not _is_marked_below(lines[at + 1 :]):
            return
        has_begun = has_begun or bool(line.strip())


def _names_writer(line: str) -> bool:
    if len(line) > _LONGEST_ATTRIBUTION or not _ATTRIBUTION.match(line):
        return False
    return bool(_ADDRESS.search(line)) or bool(_TIME.search(line) and _NUMBER.search(_TIME.sub("", line)))


def _is_marked_below(lines: Sequence[str]) -> bool:
    first = next((line for line in lines if line.strip()), "")
    return _MARKED.match(first) is not None


def _without_our_notes(lines: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for line in lines:
        if _OWN_REF_ALONE.match(line):
            _drop_paragraph(kept)
        else:
            kept.append(line)
    return kept


def _drop_paragraph(lines: list[str]) -> None:
    while lines and lines[-1].strip():
        lines.pop()
