"""Which endpoint answers what, with the query parameters that it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connector.sandbox.zendesk import api_account, api_tickets, api_views, export, paging, search
from connector.sandbox.zendesk.office import Call, Endpoint, Office

INCLUDE = frozenset({"include"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation.

    Attributes:
        params: Query parameters that it has; others are refused.
        limit: Its own limit beside the account's.
        who: Least role: ``agent`` or ``admin``.
        updates: Whether it updates the ticket whose id is in the path.
        status: Of success.
    """

    endpoint: Endpoint
    params: frozenset[str] = frozenset()
    limit: str | None = None
    who: str = "agent"
    updates: bool = False
    status: int = 200


def _export(office: Office, call: Call) -> bytes:
    return office.export.tickets(call.request)


def _metric_events(office: Office, call: Call) -> object:
    return office.export.metric_events(call.request)


def _search(office: Office, call: Call) -> bytes:
    return office.search.page(call.request)


def _search_export(office: Office, call: Call) -> bytes:
    return office.search.export(call.request)


def _read(endpoint: Endpoint, params: frozenset[str] = frozenset()) -> Route:
    return Route(endpoint=endpoint, params=params)


def _write(endpoint: Endpoint, status: int = 200) -> Route:
    return Route(endpoint=endpoint, limit="update", updates=True, status=status)


ROUTES: Mapping[str, Route] = {
    "GET incremental/tickets/cursor": Route(endpoint=_export, params=export.PARAMS, limit="incremental", who="admin"),
    "GET incremental/ticket_metric_events": Route(
        endpoint=_metric_events, params=export.EVENT_PARAMS, limit="incremental", who="admin"
    ),
    "GET search": _read(_search, search.PARAMS),
    "GET search/export": Route(endpoint=_search_export, params=search.EXPORT_PARAMS, limit="search-export"),
    "GET tickets": Route(endpoint=api_tickets.listed, params=paging.PARAMS | INCLUDE, limit="tickets-index"),
    "GET tickets/{id}": _read(api_tickets.show, INCLUDE),
    "PUT tickets/{id}": Route(endpoint=api_tickets.update, params=INCLUDE, limit="update", updates=True),
    "GET tickets/show_many": _read(api_tickets.show_many, INCLUDE | {"ids"}),
    "PUT tickets/update_many": Route(endpoint=api_tickets.update_many, params=frozenset({"ids"}), limit="update"),
    "GET tickets/{id}/tags": _read(api_tickets.tags),
    "PUT tickets/{id}/tags": _write(api_tickets.add_tags),
    "POST tickets/{id}/tags": _write(api_tickets.set_tags, 201),
    "DELETE tickets/{id}/tags": _write(api_tickets.remove_tags, 204),
    "GET tickets/{id}/comments": _read(
        api_tickets.comments, paging.PARAMS | INCLUDE | {"sort_order", "include_inline_images"}
    ),
    "PUT tickets/{id}/comments/{id}/make_private": _write(api_tickets.make_private),
    "GET tickets/{id}/audits": Route(endpoint=api_tickets.audits, params=paging.PARAMS | INCLUDE, limit="audits"),
    "GET tickets/{id}/audits/{id}": Route(endpoint=api_tickets.audit, limit="audits"),
    "GET users/me": _read(api_account.me),
    "GET oauth/tokens/current": _read(api_account.token),
    "GET users": _read(api_account.users, paging.PARAMS | {"role", "role[]"}),
    "GET users/{id}": _read(api_account.user),
    "GET users/show_many": _read(api_account.users_many, frozenset({"ids"})),
    "GET users/{id}/group_memberships": _read(api_account.user_memberships, paging.PARAMS),
    "GET groups": _read(api_account.groups, paging.PARAMS | {"exclude_deleted"}),
    "GET groups/{id}": _read(api_account.group),
    "GET groups/assignable": _read(api_account.groups, paging.PARAMS),
    "GET groups/{id}/memberships": _read(api_account.group_memberships, paging.PARAMS),
    "GET group_memberships": _read(api_account.memberships, paging.PARAMS),
    "GET group_memberships/assignable": _read(api_account.assignable_memberships, paging.PARAMS),
    "GET organizations": _read(api_account.organizations, paging.PARAMS),
    "GET organizations/{id}": _read(api_account.organization),
    "GET organizations/show_many": _read(api_account.organizations_many, frozenset({"ids"})),
    "GET views": _read(api_views.views, paging.PARAMS),
    "GET views/{id}": _read(api_views.view),
    "GET views/{id}/tickets": _read(api_views.tickets, paging.PARAMS | INCLUDE),
    "GET ticket_fields": _read(api_account.ticket_fields, paging.PARAMS),
    "GET ticket_fields/{id}": _read(api_account.ticket_field),
    "GET ticket_forms": _read(api_account.ticket_forms),
    "GET custom_statuses": _read(api_account.custom_statuses),
    "GET slas/policies": Route(endpoint=api_account.sla_policies, who="admin"),
    "GET business_hours/schedules": _read(api_account.schedules),
    "GET business_hours/schedules/{id}/holidays": _read(api_account.holidays, frozenset({"start_date", "end_date"})),
    "GET job_statuses": _read(api_account.jobs),
    "GET job_statuses/{id}": _read(api_account.job),
    "GET job_statuses/show_many": _read(api_account.jobs_many, frozenset({"ids"})),
}
PATHS = frozenset(key.partition(" ")[2] for key in ROUTES)
PREFIX = "/api/v2/"


def read_path(path: str) -> tuple[str, tuple[str, ...]]:
    """Turn a path into its pattern and the ids in it; the ``.json`` suffix makes no difference."""
    if not path.startswith(PREFIX):
        return "", ()
    words = path[len(PREFIX) :].removesuffix(".json").rstrip("/").split("/")
    if words[0] == "job_statuses" and len(words) == 2 and words[1] != "show_many":
        return "job_statuses/{id}", (words[1],)
    ids = tuple(word for word in words if word.isdigit())
    return "/".join("{id}" if word.isdigit() else word for word in words), ids
