"""A simulated Jira Cloud site with Jira Service Management."""

from __future__ import annotations

from connector.sandbox.core.roster import Roster
from connector.sandbox.core.world import World
from connector.sandbox.jira.site import JiraSite

__all__ = ["JiraSite", "build"]


def build(world: World, roster: Roster) -> JiraSite:
    """Build the site of ``world``.

    Raises:
        ValueError: An unknown option.
    """
    return JiraSite(world, roster)
