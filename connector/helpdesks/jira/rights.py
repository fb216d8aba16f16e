"""Which of Jira's permissions the connector needs, by what it is to do, and which it never uses.

The keys are those of Jira's own permissions; what only lets an account look at more (watchers, workflows) or be
assigned is left out: nothing can be changed with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from connector.domain.site import Effect

READING = ("BROWSE_PROJECTS", "SERVICEDESK_AGENT")
WRITING: Mapping[Effect, tuple[str, ...]] = MappingProxyType(
    {
        Effect.FIELDS: ("EDIT_ISSUES",),
        Effect.NOTES: ("ADD_COMMENTS", "DELETE_OWN_COMMENTS"),
        Effect.ASSIGN: ("EDIT_ISSUES", "ASSIGN_ISSUES"),
        Effect.PUBLIC: ("ADD_COMMENTS", "DELETE_OWN_COMMENTS"),
    }
)
GLOBAL = ("ADMINISTER", "BULK_CHANGE")
UNUSED = (
    *GLOBAL,
    "ADMINISTER_PROJECTS",
    "CLOSE_ISSUES",
    "CREATE_ATTACHMENTS",
    "CREATE_ISSUES",
    "DELETE_ALL_ATTACHMENTS",
    "DELETE_ALL_COMMENTS",
    "DELETE_ALL_WORKLOGS",
    "DELETE_ISSUES",
    "DELETE_OWN_ATTACHMENTS",
    "DELETE_OWN_WORKLOGS",
    "EDIT_ALL_COMMENTS",
    "EDIT_ALL_WORKLOGS",
    "EDIT_OWN_COMMENTS",
    "EDIT_OWN_WORKLOGS",
    "LINK_ISSUES",
    "MANAGE_WATCHERS",
    "MODIFY_REPORTER",
    "MOVE_ISSUES",
    "RESOLVE_ISSUES",
    "SCHEDULE_ISSUES",
    "SET_ISSUE_SECURITY",
    "TRANSITION_ISSUES",
    "WORK_ON_ISSUES",
)
"""Permissions to change something that no effect changes."""

SCOPES = frozenset(
    {
        *("write:jira-work", "write:servicedesk-request", "write:request.comment:jira-service-management"),
        *("write:issue:jira", "write:issue.property:jira", "write:comment:jira", "write:comment.property:jira"),
        *("delete:comment:jira", "delete:comment.property:jira"),
    }
)
"""What a token is granted to write with, classic and granular; whatever begins with ``read:`` reads."""

_WRITES = tuple(sorted({right for rights in WRITING.values() for right in rights}))


def needed(effects: Collection[Effect]) -> tuple[str, ...]:
    """Return what an account that reads and has these effects needs, without repetition."""
    writing = (right for effect in sorted(effects) for right in WRITING[effect])
    return tuple(dict.fromkeys((*READING, *writing)))


def beyond(needs: Collection[str]) -> tuple[str, ...]:
    """Return every permission to change something that is not among the needed ones."""
    return tuple(right for right in (*UNUSED, *_WRITES) if right not in needs)


def scopes_beyond(granted: Collection[str], *, writes: bool) -> tuple[str, ...]:
    """Return the scopes with which more can be done than reading, and writing tickets where that is switched on."""
    used = SCOPES if writes else frozenset[str]()
    harmless = {scope for scope in granted if scope.startswith("read:") or scope == "offline_access"}
    return tuple(sorted(set(granted) - harmless - used))


def effects_with(right: str) -> tuple[Effect, ...]:
    """Return the effects that need a permission; none for one that the connector never uses."""
    return tuple(effect for effect in Effect if right in WRITING[effect])
