"""Who stands behind bound names on a Jira site.

Jira Cloud has no group on an issue; the support group is a field of the site's map, and Jira does not know who belongs
to it. A group can therefore always be reached; a person is asked for by the ``jira`` client and must be active. There
are no schedules: one counts as the person, else the group, that the site's map binds to its name.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from jira import JIRA

from connector.domain.policy import LevelTarget, TargetKind
from connector.domain.site import FieldMap
from connector.domain.situation import Reach
from connector.errors import Denied, Rejected

KEPT_FOR = timedelta(minutes=10)

_UNTOLD = "Jira does not tell whether its people are active"


class JiraDirectory:
    """A ``Directory``; what Jira said about a person is kept for ``KEPT_FOR``, what it did not say is asked again."""

    def __init__(self, client: JIRA, names: FieldMap) -> None:
        """Make one; ``client`` runs on our transport with its own retries off."""
        self._client = client
        self._names = names
        self._active: dict[str, tuple[datetime, bool]] = {}
        self._refused: dict[str, tuple[datetime, Denied]] = {}

    def reach(self, target: LevelTarget, *, at: datetime) -> Reach:
        """Return who can be reached; a target that is missing or inactive is said, never raised."""
        scheduled_group = target.kind is TargetKind.SCHEDULE and target.name not in self._names.people
        if target.kind is TargetKind.GROUP or scheduled_group:
            return self._group(target)
        account = self._names.people.get(target.name)
        if account is None:
            return Reach(exists=False, reachable=False, why=f"{target} is not bound in this site's map")
        active = self._is_active(account, at)
        if active is False:
            return Reach(exists=True, reachable=False, why=f"{target} is deactivated or unknown to Jira")
        refused = f"{_UNTOLD}: {active}"[:200] if isinstance(active, Denied) else ""
        names = frozenset({target.name, account, f"id:{account}"})
        return Reach(person=target.name, member_ids=names, why=refused, refused=refused, unasked=active is None)

    def _group(self, target: LevelTarget) -> Reach:
        if target.name not in self._names.groups:
            return Reach(exists=False, reachable=False, why=f"{target} is not bound in this site's map")
        if self._names.group_field is None:
            return Reach(exists=True, reachable=True, why="this site's map has no field for the group")
        return Reach(group=target.name)

    def _is_active(self, account: str, at: datetime) -> bool | Denied | None:
        """Return whether an account is active; ``None`` when Jira cannot be asked, the error where it refuses to tell.

        Unknown is not gone. What is refused is asked for again at another moment, not for every target.
        """
        known = self._active.get(account)
        if known is not None and at - known[0] < KEPT_FOR:
            return known[1]
        if self._refused.get(account, (None,))[0] == at:
            return self._refused[account][1]
        active = self._ask(account)
        if isinstance(active, Denied):
            self._refused[account] = (at, active)
        elif active is not None:
            self._active[account] = (at, active)
        return active

    def _ask(self, account: str) -> bool | Denied | None:
        try:
            return bool(self._client.user(account).active)
        except Rejected:
            return False
        except Denied as error:
            return error.with_traceback(None)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - the client raises whatever an odd answer leads it to
            return None
