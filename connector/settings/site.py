"""One site as configured, and what follows for the domain."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from connector.documents import Names, Share, Strict, Text, as_written
from connector.domain.site import DEFAULT_BUDGETS, Budget, Confidential, Effect, SiteRules
from connector.settings.auth import Auth, SecretName
from connector.settings.kinds import Length, Moment
from connector.settings.urls import BaseUrl


class SiteKind(StrEnum):
    """Which helpdesk a site is."""

    JIRA = "jira"
    ZENDESK = "zendesk"


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not an IANA time zone such as Europe/Berlin") from None
    return name


TimeZone = Annotated[str, AfterValidator(_zone)]
Locale = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,2}$")]
SiteName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Effects = frozenset[Effect]


class PollSettings(Strict):
    """How often a site is read."""

    every: Length = Field(
        default=as_written("10s"),
        description="Time between two polls of a site. Zendesk's export hides the last minute, and allows ten reads a "
        "minute to everybody.",
    )
    by: Literal["export", "search"] = Field(
        default="export",
        description="Zendesk: read changes from the `export` (a minute late; an admin's client) or by `search` (up to "
        "ten minutes late, once a minute; an agent's client is enough). Jira: no meaning.",
    )
    history_share: Share = Field(
        default=0.3,
        gt=0,
        le=0.3,
        description="Part of the read budget that the helpdesk's own history may take: more than 0, because what may "
        "be a person's choice waits until a ticket's history has been read, and at most 30%.",
        json_schema_extra={"exclusiveMinimum": 0, "maximum": 0.3},
    )
    sweep_every: Length = Field(
        default=as_written("6h"), description="Time between two sweeps of all open tickets for what deltas miss."
    )


class BudgetSettings(Strict):
    """Limits of one effect; what is not given keeps its default."""

    least: int | None = Field(
        default=None, ge=0, description="Writes allowed in a window however few tickets are open."
    )
    share: Share | None = Field(default=None, description="Writes allowed in a window as a share of the open tickets.")
    per: Length | None = Field(default=None, description="Length of the window.")
    reserve: int | None = Field(default=None, ge=0, description="Further writes kept for P1 and hard triggers.")
    per_ticket: int | None = Field(default=None, ge=1, description="Writes allowed on one ticket in 24 hours.")

    @field_validator("least", "reserve", "per_ticket", mode="before")
    @classmethod
    def _counted(cls, value: Any) -> Any:
        if isinstance(value, bool):  # pydantic would take it for 1 or 0
            raise ValueError("must be a whole number")  # noqa: TRY004 - by it pydantic knows a wrong value
        return value

    def over(self, default: Budget) -> Budget:
        """Return ``default`` with what is given here instead."""
        own: dict[str, Any] = {"least": self.least, "share": self.share, "window": self.per, "reserve": self.reserve}
        kept = {name: getattr(default, name) if value is None else value for name, value in own.items()}
        return Budget(**kept, per_ticket=default.per_ticket if self.per_ticket is None else self.per_ticket)


class Account(BaseModel):
    """What of a site says which secrets it needs; whatever else is wrong with the site."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: SiteName
    auth: Auth
    webhook_secrets: tuple[SecretName, ...] = ()


class SiteSettings(Strict):
    """One configured helpdesk."""

    name: SiteName = Field(description="What the site is called everywhere: in commands, the log and the state.")
    kind: SiteKind = Field(description="`jira` (Jira Service Management Cloud) or `zendesk`.")
    base_url: BaseUrl = Field(description="The site's address. Plain `http://` only for this machine.")
    api_base: BaseUrl | None = Field(
        default=None,
        description="Jira: `https://api.atlassian.com/ex/jira/<cloudId>`, for scoped tokens and service accounts.",
    )
    web_url: BaseUrl | None = Field(default=None, description="Where people open tickets, if that is not `base_url`.")
    projects: Names = Field(default=(), description="Jira: keys of the projects to look after.")
    views: Names = Field(
        default=(),
        description="Zendesk: ids of the views to look after; a ticket in any of them counts. None: every ticket.",
    )
    brands: Names = Field(default=(), description="Zendesk: ids of the brands to look after; none: every brand.")
    groups: Names = Field(
        default=(),
        description="Zendesk: ids of the groups to look after, those of the escalation paths included: a ticket that "
        "leaves them is left alone. None: every group.",
    )
    ca_file: Path | None = Field(
        default=None,
        description="Certificates (PEM) of the authorities to believe for this site, instead of the public ones; "
        "there is no way to turn verification off.",
    )
    map: Path = Field(description="The site's map: how its fields, priorities, statuses, groups and people are bound.")
    timezone: TimeZone | None = Field(
        default=None, description="Time zone of the site's texts; without it the policy's."
    )
    locale: Locale = Field(
        default="en", description="Language where neither the ticket nor its requester or their organization names one."
    )
    auth: Auth = Field(description="Who reads and who writes, by the names of their secrets.")
    webhook_secrets: tuple[SecretName, ...] = Field(
        default=(),
        max_length=2,
        description="Names of the secrets that sign this site's webhooks: one, or two while one replaces the other. "
        "They come in at `/webhooks/<name>` of `run --webhooks`.",
    )
    effects: Effects = Field(
        default=frozenset(),
        description="What may be written: `fields`, `notes`, `assign`, `public`. Everything else is shadow.",
    )
    scopes: Mapping[Text, Effects] = Field(
        default_factory=dict,
        description="Effects of single scopes instead of `effects`. A scope is a project's key (Jira) or, as the map's "
        "`scope` says, the id of a brand, form or organization, a group's name in the map, or `id:<number>` for a "
        "group that has none there (Zendesk).",
    )
    confidential: Mapping[Text, Confidential] = Field(
        default_factory=dict,
        description="Confidential scopes, named as in `scopes`: `ignore` (nothing of their tickets is stored) or "
        "`restricted` (text is not read, nothing is public, nobody involved is called). Jira's issue security is "
        "`restricted` by itself.",
    )
    enforce_from: Moment | None = Field(
        default=None,
        description="Thresholds crossed, levels entered, priorities held and questions raised before this moment stay "
        "unsaid.",
    )
    budgets: Mapping[Effect, BudgetSettings] = Field(default_factory=dict, description="Write limits per effect.")
    poll: PollSettings = Field(default=PollSettings(), description="How often the site is read.")
    may_stop_native_first_response: bool = Field(
        default=False, description="Allow public comments while the helpdesk's own first-response clock is open."
    )

    @field_validator("projects", "scopes", "confidential")
    @classmethod
    def _in_capitals(cls, value: Any, info: ValidationInfo) -> Any:
        """Jira's project keys are capitals, however they are written: tickets are told apart by them."""
        if info.data.get("kind") is not SiteKind.JIRA:
            return value
        if not isinstance(value, Mapping):
            return tuple(dict.fromkeys(key.upper() for key in value))
        for twice, count in Counter(key.upper() for key in value).items():
            if count > 1:
                raise ValueError(f"{twice} is given twice; keep one of them")
        return {key.upper(): inner for key, inner in value.items()}

    @property
    def fingerprint(self) -> str:
        """Return SHA-256 hex of kind and address; part of every operation's key, so another address is another site."""
        return hashlib.sha256(f"{self.kind}|{self.base_url}".encode()).hexdigest()

    @property
    def api_url(self) -> str:
        """Return the address that requests go to."""
        return self.api_base or self.base_url

    @property
    def link_url(self) -> str:
        """Return the address that people open."""
        return self.web_url or self.base_url


def site_rules(site: SiteSettings) -> SiteRules:
    """Return what the operator allows on ``site``, for the domain."""
    return SiteRules(
        name=site.name,
        fingerprint=site.fingerprint,
        effects=site.effects,
        scopes=MappingProxyType(dict(site.scopes)),
        confidential=MappingProxyType(dict(site.confidential)),
        enforce_from=_utc(site.enforce_from),
        locale=site.locale,
        may_stop_native_first_response=site.may_stop_native_first_response,
        budgets=_budgets(site.budgets),
    )


def _utc(at: datetime | None) -> datetime | None:
    return at.astimezone(ZoneInfo("UTC")) if at else None


def _budgets(own: Mapping[Effect, BudgetSettings]) -> Mapping[Effect, Budget]:
    merged: dict[Effect, Any] = dict(DEFAULT_BUDGETS)
    merged.update({effect: limits.over(DEFAULT_BUDGETS[effect]) for effect, limits in own.items()})
    return MappingProxyType(merged)
