"""The ``Renderer`` port over a folder of templates."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from babel import Locale
from jinja2 import Template, TemplateError

from connector.domain.change import Notice
from connector.domain.reason import Reason, ReasonKind
from connector.errors import ConfigError, Problem
from connector.render.defang import defanged
from connector.render.language import negotiate
from connector.render.templates import MAX_OUTPUT, READER, Reader, Templates, unfilled
from connector.render.values import clean
from connector.render.vocabulary import OWN_LINK, REASON, REASON_NAMES, VOCABULARY

BULLET = "•"
"""Begins a line of a list; it means nothing in any helpdesk's markup."""


class TextRenderer:
    """Turns notices of one site into plain text.

    ``timezone`` is the zone in which moments are told; ``fallback`` the languages to take, in order, where a text does
    not exist in the one that a notice asks for (the site's, then the policy's). Safe to share between threads.
    """

    def __init__(self, templates: Templates, *, timezone: str = "UTC", fallback: Sequence[str] = ()) -> None:
        self._templates = templates
        self._zone = ZoneInfo(timezone)
        self._fallback = (*fallback, templates.default_locale)

    def render(self, notice: Notice) -> str:
        """Return the text of ``notice``; raises ``ConfigError`` when it is missing or cannot be filled in."""
        available = self._templates.locales(notice.template)
        tag = negotiate((notice.locale, *self._fallback), available)
        if tag is None:
            path = f"{self._templates.folder}/{self._templates.default_locale}/{notice.template}.md"
            raise ConfigError(
                (Problem(path, message="is missing", remedy="write it, or correct the name in the policy"),)
            )
        return self._text(self._templates.compiled[tag, notice.template], tag, notice)

    def _text(self, template: Template, tag: str, notice: Notice) -> str:
        values = dict.fromkeys(VOCABULARY, "") | {name: _data(name, value) for name, value in notice.values.items()}
        values["reason"] = self._told(notice.why, tag)
        values["also"] = "\n".join(f"{BULLET} {told}" for why in notice.also if (told := self._told(why, tag)))
        return tidy(self._filled(template, tag, notice.template, values))

    def _told(self, why: Reason, tag: str) -> str:
        """Return a reason in the reader's language, in one line without a full stop."""
        if why.kind is ReasonKind.UNKNOWN:
            return ""
        own = negotiate((tag, *self._fallback), self._templates.locales(REASON))
        if own is None:
            return defanged(clean(why))
        values = dict.fromkeys(REASON_NAMES, "") | {name: _data(name, value) for name, value in why.values.items()}
        template = self._templates.compiled[own, REASON]
        return clean(self._filled(template, own, REASON, values | {"kind": why.kind.value})).rstrip(".。")

    def _filled(self, template: Template, tag: str, name: str, values: dict[str, str]) -> str:
        reader = Reader(locale=Locale.parse(tag, sep="-"), zone=self._zone)
        try:
            return template.render(values | {READER: reader})
        except MemoryError:
            raise  # no text is to blame for it
        except Exception as error:  # whatever it is, the text costs its ticket alone
            said = str(error) if isinstance(error, TemplateError) else ""
            path = f"{self._templates.folder}/{tag}/{name}.md"
            raise ConfigError((unfilled(path, error, said=said),)) from error


def _data(name: str, value: str) -> str:
    """Return a value as data; only the ticket's own address, which we build ourselves, may be a link."""
    return clean(value) if name == OWN_LINK else defanged(clean(value))


def tidy(text: str) -> str:
    """Return ``text`` without spaces at line ends and without more than one empty line, at most ``MAX_OUTPUT`` long."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    kept = [line for n, line in enumerate(lines) if line or lines[n - 1]]
    whole = "\n".join(kept)
    return whole if len(whole) <= MAX_OUTPUT else f"{whole[: MAX_OUTPUT - 1].rstrip()}…"
