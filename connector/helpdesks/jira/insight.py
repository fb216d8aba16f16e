"""What a site's accounts and statuses mean, where neither issues nor the map say it: read rarely, kept for a while.

The *service desk team* are the accounts that issues can be given to; a collaborator or an employee is none of them.
Reading it needs the right to browse users: without it Jira shows nobody, and the team is unknown. Jira looks for it
among the first thousand users of the site, customers included, and its answer does not tell whether there are more:
on a site that has more, the team is unknown too, rather than known by half.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from connector.errors import Denied, HelpdeskError
from connector.helpdesks.jira import pages, wire
from connector.helpdesks.jira.shape import Shape
from connector.helpdesks.jira.structs import Account, StatusValue
from connector.helpdesks.transport import Client

KEPT_FOR = timedelta(hours=1)
SEARCHED = 1000
"""Jira looks for a team among so many users of the site, and no further."""


class Insight:
    """The site's thread owns it."""

    def __init__(self, client: Client, projects: Sequence[str]) -> None:
        self._client = client
        self._projects = tuple(projects)
        self._asked_at: datetime | None = None
        self._categories: Mapping[str, str] = {}
        self._categories_at: datetime | None = None

    def with_team(self, shape: Shape, *, now: datetime) -> Shape:
        """Return the shape with the team as it is; what Jira does not say now stays as it was known."""
        if not self._projects or (self._asked_at is not None and now - self._asked_at < KEPT_FOR):
            return shape
        self._asked_at = now
        try:
            found = [self._members(project) for project in self._projects]
            is_whole = all(found) and self._has_no_more_users()
        except HelpdeskError:
            return shape
        team = frozenset(id_ for members in found for id_ in members)
        return replace(shape, team=team if is_whole else None)

    def _members(self, project: str) -> frozenset[str]:
        answer = self._client.call(wire.assignable(project, SEARCHED))
        people = pages.decoded(answer.body, list[Account], what="assignable users")
        return frozenset(account.account_id for account in people if account.account_id)

    def _has_no_more_users(self) -> bool:
        """Return whether every user of the site was looked at; where we may not know, one may be missing."""
        try:
            answer = self._client.call(wire.everybody(start=SEARCHED, most=1))
        except Denied as refusal:
            if refusal.about != "permission":
                raise
            return False
        return not pages.decoded(answer.body, list[Account], what="users")

    def with_categories(self, shape: Shape, *, now: datetime) -> Shape:
        """Return the shape with Jira's own category of every status, for those that the map does not bind."""
        if self._categories_at is None or now - self._categories_at >= KEPT_FOR:
            try:
                statuses = pages.decoded(self._client.call(wire.statuses()).body, list[StatusValue], what="statuses")
            except HelpdeskError:
                return shape
            self._categories, self._categories_at = _by_id(statuses), now
        return replace(shape, categories=self._categories)


def _by_id(statuses: Sequence[StatusValue]) -> Mapping[str, str]:
    named = ((s.id, s.status_category.key) for s in statuses if s.id and s.status_category)
    return {id_: key for id_, key in named if key}
