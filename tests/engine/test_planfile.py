"""Plans to look at first: nothing is stored or sent for them, and a kept one is written exactly or not at all."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connector.domain.site import Budget, Effect
from connector.domain.ticket import Status
from connector.engine.planfile import PlanFile, apply_changes, check_plan_file, read_plan_file, write_plan_file
from connector.engine.reconcile import PassPlan, reconcile
from connector.errors import ConfigError, Unavailable, UnsafePlan
from connector.helpdesks.memory import AGENT, Fault
from connector.journal import open_scratch
from connector.ports import AsideKind, OpStatus, SetAside
from tests.engine.stage import MINUTE, Desk, Stage
from tests.engine.test_passes import DEGRADED, P1, P3, P4, at_rest, opened
from tests.helpdesks.stopped_clock import StoppedClock


def look_ahead(stage: Stage, desk: Desk) -> PassPlan:
    """Plan on a private copy, as ``connector plan`` does."""
    with open_scratch(str(stage.state)) as scratch:
        return reconcile(desk.reading, replace(stage.around, journal=scratch), run="plan")


def kept(stage: Stage, desk: Desk, path: Path) -> PlanFile:
    write_plan_file(path, [look_ahead(stage, desk)], fingerprints={desk.name: desk.rules.fingerprint})
    return read_plan_file(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plan.json"


class TestPlan:
    def test_a_plan_stores_nothing_and_sends_nothing(self, stage: Stage, desk: Desk) -> None:
        opened(desk, 3)
        before = stage.rows(without=frozenset())
        plan = look_ahead(stage, desk)
        assert len(plan.planned) == 3
        assert stage.rows(without=frozenset()) == before
        assert (desk.writer.sent, desk.world.requests["write"]) == ([], 0)

    def test_a_plan_on_a_running_state_moves_no_cursor(self, stage: Stage, desk: Desk) -> None:
        opened(desk)
        at_rest(stage)
        stage.clock.move(MINUTE)
        opened(desk, 2)
        before = stage.rows(without=frozenset())
        assert [p.ticket.ref.id for p in look_ahead(stage, desk).planned] == ["2", "3"]
        assert stage.rows(without=frozenset()) == before

    def test_a_pass_does_what_the_plan_said(self, stage: Stage, desk: Desk) -> None:
        opened(desk, 2, labels=frozenset({"security"}))
        plan = look_ahead(stage, desk)
        stage.run("desk")
        planned = [w for p in plan.planned for w in desk.writer.split(p.change)]
        assert [(w.key, w.fields, w.comment) for w in planned] == [
            (s.write.key, s.write.fields, s.write.comment) for s in desk.writer.sent
        ]


class TestApply:
    def test_it_writes_exactly_what_the_file_holds(self, stage: Stage, desk: Desk, path: Path) -> None:
        ids = opened(desk, 2, labels=frozenset({"security"}))
        file = kept(stage, desk, path)
        stage.clock.move(MINUTE)
        opened(desk)
        applied, refused = apply_changes(desk.site, stage.around, file)
        assert (applied.written, refused) == (2, ())
        assert {s.write.ref.id for s in desk.writer.sent} == set(ids)
        assert {c.body for c in desk.world.comments} == {c.body for ch in file.changes["desk"] for c in ch.comments}
        (run,) = stage.journal.records().runs(site="desk")
        assert (run.kind, run.outcome, run.summary.written) == ("apply", "ok", 2)
        at_rest(stage)
        assert stage.wanted("desk") == {}

    def test_what_is_not_read_back_after_a_loss_is_not_decided(self, stage: Stage, desk: Desk, path: Path) -> None:
        """What would be stored for it would stand in the way of what its marks tell: its path would begin anew."""
        (id_,) = opened(desk, labels=frozenset({"security"}))
        at_rest(stage)
        stage.clock.move(11 * MINUTE)
        file = kept(stage, desk, path)
        assert file.changes["desk"]
        stage.lose_state("the state was deleted")
        applied, refused = apply_changes(desk.site, stage.around, file)
        assert (applied.written, len(refused)) == (0, 1)
        assert stage.stored("desk", id_).state.decided_at is None
        at_rest(stage)
        assert desk.live(id_).level == 2
        assert set(desk.world.keys_posted().values()) == {1}

    def test_it_looks_first_for_what_is_open(self, stage: Stage, desk: Desk, path: Path) -> None:
        opened(desk, 2)
        desk.world.write_faults.append(Fault.LOST_ANSWER)
        stage.run("desk")
        assert len(stage.ops("desk", OpStatus.SENDING)) == 1
        opened(desk)
        file = kept(stage, desk, path)
        stage.clock.move(MINUTE)
        apply_changes(desk.site, stage.around, file)
        assert stage.ops("desk", OpStatus.SENDING) == ()

    def test_a_run_that_cannot_be_finished_has_its_end_all_the_same(self, stage: Stage, desk: Desk, path: Path) -> None:
        opened(desk, 2)
        file = kept(stage, desk, path)
        desk.world.read_faults.append(Fault.UNAVAILABLE)
        with pytest.raises(Unavailable):
            apply_changes(desk.site, stage.around, file)
        (run,) = stage.journal.records().runs(site="desk")
        assert (run.kind, run.outcome, run.ended_at is not None) == ("apply", "failed", True)
        assert "cannot be read" in run.why

    def test_a_helpdesk_that_asked_for_rest_gets_it(self, stage: Stage, desk: Desk, path: Path) -> None:
        opened(desk, 2)
        file = kept(stage, desk, path)
        rest = SetAside(
            kind=AsideKind.SITE, why="too many", since=stage.clock.now(), until=stage.clock.now() + MINUTE * 9
        )
        stage.journal.set_aside("desk", [rest])
        with pytest.raises(Unavailable, match="not asked before"):
            apply_changes(desk.site, stage.around, file)
        assert desk.writer.sent == []

    def test_it_writes_nothing_a_second_time(self, stage: Stage, desk: Desk, path: Path) -> None:
        opened(desk, 2, labels=frozenset({"security"}))
        file = kept(stage, desk, path)
        apply_changes(desk.site, stage.around, file)
        applied, refused = apply_changes(desk.site, stage.around, file)
        assert (applied.written, len(refused), len(desk.writer.sent)) == (0, 2, 2)

    def test_a_ticket_that_changed_since_is_refused(self, stage: Stage, desk: Desk, path: Path) -> None:
        first, second = opened(desk, 2)
        file = kept(stage, desk, path)
        stage.clock.move(MINUTE)
        desk.world.update(first, AGENT, group="id:99")
        applied, (refused,) = apply_changes(desk.site, stage.around, file)
        assert (applied.written, refused.key, refused.why) == (1, "#1", "the ticket changed since the plan was made")
        assert desk.live(second).priority is P1

    def test_what_somebody_changed_since_is_remembered(self, stage: Stage, desk: Desk, path: Path) -> None:
        """The fresh read of ``apply`` must not swallow a person's decision."""
        (id_,) = opened(desk)
        at_rest(stage)
        stage.clock.move(timedelta(hours=1))
        file = kept(stage, desk, path)
        assert file.changes["desk"]
        desk.world.update(id_, AGENT, priority=P4)
        apply_changes(desk.site, stage.around, file)
        at_rest(stage)
        assert desk.live(id_).priority is P4

    def test_a_ticket_that_is_gone_is_refused(self, stage: Stage, desk: Desk, path: Path) -> None:
        (id_,) = opened(desk)
        file = kept(stage, desk, path)
        desk.world.delete(id_)
        _, (refused,) = apply_changes(desk.site, stage.around, file)
        assert refused.why == "the ticket is gone or cannot be read"

    def test_a_newer_threshold_makes_the_text_out_of_date(
        self, stage: Stage, desk: Desk, path: Path, clock: StoppedClock
    ) -> None:
        opened(desk)
        at_rest(stage)
        clock.move(MINUTE * 16)
        file = kept(stage, desk, path)
        assert file.changes["desk"][0].comments
        clock.move(MINUTE * 45)
        _, (refused,) = apply_changes(desk.site, stage.around, file)
        assert refused.why in {
            "a newer threshold or level has been reached since",
            "the policy wants other values by now",
        }
        assert desk.world.comments == []

    def test_budgets_and_freezes_hold(self, stage: Stage, desk: Desk, path: Path) -> None:
        opened(desk, 4, facts=DEGRADED)
        file = kept(stage, desk, path)
        desk.rules = replace(desk.rules, budgets={Effect.FIELDS: Budget(least=3, window=timedelta(minutes=10))})
        applied, (refused,) = apply_changes(desk.site, stage.around, file)
        assert applied.written == 3
        assert (refused.why, refused.held) == ("held, over the budget of 3 fields within 0:10:00", True)

    def test_a_paused_site_is_not_written(self, stage: Stage, desk: Desk, path: Path) -> None:
        opened(desk)
        file = kept(stage, desk, path)
        stage.journal.pause("desk", "an audit", now=stage.clock.now(), actor="op")
        with pytest.raises(UnsafePlan, match="paused: an audit"):
            apply_changes(desk.site, stage.around, file)
        assert desk.writer.sent == []

    def test_an_effect_that_is_off_by_now_is_not_used(self, stage: Stage, desk: Desk, path: Path) -> None:
        opened(desk)
        file = kept(stage, desk, path)
        desk.allow()
        applied, refused = apply_changes(desk.site, stage.around, file)
        assert (applied.written, len(refused), desk.writer.sent) == (0, 1, [])

    def test_another_helpdesk_behind_the_name_is_refused(self, stage: Stage, desk: Desk, path: Path) -> None:
        opened(desk)
        file = kept(stage, desk, path)
        with pytest.raises(UnsafePlan, match="another desk"):
            apply_changes(desk.site, stage.around, replace(file, fingerprints={"desk": "other"}))


class TestFile:
    @pytest.fixture
    def file(self, stage: Stage, desk: Desk, path: Path) -> PlanFile:
        opened(desk, 1, labels=frozenset({"security"}))
        return kept(stage, desk, path)

    @pytest.mark.usefixtures("file")
    def test_it_is_private(self, path: Path) -> None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [p.name for p in path.parent.iterdir()] == [path.name]

    @pytest.mark.parametrize(
        ("age", "policy", "why"),
        [
            (timedelta(minutes=61), None, "valid for one hour"),
            (timedelta(seconds=-1), None, "valid for one hour"),
            (timedelta(minutes=59), "f" * 64, "was made under policy"),
        ],
    )
    def test_it_is_refused_when_it_is_old_or_of_another_policy(
        self, file: PlanFile, age: timedelta, policy: str | None, why: str
    ) -> None:
        check_plan_file(file, policy_hash=file.policy, now=file.created_at + timedelta(minutes=60))
        with pytest.raises(UnsafePlan, match=why):
            check_plan_file(file, policy_hash=policy or file.policy, now=file.created_at + age)

    @pytest.mark.usefixtures("file")
    def test_what_is_no_plan_is_refused_with_its_name(self, path: Path) -> None:
        document = json.loads(path.read_text())
        wrong = {"schema_version": 2}, {"created_at": "2026-11-23"}, {"created_at": "2026-11-23T09:00:00"}
        for broken in ("", "[]", "{}", "[" * 100_000, *(json.dumps(document | each) for each in wrong)):
            path.write_text(broken)
            with pytest.raises(ConfigError, match=r"plan\.json"):
                read_plan_file(path)
        with pytest.raises(ConfigError, match="cannot be read"):
            read_plan_file(path.with_name("absent"))

    @pytest.mark.usefixtures("file")
    def test_a_file_of_other_bytes_is_no_plan(self, path: Path) -> None:
        path.write_bytes(bytes(range(256)))
        with pytest.raises(ConfigError, match="is not a plan file"):
            read_plan_file(path)

    def test_a_plan_that_cannot_be_kept_leaves_nothing_behind(self, stage: Stage, desk: Desk, tmp_path: Path) -> None:
        place = tmp_path / "plans" / "today.json"
        place.mkdir(parents=True)
        with pytest.raises(OSError, match="directory"):
            kept(stage, desk, place)
        assert [each.name for each in place.parent.iterdir()] == ["today.json"]

    @pytest.mark.parametrize("laid", ["a file that others read", "a link"])
    def test_what_lies_in_the_way_is_not_written_into(
        self, stage: Stage, desk: Desk, path: Path, tmp_path: Path, laid: str
    ) -> None:
        """Its name can be guessed, and its folder may be one that others write to."""
        other, scratch = tmp_path / "other", path.with_name(f".{path.name}.{os.getpid()}")
        other.write_text("theirs")
        if laid == "a link":
            scratch.symlink_to(other)
        else:
            scratch.touch(0o666)
            scratch.chmod(0o666)
        kept(stage, desk, path)
        assert other.read_text() == "theirs"
        assert not path.is_symlink()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not scratch.exists()

    def test_a_link_to_a_plan_stays_a_link(self, stage: Stage, desk: Desk, path: Path) -> None:
        link = path.with_name("today.json")
        link.symlink_to(path)
        kept(stage, desk, link)
        assert link.is_symlink()
        assert read_plan_file(path) == read_plan_file(link)

    def test_priority_is_untouched_until_it_is_applied(self, file: PlanFile, desk: Desk) -> None:
        assert desk.live("1").priority is P3
        assert file.changes["desk"][0].fields


def test_what_waits_for_its_history_is_not_decided_with_a_plan_file(stage: Stage, desk: Desk, path: Path) -> None:
    """Whoever applies a file asked for what is in it and for nothing else."""
    stage.run("desk")
    desk.world.histories_left = 0
    (waits,) = opened(desk, priority=P4)
    stage.clock.move(MINUTE)
    desk.world.update(waits, AGENT, status=Status.OPEN)
    stage.run("desk")
    (other,) = opened(desk)
    file = kept(stage, desk, path)
    desk.world.histories_left = 5
    applied, refused = apply_changes(desk.site, stage.around, file)
    assert (applied.written, refused) == (1, ())
    assert [each.id for each in stage.journal.awaited("desk", limit=9)] == [waits]
    stage.run("desk")
    assert (desk.live(waits).priority, desk.live(other).priority) == (P1, P1)
