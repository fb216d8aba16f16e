"""The switches of a simulated Zendesk account."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One account's switches; every one may be given in ``SiteSpec.options``.

    Times are seconds of simulated time, limits are requests per minute unless said. What ``[?]`` marks in the
    behaviour list is switchable here wherever a client could come to depend on it.

    Attributes:
        account_limit: Of the plan; 700 is Enterprise.
        update_limit: Ticket updates of the whole account, people in the agent interface included.
        ticket_updates: Per user and ticket in ten minutes.
        incremental_limit: Shared by every ``/incremental/*`` endpoint.
        search_export_limit: Of ``/search/export``.
        list_limit: Of the ticket list.
        audit_limit: Of audits per ticket.
        retry_after: Forces this ``Retry-After`` on every 429, as some accounts see 93 s.
        hidden: How long the export keeps a change to itself.
        search_lag: Least and greatest delay of the search index.
        repeat_chance: That an export page begins with a row of the page before.
        stuck_pages: How many export pages answer with the cursor they were asked with.
        empty_first_cursor: Whether a first export page without tickets carries a null cursor.
        export_patience: Rows of an export page that are built in the gateway's time; a page with more is a 504.
        system_touch_chance: That an update is followed by a system update without ``updated_at``.
        system_touch_delay: Least and greatest delay of that.
        deleted_status: Status of deleted tickets in the export.
        sla_plan: Whether the account's plan has SLA policies.
        sla_policies: Policies; empty takes the built-in ones.
        sla_countdown: Whether the sideload carries ``days``, ``hours`` or ``minutes``.
        close_after: How long a solved ticket stays open to changes; zero for ever.
        job_wait, job_item: Seconds in the queue, and per item.
        job_cap: Jobs queued or running at once.
        job_keeps: How long a job's data is kept.
        kill_jobs: How many coming jobs die halfway.
        too_many_jobs_status: The status code nobody documents.
        token_lifetime: Of a bearer token for which the client asked nothing.
        basic_until: When API tokens stop working.
        reject_type_in_export: Whether ``type:`` inside an export query is an error, as documented.
        database_conflict_chance: Of a 409 ``DatabaseConflict`` on an update.
        triggers: Rules that run inside every update, see ``rules.Trigger``.
        automations: Rules that run by time, see ``rules.Automation``.
        values: Per neutral field name: neutral value to the tag that stands for it.
        views: Views with ``id``, ``title`` and a search ``query`` that stands for their conditions.
        synthetic: Tickets to begin with, for benchmarks.
        field_types: Per neutral field name: another Zendesk field type than the usual.
        deleted_fields: Neutral names of custom fields that are not there any more: no ticket lists them, and what an
            update says of them is ignored without a word.
    """

    account_limit: int = 700
    update_limit: int = 100
    ticket_updates: int = 30
    incremental_limit: int = 10
    search_export_limit: int = 100
    list_limit: int = 100
    audit_limit: int = 500
    retry_after: int | None = None
    hidden: int = 60
    search_lag: tuple[int, int] = (30, 180)
    repeat_chance: float = 0.1
    stuck_pages: int = 0
    empty_first_cursor: bool = True
    export_patience: int = 1000
    system_touch_chance: float = 0.2
    system_touch_delay: tuple[int, int] = (20, 120)
    deleted_status: str = "deleted"
    sla_plan: bool = True
    sla_policies: tuple[Mapping[str, Any], ...] = ()
    sla_countdown: bool = False
    close_after: int = 4 * 86400
    job_wait: float = 2.0
    job_item: float = 0.05
    job_cap: int = 30
    job_keeps: int = 86400
    kill_jobs: int = 0
    too_many_jobs_status: int = 429
    token_lifetime: int = 7200
    basic_until: str = "2027-04-30T00:00:00Z"
    reject_type_in_export: bool = True
    database_conflict_chance: float = 0.0
    triggers: tuple[Mapping[str, Any], ...] = ()
    automations: tuple[Mapping[str, Any], ...] = ()
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    field_types: Mapping[str, str] = field(default_factory=dict)
    deleted_fields: tuple[str, ...] = ()
    views: tuple[Mapping[str, Any], ...] = ()
    synthetic: int = 0

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Options:
        """Read switches by name.

        Raises:
            ValueError: There is no such switch.
        """
        known = {f.name for f in dataclasses.fields(cls)}
        if unknown := sorted(set(raw) - known):
            raise ValueError(f"a Zendesk sandbox has no {', '.join(unknown)}; it has {', '.join(sorted(known))}")
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()
        }
        return cls(**values)
