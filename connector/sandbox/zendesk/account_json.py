"""How users, groups, organizations and memberships look on the wire."""

from __future__ import annotations

from typing import Any

from connector.sandbox.zendesk.accounts import User, ZendeskGroup, ZendeskOrganization
from connector.sandbox.zendesk.wire import stamp

LOCALES = {"en": ("en-US", 1), "es": ("es", 2), "de": ("de", 8), "fr": ("fr", 16), "nl": ("nl", 1005), "ja": ("ja", 67)}
RAILS_ZONES = {"America/New_York": "Eastern Time (US & Canada)", "Asia/Tokyo": "Tokyo", "UTC": "UTC"}


def user_json(user: User, origin: str) -> dict[str, Any]:
    """A user as an admin or agent reads it."""
    locale, locale_id = LOCALES.get(user.locale.split("-")[0], (user.locale, 1))
    moment = stamp(user.created_at)
    return {
        "id": user.id,
        "url": f"{origin}/api/v2/users/{user.id}.json",
        "name": user.name,
        "email": user.email,
        "created_at": moment,
        "updated_at": moment,
        "time_zone": RAILS_ZONES.get(user.timezone, user.timezone.rpartition("/")[2]),
        "iana_time_zone": user.timezone,
        "phone": None,
        "shared_phone_number": None,
        "photo": None,
        "locale_id": locale_id,
        "locale": locale,
        "organization_id": user.organization_id,
        "role": user.role,
        "verified": True,
        "external_id": None,
        "tags": list(user.tags),
        "alias": None,
        "active": user.active,
        "shared": False,
        "shared_agent": False,
        "last_login_at": moment if user.is_agent else None,
        "two_factor_auth_enabled": None,
        "signature": None,
        "details": None,
        "notes": None,
        **_rights(user),
        "user_fields": {},
    }


def _rights(user: User) -> dict[str, Any]:
    return {
        "role_type": 1 if user.is_light else {"admin": 4, "agent": 0}.get(user.role),
        "custom_role_id": None,
        "moderator": user.is_agent,
        "ticket_restriction": None if user.is_agent else "requested",
        "only_private_comments": user.is_light,
        "restricted_agent": not user.is_agent,
        "suspended": user.suspended,
        "default_group_id": user.group_ids[0] if user.group_ids else None,
        "report_csv": user.role == "admin",
    }


def group_json(group: ZendeskGroup, origin: str, created_at: int) -> dict[str, Any]:
    """A group."""
    return {
        "url": f"{origin}/api/v2/groups/{group.id}.json",
        "id": group.id,
        "is_public": True,
        "name": group.name,
        "description": "",
        "default": group.id == 101,
        "deleted": False,
        "created_at": stamp(created_at),
        "updated_at": stamp(created_at),
    }


def organization_json(organization: ZendeskOrganization, origin: str, created_at: int) -> dict[str, Any]:
    """An organization with its custom fields ``tier`` and ``region``."""
    return {
        "url": f"{origin}/api/v2/organizations/{organization.id}.json",
        "id": organization.id,
        "name": organization.name,
        "shared_tickets": False,
        "shared_comments": False,
        "external_id": None,
        "created_at": stamp(created_at),
        "updated_at": stamp(created_at),
        "domain_names": [],
        "details": None,
        "notes": None,
        "group_id": None,
        "tags": list(organization.tags),
        "organization_fields": {"tier": organization.tier, "region": organization.region},
    }


def membership_json(row: tuple[int, User, int, bool], origin: str) -> dict[str, Any]:
    """A group membership."""
    membership_id, user, group_id, is_default = row
    return {
        "url": f"{origin}/api/v2/group_memberships/{membership_id}.json",
        "id": membership_id,
        "user_id": user.id,
        "group_id": group_id,
        "default": is_default,
        "created_at": stamp(user.created_at),
        "updated_at": stamp(user.created_at),
    }
