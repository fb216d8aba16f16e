"""What an operator changed since the last pass: effects in the configuration, and the pause file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from connector.domain.site import Effect
from connector.engine.kit import SiteReading, Surroundings
from connector.ports import SiteState

FILE = "pause file"
"""Who paused a site, where the file did: the site goes on by itself when the file is gone."""


def notice_switches(site: SiteReading, around: Surroundings, state: SiteState, *, now: datetime) -> None:
    """Silence what shadow would have done under effects that were switched on since the last pass."""
    effects: Mapping[str, frozenset[Effect]] = {"": site.rules.effects, **site.rules.scopes}
    if dict(state.effects) != dict(effects):
        silenced = around.journal.switch_effects(site.name, effects, now=now)
        around.observer.event("effects_switched", site=site.name, effects=effects, silenced=silenced)


def notice_pause_file(site: SiteReading, around: Surroundings, state: SiteState, *, now: datetime) -> None:
    """Pause the site while the pause file stands, so that levels wait as well, and let it go on when it is gone."""
    why = around.stopped()
    if why and not state.paused:
        around.journal.pause(site.name, f"{FILE}: {why}", now=now, actor=FILE)
    elif not why and state.paused.startswith(f"{FILE}: "):
        around.journal.lift(site.name, now=now, actor=FILE)
