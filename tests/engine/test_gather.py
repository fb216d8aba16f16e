"""What a decision is given: who stands behind targets, also behind those that only a running path still names."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import Path as File
from types import SimpleNamespace
from typing import Any

from connector.domain.policy import LevelTarget
from connector.domain.site import SiteRules
from connector.domain.situation import EscalationState, Reach
from connector.engine.gather import reach_all, situations
from connector.engine.kit import SiteReading, Surroundings
from connector.journal import open_journal
from tests.domain.policies import DEFAULT, POLICY, changed
from tests.journal.samples import FINGERPRINT, NOW, SITE, store, ticket, verdict


class Asked:
    """A directory in which everybody exists; remembers whom it was asked about."""

    def __init__(self) -> None:
        self.targets: list[LevelTarget] = []

    def reach(self, target: LevelTarget, *, at: datetime) -> Reach:
        self.targets.append(target)
        return Reach(group=target.name, why=at.isoformat())


def test_targets_of_a_running_path_that_the_policy_has_no_more_are_looked_up_once(tmp_path: File) -> None:
    journal = open_journal(str(tmp_path / "state.db"), least_free=0)
    try:
        journal.open_site(SITE, fingerprint=FINGERPRINT)
        store(journal, ticket("1"), ticket("2"))
        running = EscalationState(path=DEFAULT, level=1, started_at=NOW, entered_at=NOW, decided_at=NOW)
        journal.store_verdicts(SITE, [verdict(id_, state=running) for id_ in ("1", "2")], run="r")
        paths = {name: path for name, path in POLICY.escalation.paths.items() if name != "default"}
        policy = changed(escalation=dataclasses.replace(POLICY.escalation, paths=paths))
        directory = Asked()
        unused: Any = None
        site = SiteReading(rules=SiteRules(name=SITE, fingerprint=FINGERPRINT), reader=unused, directory=directory)
        policies: Any = SimpleNamespace(current=lambda: policy)
        around = Surroundings(
            journal=journal, policies=policies, renderer=unused, notifier=unused, observer=unused, clock=unused
        )
        found = list(situations(site, around, ["1", "2"], reach_all(site, policy, now=NOW), now=NOW))
    finally:
        journal.close()
    second_line = DEFAULT.levels[1].target
    assert [s.reach[second_line].group for s in found] == ["second-line", "second-line"]
    assert directory.targets.count(second_line) == 1
