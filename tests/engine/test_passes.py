"""One pass after another over one site: nothing twice, nothing lost, and nothing at all where nothing changed."""

from __future__ import annotations

import pytest

from connector.domain.ticket import Priority
from connector.helpdesks.memory import Fault
from tests.engine.stage import Desk, Stage

OUTAGE = {"impact": "site", "urgency": "blocked"}
P1, P2, P3, P4 = Priority


class TestNothingLost:
    @pytest.mark.parametrize("fault", [Fault.NOT_SENT, Fault.THROTTLED, Fault.THROTTLED_TICKET, Fault.CONFLICT])
    def test_what_was_not_applied_is_written_by_the_next_pass(self, stage: Stage, desk: Desk, fault: Fault) -> None:
        id_ = desk.world.create(facts=OUTAGE, priority=P3).id
        desk.world.write_faults.append(fault)
        stage.run("desk")
        assert desk.live(id_).priority is P3
        stage.run("desk")
        assert (desk.live(id_).priority, desk.live(id_).level) == (P1, 1)
        assert stage.wanted("desk") == {}
