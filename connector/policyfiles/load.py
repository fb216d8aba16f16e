"""Policy file → ``Policy``: read, check, build; and the canonical document by which a policy is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from connector.documents import Document, Refused, judged, problems_of
from connector.domain.policy import Policy
from connector.errors import ConfigError
from connector.policyfiles.build import build_policy
from connector.policyfiles.calendars import Making, build_calendars
from connector.policyfiles.checks import Known, check_policy
from connector.policyfiles.checks_faster import check_faster
from connector.policyfiles.checks_sla import check_sla
from connector.policyfiles.checks_sleep import check_sleep
from connector.policyfiles.model import PolicyFile
from connector.policyfiles.sitemap import SiteMap


def load_policy(
    path: Path,
    *,
    today: date,
    shown: str = "",
    templates: frozenset[str] | None = None,
    sites: Mapping[str, SiteMap | None] | None = None,
) -> tuple[Policy, str]:
    """Read a policy file; return the policy and its canonical document.

    ``today`` says for which years holidays are expanded (the year before to two years on). ``templates`` and ``sites``
    are what the policy may refer to, where they are at hand; ``None`` stands for a site whose map cannot be read.

    Raises:
        ConfigError: with every problem found, each with its place and a remedy.
    """

    def judge(document: Document) -> tuple[Policy, str]:
        policy = read_policy(document, today=today, templates=templates, sites=sites)
        return policy, canonical_document(document)

    return judged(path, judge, shown=shown)


def read_policy(
    document: Document,
    *,
    today: date,
    templates: frozenset[str] | None = None,
    sites: Mapping[str, SiteMap | None] | None = None,
) -> Policy:
    """Return the policy in ``document``; raises ``ConfigError`` with every problem found."""
    refused = Refused(document)
    try:
        file = PolicyFile.model_validate(document.value)
    except ValidationError as error:
        raise ConfigError(problems_of(error, document, PolicyFile)) from error
    calendars = build_calendars(file.calendars, Making(today=today, timezone=file.defaults.timezone, refused=refused))
    known = Known(calendars=calendars, templates=templates, sites=sites or {})
    check_policy(file, known, refused)
    check_sla(file, known, refused)
    check_faster(file, known, refused)
    check_sleep(file, known, refused)
    if refused.problems:
        raise ConfigError(tuple(sorted(set(refused.problems))))
    digest = policy_hash(canonical_document(document))
    return build_policy(file, calendars=calendars, digest=digest, sources=source_versions())


def canonical_document(document: Document) -> str:
    """Return the parsed document as JSON with sorted keys: layout, comments and order of keys do not count."""
    return json.dumps(document.value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def policy_hash(canonical: str) -> str:
    """Return SHA-256 hex of a canonical document."""
    return hashlib.sha256(canonical.encode()).hexdigest()


def policy_from_document(
    canonical: str,
    *,
    today: date,
    templates: frozenset[str] | None = None,
    sites: Mapping[str, SiteMap] | None = None,
) -> Policy:
    """Return the policy of a document that was kept by its hash; raises ``ConfigError`` for one that is no policy.

    ``templates`` and ``sites`` are what it may refer to, where it is to be applied.
    """
    shown = f"policy {policy_hash(canonical)[:7]}"
    document = Document(file=shown, value=json.loads(canonical))
    return read_policy(document, today=today, templates=templates, sites=sites)


def source_versions() -> Mapping[str, str]:
    """Return the versions of the tables that deadlines depend on besides the policy."""
    return {name: _version(name) for name in ("holidays", "tzdata")}


_version = cache(version)
"""It looks through every installed package, and what is loaded stays what it is."""
