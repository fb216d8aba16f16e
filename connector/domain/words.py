"""Reading free text for the policy's word lists; the text itself goes no further than this.

Words count as a whole, whatever their case and diacritics. Scripts that put no spaces between words are searched as
they stand. Every locale's words are tried on every ticket, since people write in any language. Mail that the requester
quotes and notes that we wrote ourselves are not the requester's words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping

from connector.domain.conditions import When, Words
from connector.domain.policy import Policy
from connector.domain.ticket import Text

_Search = Callable[[str], bool]

_DIACRITICS = re.compile("[\u0300-\u036f]")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_QUOTED = re.compile(r"^[ \t]*[>|]")
_OWN_REF = re.compile(r"\bRef ESC-[0-9A-F]{10}\b")
_REPLY_FOLLOWS = re.compile(
    r"^\s*(?:-{2,}\s*(?:original message|ursprüngliche nachricht|oorspronkelijk bericht|message d'origine)\s*-{2,}"
    r"|(?:on|am|le|op|el|il) .{4,120}(?:wrote|schrieb|a écrit|schreef|escribió|ha scritto).{0,80}:"
    r"|.{4,120}(?:のメッセージ|書きました|wrote)[::])\s*$",
    re.IGNORECASE,
)


def read_text(policy: Policy, text: Text, locale: str | None = None) -> Mapping[str, bool]:
    """Return, for every word list of ``policy`` by its key, whether ``text`` holds one of its words.

    ``locale`` only decides what is tried first; the answer is the same without it.
    """
    del locale  # all locales are tried: a French customer of a German desk still writes French
    searches: Mapping[str, _Search] = policy.memo.get("words") or _compiled(policy)
    folded = fold(own_words(f"{text.subject}\n\n{text.first_message}"))
    return {key: search(folded) for key, search in searches.items()}


def word_lists(policy: Policy) -> Iterator[Words]:
    """Yield every word list that some condition of ``policy`` reads."""
    for when in _conditions(policy):
        yield from when.words


def _conditions(policy: Policy) -> Iterator[When]:
    for trigger in policy.triggers:
        yield trigger.when
        if trigger.unless is not None:
            yield trigger.unless
    yield from (route.when for route in policy.escalation.routes)
    yield from (target.when for target in policy.sla.targets)


def _compiled(policy: Policy) -> Mapping[str, _Search]:
    searches = {
        words.key: _search(w for tried in words.by_locale.values() for w in tried) for words in word_lists(policy)
    }
    policy.memo["words"] = searches
    return searches


def _search(words: Iterable[str]) -> _Search:
    folded = sorted({fold(word) for word in words} - {""})
    unspaced = tuple(word for word in folded if _UNSPACED.search(word))
    spaced = "|".join(re.escape(word) for word in folded if word not in unspaced)
    pattern = re.compile(rf"(?<!\w)(?:{spaced})(?!\w)") if spaced else None

    def search(text: str) -> bool:
        return (pattern is not None and pattern.search(text) is not None) or any(word in text for word in unspaced)

    return search


def fold(text: str) -> str:
    """Return ``text`` without case, diacritics, width and runs of white space.

    Voicing marks of Japanese are part of the letter and stay.
    """
    bare = _DIACRITICS.sub("", unicodedata.normalize("NFKD", text))
    return " ".join(unicodedata.normalize("NFKC", bare).casefold().split())


def own_words(text: str) -> str:
    """Return what the requester wrote: without quoted lines, the mail replied to, and paragraphs of our own notes."""
    kept: list[str] = []
    for line in text.splitlines():
        if _REPLY_FOLLOWS.match(line):
            break
        if _OWN_REF.search(line):
            _drop_paragraph(kept)
        elif not _QUOTED.match(line):
            kept.append(line)
    return "\n".join(kept)


def _drop_paragraph(lines: list[str]) -> None:
    while lines and lines[-1].strip():
        lines.pop()
