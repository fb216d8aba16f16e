"""Changing tickets: one audit for each update, with everything that it caused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from connector.sandbox.zendesk import business, tally
from connector.sandbox.zendesk.desk import Desk, Hand
from connector.sandbox.zendesk.errors import ApiError, database_conflict, update_conflict
from connector.sandbox.zendesk.post import PostOffice
from connector.sandbox.zendesk.rules import Occasion, Rule, read_rules
from connector.sandbox.zendesk.speech import Speech, prepare
from connector.sandbox.zendesk.ticket import Audit, Comment, Ticket, comment_json
from connector.sandbox.zendesk.wire import via, via_merge, via_rule
from connector.sandbox.zendesk.wish import CommentWish, Wish

SYSTEM = Hand(user=None, via="system", channel="system")
LEDGER_NAMES = {"group_id": "group", "assignee_id": "assignee", "requester_id": "requester", "tags": "labels"}
TOLD_AT_CREATION = (
    *("subject", "requester_id", "assignee_id", "group_id", "organization_id", "ticket_form_id", "brand_id"),
    *("status", "tags", "priority", "type", "custom_status_id"),
)
COMMENT_EVENT = ("id", "type", "author_id", "body", "html_body", "plain_body", "public", "attachments", "audit_id")


@dataclass(slots=True, kw_only=True)
class Case:
    """One update while it happens."""

    ticket: Ticket
    hand: Hand
    audit: Audit
    changed: set[str] = field(default_factory=set)
    comment: Comment | None = None


class Clerk:
    """Applies wishes to tickets. Everything is checked before anything changes."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._post = PostOffice(desk)
        self._triggers = read_rules(desk.options.triggers, 711)

    def update(self, ticket: Ticket, wish: Wish, hand: Hand) -> Audit | None:
        """Apply one update; ``None`` when it changes nothing, and then nothing is kept of it.

        Raises:
            ApiError: As the API refuses.
        """
        self._refuse(ticket, wish)
        return self._carry_out(ticket, wish, hand, None)

    def by_rule(self, ticket: Ticket, rule: Rule) -> Audit | None:
        """Let an automation act, in an update of its own."""
        hand = Hand(user=None, via="trigger", channel="rule")
        audit = self._carry_out(ticket, rule.wish(self.desk), hand, rule)
        if "mail" in rule.then:
            self._post.from_rule(ticket, hand, rule.then["mail"])
        return audit

    def created(self, ticket: Ticket, hand: Hand, author_id: int) -> None:
        """Write the first audit of a ticket that has just been made, and let the triggers see it."""
        case = Case(ticket=ticket, hand=hand, audit=self._open_audit(ticket.id, hand, {}))
        self.desk.world.ledger.ticket(hand.act(ticket.id), "created", subject=ticket.subject)
        wish = CommentWish(body=ticket.description, author_id=author_id, public=True)
        self._say(case, prepare(self.desk, ticket, wish, hand))
        self._tell_creation(case)
        tally.begin(ticket, self.desk.directory.users[author_id])
        self._post.receipt(ticket, hand, case.audit)
        self._run_triggers(case, Occasion(hand=hand, created=True, comment=case.comment))
        self._post.assignment(ticket, hand, case.audit, frozenset({"assignee_id", "group_id"}))
        ticket.audits.append(case.audit)
        ticket.touched()
        self.desk.metric_events.note(ticket, (), self.desk.now())

    def with_history(self, ticket: Ticket) -> Ticket:
        """The ticket with its first audit and comment; tickets loaded in bulk get them when somebody looks."""
        if not ticket.audits:
            hand = Hand(user=self.desk.directory.users[ticket.submitter_id], via="system", channel=ticket.channel)
            case = Case(ticket=ticket, hand=hand, audit=self._open_audit(ticket.id, hand, {}))
            case.audit.created_at = ticket.created_at
            wish = CommentWish(body=ticket.description, author_id=ticket.requester_id, public=True)
            self._store(case, prepare(self.desk, ticket, wish, hand))
            self._tell_creation(case)
            ticket.audits.append(case.audit)
        return ticket

    # -- the course of an update -----------------------------------------------------------------

    def _refuse(self, ticket: Ticket, wish: Wish) -> None:
        business.refuse_closed(ticket)
        stale = wish.stamp is not None and wish.stamp != ticket.updated_at
        if stale or (wish.queued_at is not None and ticket.updated_at > wish.queued_at):
            raise update_conflict()
        chance = self.desk.options.database_conflict_chance
        if chance and self.desk.world.rng.random() < chance:
            raise database_conflict()

    def _carry_out(self, ticket: Ticket, wish: Wish, hand: Hand, rule: Rule | None) -> Audit | None:
        values = business.wanted(self.desk, ticket, wish, hand)
        speech = prepare(self.desk, ticket, wish.comment, hand)
        if speech is None and all(getattr(ticket, name) == value for name, value in values.items()):
            return None
        self.with_history(ticket)
        before, standings = self.desk.before_change(ticket), self.desk.slas.standings(ticket)
        case = Case(ticket=ticket, hand=hand, audit=self._open_audit(ticket.id, hand, wish.metadata))
        if rule is not None:
            case.audit.via = via_rule(rule.title, rule.id, "automation")
        self._say(case, speech)
        self._put(case, values, None)
        self._settle(case, before)
        ticket.audits.append(case.audit)
        self.desk.after_change(ticket)
        self.desk.metric_events.note(ticket, standings, self.desk.now())
        self.desk.touch_later(ticket)
        return case.audit

    def _settle(self, case: Case, before: Ticket) -> None:
        ticket = case.ticket
        self._run_triggers(case, Occasion(hand=case.hand, changed=frozenset(case.changed), comment=case.comment))
        tally.count(ticket, before, case.hand.user_id, self.desk.now())
        if case.comment is not None:
            tally.count_comment(ticket, case.comment, self.desk.directory.users[case.comment.author_id])
            self._post.comment(ticket, case.comment, case.hand, case.audit)
        self._post.assignment(ticket, case.hand, case.audit, frozenset(case.changed))
        if ticket.status == "solved" and before.status != "solved":
            self._close_later(ticket)

    def _open_audit(self, ticket_id: int, hand: Hand, custom: Mapping[str, Any]) -> Audit:
        return Audit(
            id=self.desk.fresh_id(),
            ticket_id=ticket_id,
            created_at=self.desk.now(),
            author_id=hand.user_id,
            via=via_merge(hand.channel, hand.merging) if hand.merging else via(hand.channel),
            custom=dict(custom),
        )

    def _close_later(self, ticket: Ticket) -> None:
        """The account's own automation closes what stays solved."""
        wait, solved_at = self.desk.options.close_after, self.desk.now()
        if wait:
            self.desk.world.after(
                timedelta(seconds=wait), f"closing of {ticket.id}", lambda: self._close(ticket, solved_at)
            )

    def _close(self, ticket: Ticket, solved_at: int) -> None:
        if ticket.status == "solved" and ticket.tally.solved_at == solved_at and not ticket.deleted:
            self.by_rule(ticket, CLOSING)

    # -- events ----------------------------------------------------------------------------------

    def _say(self, case: Case, speech: Speech | None) -> None:
        comment = self._store(case, speech)
        if comment is None or speech is None:
            return
        ledger, act, text = self.desk.world.ledger, case.hand.act(case.ticket.id), speech.text
        ledger.comment(act, comment_id=str(comment.id), public=comment.public, body=comment.body)
        if text.alive or text.cut:
            alive = [{"kind": kind, "text": found} for kind, found in text.alive]
            ledger.ticket(act, "live_markup", comment=str(comment.id), alive=alive, cut=text.cut)

    def _store(self, case: Case, speech: Speech | None) -> Comment | None:
        if speech is None:
            return None
        comment = speech.stored(self.desk, case.audit, case.hand.channel)
        case.comment = comment
        case.ticket.comments = (*case.ticket.comments, comment)
        whole = comment_json(comment)
        case.audit.events.append({name: whole[name] for name in COMMENT_EVENT})
        return comment

    def _put(self, case: Case, values: Mapping[str, Any], rule: dict[str, Any] | None) -> None:
        """Set attributes and write an event for each that changed; ``rule`` is the ``via`` of a trigger."""
        for name, value in values.items():
            before = getattr(case.ticket, name)
            if before == value:
                continue
            case.changed.add(name)
            setattr(case.ticket, name, value)
            if name == "custom":
                self._put_custom(case, before, value, rule)
            else:
                self._event(case, (name, before, value), rule)
                self._record(case, (name, before, value), rule)

    def _put_custom(
        self, case: Case, before: Mapping[int, Any], after: Mapping[int, Any], rule: dict[str, Any] | None
    ) -> None:
        for field_id, known in self.desk.fields.by_id.items():
            old, new = before.get(field_id), after.get(field_id)
            if old != new:
                self._event(case, (str(field_id), old, new), rule)
                self._record(case, (known.name, known.neutral(old), known.neutral(new)), rule)

    def _event(self, case: Case, change: tuple[str, Any, Any], rule: dict[str, Any] | None) -> None:
        name, before, after = change
        event: dict[str, Any] = {"id": self.desk.fresh_id(), "type": "Change"}
        if rule is not None:
            event["via"] = rule
        event |= {"value": _told(after), "field_name": name, "previous_value": _told(before)}
        case.audit.events.append(event)

    def _record(self, case: Case, change: tuple[str, Any, Any], rule: dict[str, Any] | None) -> None:
        name, before, after = change
        if name == "custom_status_id":
            return
        act = case.hand.act(case.ticket.id)
        if rule is not None:
            act = replace(act, via="trigger", actor=rule["source"]["from"]["title"])
        known = (self.desk.neutral(name, before), self.desk.neutral(name, after))
        self.desk.world.ledger.field(act, LEDGER_NAMES.get(name, name), before=known[0], after=known[1])

    def _tell_creation(self, case: Case) -> None:
        ticket = case.ticket
        pairs = [(name, getattr(ticket, name)) for name in TOLD_AT_CREATION]
        pairs += [(str(field_id), value) for field_id, value in ticket.custom.items()]
        for name, value in pairs:
            event = {"id": self.desk.fresh_id(), "type": "Create", "value": _told(value), "field_name": name}
            case.audit.events.append(event)

    # -- triggers --------------------------------------------------------------------------------

    def _run_triggers(self, case: Case, occasion: Occasion) -> None:
        """Start over after each trigger that acts; each acts at most once in an update."""
        waiting = list(self._triggers)
        while (rule := next((rule for rule in waiting if rule.fires(case.ticket, occasion)), None)) is not None:
            waiting.remove(rule)
            self._obey(case, rule)
            occasion = replace(occasion, changed=frozenset(case.changed))

    def _obey(self, case: Case, rule: Rule) -> None:
        hand = Hand(user=None, via="trigger", channel="rule")
        try:
            values = business.wanted(self.desk, case.ticket, rule.wish(self.desk), hand)
        except ApiError:  # a rule that asks for the impossible does nothing
            return
        self._put(case, values, via_rule(rule.title, rule.id, "trigger"))
        if "mail" in rule.then:
            self._post.from_rule(case.ticket, hand, rule.then["mail"])


CLOSING = Rule(id=741, title="Close ticket 4 days after status is set to solved", then={"status": "closed"})


def _told(value: Any) -> Any:
    """Values in audit events: ids and numbers as strings, tags as a list, null as null."""
    if value is None or isinstance(value, str):
        return value
    return list(value) if isinstance(value, tuple) else str(value)
