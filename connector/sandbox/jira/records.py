"""What is written down of a change: changelog, ledger, mails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.sandbox.core.ledger import Act
from connector.sandbox.jira.model import Actor, Change, History, Issue
from connector.sandbox.jira.state import State
from connector.sandbox.jira.words import neutral_name, neutral_value, stored_text


class Records:
    """Writes down who changed what."""

    def __init__(self, state: State) -> None:
        self.state = state

    def act(self, issue: Issue, actor: Actor) -> Act:
        """Who does something to which issue."""
        return Act(ticket=issue.key, actor=actor.account.key, via=actor.via)

    def record(self, old: Issue, new: Issue, actor: Actor, changed: Mapping[str, Any]) -> None:
        """Note an edit in the ledger and in the changelog."""
        act = self.act(new, actor)
        changes = []
        for name in changed:
            if name in ("statuscategorychangedate", "resolutiondate", "watches"):
                continue
            before, after = old.get(name), new.get(name)
            neutral = neutral_name(name)
            self.state.world.ledger.field(
                act, neutral, before=neutral_value(name, before), after=neutral_value(name, after)
            )
            found = self.state.catalog.fields.get(name)
            texts = tuple(stored_text(self.state, name, value) for value in (before, after))
            changes.append(
                Change(
                    field=found.name if found and found.custom else name,
                    field_id=name,
                    custom=bool(found and found.custom),
                    before=texts[0][0],
                    before_text=texts[0][1],
                    after=texts[1][0],
                    after_text=texts[1][1],
                )
            )
        self.remember(new, actor, tuple(changes))

    def remember(self, issue: Issue, actor: Actor, changes: tuple[Change, ...]) -> None:
        """Add one entry to the changelog; nothing changed is no entry."""
        if not changes:
            return
        entry = History(
            id=next(self.state.numbers["history"]), created=self.state.now(), author=actor.account, changes=changes
        )
        self.state.histories.setdefault(issue.id, []).append(entry)

    def mail(self, issue: Issue, actor: Actor, *, to: Any, why: str, body: str = "") -> None:
        """Note a mail to each account that has an address; nobody is told of their own doing."""
        act = self.act(issue, actor)
        for account_id in to:
            account = self.state.account(account_id)
            if account is None or not account.email or account is actor.account:
                continue
            self.state.world.ledger.mail(act, to=account.email, why=why, body=body)


def change_of(name: str, field_id: str, before: str | None, after: str | None) -> Change:
    """A change whose ids and texts are the same."""
    return Change(
        field=name, field_id=field_id, custom=False, before=before, before_text=before, after=after, after_text=after
    )
