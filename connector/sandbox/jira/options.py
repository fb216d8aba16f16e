"""The switches of a simulated Jira Cloud site."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraOptions:
    """How this site behaves; what nobody has measured on a live tenant is a switch.

    Attributes:
        zone: Profile time zone of the connector's account; vendor text is in it.
        index_lag: Seconds, from and to, until the search index shows a change.
        bulk_lag: The same for changes made by bulk edit.
        bulk_seconds: How long a bulk edit takes per issue.
        limits: Whether burst and per-issue limits apply.
        points: Requests per UTC hour before the quota is spent, ``None`` for no quota.
        page_limit: Largest page with fields; the vendor answers fewer than asked.
        empty_page_every: Each n-th continued page is empty, with a token (0 never).
        short_page_every: Each n-th page holds half of what was asked (0 never).
        repeat_token_every: Each n-th page hands out the token that fetched it (0 never).
        connector_admin: Whether the connector's account may omit mails and list field settings.
        connector_permissions: The rights of the connector's account, when they are not just what it needs.
        notify_flag: What ``notifyUsers=false`` does without that right: ``forbid`` or ``ignore``.
        sees_security: Whether the connector's account is inside the HR security level.
        wrong_credentials: On the site address: ``anonymous`` falls through, ``refuse`` is 401.
        breach_time: Shape of an ongoing cycle's breach time: ``full``, ``jira``, ``empty`` or ``none``.
        sla_names: Other names for the SLA fields, by field id.
        goals: Other SLA goals in minutes, P1 to P4, by metric (``first_response``, ``resolution``).
        calendar: ``business`` (Monday to Friday, 9 to 17, Berlin) or ``always``.
        property_bumps_updated: Whether writing an issue property moves ``updated``.
        waiting_on_customer: The preset rule that answers a team member's public comment.
        changelog_created: Bulk changelog's ``created``: ``seconds``, ``millis`` or ``iso``.
        epoch_grain: How exactly an epoch date in JQL is read: ``ms`` or ``minute``.
        unscreened: Field ids that no issue of a project takes, by project key.
        comment_cap: Comments that an issue can hold.
        conflict_every: Each n-th edit meets a conflict and is not applied (0 never).
        token_seconds: Life of a client-credentials token.
        load: So many synthetic issues exist from the start.
        load_fields: So many further custom fields, filled, make them as large as real ones.
    """

    zone: str = "Europe/Berlin"
    index_lag: tuple[float, float] = (0.0, 120.0)
    bulk_lag: tuple[float, float] = (60.0, 300.0)
    bulk_seconds: float = 0.5
    limits: bool = True
    points: int | None = None
    page_limit: int = 100
    empty_page_every: int = 0
    short_page_every: int = 0
    repeat_token_every: int = 0
    connector_admin: bool = False
    connector_permissions: tuple[str, ...] | None = None
    notify_flag: str = "forbid"
    sees_security: bool = False
    wrong_credentials: str = "anonymous"
    breach_time: str = "full"
    sla_names: Mapping[str, str] = field(default_factory=dict)
    goals: Mapping[str, tuple[int, int, int, int]] = field(default_factory=dict)
    calendar: str = "business"
    property_bumps_updated: bool = False
    waiting_on_customer: bool = True
    changelog_created: str = "seconds"
    epoch_grain: str = "ms"
    unscreened: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    comment_cap: int = 5000
    conflict_every: int = 0
    token_seconds: int = 3600
    load: int = 0
    load_fields: int = 0

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if (value := getattr(self, name)) not in allowed:
                raise ValueError(f"{name} is one of {', '.join(allowed)}, not {value!r}")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> JiraOptions:
        """Read a site's options.

        Raises:
            ValueError: A switch that this site does not have, or a value that it does not know.
        """
        known = {f.name for f in dataclasses.fields(cls)}
        if stray := sorted(set(given) - known):
            raise ValueError(f"a Jira site has no option {', '.join(stray)}; it has {', '.join(sorted(known))}")
        return cls(**given)


CHOICES: Mapping[str, tuple[str, ...]] = {
    "notify_flag": ("forbid", "ignore"),
    "wrong_credentials": ("anonymous", "refuse"),
    "breach_time": ("full", "jira", "empty", "none"),
    "calendar": ("business", "always"),
    "changelog_created": ("seconds", "millis", "iso"),
    "epoch_grain": ("ms", "minute"),
}
