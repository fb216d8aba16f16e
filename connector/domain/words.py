"""Reading free text for the policy's word lists; the text itself goes no further than this.

Words count as a whole, whatever their case and diacritics. Scripts that put no spaces between words are searched as
they stand, and their letters end a word of another script. Every locale's words are tried on every ticket, since people
write in any language. Mail that the requester quotes and notes that we wrote ourselves are not the requester's words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping

from connector.domain.conditions import When, Words
from connector.domain.policy import Policy
from connector.domain.quotations import reported
from connector.domain.ticket import Text

_Search = Callable[[str], bool]

_DIACRITICS = re.compile("[\u0300-\u036f]")
_INVISIBLE = re.compile("[\u00ad\u2060\ufeff]")  # soft hyphens and joiners within a word
_UNSPACED = (  # Thai, Lao, Burmese, Khmer, kana, kanji, Hangul
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af"
    "\U00020000-\U0003ffff"
)
_LETTER = rf"[^\W_{_UNSPACED}]"  # a letter or digit of a script that puts spaces between words
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")


def read_text(policy: Policy, text: Text, locale: str | None = None) -> Mapping[str, bool]:
    """Return, for every word list of ``policy`` by its key, whether ``text`` holds one of its words.

    ``locale`` only decides what is tried first; the answer is the same without it.
    """
    del locale  # all locales are tried: a French customer of a German desk still writes French
    searches: Mapping[str, _Search] = policy.memo.get("words") or _compiled(policy)
    folded = fold(reported(text))
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
    by_bounds: dict[tuple[str, str], list[str]] = {}
    for word in sorted({fold(word) for word in words} - {""}):
        by_bounds.setdefault(_bounds(word), []).append(re.escape(word))
    patterns = [re.compile(f"{b}(?:{'|'.join(group)}){a}") for (b, a), group in by_bounds.items()]
    return lambda text: any(pattern.search(text) for pattern in patterns)


def _bounds(word: str) -> tuple[str, str]:
    """Return what must stand before and after a word: no letter that continues it, as none does in phishingメール."""
    before = "" if _IS_UNSPACED.match(word[0]) else f"(?<!{_LETTER})"
    after = "" if _IS_UNSPACED.match(word[-1]) else f"(?!{_LETTER})"
    return before, after


def fold(text: str) -> str:
    """Return ``text`` without case, diacritics, width and runs of white space.

    Voicing marks of Japanese are part of the letter and stay.
    """
    bare = _DIACRITICS.sub("", unicodedata.normalize("NFKD", _INVISIBLE.sub("", text)))
    return " ".join(unicodedata.normalize("NFKC", bare).casefold().split())
