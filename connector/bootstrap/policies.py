"""The policy in force: loaded with everything it refers to, reloaded as a whole or not at all."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import date

from connector.domain.policy import Policy
from connector.policyfiles import SiteMap
from connector.render import TemplateRenderer
from connector.settings import Settings


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

    def render(self, notice: object) -> str:
        """Render with the templates in force."""
        return self._policies.loaded.renderer.render(notice)  # type: ignore[arg-type]
