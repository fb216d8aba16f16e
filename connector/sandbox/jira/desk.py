"""Where every change to an issue is made, whoever makes it: changelog, ledger, mails, clocks, presets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connector.sandbox.jira import adf
from connector.sandbox.jira import catalog as setup
from connector.sandbox.jira.model import Account, Actor, Comment, Issue, Link, Refusal
from connector.sandbox.jira.records import Records, change_of
from connector.sandbox.jira.sla import Clock
from connector.sandbox.jira.state import State

STATUS_IDS = {status.name: status.id for status in setup.STATUSES}
STATUS_BY_ID = {status.id: status for status in setup.STATUSES}
OPEN_WORK = frozenset(STATUS_IDS[name] for name in ("Open", "Waiting for support", "In Progress"))
WAITING_FOR_CUSTOMER = STATUS_IDS["Waiting for customer"]
WAITING_FOR_SUPPORT = STATUS_IDS["Waiting for support"]
DONE = frozenset(status.id for status in setup.STATUSES if status.category == "done")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An issue to create; ``values`` are stored values by field id."""

    project: str
    actor: Actor
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A comment to add."""

    body: Mapping[str, Any]
    text: str
    public: bool
    live: tuple[str, ...] = ()
    visibility: Mapping[str, Any] | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Fields and properties to write at once.

    Attributes:
        values: Stored values by field id.
        mail: Whether watchers hear of it.
        bulk: Made by a bulk edit, which the index notices later.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    mail: bool = True
    bulk: bool = False


class Desk:
    """Changes issues and lets the site's own rules follow."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.records = Records(state)

    # -- issues --------------------------------------------------------------------------------

    def create(self, draft: Draft) -> Issue:
        """Create an issue at the present moment."""
        state, now = self.state, self.state.now()
        project = state.projects[draft.project]
        account = draft.actor.account
        values = {
            "status": STATUS_IDS["Open"],
            "priority": "3",
            "reporter": account.account_id,
            "creator": account.account_id,
            "issuetype": "10011",
            "statuscategorychangedate": now,
            "watches": (account.account_id,) if account.team else (),
            **({"security": setup.SECURITY.id} if project.security else {}),
            **{name: value for name, value in draft.values.items() if value is not None},
        }
        issue = Issue(
            id=next(state.numbers["issue"]),
            key=state.next_key(project.key),
            project=project.key,
            created=now,
            updated=now,
            values=values,
            clocks=self._new_clocks(values),
        )
        state.keys[issue.key] = issue.id
        state.publish(issue)
        state.world.ledger.ticket(self.records.act(issue, draft.actor), "created", summary=values.get("summary"))
        self.records.mail(issue, draft.actor, to=(values["reporter"],), why="created")
        return issue

    def edit(self, issue: Issue, actor: Actor, edit: Edit) -> Issue:
        """Write fields and properties; what stays the same leaves no trace."""
        now = self.state.now()
        changed = {name: value for name, value in edit.values.items() if issue.get(name) != value}
        properties = {**issue.properties, **edit.properties}
        properties = {key: value for key, value in properties.items() if value is not None}
        if not changed and properties == dict(issue.properties):
            return issue
        bumps = bool(changed) or self.state.options.property_bumps_updated
        values = {**issue.values, **changed}
        new = replace(
            issue,
            values=values,
            properties=properties,
            clocks=self._follow(issue, values) if "status" in changed or "priority" in changed else issue.clocks,
            updated=now if bumps else issue.updated,
            version=issue.version + 1,
            memo={},
        )
        self.state.publish(new, bulk=edit.bulk)
        self.records.record(issue, new, actor, changed)
        if changed and edit.mail:
            self.records.mail(new, actor, to=new.get("watches") or (), why="edited")
        return new

    def move_to(self, issue: Issue, actor: Actor, status: str, *, resolution: str | None = None) -> Issue:
        """Bring an issue into a status; done ones get a resolution, others lose it."""
        now = self.state.now()
        values: dict[str, Any] = {"status": status}
        if status in DONE:
            if issue.get("resolution") is None or resolution:
                values |= {"resolution": resolution or "10000", "resolutiondate": issue.get("resolutiondate") or now}
        else:
            values |= {"resolution": None, "resolutiondate": None}
        before, after = (STATUS_BY_ID[s].category for s in (issue.values["status"], status))
        if before != after:
            values["statuscategorychangedate"] = now
        new = self.edit(issue, actor, Edit(values=values, mail=False))
        if after == "done" and before != "done":
            self.records.mail(new, actor, to=(new.get("reporter"),), why="resolved")
        return new

    def delete(self, issue: Issue, actor: Actor) -> None:
        """Delete an issue; its keys lead nowhere from now on."""
        self.state.unpublish(issue)
        self.state.comments.pop(issue.id, None)
        self.state.histories.pop(issue.id, None)
        self.state.links = [link for link in self.state.links if issue.id not in (link.inward, link.outward)]
        self.state.world.ledger.ticket(self.records.act(issue, actor), "deleted")

    def relocate(self, issue: Issue, actor: Actor, project: str) -> Issue:
        """Move an issue to another project; its former key goes on leading to it."""
        key = self.state.next_key(project)
        security = setup.SECURITY.id if self.state.projects[project].security else None
        new = replace(
            issue,
            key=key,
            project=project,
            former_keys=(*issue.former_keys, issue.key),
            values={**issue.values, "security": security},
            updated=self.state.now(),
            version=issue.version + 1,
            memo={},
        )
        self.state.keys[key] = issue.id
        self.state.publish(new)
        texts = {"before": issue.key, "after": key}
        self.records.remember(new, actor, (change_of("Key", "key", issue.key, key),))
        self.state.world.ledger.ticket(self.records.act(issue, actor), "moved", **texts)
        return new

    def link(self, inward: Issue, outward: Issue, actor: Actor, type_id: str) -> Link:
        """Link two issues."""
        link = Link(id=next(self.state.numbers["link"]), type_id=type_id, inward=inward.id, outward=outward.id)
        self.state.links.append(link)
        for issue, other in ((inward, outward), (outward, inward)):
            new = replace(issue, updated=self.state.now(), version=issue.version + 1, memo={})
            self.state.publish(new)
            self.records.remember(new, actor, (change_of("Link", "issuelinks", None, other.key),))
        self.state.world.ledger.ticket(self.records.act(inward, actor), "linked", to=outward.key)
        return link

    def link_out(self, issue: Issue, actor: Actor, url: str) -> None:
        """Link to a place elsewhere."""
        held = self.state.remote_links.setdefault(issue.id, [])
        held.append({"id": len(held) + 1, "object": {"url": url, "title": url}})
        self.state.world.ledger.ticket(self.records.act(issue, actor), "linked", to=url)

    # -- comments ------------------------------------------------------------------------------

    def comment(self, issue: Issue, actor: Actor, remark: Remark) -> Comment:
        """Add a comment; mails, first response and preset rules follow."""
        held = self.state.comments.setdefault(issue.id, [])
        if len(held) >= self.state.options.comment_cap:
            raise Refusal(413, "The number of comments on this issue has reached its limit.")
        now = self.state.now()
        comment = Comment(
            id=next(self.state.numbers["comment"]),
            issue_id=issue.id,
            author=actor.account,
            created=now,
            updated=now,
            editor=actor.account,
            body=remark.body,
            text=remark.text,
            public=remark.public,
            visibility=remark.visibility,
            properties=dict(remark.properties),
        )
        held.append(comment)
        new = self._touch(issue, self._answered(issue, actor.account) if remark.public else issue.clocks)
        act = self.records.act(issue, actor)
        self.state.world.ledger.comment(act, comment_id=str(comment.id), public=remark.public, body=remark.text)
        if live := (*remark.live, *adf.live_parts(remark.body)):
            self.state.world.ledger.ticket(act, "live", comment=str(comment.id), parts=live)
        self._tell(new, actor, comment)
        self._presets(new, actor, comment)
        return comment

    def revise(self, issue: Issue, actor: Actor, comment: Comment, remark: Remark) -> None:
        """Replace a comment's text, and its visibility if that changed."""
        comment.body, comment.text = remark.body, remark.text
        comment.visibility, comment.public = remark.visibility, remark.public
        comment.properties |= remark.properties
        comment.editor, comment.updated = actor.account, self.state.now()
        self._touch(issue, issue.clocks)
        act = self.records.act(issue, actor)
        self.state.world.ledger.comment(act, comment_id=str(comment.id), public=comment.public, body=remark.text)

    def erase(self, issue: Issue, actor: Actor, comment: Comment) -> None:
        """Delete a comment."""
        self.state.comments[issue.id].remove(comment)
        self._touch(issue, issue.clocks)
        self.state.world.ledger.ticket(self.records.act(issue, actor), "comment deleted", comment=str(comment.id))

    # -- what follows --------------------------------------------------------------------------

    def _touch(self, issue: Issue, clocks: tuple[Clock, ...]) -> Issue:
        now = self.state.now()
        new = replace(issue, updated=now, clocks=clocks, version=issue.version + 1, memo={})
        self.state.publish(new)
        return new

    def _answered(self, issue: Issue, author: Account) -> tuple[Clock, ...]:
        """A public comment by the team (people, bots, service accounts) is a first response."""
        if not author.team:
            return issue.clocks
        now = self.state.now()
        return tuple(clock.stop(now) if clock.metric.stops_on_reply else clock for clock in issue.clocks)

    def _tell(self, issue: Issue, actor: Actor, comment: Comment) -> None:
        readers = dict.fromkeys((*(issue.get("watches") or ()), issue.get("assignee")))
        team = [a for a in readers if (account := self.state.account(a)) is not None and account.team]
        self.records.mail(issue, actor, to=team, why="commented", body=comment.text)
        if comment.public:
            customers = (issue.get("reporter"), *(issue.get(setup.NEUTRAL["participants"]) or ()))
            outside = [c for c in dict.fromkeys(customers) if c not in team]
            self.records.mail(issue, actor, to=outside, why="commented", body=comment.text)

    def _presets(self, issue: Issue, actor: Actor, comment: Comment) -> None:
        if not comment.public or not self.state.options.waiting_on_customer:
            return
        rule = Actor(account=self.state.people.automation, via="trigger")
        status = issue.values["status"]
        if actor.account.team:
            if status in OPEN_WORK:
                self.move_to(issue, rule, WAITING_FOR_CUSTOMER)
        elif status in (WAITING_FOR_CUSTOMER, STATUS_IDS["Resolved"]):
            self.move_to(issue, rule, WAITING_FOR_SUPPORT)

    def _new_clocks(self, values: Mapping[str, Any]) -> tuple[Clock, ...]:
        if values.get(setup.NEUTRAL["request_type"]) is None:
            return ()
        now = self.state.now()
        return tuple(Clock(metric=metric).start(values["priority"], now) for metric in self.state.catalog.metrics)

    def _follow(self, issue: Issue, values: Mapping[str, Any]) -> tuple[Clock, ...]:
        """The clocks once ``values`` hold: done ends them, reopening starts a resolution anew."""
        now, status, priority = self.state.now(), STATUS_BY_ID[values["status"]], values.get("priority")
        was_done = self.state.status_of(issue).category == "done"
        clocks = []
        for clock in issue.clocks:
            moved = clock
            if status.category == "done":
                moved = moved.stop(now)
            elif was_done and clock.metric.key == "resolution":
                moved = moved.start(priority, now)
            clocks.append(moved.settle(status=status.name, priority=priority, now=now))
        return tuple(clocks)
