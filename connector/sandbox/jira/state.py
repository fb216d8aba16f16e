"""Everything that one Jira site holds, and how to find it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from connector.sandbox.core.roster import Roster
from connector.sandbox.core.world import World
from connector.sandbox.jira import catalog as setup
from connector.sandbox.jira.accounts import ANONYMOUS, Directory
from connector.sandbox.jira.fields import Field
from connector.sandbox.jira.index import Index
from connector.sandbox.jira.model import Account, Comment, History, Issue, Link, Refusal, Task
from connector.sandbox.jira.moments import floor_ms
from connector.sandbox.jira.options import JiraOptions

if TYPE_CHECKING:
    from connector.sandbox.jira.shows import Show

FORMS = 3  # serialised forms per issue
KEPT = 300_000_000  # bytes of them in all
NO_ISSUE = "Issue does not exist or you do not have permission to see it."


class State:
    """The stored things of a site; changed by the desk alone."""

    def __init__(self, world: World, roster: Roster, options: JiraOptions) -> None:
        self.world = world
        self.roster = roster
        self.options = options
        self.catalog = setup.furnish(roster, options)
        self.people = Directory(roster, options, world.rng)
        self.projects = {project.key: project for project in setup.PROJECTS}
        self.organizations = {n + 1: o for n, o in enumerate(roster.organizations)}
        self.issues: dict[int, Issue] = {}
        self.keys: dict[str, int] = {}
        self.comments: dict[int, list[Comment]] = {}
        self.histories: dict[int, list[History]] = {}
        self.links: list[Link] = []
        self.remote_links: dict[int, list[dict[str, Any]]] = {}
        self.tasks: dict[str, Task] = {}
        self.index = Index()
        self.numbers = {kind: count(10001) for kind in ("issue", "comment", "history", "link", "task")}
        self._key_numbers = {key: count(1) for key in self.projects}
        self.sla_ids = frozenset(metric.field_id for metric in self.catalog.metrics)
        self._kept = 0
        self._statuses = {status.id: status for status in setup.STATUSES}
        self._clauses = {
            name.lower(): field for field in self.catalog.fields.values() for name in (*field.clauses, field.id)
        }

    def now(self) -> datetime:
        """The simulated moment, in milliseconds."""
        return floor_ms(self.world.now())

    def next_key(self, project: str) -> str:
        """A key that was never used."""
        return f"{project}-{next(self._key_numbers[project])}"

    # -- finding -------------------------------------------------------------------------------

    def find(self, id_or_key: str) -> Issue | None:
        """An issue by id, key or former key."""
        number = int(id_or_key) if id_or_key.isascii() and id_or_key.isdigit() else self.keys.get(id_or_key.upper())
        return self.issues.get(number) if number is not None else None

    def visible(self, id_or_key: str, reader: Account) -> Issue:
        """The same for a reader.

        Raises:
            Refusal: 404, whether it is absent or hidden.
        """
        issue = self.find(id_or_key)
        if issue is None or not self.can_see(reader, issue):
            raise Refusal(404, NO_ISSUE)
        return issue

    def can_see(self, reader: Account, issue: Issue) -> bool:
        """Whether browse permission and issue security let a reader see an issue."""
        if reader is ANONYMOUS:
            return False
        if not reader.team:
            return bool(issue.get("reporter") == reader.account_id)
        return issue.get("security") is None or self.inside_security(reader)

    def inside_security(self, reader: Account) -> bool:
        """Whether a reader belongs to the security level of the confidential project."""
        return self.options.sees_security if reader is self.people.connector else "hr" in reader.groups

    def account(self, account_id: str | None) -> Account | None:
        """An account by id."""
        return self.people.by_id.get(account_id) if isinstance(account_id, str) else None

    def status_of(self, issue: Issue) -> setup.Status:
        """The issue's status."""
        return self._statuses[issue.values["status"]]

    def field_named(self, name: str) -> Field | None:
        """A field by id or clause name, lower case."""
        return self._clauses.get(name)

    def comments_of(self, issue: Issue, reader: Account) -> list[Comment]:
        """An issue's comments, oldest first, as far as a reader may see them."""
        return [c for c in self.comments.get(issue.id, ()) if self.can_read(reader, c)]

    def can_read(self, reader: Account, comment: Comment) -> bool:
        """Internal comments are for the team; restricted ones for a group."""
        if not comment.public and not (reader.team or reader.inside):
            return False
        wanted = comment.visibility
        return wanted is None or wanted.get("type") == "role" or wanted.get("value") in reader.groups

    def links_of(self, show: Show, issue: Issue) -> list[dict[str, Any]]:
        """An issue's links as its field shows them."""
        return [self._link(show, link, issue) for link in self.links if issue.id in (link.inward, link.outward)]

    def _link(self, show: Show, link: Link, issue: Issue) -> dict[str, Any]:
        number, name, inward, outward = next(t for t in setup.LINK_TYPES if t[0] == link.type_id)
        kind = {
            "id": number,
            "name": name,
            "inward": inward,
            "outward": outward,
            "self": f"{show.api}/issueLinkType/{number}",
        }
        side, other = ("outwardIssue", link.outward) if issue.id == link.inward else ("inwardIssue", link.inward)
        shown: dict[str, Any] = {"id": str(link.id), "self": f"{show.api}/issueLink/{link.id}", "type": kind}
        if (target := self.issues.get(other)) is not None:
            shown[side] = show.linked(target)
        return shown

    # -- the index -----------------------------------------------------------------------------

    def publish(self, issue: Issue, *, bulk: bool = False) -> None:
        """Store a version now and let the index show it after its lag."""
        self.issues[issue.id] = issue
        self.index.note(issue.id, issue, self._shown_at(bulk=bulk))

    def add_loaded(self, issue: Issue) -> None:
        """Take in an issue that always was there."""
        self.keys[issue.key] = issue.id
        self.issues[issue.id] = issue
        self.index.show(issue)

    def keep(self, issue: Issue, key: Any, shown: bytes) -> None:
        """Keep a serialised form with its issue, as long as all of them fit into memory."""
        if len(issue.memo) >= FORMS:
            self._kept -= sum(map(len, issue.memo.values()))
            issue.memo.clear()
        if self._kept + len(shown) <= KEPT:
            issue.memo[key] = shown
            self._kept += len(shown)

    def unpublish(self, issue: Issue) -> None:
        """Forget an issue now and let the index notice later."""
        del self.issues[issue.id]
        self.index.note(issue.id, None, self._shown_at(bulk=False))

    def _shown_at(self, *, bulk: bool) -> datetime:
        low, high = self.options.bulk_lag if bulk else self.options.index_lag
        seconds = self.world.rng.uniform(low, high) if high else 0.0
        return self.now() + timedelta(seconds=seconds)

    def expand_fields(self, wanted: Iterable[str], default: str) -> tuple[str, ...]:
        """Field ids that a ``fields`` parameter asks for; unknown names are ignored, as the vendor does.

        ``default`` is what an empty parameter means: ``*all``, ``*navigable`` or ``id``.
        """
        names = [name.strip() for each in wanted for name in each.split(",") if name.strip()]
        names = names or [default]
        chosen: dict[str, None] = {}
        if all(name.startswith("-") for name in names):
            names = ["*all", *names]
        for name in names:
            if name in ("*all", "*navigable"):
                hidden = frozenset() if name == "*all" else frozenset(("comment",))
                chosen |= dict.fromkeys(f for f in self.catalog.fields if f not in hidden)
            elif name.startswith("-"):
                chosen.pop(name[1:], None)
            elif name in self.catalog.fields:
                chosen[name] = None
        return tuple(chosen)
