"""Policy, site maps and policy cases: files → domain objects, with all problems at once."""

from __future__ import annotations

from connector.policyfiles.cases import CaseResult, PolicyCase, load_cases, read_cases, run_case, run_cases
from connector.policyfiles.load import (
    canonical_document,
    load_policy,
    policy_from_document,
    policy_hash,
    read_policy,
    source_versions,
)
from connector.policyfiles.sitemap import SiteMap, load_site_map, read_site_map

__all__ = [
    "CaseResult",
    "PolicyCase",
    "SiteMap",
    "canonical_document",
    "load_cases",
    "load_policy",
    "load_site_map",
    "policy_from_document",
    "policy_hash",
    "read_cases",
    "read_policy",
    "read_site_map",
    "run_case",
    "run_cases",
    "source_versions",
]
