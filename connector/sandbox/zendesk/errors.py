"""What Zendesk answers when it refuses, as exceptions that the front door turns into responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """A refusal with its status, JSON body (or plain text) and headers."""

    def __init__(self, status: int, payload: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {payload}")
        self.status = status
        self.payload = payload
        self.headers = dict(headers or {})


def not_found() -> ApiError:
    """The record does not exist, or was deleted."""
    return ApiError(404, {"error": "RecordNotFound", "description": "Not found"})


def unknown_path() -> ApiError:
    """No such endpoint."""
    message = "There is no page here"
    return ApiError(404, {"error": "InvalidEndpoint", "description": message})


def invalid(field: str, description: str) -> ApiError:
    """Validation of a record failed."""
    payload = {
        "error": "RecordInvalid",
        "description": "Record validation errors",
        "details": {field: [{"description": description}]},
    }
    return ApiError(422, payload)


def bad_request(error: str, description: str, **more: Any) -> ApiError:
    """The request itself makes no sense."""
    return ApiError(400, {"error": error, "description": description, **more})


def stray(names: tuple[str, ...]) -> ApiError:
    """The sandbox's strictness: the real thing would ignore these without a word."""
    return bad_request("SandboxStrict", f"unknown: {', '.join(names)}")


def update_conflict() -> ApiError:
    """The ticket changed since the stamp."""
    text = "Safe update prevented the update due to outdated ticket data. Please fetch the latest ticket data."
    return ApiError(409, {"error": "UpdateConflict", "description": text})


def database_conflict() -> ApiError:
    """Two writers met inside the database."""
    return ApiError(409, {"error": "DatabaseConflict", "description": "Database collision"})


def gateway_timeout() -> ApiError:
    """The gateway gave up waiting; what happened behind it is not known."""
    return ApiError(504, "504 Gateway Time-out")


def forbidden(message: str = "") -> ApiError:
    """The account may not do this; note that ``error`` is an object here."""
    text = message or "You do not have access to this page. Please contact the account owner for further help."
    return ApiError(403, {"error": {"title": "Forbidden", "message": text}})


def not_signed_in() -> ApiError:
    """Missing or wrong Basic credentials."""
    return ApiError(401, {"error": "Couldn't authenticate you"}, {"WWW-Authenticate": 'Basic realm="Web Password"'})


def dead_token() -> ApiError:
    """A bearer token that is unknown, expired or revoked."""
    text = "The access token provided is expired, revoked, malformed or invalid for other reasons."
    return ApiError(401, {"error": "invalid_token", "error_description": text})
