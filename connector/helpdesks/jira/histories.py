"""Reading what happened to issues: changelogs of many at once, comments one issue at a time."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.domain.events import TicketEvent
from connector.domain.ticket import Ticket
from connector.errors import Denied, HelpdeskError, Malformed, Rejected, Unavailable, why_no_history
from connector.helpdesks.jira import pages, wire
from connector.helpdesks.jira.changelog import history_events, history_fields, needs_categories
from connector.helpdesks.jira.insight import Insight
from connector.helpdesks.jira.marks import marks
from connector.helpdesks.jira.normalise import fields_of
from connector.helpdesks.jira.people import actor_of, comment_events
from connector.helpdesks.jira.shape import Shape
from connector.helpdesks.jira.structs import ChangeHistory, ChangelogPage, Comment, CommentPage, Issue
from connector.helpdesks.transport import Client
from connector.ports import TicketHistory

MOST_PAGES = 1000

MOST_REFUSED = 3
"""Issues refused one by one, of changelogs or comments, and none told, before Jira is taken to tell none at all."""

READINGS = 2
"""Times that comments are read before what is counted and not shown is taken for hidden."""


@dataclass(slots=True)
class Proven:
    """The issue whose comments were told last: asked once more, it tells one issue's refusal from the site's.

    ``shown`` is the last of which any were shown: it tells one issue's hidden comments from a site that shows none.
    """

    id: str = ""
    shown: str = ""


class _Hidden(Malformed):
    """Comments are counted and not shown: one of them may be ours."""


class Histories:
    """Histories of one site's issues; ``proven`` outlives them.

    Comments are read as their ``author``, the account that writes: what others may not see, its author may.
    """

    def __init__(self, client: Client, shape: Shape, insight: Insight, *, author: Client, proven: Proven) -> None:
        self._client = client
        self._author = author
        self._proven = proven
        self._shape = shape
        self._insight = insight

    def read(
        self, tickets: Sequence[Ticket], issues: Mapping[str, Issue], *, read_until: datetime
    ) -> Iterator[TicketHistory]:
        """Yield the history of each ticket, up to ``read_until``; one that cannot be read says so instead.

        ``issues`` are the same tickets as Jira gave them, with our property.

        Raises:
            HelpdeskError: Jira tells no changelogs, or no comments, at all.
        """
        if not tickets:
            return
        logs, refused = self._all_changelogs([ticket.ref.id for ticket in tickets])
        if needs_categories(itertools.chain.from_iterable(logs.values()), self._shape):
            self._shape = self._insight.with_categories(self._shape, now=read_until)
        told, unsaid = self._first_comments([ticket.ref.id for ticket in tickets if ticket.ref.id not in refused])
        refused = {**refused, **unsaid}
        for ticket in tickets:
            if ticket.ref.id in refused:
                why = why_no_history(refused[ticket.ref.id])
                yield TicketHistory(ref=ticket.ref, events=(), read_until=read_until, unreadable=why)
                continue
            try:
                comments = told[ticket.ref.id] if ticket.ref.id in told else self._comments(ticket.ref.id)
                self._proven.id = ticket.ref.id
                self._proven.shown = ticket.ref.id if comments else self._proven.shown
                issue = issues[ticket.ref.id]
                events = self._events(ticket, issue, logs.get(ticket.ref.id, []), comments)
                found = tuple(marks(issue, comments, self._shape.ours, read_at=read_until))
            except Exception as error:  # noqa: BLE001 - one ticket never costs the others theirs
                why = why_no_history(error)
                yield TicketHistory(ref=ticket.ref, events=(), read_until=read_until, unreadable=why)
            else:
                yield TicketHistory(ref=ticket.ref, events=events, read_until=read_until, marks=found)

    def _events(
        self, ticket: Ticket, issue: Issue, histories: Sequence[ChangeHistory], comments: Sequence[Comment]
    ) -> tuple[TicketEvent, ...]:
        try:
            said = tuple(comment_events(comments, self._shape, requester=ticket.requester))
            creator = actor_of(fields_of(issue, self._shape).creator, self._shape, requester=ticket.requester)
            return history_events(ticket, histories, said, self._shape, creator=creator)
        except (ValueError, TypeError, OverflowError) as error:
            raise Malformed(f"history of {ticket.ref}: {error}") from error

    def _all_changelogs(self, ids: Sequence[str]) -> tuple[dict[str, list[ChangeHistory]], Mapping[str, HelpdeskError]]:
        """Return changes by issue, and what Jira refuses to tell or nobody can read, each by its issue.

        What is refused for many is asked for in halves, until those that are at fault stand alone.

        Raises:
            Rejected, Malformed: Nothing was told, so it may be no issue's own fault.
        """
        logs: dict[str, list[ChangeHistory]] = {}
        refused: dict[str, HelpdeskError] = {}
        is_told = False
        waiting = [tuple(ids)]
        while waiting:
            part = waiting.pop()
            try:
                logs |= self._changelogs(part)
                is_told = True
            except (Rejected, Malformed) as error:
                half = len(part) // 2
                waiting += [part[half:], part[:half]] if half else []
                refused |= {} if half else {part[0]: error}
                if not is_told and len(refused) == min(MOST_REFUSED, len(ids)):
                    raise
        return logs, refused

    def _changelogs(self, ids: Sequence[str]) -> dict[str, list[ChangeHistory]]:
        """Return changes by issue.

        Raises:
            Unavailable: Rather than to pass half a history for a whole one.
            Malformed: An answer cannot be read; one issue in it may be why.
        """
        logs: dict[str, list[ChangeHistory]] = {}
        seen: set[str | None] = {None}
        token: str | None = None
        fields = history_fields(self._shape.fields)
        for _ in range(MOST_PAGES):
            answer = self._client.call(wire.changelogs(ids, fields, token=token))
            page = _changelog_page(answer.body)
            for log in page.issue_change_logs:
                logs.setdefault(log.issue_id, []).extend(log.change_histories)
            token = page.next_page_token or None
            if token is None:
                return logs
            if token in seen:
                raise Unavailable("Jira repeated a page token; the changelogs are given up")
            seen.add(token)
        raise Unavailable(f"changelogs did not end within {MOST_PAGES} pages")

    def _first_comments(self, ids: Sequence[str]) -> tuple[dict[str, list[Comment]], Mapping[str, HelpdeskError]]:
        """Read comments until those of one issue are shown; return what was read, and what was refused or unreadable.

        First and last come first: the most urgent may all be such as our account may not see. That an issue has none
        proves that comments are told, and not that they are shown.

        Raises:
            Unavailable: Nothing was told, or shown, so it may be no issue's own fault.
        """
        told: dict[str, list[Comment]] = {}
        refused: dict[str, HelpdeskError] = {}
        hidden: dict[str, HelpdeskError] = {}
        for id_ in dict.fromkeys((*ids[:1], *ids[-1:], *ids[len(ids) // 2 :], *ids)):
            try:
                told[id_] = self._comments(id_)
            except _Hidden as error:
                hidden[id_] = error
            except Malformed as error:  # it was answered
                return told, {**refused, **hidden, id_: error}
            except (Rejected, Denied) as error:
                why_no_history(error)  # raises what concerns the credentials
                refused[id_] = error
            if told.get(id_) or self._are_their_own(told, refused, hidden, count=len(ids)):
                return told, {**refused, **hidden}
        if hidden and not self._still_tells(hidden, shows=True):
            raise _none_told(hidden)
        return told, {**refused, **hidden}

    def _are_their_own(
        self,
        told: Collection[str],
        refused: Mapping[str, HelpdeskError],
        hidden: Mapping[str, HelpdeskError],
        *,
        count: int,
    ) -> bool:
        """Return whether what was refused or hidden is known to be the issues' own fault, of ``count`` in all.

        Raises:
            Unavailable: It is known not to be.
        """
        is_enough = len(refused) + len(hidden) == min(MOST_REFUSED, count)
        if not is_enough or (told and not hidden):
            return False
        if self._still_tells({**refused, **hidden}, shows=bool(hidden)):
            return True
        raise _none_told({**refused, **hidden})

    def _still_tells(self, refused: Collection[str], *, shows: bool) -> bool:
        """Return whether the comments that were told last, of another issue than these, are told still.

        ``shows``: whether those that were shown last are shown.
        """
        id_ = self._proven.shown if shows else self._proven.id
        if not id_ or id_ in refused:
            return False
        try:
            return bool(self._comments(id_)) or not shows
        except (Rejected, Denied) as error:
            why_no_history(error)  # raises what concerns the credentials
            return False
        except Malformed:  # it was answered
            return not shows

    def _comments(self, id_: str) -> list[Comment]:
        """Return every comment once, oldest first, also when some are added or deleted between the pages.

        Raises ``_Hidden`` where comments are counted and not shown: one of them may be ours.
        """
        for _ in range(READINGS):
            comments, is_whole = self._read_comments(id_)
            if is_whole:
                return comments
        raise _Hidden(f"comments of {id_} are counted and not shown: nobody knows whether one of them is ours")

    def _read_comments(self, id_: str) -> tuple[list[Comment], bool]:
        """Return the comments that are shown, and whether they are all of them.

        One that is deleted between two pages moves another from the second to the first, where it is missed.
        """
        comments: dict[str, Comment] = {}
        start, counted, is_steady = 0, 0, True
        for _ in range(MOST_PAGES):
            answer = self._author.call(wire.comments(id_, start=start))
            page = pages.decoded(answer.body, CommentPage, what="comments")
            fresh = {c.id: c for c in page.comments or () if c.id not in comments}
            comments |= fresh
            start += len(page.comments or ())
            is_steady = is_steady and counted <= (page.total or 0)
            counted = page.total or 0
            if not fresh or start >= counted:
                return list(comments.values()), is_steady and len(comments) >= counted
        raise Unavailable(f"comments of {id_} did not end within {MOST_PAGES} pages")


def _none_told(found: Mapping[str, HelpdeskError]) -> Unavailable:
    """Return the error that says that a site tells no comments, after the last of these answers."""
    cause = list(found.values())[-1]
    error = Unavailable(f"Jira tells no comments: {cause}")
    error.__cause__ = cause
    return error


def _changelog_page(body: bytes) -> ChangelogPage:
    try:
        return pages.decoded(body, ChangelogPage, what="changelogs")
    except Unavailable as error:
        raise Malformed(str(error)) from error
