"""Who one is, what one may, and who else there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connector.sandbox.core.messages import Response, json_response
from connector.sandbox.jira.calls import PLATFORM, Call, Route, page_of
from connector.sandbox.jira.model import Account, Refusal
from connector.sandbox.jira.state import State

GLOBAL = frozenset(("ADMINISTER", "BULK_CHANGE", "USER_PICKER"))
ADMIN_ONLY = frozenset(
    (
        "ADMINISTER",
        "ADMINISTER_PROJECTS",
        "DELETE_ALL_ATTACHMENTS",
        "DELETE_ALL_COMMENTS",
        "DELETE_ALL_WORKLOGS",
        "DELETE_ISSUES",
        "EDIT_ALL_COMMENTS",
        "EDIT_ALL_WORKLOGS",
        "MANAGE_WATCHERS",
        "MODIFY_REPORTER",
    )
)
CONNECTORS = frozenset(
    (
        "ADD_COMMENTS",
        "ASSIGNABLE_USER",
        "ASSIGN_ISSUES",
        "BROWSE_PROJECTS",
        "DELETE_OWN_COMMENTS",
        "EDIT_ISSUES",
        "SERVICEDESK_AGENT",
        "USER_PICKER",
    )
)
"""What an account made for the connector has; an administrator's has all."""
TEAM = frozenset(
    (
        "CLOSE_ISSUES",
        "CREATE_ATTACHMENTS",
        "CREATE_ISSUES",
        "DELETE_OWN_ATTACHMENTS",
        "DELETE_OWN_WORKLOGS",
        "EDIT_OWN_COMMENTS",
        "EDIT_OWN_WORKLOGS",
        "LINK_ISSUES",
        "MOVE_ISSUES",
        "RESOLVE_ISSUES",
        "SCHEDULE_ISSUES",
        "SET_ISSUE_SECURITY",
        "TRANSITION_ISSUES",
        "VIEW_VOTERS_AND_WATCHERS",
        "WORK_ON_ISSUES",
    )
)
PERMISSIONS = GLOBAL | ADMIN_ONLY | CONNECTORS | TEAM
WHERE = ("projectKey", "projectId", "issueKey", "issueId", "permissions")
PAGING = ("startAt", "maxResults")
SEARCHED = 1000
"""No search for users looks beyond so many of them."""


class PeopleApi:
    """Accounts, permissions and groups."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> tuple[Route, ...]:
        """The operations."""
        path = PLATFORM
        old = ("includeActive", "includeInactive")  # a public client sends them still; they mean nothing
        old_names = ("username", "key")
        finding = ("query", "accountId", "username", "property", *old, *PAGING)
        assignable = (*finding, "project", "issueKey", "issueId", "recommend")
        return (
            Route(method="GET", path=f"{path}/myself", answer=self._myself, queries=("expand",)),
            Route(method="GET", path=f"{path}/mypermissions", answer=self._permissions, queries=WHERE, anonymous=True),
            Route(
                method="GET", path=f"{path}/user", answer=self._user, queries=("accountId", "username", "key", "expand")
            ),
            Route(
                method="GET", path=f"{path}/user/bulk", answer=self._by_ids, queries=("accountId", *old_names, *PAGING)
            ),
            Route(method="GET", path=f"{path}/user/search", answer=self._users, queries=finding),
            Route(method="GET", path=f"{path}/users/search", answer=self._everybody, queries=("expand", *PAGING)),
            Route(method="GET", path=f"{path}/user/assignable/search", answer=self._assignable, queries=assignable),
            Route(
                method="GET", path=f"{path}/groups/picker", answer=self._group_picker, queries=("query", "maxResults")
            ),
            Route(
                method="GET", path=f"{path}/group/bulk", answer=self._groups, queries=("groupId", "groupName", *PAGING)
            ),
            Route(
                method="GET",
                path=f"{path}/group/member",
                answer=self._members,
                queries=("groupname", "groupId", "includeInactiveUsers", *PAGING),
            ),
        )

    def _myself(self, call: Call) -> Response:
        account = call.actor.account
        shown = call.show.user(account) or {}
        groups = [
            {"name": name, "groupId": name, "self": f"{call.show.api}/group?groupId={name}"} for name in account.groups
        ]
        if "groups" in call.listed("expand"):
            shown["groups"] = {"size": len(groups), "items": groups}
        return json_response({**shown, "locale": account.locale, "expand": "groups,applicationRoles"})

    def _permissions(self, call: Call) -> Response:
        wanted = call.listed("permissions")
        if not wanted:
            raise Refusal(400, "The 'permissions' query parameter is required.")
        if unknown := sorted(set(wanted) - PERMISSIONS):
            raise Refusal(400, f"Unrecognized permission(s): {', '.join(unknown)}")
        account = call.account
        shown = {
            key: {
                "id": str(number),
                "key": key,
                "name": key.replace("_", " ").capitalize(),
                "type": "GLOBAL" if key in GLOBAL else "PROJECT",
                "description": "",
                "havePermission": self._may(account, key),
            }
            for number, key in enumerate(wanted, 1)
        }
        return json_response({"permissions": shown})

    def _may(self, account: Account, key: str) -> bool:
        if account is not self._state.people.connector:
            return account.team and (account.admin or key not in ADMIN_ONLY)
        stated = self._state.options.connector_permissions
        return key in (CONNECTORS if stated is None else stated) or (stated is None and account.admin)

    def _user(self, call: Call) -> Response:
        found = self._state.account(call.query("accountId"))
        if found is None:
            raise Refusal(404, "The user does not exist or you do not have permission to see it.")
        return json_response(self._with_language(call, found))

    def _by_ids(self, call: Call) -> Response:
        wanted = call.listed("accountId")
        if not wanted:
            raise Refusal(400, "The accountId query parameter is required.")
        start, size = call.number("startAt", 0), call.number("maxResults", 10, most=200)
        found = [a for each in dict.fromkeys(wanted) if (a := self._state.account(each)) is not None]
        shown = [self._with_language(call, account) for account in found[start : start + size]]
        last = start + size >= len(found)
        page = {"maxResults": size, "startAt": start, "total": len(found), "isLast": last, "values": shown}
        return json_response(page)

    def _with_language(self, call: Call, account: Account) -> dict[str, Any]:
        return {**(call.show.user(account) or {}), "locale": account.locale}

    def _everybody(self, call: Call) -> Response:
        """All users, whoever they are; with the right to browse them."""
        if not self._may(call.account, "USER_PICKER"):
            raise Refusal(403, "The user does not have the right to browse users and groups.")
        start, size = call.number("startAt", 0), call.number("maxResults", 50, most=1000)
        found = tuple(self._state.people.by_key.values())[start : start + size]
        return json_response([call.show.user(account) for account in found])

    def _users(self, call: Call) -> Response:
        return json_response([call.show.user(account) for account in self._searched(call)])

    def _assignable(self, call: Call) -> Response:
        """Who of the users in the range can be given issues: most often fewer than were asked for."""
        if not (call.query("project") or call.query("issueKey") or call.query("issueId")):
            raise Refusal(400, "A project or an issue is required.")
        found = (a for a in self._searched(call) if a.team and a.active and a.account_type != "app")
        return json_response([call.show.user(account) for account in found])

    def _searched(self, call: Call) -> Sequence[Account]:
        """The users that match, in the range that was asked for, and none beyond the thousandth."""
        query, wanted = call.query("query").lower(), call.query("accountId")
        if not (query or wanted or "assignable" in call.request.path):
            raise Refusal(400, "At least one search parameter is required.")
        found = [
            account
            for account in self._state.people.by_key.values()
            if (not wanted or account.account_id == wanted)
            and (not query or query in account.name.lower() or account.email.lower().startswith(query))
        ]
        start, size = call.number("startAt", 0), call.number("maxResults", 50, most=SEARCHED)
        return found[start : min(start + size, SEARCHED)]

    def _group_names(self) -> list[str]:
        return ["jira-servicemanagement-users", *(group.key for group in self._state.roster.groups)]

    def _group_picker(self, call: Call) -> Response:
        query = call.query("query").lower()
        found = [name for name in self._group_names() if query in name.lower()]
        groups = [{"name": name, "html": name, "labels": [], "groupId": name} for name in found]
        header = f"Showing {len(found)} of {len(found)} matching groups"
        return json_response({"header": header, "total": len(found), "groups": groups})

    def _groups(self, call: Call) -> Response:
        wanted = {*call.listed("groupId"), *call.listed("groupName")}
        found = [{"name": name, "groupId": name} for name in self._group_names() if not wanted or name in wanted]
        return json_response(page_of(call, found))

    def _members(self, call: Call) -> Response:
        name = call.query("groupId") or call.query("groupname")
        if name not in self._group_names():
            raise Refusal(404, f"The group named '{name}' does not exist.")
        people = [a for a in self._state.people.by_key.values() if name in a.groups]
        return json_response(page_of(call, [call.show.user(account) or {} for account in people]))
