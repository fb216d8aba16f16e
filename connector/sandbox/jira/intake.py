"""Values that a client sends for fields, checked and brought into stored form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from connector.sandbox.jira import adf
from connector.sandbox.jira import catalog as setup
from connector.sandbox.jira.fields import Field
from connector.sandbox.jira.model import Issue, Refusal
from connector.sandbox.jira.moments import read_stamp
from connector.sandbox.jira.wikitext import read_wiki

if TYPE_CHECKING:
    from connector.sandbox.jira.state import State

TEXT_LIMIT = 32767
LINE_LIMIT = 255


def as_object(given: Any) -> Mapping[str, Any]:
    """What a client names by id, key or name; an empty object for anything else."""
    return given if isinstance(given, Mapping) else {}


class BadValueError(ValueError):
    """A field does not take this value; the sentence is the vendor's."""


def read_fields(state: State, project: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Stored values of a ``fields`` object.

    Raises:
        Refusal: 400 with a sentence per field; nothing of the edit is applied then.
    """
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for field_id, given in fields.items():
        if not state.catalog.takes(field_id, project, state.options):
            errors[field_id] = f"Field '{field_id}' cannot be set. It is not on the appropriate screen, or unknown."
            continue
        try:
            values[field_id] = _read(state, state.catalog.fields[field_id], given)
        except BadValueError as error:
            errors[field_id] = str(error)
    if errors:
        raise Refusal(400, errors=errors)
    return values


def as_documents(state: State, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A version 2 ``fields`` object with its wiki texts as documents.

    Raises:
        Refusal: 400 for a document where version 2 has text.
    """
    found = dict(fields)
    for field_id, given in fields.items():
        field = state.catalog.fields.get(field_id)
        if field is None or field.kind != "adf" or given is None:
            continue
        if not isinstance(given, str):
            raise Refusal(400, errors={field_id: "Operation value must be a string"})
        found[field_id] = adf.document(read_wiki(given).text)
    return found


def read_update(state: State, issue: Issue, update: Mapping[str, Any]) -> dict[str, Any]:
    """Stored values of an ``update`` object: lists of set, add and remove.

    Raises:
        Refusal: 400 with a sentence per field.
    """
    values: dict[str, Any] = {}
    for field_id, operations in update.items():
        if not state.catalog.takes(field_id, issue.project, state.options):
            message = f"Field '{field_id}' cannot be set. It is not on the appropriate screen, or unknown."
            raise Refusal(400, errors={field_id: message})
        if not isinstance(operations, list) or not all(isinstance(o, dict) and len(o) == 1 for o in operations):
            raise Refusal(400, errors={field_id: "Operations must be a list of objects with one verb each."})
        for operation in operations:
            values[field_id] = _operate(state, issue, field_id, operation, values.get(field_id, issue.get(field_id)))
    return values


def _operate(state: State, issue: Issue, field_id: str, operation: Mapping[str, Any], before: Any) -> Any:
    ((verb, given),) = operation.items()
    if verb == "set":
        return read_fields(state, issue.project, {field_id: given})[field_id]
    if field_id != "labels" or verb not in ("add", "remove"):
        raise Refusal(400, errors={field_id: f"Field does not support update '{verb}'"})
    (label,) = read_fields(state, issue.project, {field_id: [given]})[field_id]
    rest = tuple(each for each in before or () if each != label)
    return tuple(sorted((*rest, label))) if verb == "add" else rest


def _read(state: State, field: Field, given: Any) -> Any:
    reader = READERS.get(field.kind)
    if reader is None:
        raise BadValueError(f"Field '{field.id}' cannot be set. It is not on the appropriate screen, or unknown.")
    if given is None:
        if field.id in ("summary", "priority"):
            raise BadValueError(f"{field.name} is required.")
        return () if field.kind == "labels" else None
    return reader(state, field, given)


def _text(_state: State, field: Field, given: Any) -> str:
    if not isinstance(given, str):
        raise BadValueError("Operation value must be a string")
    if len(given) > LINE_LIMIT:
        raise BadValueError(f"The entered text is too long. It exceeds the allowed limit of {LINE_LIMIT} characters.")
    if field.id == "summary" and ("\n" in given or not given.strip()):
        raise BadValueError("The summary is invalid because it contains newline characters or is empty.")
    return given


def _document(_state: State, _field: Field, given: Any) -> Mapping[str, Any]:
    if not adf.is_document(given):
        raise BadValueError("Operation value must be an Atlassian Document (see the Atlassian Document Format)")
    if len(adf.plain(given)) > TEXT_LIMIT:
        raise BadValueError(f"The entered text is too long. It exceeds the allowed limit of {TEXT_LIMIT} characters.")
    document: Mapping[str, Any] = given
    return document


def _number(_state: State, _field: Field, given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise BadValueError("Operation value must be a number")
    return float(given)


def _moment(_state: State, _field: Field, given: Any) -> Any:
    try:
        return read_stamp(given)
    except (TypeError, ValueError) as error:
        raise BadValueError(f"Error parsing time: {given}") from error


def _labels(_state: State, _field: Field, given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(label, str) for label in given):
        raise BadValueError("data was not an array")
    for label in given:
        if " " in label or len(label) > LINE_LIMIT or not label:
            raise BadValueError(f"The label '{label}' contains spaces which is invalid.")
    return tuple(sorted(dict.fromkeys(given)))


def _user(state: State, field: Field, given: Any) -> str:
    account = state.account(given.get("accountId")) if isinstance(given, dict) else None
    if account is None or (field.id == "assignee" and not (account.team and account.active)):
        raise BadValueError(
            f"User '{given}' cannot be assigned issues." if field.id == "assignee" else "User not found."
        )
    return account.account_id


def _users(state: State, field: Field, given: Any) -> tuple[str, ...]:
    if not isinstance(given, list):
        raise BadValueError("data was not an array")
    return tuple(dict.fromkeys(_user(state, field, each) for each in given))


def _option(state: State, field: Field, given: Any) -> str:
    wanted = (given.get("value") or given.get("id")) if isinstance(given, dict) else None
    option = state.catalog.option(field.id, str(wanted)) if wanted is not None else None
    if option is None:
        if not isinstance(given, dict):
            raise BadValueError("Specify a valid 'id' or 'name' for " + field.name)
        raise BadValueError(f"Option value '{wanted}' is not valid")
    return option.name


def _priority(_state: State, _field: Field, given: Any) -> str:
    wanted = (given.get("id") or given.get("name")) if isinstance(given, dict) else None
    found = next((p.id for p in setup.PRIORITIES if wanted in (p.id, p.name)), None)
    if found is None:
        raise BadValueError("The priority selected is invalid.")
    return found


def _organizations(state: State, _field: Field, given: Any) -> tuple[int, ...]:
    if not isinstance(given, list) or not all(isinstance(each, int) and each in state.organizations for each in given):
        raise BadValueError("Organizations must be a list of known ids")
    return tuple(given)


def _date(_state: State, _field: Field, given: Any) -> str:
    if not isinstance(given, str) or len(given) != len("2026-11-22"):
        raise BadValueError("Error parsing date string")
    return given


READERS: Mapping[str, Callable[[Any, Field, Any], Any]] = {
    "text": _text,
    "adf": _document,
    "number": _number,
    "datetime": _moment,
    "date": _date,
    "labels": _labels,
    "user": _user,
    "participants": _users,
    "select": _option,
    "priority": _priority,
    "organizations": _organizations,
}
