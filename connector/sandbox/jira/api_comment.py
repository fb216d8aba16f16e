"""Comments on the platform: Atlassian Document Format alone, visible to customers unless told otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.sandbox.core.messages import Response, empty_response, json_response
from connector.sandbox.jira import adf
from connector.sandbox.jira.calls import PLATFORM, Call, Route
from connector.sandbox.jira.desk import Desk, Remark
from connector.sandbox.jira.forms import PROPERTIES, Form
from connector.sandbox.jira.model import Account, Comment, Issue, Refusal
from connector.sandbox.jira.state import State
from connector.sandbox.jira.wikitext import read_wiki

ALL = f"{PLATFORM}/issue/{{key}}/comment"
FORM: Form = {
    "body": None,
    "visibility": {"type": "text!", "value": "text", "identifier": "text"},
    "properties": PROPERTIES,
    "jsdPublic": "flag",
    **dict.fromkeys(("author", "updateAuthor"), "object"),
    **dict.fromkeys(("jsdAuthorCanSeeRequest", "created", "id", "renderedBody", "self", "updated")),
}
TEXT_LIMIT = 32767
INTERNAL = "sd.public.comment"


class CommentApi:
    """Adds, reads, edits and deletes comments."""

    def __init__(self, state: State, desk: Desk) -> None:
        self._state = state
        self._desk = desk

    def routes(self) -> tuple[Route, ...]:
        """The operations."""
        paging = ("startAt", "maxResults", "orderBy", "expand")
        one, edit = f"{ALL}/{{id}}", ("notifyUsers", "overrideEditableFlag", "expand")
        return (
            Route(method="GET", path=ALL, answer=self._list, queries=paging, anonymous=True),
            Route(method="POST", path=ALL, answer=self._add, queries=("expand",)),
            Route(method="GET", path=one, answer=self._get, queries=("expand",), anonymous=True),
            Route(method="PUT", path=one, answer=self._edit, queries=edit),
            Route(method="DELETE", path=one, answer=self._delete),
            Route(
                method="POST", path=f"{PLATFORM}/comment/list", answer=self._by_ids, queries=("expand",), anonymous=True
            ),
        )

    def _list(self, call: Call) -> Response:
        issue = self._state.visible(call.params["key"], call.account)
        comments = self._state.comments_of(issue, call.account)
        order = call.query("orderBy", "created")
        if order not in ("created", "-created", "+created"):
            raise Refusal(400, f"The orderBy value '{order}' is not supported.")
        if order.startswith("-"):
            comments = comments[::-1]
        start, size = call.number("startAt", 0), call.number("maxResults", 100, most=5000)
        page = comments[start : start + size]
        properties = "properties" in call.listed("expand")
        shown = [call.show.comment(comment, properties=properties) for comment in page]
        return json_response({"startAt": start, "maxResults": size, "total": len(comments), "comments": shown})

    def _get(self, call: Call) -> Response:
        _, comment = self._find(call)
        return json_response(call.show.comment(comment, properties="properties" in call.listed("expand")))

    def _by_ids(self, call: Call) -> Response:
        ids = call.body({"ids": "numbers"}).get("ids")
        if ids is None or not 0 < len(ids) <= 1000:
            raise Refusal(400, "ids must hold 1 to 1000 comment ids.")
        wanted = frozenset(ids)
        properties = "properties" in call.listed("expand")
        found = [
            call.show.comment(comment, properties=properties)
            for issue_id, held in self._state.comments.items()
            for comment in held
            if comment.id in wanted and self._readable(call.account, issue_id, comment)
        ]
        page = {"maxResults": 1000, "startAt": 0, "total": len(found), "isLast": True, "values": found}
        return json_response(page)

    def _readable(self, reader: Account, issue_id: int, comment: Comment) -> bool:
        return self._state.can_see(reader, self._state.issues[issue_id]) and self._state.can_read(reader, comment)

    def _add(self, call: Call) -> Response:
        actor = call.actor
        issue = self._state.visible(call.params["key"], call.account)
        remark = self._remark(call, public=True)
        comment = self._desk.comment(issue, actor, remark)
        shown = call.show.comment(comment, properties="properties" in call.listed("expand"))
        return json_response(shown, status=201)

    def _edit(self, call: Call) -> Response:
        actor = call.actor
        issue, comment = self._find(call)
        self._own(call, comment, "edit")
        self._desk.revise(issue, actor, comment, self._remark(call, public=comment.public))
        return json_response(call.show.comment(comment))

    def _delete(self, call: Call) -> Response:
        actor = call.actor
        issue, comment = self._find(call)
        self._own(call, comment, "delete")
        self._desk.erase(issue, actor, comment)
        return empty_response()

    def _own(self, call: Call, comment: Comment, verb: str) -> None:
        if comment.author is not call.account and not call.account.admin:
            message = f"{call.account.name}, you do not have the permission to {verb} this comment."
            raise Refusal(400, message)

    def _find(self, call: Call) -> tuple[Issue, Comment]:
        issue = self._state.visible(call.params["key"], call.account)
        found = (c for c in self._state.comments_of(issue, call.account) if str(c.id) == call.params["id"])
        comment = next(found, None)
        if comment is None:
            raise Refusal(404, f"Can not find a comment for the id: {call.params['id']}.")
        return issue, comment

    def _remark(self, call: Call, *, public: bool) -> Remark:
        """What the body says; a property may make it internal, and nothing else does."""
        given = call.body(FORM)
        body, text, live = _read(call, given.get("body"))
        if not text.strip() and not adf.live_parts(body):
            raise Refusal(400, errors={"comment": "Comment body can not be empty!"})
        if len(text) > TEXT_LIMIT:
            message = f"The entered text is too long. It exceeds the allowed limit of {TEXT_LIMIT} characters."
            raise Refusal(400, errors={"comment": message})
        properties = {p["key"]: p.get("value") for p in given.get("properties") or []}
        return Remark(
            body=body,
            text=text,
            public=public and not _internal(properties),
            visibility=_visibility(given.get("visibility"), call.account),
            properties=properties,
            live=live,
        )


def _read(call: Call, body: Any) -> tuple[Any, str, tuple[str, ...]]:
    """A comment's document, its text, and what is live in its markup."""
    if not call.rich:
        if not isinstance(body, str):
            raise Refusal(400, errors={"comment": "Comment body is not valid! It must be a text."})
        wiki = read_wiki(body)
        return adf.document(wiki.text), body, wiki.live
    if not adf.is_document(body):
        raise Refusal(400, errors={"comment": "Comment body is not valid! It must be an Atlassian Document."})
    return body, adf.plain(body), ()


def _internal(properties: Mapping[str, Any]) -> bool:
    value = properties.get(INTERNAL)
    return isinstance(value, Mapping) and value.get("internal") is True


def _visibility(given: Any, account: Account) -> Mapping[str, Any] | None:
    if given is None:
        return None
    if given.get("type") not in ("role", "group") or not given.get("value"):
        raise Refusal(400, errors={"commentLevel": "Visibility needs a type (role or group) and a value."})
    if given["type"] == "group" and given["value"] not in account.groups:
        message = f"You are currently not a member of the group: {given['value']}."
        raise Refusal(400, errors={"commentLevel": message})
    return {"identifier": given["value"], **given}
