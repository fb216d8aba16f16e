"""Rules that run by time: once an hour, on tickets that nobody has updated for a while."""

from __future__ import annotations

from datetime import timedelta

from connector.sandbox.zendesk.rules import Rule, read_rules
from connector.sandbox.zendesk.update import Clerk

HOURLY = timedelta(hours=1)


class Automations:
    """Plans itself every simulated hour while the account has automations."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk
        self._rules = read_rules(clerk.desk.options.automations, 751)
        if self._rules:
            self._plan()

    def _plan(self) -> None:
        self._clerk.desk.world.after(HOURLY, "automations", self._run)

    def _run(self) -> None:
        for rule in self._rules:
            self._run_one(rule)
        self._plan()

    def _run_one(self, rule: Rule) -> None:
        desk = self._clerk.desk
        latest = desk.now() - (rule.after or 0)
        for ticket in list(desk.tickets.values()):
            dormant = ticket.updated_at <= latest and ticket.status != "closed" and not ticket.deleted
            if dormant and rule.suits(ticket):
                self._clerk.by_rule(ticket, rule)
