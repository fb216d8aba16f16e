"""The policy in force: loaded with everything it refers to, reloaded as a whole or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from connector.domain.change import Notice
from connector.domain.policy import Policy
from connector.errors import ConfigError, Problem
from connector.policyfiles import SiteMap, load_policy, load_site_map, policy_from_document
from connector.render import Templates, TextRenderer, load_templates
from connector.settings import (
    Files,
    MapFile,
    Settings,
    SiteKind,
    SiteSettings,
    files_of,
    load_settings,
    named_files,
    site_rules,
    strange_scopes,
)

if TYPE_CHECKING:
    from connector.policyfiles.cases import CaseResult
    from connector.policyfiles.lint import Finding

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Policy, texts and site maps that were checked against one another."""

    policy: Policy
    document: str
    templates: Templates
    maps: dict[str, SiteMap]


class LoadedPolicies:
    """A ``Policies`` that keeps the last good policy when a reload fails."""

    def __init__(self, settings: Settings, *, today: date) -> None:
        """Load everything; raises ``ConfigError`` with every problem of every file."""
        self._settings = settings
        self._lock = threading.Lock()
        self._loaded = load_all(settings, today=today)
        self._documents = {self._loaded.policy.hash: self._loaded.document}
        self._kept: tuple[Loaded, str, int, Policy | None] | None = None

    def current(self) -> Policy:
        """Return the policy in force."""
        return self._loaded.policy

    def document(self, digest: str) -> str | None:
        """Return the canonical document of a policy that this process has loaded."""
        return self._documents.get(digest)

    def kept(self, document: str, *, today: date) -> Policy | None:
        """Return the policy of a kept document, checked against the texts and maps in force.

        ``today`` says for which years holidays are expanded.
        """
        loaded = self._loaded
        if self._kept is None or self._kept[:3] != (loaded, document, today.year):
            self._kept = (loaded, document, today.year, _tried(partial(_earlier, document, loaded, today), []))
        return self._kept[3]

    @property
    def loaded(self) -> Loaded:
        """Return everything in force, consistent in itself."""
        return self._loaded

    def reload(self, *, today: date, keep: Callable[[Policy, str], None] = lambda _policy, _document: None) -> Policy:
        """Read every file again; on any problem keep what is in force and raise ``ConfigError``.

        ``keep`` gets the policy and its document before it is in force; whatever it raises is such a problem as well.
        """
        fresh = load_all(self._settings, today=today)
        keep(fresh.policy, fresh.document)
        with self._lock:
            self._documents[fresh.policy.hash] = fresh.document
            self._loaded = fresh
        return fresh.policy


class CurrentRenderer:
    """A ``Renderer`` for one site that follows reloads: its time zone and language first, then the policy's."""

    def __init__(self, policies: LoadedPolicies, site: SiteSettings) -> None:
        """Make one over the policies that are reloaded."""
        self._policies = policies
        self._site = site
        self._made: tuple[Loaded, TextRenderer] | None = None

    def render(self, notice: Notice) -> str:
        """Render with the templates in force."""
        loaded = self._policies.loaded
        if self._made is None or self._made[0] is not loaded:
            defaults = loaded.policy.defaults
            zone = self._site.timezone or defaults.timezone
            fallback = (self._site.locale, defaults.locale)
            self._made = loaded, TextRenderer(loaded.templates, timezone=zone, fallback=fallback)
        return self._made[1].render(notice)


def load_configuration(config: Path, *, need_secrets: bool = True) -> Settings:
    """Read ``connector.yaml``. Where it is wrong, every file that it names is judged as well.

    Raises:
        ConfigError: with every problem of the configuration, and then of maps, templates and policy, too.
    """
    try:
        return load_settings(config, need_secrets=need_secrets)
    except ConfigError as error:
        problems: list[Problem] = []
        files = _tried(partial(named_files, config), problems)
        if files is not None:
            today = datetime.now(UTC).date()  # noqa: TID251 - for the years of the holidays only
            _load(files, problems, today=today)
        raise ConfigError(tuple(dict.fromkeys([*error.problems, *sorted(problems)]))) from error


def load_all(settings: Settings, *, today: date) -> Loaded:
    """Load site maps, templates and the policy; the problems of all of them come together."""
    problems: list[Problem] = []
    loaded = _load(files_of(settings), problems, today=today)
    if problems or loaded is None:
        raise ConfigError(tuple(sorted(set(problems))))
    return loaded


def _load(files: Files, problems: list[Problem], *, today: date) -> Loaded | None:
    """Load what ``files`` names and note what is wrong; one that is broken hides no other's problems."""
    read = {file: _tried(partial(_site_map, file), problems) for file in files.maps}
    problems += [problem for file, site_map in read.items() for problem in _odd_scopes(file, site_map)]
    problems += _strangers([file.site for file in files.maps], read) if files.complete else ()
    maps: dict[str, SiteMap | None] = {file.site or str(file.path): site_map for file, site_map in read.items()}
    sound = {name: site_map for name, site_map in maps.items() if site_map is not None}
    locales = {locale for site_map in sound.values() for locale in site_map.locales}
    folder, path = files.templates, files.policy
    templates = None if folder is None else _tried(lambda: load_templates(folder, locales=locales), problems)
    if path is None:
        return None
    names = None if templates is None else templates.notes
    known = maps if files.complete else {**maps, "": None}
    make = partial(load_policy, path, today=today, shown=str(path), templates=names, sites=known)
    policy = _tried(make, problems)
    if templates is None or policy is None:
        return None
    return Loaded(policy=policy[0], document=policy[1], templates=templates, maps=sound)


def _earlier(document: str, loaded: Loaded, today: date) -> Policy:
    return policy_from_document(document, today=today, templates=loaded.templates.notes, sites=loaded.maps)


def _strangers(names: Sequence[str | None], read: Mapping[MapFile, SiteMap | None]) -> Iterator[Problem]:
    """Yield a problem for every site that a map names and nobody has configured: its tickets would never be found."""
    for file, site_map in read.items():
        for other in sorted(set(site_map.fields.twins if site_map else ()) - set(names)):
            remedy = f"configured are {', '.join(map(str, names))}"
            message = "no site of that name is configured"
            yield Problem(file=str(file.path), key=f"twins.{other}", message=message, remedy=remedy)


def _odd_scopes(file: MapFile, site_map: SiteMap | None) -> Iterator[Problem]:
    """Yield what is wrong with the scopes of a Zendesk site; Jira's are its projects, which the settings know."""
    if site_map is not None and site_map.kind == SiteKind.ZENDESK:
        yield from strange_scopes(file.scopes, by=site_map.fields.scope, groups=site_map.fields.groups)


def _site_map(file: MapFile) -> SiteMap:
    return load_site_map(file.path, shown=str(file.path), name=file.site, kind=file.kind)


def _tried(load: Callable[[], T], problems: list[Problem]) -> T | None:
    """Return what ``load`` gives, or nothing and its problems."""
    try:
        return load()
    except ConfigError as error:
        problems.extend(error.problems)
        return None


def policy_test(config: Path, *, policy_file: Path | None, files: Sequence[Path], only: str | None) -> list[CaseResult]:
    """Replay policy cases; needs neither secrets nor sites.

    Without ``policy_file`` the policy of the configuration is tested, or ``mappings/policy.yaml`` where there is none;
    without ``files`` the cases in the folder ``tests`` beside the policy.
    """
    from connector.policyfiles.cases import load_cases, run_case  # noqa: PLC0415 - only this command replays

    path = policy_file or (_policy_of(config) if config.exists() else Path("mappings/policy.yaml"))
    cases = load_cases(files or (path.parent / "tests",))
    wanted = [c for c in cases if only is None or only.casefold() in c.name.casefold()]
    policies: dict[int, Policy] = {}
    results = []
    for case in wanted:
        day = case.story.ticket.opened.date()
        if day.year not in policies:  # holidays are expanded around the year in which the story plays
            policies[day.year] = load_policy(path, today=day, shown=str(path))[0]
        results.append(run_case(case, policies[day.year]))
    return results


def policy_lint(config: Path) -> tuple[Finding, ...]:
    """Load policy, maps and texts, and return what is unwise about them; raises ``ConfigError`` for what is wrong."""
    from connector.policyfiles.lint import LintSite, lint  # noqa: PLC0415 - only this command lints

    settings = load_configuration(config, need_secrets=False)
    loaded = load_all(settings, today=datetime.now(UTC).date())  # noqa: TID251 - for the years of the holidays only
    sites = [
        LintSite(name=site.name, locales=loaded.maps[site.name].locales, budgets=site_rules(site).budgets)
        for site in settings.sites
    ]
    return lint(loaded.policy, sites)


def _policy_of(config: Path) -> Path:
    return load_settings(config, need_secrets=False).policy
