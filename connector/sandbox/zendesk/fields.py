"""The account's ticket fields: our demo's custom fields with their fixed ids, and what a value must look like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connector.sandbox.core.roster import Roster
from connector.sandbox.zendesk.errors import invalid, stray
from connector.sandbox.zendesk.options import Options
from connector.sandbox.zendesk.wire import stamp

KNOWN_IDS = {"impact": 27641, "urgency": 27642, "category": 27643, "level": 27651, "path": 27652, "next_due": 27653}
USUAL_OPTIONS = {
    "impact": ("site", "department", "team", "user"),
    "urgency": ("blocked", "degraded", "inconvenient"),
    "category": ("network", "software", "hardware", "access", "cosmetic", "legal-hold", "gdpr-request"),
}
SYSTEM = (
    (27601, "subject", "Subject"),
    (27602, "description", "Description"),
    (27603, "status", "Status"),
    (27604, "tickettype", "Type"),
    (27605, "priority", "Priority"),
    (27606, "group", "Group"),
    (27607, "assignee", "Assignee"),
)
FORM_IDS = {"incident": 401, "security-incident": 402, "request": 403}
SYSTEM_TYPES = {"incident": "incident", "security-incident": "incident", "problem": "problem", "task": "task"}
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
NUMBER = re.compile(r"-?\d+(\.\d+)?")


@dataclass(slots=True, kw_only=True)
class Field:
    """A custom field.

    Attributes:
        type: ``tagger``, ``text``, ``integer``, ``decimal``, ``date``, ``checkbox``.
        tags: Of a tagger: neutral value to the tag that stands for it.
    """

    id: int
    name: str
    type: str
    tags: dict[str, str]

    @property
    def title(self) -> str:
        """As agents see it."""
        return self.name.replace("_", " ").capitalize()

    def read(self, value: Any) -> Any:
        """Check and normalise a value that a client sent; a refusal is a 422."""
        if value is None or value == "":
            return False if self.type == "checkbox" else None
        if self.type == "checkbox":
            return value in (True, "true", "1", 1)
        text = str(value)
        if not self._fits(text):
            raise invalid("base", f"{self.title}: {text[:60]} is not valid")
        return text

    def _fits(self, text: str) -> bool:
        if self.type == "tagger":
            return text in self.tags.values()
        if self.type == "date":
            return DATE.fullmatch(text) is not None
        return self.type not in ("integer", "decimal") or NUMBER.fullmatch(text) is not None

    def neutral(self, value: Any) -> Any:
        """The neutral word of a stored value."""
        return next((word for word, tag in self.tags.items() if tag == value), value)


class Fields:
    """The custom fields and forms of one account.

    Attributes:
        deleted: Names of those that an administrator deleted; taking a name out brings its field back.
    """

    def __init__(self, roster: Roster, options: Options, created_at: int) -> None:
        self._options = options
        self._created_at = created_at
        self.by_id: dict[int, Field] = {}
        self.by_name: dict[str, Field] = {}
        self.forms = dict(FORM_IDS)
        for name in (*KNOWN_IDS, *(name for name in roster.choices if name not in KNOWN_IDS)):
            self._add(name, roster.choices.get(name, USUAL_OPTIONS.get(name, ())))
        if unknown := sorted(set(options.deleted_fields) - self.by_name.keys()):
            raise ValueError(f"deleted_fields: there is no {', '.join(unknown)}")
        self.deleted = set(options.deleted_fields)

    @property
    def taggers(self) -> tuple[Field, ...]:
        """The drop-downs that are there: their options are tags as well."""
        return tuple(field for field in self._there() if field.type == "tagger")

    def _add(self, name: str, choices: Iterable[str]) -> Field:
        words = tuple(choices)
        field_id = KNOWN_IDS.get(name) or 27661 + len(self.by_id)
        kind = self._options.field_types.get(name, "tagger" if words else "text")
        field = Field(id=field_id, name=name, type=kind, tags={})
        for word in words:
            self._add_option(field, word)
        self.by_id[field_id] = self.by_name[name] = field
        return field

    def _add_option(self, field: Field, word: str) -> None:
        field.tags[word] = self._options.values.get(field.name, {}).get(word, word)

    def read(self, pairs: Any) -> dict[int, Any]:
        """Read the ``custom_fields`` of a body.

        The real thing ignores every id that it does not know. Here that holds for a deleted field alone; one that never
        existed is named.
        """
        given = {int(pair["id"]): pair.get("value") for pair in pairs}
        if unknown := tuple(f"custom field {field_id}" for field_id in given if field_id not in self.by_id):
            raise stray(unknown)
        there = {field.id for field in self._there()}
        return {field_id: self.by_id[field_id].read(value) for field_id, value in given.items() if field_id in there}

    def _there(self) -> Iterator[Field]:
        return (field for field in self.by_id.values() if field.name not in self.deleted)

    def by_hand(self, name: str, word: str | None) -> tuple[int, Any]:
        """Field id and stored value for a neutral name and word; scripts may use new words.

        Raises:
            KeyError: There is no such field.
        """
        field = self.by_name[name]
        if word is None:
            return field.id, None
        if field.type == "tagger" and word not in field.tags:
            self._add_option(field, word)
        return field.id, field.tags.get(word, word)

    def form_of(self, kind: str) -> int:
        """The form's id for a kind of ticket; unknown kinds get a form of their own."""
        return self.forms.setdefault(kind, 401 + len(self.forms))

    def kind_of(self, form_id: int) -> str:
        """The kind of ticket that a form makes."""
        return next(kind for kind, known in self.forms.items() if known == form_id)

    def values(self, stored: Mapping[int, Any]) -> list[dict[str, Any]]:
        """Every custom field with its value, nulls included, as tickets carry them; deleted ones are absent."""
        return [{"id": field.id, "value": stored.get(field.id)} for field in self._there()]

    def all_json(self, origin: str) -> list[dict[str, Any]]:
        """The ticket fields endpoint: system fields, then custom ones."""
        rows = [self._row(origin, field_id, kind, title) | {"removable": False} for field_id, kind, title in SYSTEM]
        return rows + [self._custom(origin, field) for field in self._there()]

    def _custom(self, origin: str, field: Field) -> dict[str, Any]:
        row = self._row(origin, field.id, field.type, field.title)
        if field.type == "tagger":
            row["custom_field_options"] = [
                {"id": field.id * 100 + place, "name": word, "raw_name": word, "value": tag, "default": False}
                for place, (word, tag) in enumerate(field.tags.items())
            ]
        return row

    def _row(self, origin: str, field_id: int, kind: str, title: str) -> dict[str, Any]:
        moment = stamp(self._created_at)
        return {
            "url": f"{origin}/api/v2/ticket_fields/{field_id}.json",
            "id": field_id,
            "type": kind,
            "title": title,
            "raw_title": title,
            "description": title,
            "raw_description": title,
            "position": field_id - 27600,
            "active": True,
            "required": False,
            "collapsed_for_agents": False,
            "regexp_for_validation": None,
            "title_in_portal": title,
            "raw_title_in_portal": title,
            "visible_in_portal": False,
            "editable_in_portal": False,
            "required_in_portal": False,
            "agent_can_edit": True,
            "tag": None,
            "created_at": moment,
            "updated_at": moment,
            "removable": True,
            "key": None,
            "agent_description": None,
        }

    def forms_json(self, origin: str) -> list[dict[str, Any]]:
        """The ticket forms endpoint."""
        moment = stamp(self._created_at)
        return [
            {
                "url": f"{origin}/api/v2/ticket_forms/{form_id}.json",
                "id": form_id,
                "name": kind,
                "raw_name": kind,
                "display_name": kind,
                "raw_display_name": kind,
                "position": form_id - 400,
                "active": True,
                "default": kind == "incident",
                "end_user_visible": True,
                "in_all_brands": True,
                "restricted_brand_ids": [],
                "ticket_field_ids": [*(row[0] for row in SYSTEM), *(field.id for field in self._there())],
                "created_at": moment,
                "updated_at": moment,
            }
            for kind, form_id in self.forms.items()
        ]
