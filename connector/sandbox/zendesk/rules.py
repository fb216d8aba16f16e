"""Rival rules: triggers that act inside every update, automations that act by time.

Trigger:     {"title", "on": "update"|"create"|"any", "when": {...}, "then": {...}}
Automation:  {"title", "after": seconds without an update, "when": {...}, "then": {...}}

when: via (``api``, ``web``), user (roster key), changed (attribute names), comment (``public``, ``private``),
      status, priority, tags, without_tags (lists: any of them)
then: priority, status, group, assignee (roster keys), add_tags, remove_tags, mail (``requester`` or an address)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.core.strict import unknown_keys
from connector.sandbox.zendesk.desk import Desk, Hand
from connector.sandbox.zendesk.ticket import Comment, Ticket
from connector.sandbox.zendesk.wish import Wish

RULE_KEYS = frozenset({"title", "on", "after", "when", "then"})
WHEN_KEYS = frozenset({"via", "user", "changed", "comment", "status", "priority", "tags", "without_tags"})
THEN_KEYS = frozenset({"priority", "status", "group", "assignee", "add_tags", "remove_tags", "mail"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What has just been done to a ticket."""

    hand: Hand
    created: bool = False
    changed: Collection[str] = ()
    comment: Comment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A trigger, or an automation when ``after`` is set."""

    id: int
    title: str
    on: str = "update"
    after: int | None = None
    when: Mapping[str, Any] = field(default_factory=dict)
    then: Mapping[str, Any] = field(default_factory=dict)

    def fires(self, ticket: Ticket, occasion: Occasion) -> bool:
        """Whether a trigger acts on what was done."""
        fits = self.on == "any" or (self.on == "create") == occasion.created
        return fits and self._suits_doing(occasion) and self.suits(ticket)

    def suits(self, ticket: Ticket) -> bool:
        """Whether the ticket's own state meets the conditions."""
        when = self.when
        return (
            ticket.status in when.get("status", (ticket.status,))
            and ticket.priority in when.get("priority", (ticket.priority,))
            and ("tags" not in when or bool(set(when["tags"]) & set(ticket.tags)))
            and not set(when.get("without_tags", ())) & set(ticket.tags)
        )

    def _suits_doing(self, occasion: Occasion) -> bool:
        when, hand, comment = self.when, occasion.hand, occasion.comment
        spoke = None if comment is None else ("public" if comment.public else "private")
        return (
            when.get("via", hand.channel) == hand.channel
            and when.get("user", hand.user and hand.user.key) == (hand.user and hand.user.key)
            and ("changed" not in when or bool(set(when["changed"]) & set(occasion.changed)))
            and when.get("comment", spoke) == spoke
        )

    def wish(self, desk: Desk) -> Wish:
        """What the rule changes."""
        values = {name: self.then[name] for name in ("priority", "status") if name in self.then}
        if "group" in self.then:
            values["group_id"] = desk.directory.group_id(self.then["group"])
        if "assignee" in self.then:
            values["assignee_id"] = desk.directory.user(self.then["assignee"]).id
        return Wish(
            values=values,
            add_tags=tuple(self.then.get("add_tags", ())),
            remove_tags=tuple(self.then.get("remove_tags", ())),
        )


def read_rules(raw: tuple[Mapping[str, Any], ...], first_id: int) -> tuple[Rule, ...]:
    """Read rules from the options.

    Raises:
        ValueError: A rule has a key that means nothing.
    """
    for rule in raw:
        strays = unknown_keys(rule, RULE_KEYS)
        strays += unknown_keys(rule.get("when", ()), WHEN_KEYS) + unknown_keys(rule.get("then", ()), THEN_KEYS)
        if strays:
            raise ValueError(f"a rule has no {', '.join(strays)}")
    return tuple(Rule(id=first_id + place, **rule) for place, rule in enumerate(raw))
