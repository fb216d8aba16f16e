"""What an update asks for, read from a request body; keys that the real thing would ignore are refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.core.strict import unknown_members
from connector.sandbox.zendesk.desk import Desk
from connector.sandbox.zendesk.errors import bad_request, invalid, stray
from connector.sandbox.zendesk.ticket import CUSTOM_STATUSES, PRIORITIES, STATUSES, TYPES
from connector.sandbox.zendesk.wire import encode, read_stamp

COMMENT_SHAPE: Mapping[str, Any] = {"body": None, "html_body": None, "public": None, "author_id": None, "uploads": None}
PEOPLE_SHAPE: Mapping[str, Any] = {"user_id": None, "user_email": None, "action": None}
TICKET_SHAPE: Mapping[str, Any] = dict.fromkeys(
    (
        *("id", "subject", "priority", "status", "type", "group_id", "assignee_id", "assignee_email", "requester_id"),
        *("organization_id", "external_id", "problem_id", "due_at", "tags", "custom_status_id", "brand_id"),
        *("ticket_form_id", "collaborator_ids", "metadata", "safe_update", "updated_stamp"),
    )
) | {
    "comment": COMMENT_SHAPE,
    "custom_fields": {"id": None, "value": None},
    "followers": PEOPLE_SHAPE,
    "email_ccs": PEOPLE_SHAPE,
}
BULK_SHAPE: Mapping[str, Any] = {**TICKET_SHAPE, "additional_tags": None, "remove_tags": None}
PLAIN = ("subject", "external_id", "due_at")
METADATA_LIMIT = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentWish:
    """A comment to add.

    Attributes:
        public: ``None`` takes the ticket's own setting.
        author_id: Who it shows as; ``None`` is whoever updates.
    """

    body: str | None = None
    html_body: str | None = None
    public: bool | None = None
    author_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One update of one ticket, in stored values.

    Attributes:
        values: Ticket attribute to its wanted value.
        add_tags, remove_tags: Beside or instead of ``tags`` in ``values``.
        stamp: What ``updated_at`` must still be, when the client asked for a safe update.
        queued_at: For jobs: a change after this moment is a conflict.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    custom: Mapping[int, Any] = field(default_factory=dict)
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    comment: CommentWish | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    stamp: int | None = None
    queued_at: int | None = None


def read_wish(desk: Desk, raw: Any, *, bulk: bool = False) -> Wish:
    """Read the ``ticket`` object of a body; ``bulk`` knows two keys more."""
    if not isinstance(raw, Mapping):
        raise bad_request("InvalidValue", "ticket must be an object")
    if unknown := unknown_members(
        {k: v for k, v in raw.items() if k != "metadata"}, BULK_SHAPE if bulk else TICKET_SHAPE
    ):
        raise stray(unknown)
    return Wish(
        values={name: value for key, item in raw.items() if key in READERS for name, value in READERS[key](desk, item)},
        custom=desk.fields.read(raw.get("custom_fields") or ()),
        add_tags=_tags(raw.get("additional_tags")),
        remove_tags=_tags(raw.get("remove_tags")),
        comment=_comment(raw.get("comment")),
        metadata=_metadata(raw.get("metadata")),
        stamp=_stamp_of(raw),
    )


def _stamp_of(raw: Mapping[str, Any]) -> int | None:
    """A safe update's stamp; ``safe_update: false`` is as good as true, only its absence is not."""
    if "safe_update" not in raw or raw.get("updated_stamp") is None:
        return None
    try:
        return read_stamp(raw["updated_stamp"])
    except ValueError as error:
        raise bad_request("InvalidValue", f"updated_stamp: {error}") from error


def _metadata(raw: Any) -> Mapping[str, Any]:
    """What becomes of a larger one is not known; here it is refused."""
    if raw and len(encode(raw)) > METADATA_LIMIT:
        raise stray((f"metadata of more than {METADATA_LIMIT} bytes",))
    return raw or {}


def _comment(raw: Any) -> CommentWish | None:
    if raw is None:
        return None
    wish = CommentWish(
        body=raw.get("body"),
        html_body=raw.get("html_body"),
        public=raw.get("public"),
        author_id=raw.get("author_id"),
    )
    if not (wish.body or wish.html_body or "").strip():
        raise invalid("comment", "Comment: cannot be blank")
    return wish


Pairs = list[tuple[str, Any]]


def _number(value: Any, name: str) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not str(value).isdigit():
        raise bad_request("InvalidValue", f"{name} must be an integer")
    return int(value)


def _choice(name: str, allowed: tuple[str, ...]) -> Callable[[Desk, Any], Pairs]:
    def read(_desk: Desk, value: Any) -> Pairs:
        if value is not None and value not in allowed:
            raise invalid(name, f"{name.capitalize()}: {value} is not valid")
        return [(name, value)]

    return read


def _plain(name: str) -> Callable[[Desk, Any], Pairs]:
    return lambda _desk, value: [(name, value)]


def _id(name: str) -> Callable[[Desk, Any], Pairs]:
    return lambda _desk, value: [(name, _number(value, name))]


def _group(desk: Desk, value: Any) -> Pairs:
    group_id = _number(value, "group_id")
    if group_id is not None and group_id not in desk.directory.groups:
        raise invalid("group", "Group: is invalid")
    return [("group_id", group_id)]


def _assignee(desk: Desk, value: Any) -> Pairs:
    user_id = _number(value, "assignee_id")
    user = desk.directory.users.get(user_id) if user_id is not None else None
    if user_id is not None and (user is None or not user.is_agent or user.is_light or not user.active):
        raise invalid("assignee", "Assignee: is invalid")
    return [("assignee_id", user_id)]


def _assignee_email(desk: Desk, value: Any) -> Pairs:
    found = next((user.id for user in desk.directory.users.values() if user.email == value), None)
    return _assignee(desk, found if found is not None else 0)


def _requester(desk: Desk, value: Any) -> Pairs:
    user_id = _number(value, "requester_id")
    if user_id not in desk.directory.users:
        raise invalid("requester", "Requester: is invalid")
    return [("requester_id", user_id)]


def _organization(desk: Desk, value: Any) -> Pairs:
    organization_id = _number(value, "organization_id")
    if organization_id is not None and organization_id not in desk.directory.organizations:
        raise invalid("organization", "Organization: is invalid")
    return [("organization_id", organization_id)]


def _custom_status(_desk: Desk, value: Any) -> Pairs:
    status_id = _number(value, "custom_status_id")
    if status_id not in CUSTOM_STATUSES:
        raise invalid("custom_status_id", "Custom status: is invalid")
    return [("custom_status_id", status_id), ("status", CUSTOM_STATUSES[status_id][0])]


def _all_tags(_desk: Desk, value: Any) -> Pairs:
    return [("tags", _tags(value))]


def _followers(desk: Desk, value: Any) -> Pairs:
    return [("followers", _people(desk, value))]


def _ccs(desk: Desk, value: Any) -> Pairs:
    return [("email_ccs", _people(desk, value))]


def _people(desk: Desk, rows: Any) -> tuple[tuple[int, str], ...]:
    found = []
    for row in rows or ():
        email = row.get("user_email")
        by_email = next((u.id for u in desk.directory.users.values() if email and u.email == email), None)
        user_id = by_email if by_email is not None else _number(row.get("user_id"), "user_id")
        if user_id not in desk.directory.users:
            raise invalid("followers", "User: is invalid")
        found.append((int(user_id or 0), str(row.get("action", "put"))))
    return tuple(found)


def _collaborators(_desk: Desk, value: Any) -> Pairs:
    return [("email_cc_ids", tuple(int(user_id) for user_id in value or ()))]


def _tags(raw: Any) -> tuple[str, ...]:
    """Tags are lower case words; text with spaces is several."""
    words = raw.split() if isinstance(raw, str) else [word for item in raw or () for word in str(item).split()]
    return tuple(sorted({word.lower() for word in words}))


READERS: Mapping[str, Callable[[Desk, Any], Pairs]] = {
    "priority": _choice("priority", PRIORITIES),
    "status": _choice("status", STATUSES),
    "type": _choice("type", TYPES),
    "group_id": _group,
    "assignee_id": _assignee,
    "assignee_email": _assignee_email,
    "requester_id": _requester,
    "organization_id": _organization,
    "custom_status_id": _custom_status,
    "tags": _all_tags,
    "followers": _followers,
    "email_ccs": _ccs,
    "collaborator_ids": _collaborators,
    **{name: _plain(name) for name in PLAIN},
    **{name: _id(name) for name in ("problem_id", "brand_id", "ticket_form_id")},
}
