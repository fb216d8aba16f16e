"""The policy in force: loaded with everything it refers to, reloaded as a whole or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from connector.bootstrap.clock import RealClock
from connector.domain.change import Notice
from connector.domain.policy import Policy
from connector.errors import ConfigError, Problem
from connector.policyfiles import SiteMap, load_policy, load_site_map
from connector.policyfiles.cases import CaseResult, load_cases, run_case
from connector.render import TemplateRenderer, load_templates
from connector.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Loaded:
    """Policy, texts and site maps that were checked against one another."""

    policy: Policy
    document: str
    renderer: TemplateRenderer
    maps: dict[str, SiteMap]


class LoadedPolicies:
    """A ``Policies`` that keeps the last good policy when a reload fails."""

    def __init__(self, settings: Settings, *, today: date) -> None:
        """Load everything; raises ``ConfigError`` with every problem of every file."""
        self._settings = settings
        self._lock = threading.Lock()
        self._loaded = load_all(settings, today=today)
        self._documents = {self._loaded.policy.hash: self._loaded.document}

    def current(self) -> Policy:
        """Return the policy in force."""
        return self._loaded.policy

    def document(self, digest: str) -> str | None:
        """Return the canonical document of a policy that this process has loaded."""
        return self._documents.get(digest)

    @property
    def loaded(self) -> Loaded:
        """Return everything in force, consistent in itself."""
        return self._loaded

    def reload(self, *, today: date) -> Policy:
        """Read every file again; on any problem keep what is in force and raise ``ConfigError``."""
        fresh = load_all(self._settings, today=today)
        with self._lock:
            self._documents[fresh.policy.hash] = fresh.document
            self._loaded = fresh
        return fresh.policy


class CurrentRenderer:
    """A ``Renderer`` that follows reloads."""

    def __init__(self, policies: LoadedPolicies) -> None:
        """Make one over the policies that are reloaded."""
        self._policies = policies

    def render(self, notice: Notice) -> str:
        """Render with the templates in force."""
        return self._policies.loaded.renderer.render(notice)


def load_all(settings: Settings, *, today: date) -> Loaded:
    """Load site maps, templates and the policy; the problems of all of them come together."""
    problems: list[Problem] = []
    maps: dict[str, SiteMap] = {}
    for site in settings.sites:
        with _collecting(problems):
            maps[site.name] = load_site_map(site.map, shown=str(site.map), name=site.name, kind=str(site.kind))
    renderer: TemplateRenderer | None = None
    with _collecting(problems):
        renderer = load_templates(settings.templates)
    loaded: tuple[Policy, str] | None = None
    with _collecting(problems):
        names = renderer.names if renderer else None
        loaded = load_policy(settings.policy, today=today, shown=str(settings.policy), templates=names, sites=maps)
    if problems or renderer is None or loaded is None:
        raise ConfigError(tuple(sorted(set(problems))))
    return Loaded(policy=loaded[0], document=loaded[1], renderer=renderer, maps=maps)


@contextmanager
def _collecting(problems: list[Problem]) -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        problems.extend(error.problems)


def policy_test(
    config: Path, *, policy_file: Path | None, files: Sequence[Path], only: str | None, today: date | None = None
) -> list[CaseResult]:
    """Replay policy cases; needs neither secrets nor sites.

    Without ``policy_file`` the policy of the configuration is tested, or ``mappings/policy.yaml`` where there is none;
    without ``files`` the cases in the folder ``tests`` beside the policy.
    """
    path = policy_file or (_policy_of(config) if config.exists() else Path("mappings/policy.yaml"))
    day = today or datetime.now(UTC).date()
    cases = load_cases(files or (path.parent / "tests",))
    wanted = [c for c in cases if only is None or only.casefold() in c.name.casefold()]
    policies: dict[date, Policy] = {}
    results = []
    for case in wanted:
        year = case.today or day
        policies.setdefault(year, load_policy(path, today=year, shown=str(path))[0])
        results.append(run_case(case, policies[year]))
    return results


def _policy_of(config: Path) -> Path:
    return load_settings(config, need_secrets=False).policy
