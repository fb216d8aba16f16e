"""Changelogs: of one issue, and of many at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from connector.sandbox.core.messages import Response, json_response
from connector.sandbox.jira.calls import PLATFORM, Call, Route, listed_ids
from connector.sandbox.jira.forms import Form
from connector.sandbox.jira.model import Refusal
from connector.sandbox.jira.moments import millis, stamp
from connector.sandbox.jira.state import State

FORM: Form = {"issueIdsOrKeys": "texts", "fieldIds": "texts", "maxResults": "number", "nextPageToken": "text"}
ONE = f"{PLATFORM}/issue/{{key}}"


class HistoryApi:
    """Reads changelogs."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> tuple[Route, ...]:
        """The operations."""
        return (
            Route(method="GET", path=f"{ONE}/changelog", answer=self._changelog, queries=("startAt", "maxResults")),
            Route(method="POST", path=f"{PLATFORM}/changelog/bulkfetch", answer=self._bulk_changelog, anonymous=True),
        )

    def _changelog(self, call: Call) -> Response:
        issue = self._state.visible(call.params["key"], call.account)
        histories = self._state.histories.get(issue.id, [])
        start, size = call.number("startAt", 0), call.number("maxResults", 100, most=100)
        page = histories[start : start + size]
        url = f"{call.show.api}/issue/{issue.key}/changelog"
        shown = {
            "self": f"{url}?startAt={start}&maxResults={size}",
            "maxResults": size,
            "startAt": start,
            "total": len(histories),
            "isLast": start + size >= len(histories),
            "values": [call.show.history(entry) for entry in page],
        }
        if not shown["isLast"]:
            shown["nextPage"] = f"{url}?startAt={start + size}&maxResults={size}"
        return json_response(shown)

    def _bulk_changelog(self, call: Call) -> Response:
        given = call.body(FORM)
        wanted = listed_ids(given, most=1000)
        field_ids = given.get("fieldIds") or []
        if len(field_ids) > 10:
            raise Refusal(400, "At most 10 field ids can be given.")
        start = _offset(given.get("nextPageToken"))
        size = max(1, min(given.get("maxResults") or 1000, 10000))
        entries = self._entries(call, wanted, frozenset(field_ids))
        logs: dict[int, list[dict[str, Any]]] = {}
        for number, shown in entries[start : start + size]:
            logs.setdefault(number, []).append(shown)
        body: dict[str, Any] = {
            "issueChangeLogs": [{"issueId": str(number), "changeHistories": shown} for number, shown in logs.items()]
        }
        if start + size < len(entries):
            body["nextPageToken"] = f"c{start + size}"
        return json_response(body)

    def _entries(self, call: Call, wanted: list[str], field_ids: frozenset[str]) -> list[tuple[int, dict[str, Any]]]:
        issues = {i.id: i for name in wanted if (i := self._state.find(name)) and self._state.can_see(call.account, i)}
        found = []
        for number in sorted(issues):
            for entry in self._state.histories.get(number, []):
                shown = call.show.history(entry, created=self._created(call, entry.created))
                if field_ids:
                    shown["items"] = [item for item in shown["items"] if item["fieldId"] in field_ids]
                if shown["items"]:
                    found.append((number, shown))
        return found

    def _created(self, call: Call, moment: datetime) -> Any:
        form = self._state.options.changelog_created
        if form == "iso":
            return stamp(moment, call.show.zone)
        return millis(moment) if form == "millis" else millis(moment) // 1000


def _offset(token: Any) -> int:
    if token is None:
        return 0
    if not (isinstance(token, str) and token[:1] == "c" and token[1:].isdigit()):
        raise Refusal(400, "The nextPageToken is invalid.")
    return int(token[1:])
