"""Endpoints about the account: people, groups, organizations, fields, statuses, schedules, SLA policies, jobs."""

from __future__ import annotations

from typing import Any

from connector.sandbox.zendesk import hours
from connector.sandbox.zendesk.account_json import group_json, membership_json, organization_json, user_json
from connector.sandbox.zendesk.errors import forbidden, not_found
from connector.sandbox.zendesk.office import Call, Office
from connector.sandbox.zendesk.paging import paged
from connector.sandbox.zendesk.ticket import CUSTOM_STATUSES
from connector.sandbox.zendesk.wire import stamp

WHOLE = {"next_page": None, "previous_page": None}


def me(_office: Office, call: Call) -> dict[str, Any]:
    """``GET /users/me``: who the credentials belong to."""
    return {"user": user_json(call.user, call.origin)}


def token(office: Office, call: Call) -> dict[str, Any]:
    """``GET /oauth/tokens/current``: the token that was sent, by its scopes; an API token is none."""
    scopes = office.gate.scopes(call.request)
    if scopes is None:
        raise not_found()
    return {"token": {"id": 1, "user_id": call.user.id, "scopes": sorted(scopes), "expires_at": None}}


def users(office: Office, call: Call) -> dict[str, Any]:
    """``GET /users``."""
    roles = {value for name, value in call.request.query if name in ("role", "role[]")}
    rows = [user for _, user in sorted(office.desk.directory.users.items()) if not roles or user.role in roles]
    page, rest = paged(call, rows, lambda user: int(user.id))
    return {"users": [user_json(user, call.origin) for user in page], **rest}


def users_many(office: Office, call: Call) -> dict[str, Any]:
    """``GET /users/show_many``."""
    known = office.desk.directory.users
    found = [user_json(known[i], call.origin) for i in dict.fromkeys(call.ids_param()) if i in known]
    return {"users": found, **WHOLE, "count": len(found)}


def user(office: Office, call: Call) -> dict[str, Any]:
    """``GET /users/{id}``."""
    return {"user": user_json(office.desk.directory.find_user(call.id), call.origin)}


def groups(office: Office, call: Call) -> dict[str, Any]:
    """``GET /groups`` and ``/groups/assignable``."""
    directory = office.desk.directory
    page, rest = paged(call, [group for _, group in sorted(directory.groups.items())], lambda group: int(group.id))
    return {"groups": [group_json(group, call.origin, directory.created_at) for group in page], **rest}


def group(office: Office, call: Call) -> dict[str, Any]:
    """``GET /groups/{id}``."""
    directory = office.desk.directory
    if call.id not in directory.groups:
        raise not_found()
    return {"group": group_json(directory.groups[call.id], call.origin, directory.created_at)}


def memberships(office: Office, call: Call) -> dict[str, Any]:
    """``GET /group_memberships``, also of one group or one user."""
    return _memberships(office, call, assignable=False)


def assignable_memberships(office: Office, call: Call) -> dict[str, Any]:
    """``GET /group_memberships/assignable``: only of agents who can be given tickets."""
    return _memberships(office, call, assignable=True)


def group_memberships(office: Office, call: Call) -> dict[str, Any]:
    """``GET /groups/{id}/memberships``."""
    return _memberships(office, call, assignable=False, group_id=call.id)


def user_memberships(office: Office, call: Call) -> dict[str, Any]:
    """``GET /users/{id}/group_memberships``."""
    return _memberships(office, call, assignable=False, user_id=call.id)


def _memberships(
    office: Office, call: Call, *, assignable: bool, group_id: int | None = None, user_id: int | None = None
) -> dict[str, Any]:
    rows = [
        row
        for row in office.desk.directory.memberships()
        if (not assignable or row[1].active)
        and (group_id is None or row[2] == group_id)
        and (user_id is None or row[1].id == user_id)
    ]
    page, rest = paged(call, rows, lambda row: int(row[0]))
    return {"group_memberships": [membership_json(row, call.origin) for row in page], **rest}


def organizations(office: Office, call: Call) -> dict[str, Any]:
    """``GET /organizations``."""
    directory = office.desk.directory
    rows = [organization for _, organization in sorted(directory.organizations.items())]
    page, rest = paged(call, rows, lambda organization: int(organization.id))
    return {"organizations": [organization_json(row, call.origin, directory.created_at) for row in page], **rest}


def organizations_many(office: Office, call: Call) -> dict[str, Any]:
    """``GET /organizations/show_many``."""
    directory = office.desk.directory
    rows = [directory.organizations[i] for i in dict.fromkeys(call.ids_param()) if i in directory.organizations]
    found = [organization_json(row, call.origin, directory.created_at) for row in rows]
    return {"organizations": found, **WHOLE, "count": len(found)}


def organization(office: Office, call: Call) -> dict[str, Any]:
    """``GET /organizations/{id}``."""
    directory = office.desk.directory
    if call.id not in directory.organizations:
        raise not_found()
    return {"organization": organization_json(directory.organizations[call.id], call.origin, directory.created_at)}


def ticket_fields(office: Office, call: Call) -> dict[str, Any]:
    """``GET /ticket_fields``."""
    rows = office.desk.fields.all_json(call.origin)
    page, rest = paged(call, rows, lambda row: int(row["id"]))
    return {"ticket_fields": list(page), **rest}


def ticket_field(office: Office, call: Call) -> dict[str, Any]:
    """``GET /ticket_fields/{id}``."""
    found = next((row for row in office.desk.fields.all_json(call.origin) if row["id"] == call.id), None)
    if found is None:
        raise not_found()
    return {"ticket_field": found}


def ticket_forms(office: Office, call: Call) -> dict[str, Any]:
    """``GET /ticket_forms``."""
    rows = office.desk.fields.forms_json(call.origin)
    return {"ticket_forms": rows, **WHOLE, "count": len(rows)}


def custom_statuses(office: Office, call: Call) -> dict[str, Any]:
    """``GET /custom_statuses``."""
    moment = stamp(office.desk.directory.created_at)
    rows = [
        {
            "url": f"{call.origin}/api/v2/custom_statuses/{status_id}.json",
            "id": status_id,
            "status_category": category,
            "agent_label": label,
            "end_user_label": label,
            "description": label,
            "end_user_description": label,
            "raw_agent_label": label,
            "raw_end_user_label": label,
            "raw_description": label,
            "raw_end_user_description": label,
            "active": True,
            "default": status_id <= 9005,
            "created_at": moment,
            "updated_at": moment,
        }
        for status_id, (category, label) in CUSTOM_STATUSES.items()
    ]
    return {"custom_statuses": rows}


def sla_policies(office: Office, call: Call) -> dict[str, Any]:
    """``GET /slas/policies``: 403 where the plan has none."""
    if not office.desk.options.sla_plan:
        raise forbidden()
    moment = stamp(office.desk.directory.created_at)
    rows = [
        {
            "url": f"{call.origin}/api/v2/slas/policies/{policy['id']}.json",
            **policy,
            "metric_settings": None,
            "created_at": moment,
            "updated_at": moment,
        }
        for policy in office.desk.slas.policies
    ]
    return {"sla_policies": rows, **WHOLE, "count": len(rows)}


def schedules(office: Office, _call: Call) -> dict[str, Any]:
    """``GET /business_hours/schedules``."""
    return {"schedules": [hours.schedule_json(stamp(office.desk.directory.created_at))]}


def holidays(_office: Office, call: Call) -> dict[str, Any]:
    """``GET /business_hours/schedules/{id}/holidays``: the account keeps none."""
    if call.id != hours.SCHEDULE_ID:
        raise not_found()
    return {"holidays": []}


def job(office: Office, call: Call) -> dict[str, Any]:
    """``GET /job_statuses/{id}``."""
    return {"job_status": office.jobs.find(call.ids[0]).as_json(call.origin)}


def jobs(office: Office, call: Call) -> dict[str, Any]:
    """``GET /job_statuses``."""
    rows = [job.as_json(call.origin) for job in office.jobs.kept()]
    return {"job_statuses": rows, **WHOLE, "count": len(rows)}


def jobs_many(office: Office, call: Call) -> dict[str, Any]:
    """``GET /job_statuses/show_many``; jobs whose data is gone are not there."""
    kept = {job.id: job for job in office.jobs.kept()}
    rows = [kept[job_id].as_json(call.origin) for job_id in call.listed("ids") if job_id in kept]
    return {"job_statuses": rows, **WHOLE, "count": len(rows)}
