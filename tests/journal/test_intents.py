from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.change import Field
from connector.domain.occasion import Outcome, Said
from connector.domain.site import Effect
from connector.domain.situation import Applied
from connector.domain.ticket import Priority
from connector.errors import Busy, ConnectorError
from connector.journal.documents import digest_of
from connector.ports import OpStatus
from tests.journal.samples import (
    MINUTE,
    NOW,
    SITE,
    comment,
    field_change,
    receipt,
    record,
    store,
    ticket,
    verdict,
    write,
)


@pytest.fixture
def stored(journal):
    store(journal, ticket("1"), ticket("2"), ticket("3"))
    return journal


def _arm(journal, *writes, now=NOW, run="r1", job=""):
    return journal.arm(SITE, [(one, "digest-" + one.key) for one in writes], run=run, now=now, job=job)


def _load(journal, id_="1", now=NOW):
    (found,) = journal.load(SITE, [id_], now=now)
    return found


def _raw(state):
    return b"".join(path.read_bytes() for path in state.parent.glob("state.db*"))


# ---- intent


def test_an_armed_write_is_in_the_journal_before_anything_is_sent(stored, reopen):
    (armed,) = _arm(stored, write(comment=comment()))
    assert (armed.status, armed.attempts, armed.sent_at) == (OpStatus.SENDING, 1, NOW)
    assert armed.request_digest == "digest-k1"
    assert armed.write == write(comment=comment())
    (found,) = reopen().sending(SITE)
    assert found.id == armed.id
    assert found.write.comment.body == "SECRET-BODY in words"
    assert found.write.comment.notice.values == {}


def test_a_ticket_takes_one_write_at_a_time(stored):
    _arm(stored, write())
    with pytest.raises(Busy, match="zd:1"):
        _arm(stored, write(key="k2"))
    with pytest.raises(Busy):
        _arm(stored, write(key="k1"))
    with pytest.raises(Busy):
        _arm(stored, write("2", "k2"), write("2", "k3"))
    assert len(stored.sending(SITE)) == 1


def test_of_a_bulk_with_a_busy_ticket_nothing_is_armed(stored):
    _arm(stored, write("2", "k2"))
    with pytest.raises(Busy):
        _arm(stored, write("1"), write("2", "k9"), write("3", "k3"))
    assert [op.write.key for op in stored.sending(SITE)] == ["k2"]


def test_a_key_that_is_done_returns_its_row_and_is_not_armed_again(stored):
    (armed,) = _arm(stored, write())
    stored.settle(armed, receipt(), now=NOW)
    settled, fresh = _arm(stored, write(), write("2", "k2"), now=NOW + MINUTE)
    assert (settled.id, settled.status, settled.remote_id) == (armed.id, OpStatus.DONE, "r-1")
    assert fresh.status is OpStatus.SENDING


def test_a_parked_key_is_not_armed_again(stored):
    (armed,) = _arm(stored, write())
    stored.fail(armed, OpStatus.PARKED, "nobody knows", now=NOW)
    (parked,) = _arm(stored, write(), now=NOW + MINUTE)
    assert (parked.status, parked.why) == (OpStatus.PARKED, "nobody knows")
    assert stored.sending(SITE) == ()


def test_a_failed_key_is_armed_again_as_another_attempt(stored):
    (armed,) = _arm(stored, write())
    stored.fail(armed, OpStatus.FAILED, "throttled", now=NOW)
    (again,) = _arm(stored, write(seen="v7"), now=NOW + MINUTE, run="r2")
    assert (again.id, again.attempts, again.run, again.why) == (armed.id, 2, "r2", "")
    assert (again.sent_at, again.settled_at, again.write.seen) == (NOW + MINUTE, None, "v7")


def test_the_same_key_on_another_ticket_is_another_write(stored):
    one, other = _arm(stored, write("1", "k"), write("2", "k"))
    assert one.id != other.id


def test_a_bulk_keeps_its_order_and_its_job(stored):
    ops = _arm(stored, write("3", "k3"), write("1", "k1"), write("2", "k2"), job="early")
    assert [op.write.key for op in ops] == ["k3", "k1", "k2"]
    stored.attach_job(ops[:2], "job-7")
    assert {op.write.key: op.job for op in stored.sending(SITE)} == {"k3": "job-7", "k1": "job-7", "k2": "early"}


def test_open_intents_come_oldest_first(stored):
    _arm(stored, write("2", "k2"), now=NOW + MINUTE)
    _arm(stored, write("1", "k1"), now=NOW)
    assert [op.write.key for op in stored.sending(SITE)] == ["k1", "k2"]
    assert stored.sending("other") == ()


def _again(journal, armed, *, now=NOW + MINUTE):
    return journal.arm_again(armed, "digest-again", run="r2", now=now, sent_at=now)


def test_a_comment_that_is_looked_for_holds_up_comments_alone(stored):
    (said,) = _arm(stored, write(key="c1", comment=comment()))
    (fields,) = _arm(stored, write(key="f1"))
    assert {op.id for op in stored.sending(SITE)} == {said.id, fields.id}
    with pytest.raises(Busy):
        _arm(stored, write(key="f2"))
    stored.settle(fields, receipt("f1"), now=NOW)
    with pytest.raises(Busy):
        _arm(stored, write(key="c2", comment=comment("x:2")))


def test_another_copy_keeps_the_words_and_moves_the_moments(stored, reopen):
    (first,) = _arm(stored, write(comment=comment()))
    stored.look_again(first, at=NOW + MINUTE, absent_at=NOW)
    again = _again(stored, first)
    assert (again.attempts, again.resent, again.run, again.absent_at) == (2, 1, "r2", None)
    (found,) = reopen().sending(SITE)
    assert found.write.comment.body == "SECRET-BODY in words"
    assert (found.sent_at, found.request_digest, found.stamp) == (NOW + MINUTE, "digest-again", "v1")


def test_a_copy_that_never_left_was_never_armed(stored):
    (first,) = _arm(stored, write(comment=comment()))
    stored.look_again(first, at=NOW + MINUTE, absent_at=NOW)
    (before,) = stored.sending(SITE)
    _again(stored, before)
    stored.not_resent(before)
    assert stored.sending(SITE) == (before,)


def test_who_holds_an_older_reading_of_a_row_moves_nothing(stored):
    (first,) = _arm(stored, write(comment=comment()))
    second = _again(stored, first)
    for move in (
        lambda: stored.settle(first, receipt(), now=NOW),
        lambda: stored.fail(first, OpStatus.FAILED, "?", now=NOW),
        lambda: stored.look_again(first, at=NOW, absent_at=None),
        lambda: _again(stored, first),
    ):
        with pytest.raises(ConnectorError):
            move()
    stored.settle(second, receipt(), now=NOW)
    assert stored.sending(SITE) == ()


def test_the_journal_wakes_for_what_is_looked_for(stored):
    (armed,) = _arm(stored, write(comment=comment()))
    assert stored.next_due(SITE, after=NOW) == NOW + timedelta(seconds=5)
    stored.look_again(armed, at=NOW + 2 * MINUTE, absent_at=None)
    assert stored.next_due(SITE, after=NOW + MINUTE) == NOW + 2 * MINUTE
    stored.settle(armed, receipt(), now=NOW)
    assert stored.next_due(SITE, after=NOW + MINUTE) is None


def test_what_was_sent_twice_is_watched_when_it_is_done(stored):
    (first,) = _arm(stored, write(comment=comment()))
    stored.settle(_again(stored, first), receipt(), now=NOW)
    assert stored.watched(SITE, now=NOW + 4 * MINUTE) == ()
    (watched,) = stored.watched(SITE, now=NOW + 5 * MINUTE)
    stored.look_again(watched, at=None, absent_at=None)
    assert stored.watched(SITE, now=NOW + timedelta(days=9)) == ()


def test_a_ticket_that_changes_under_our_hands_is_left_alone_for_a_while(stored):
    at = NOW
    for n in range(6):
        (armed,) = _arm(stored, write(key=f"k{n}"), now=at)
        stored.conflict(armed, "changed since it was seen", now=at)
        at += MINUTE * (n < 5)
    with pytest.raises(Busy, match="6 times in a row"):
        _arm(stored, write(key="k7"), now=at)
    (armed,) = _arm(stored, write(key="k7"), now=at + MINUTE)
    stored.settle(armed, receipt("k7"), now=at + MINUTE)
    _arm(stored, write(key="k8"), now=at + 2 * MINUTE)


def _conflicts(journal, count, *, at=NOW, of="1", key="c"):
    """Let a ticket change under our hands, once a minute; return the moment of the last time."""
    for n in range(count):
        (armed,) = _arm(journal, write(of, f"{key}{n}"), now=at + n * MINUTE)
        journal.conflict(armed, "changed since it was seen", now=at + n * MINUTE)
    return at + (count - 1) * MINUTE


@pytest.mark.parametrize(("more", "minutes"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 15), (9, 15)])
def test_each_further_conflict_doubles_the_wait_up_to_a_quarter_of_an_hour(stored, more, minutes):
    last = _conflicts(stored, 5)
    for n in range(more):
        last += 15 * MINUTE
        (armed,) = _arm(stored, write(key=f"m{n}"), now=last)
        stored.conflict(armed, "changed", now=last)
    with pytest.raises(Busy, match=f"{5 + more} times in a row") as refused:
        _arm(stored, write(key="next"), now=last + minutes * MINUTE - timedelta(microseconds=1))
    assert refused.value.remedy == "look who else writes to this ticket: connector log --ticket"
    _arm(stored, write(key="next"), now=last + minutes * MINUTE)


def test_conflicts_in_a_row_are_those_of_one_ticket_since_its_last_success(stored):
    last = _conflicts(stored, 6)
    (armed,) = _arm(stored, write(key="done"), now=last + MINUTE)
    stored.settle(armed, receipt("done"), now=last + MINUTE)
    (failed,) = _arm(stored, write(key="failed"), now=last + 2 * MINUTE)
    stored.fail(failed, OpStatus.FAILED, "throttled", now=last + 2 * MINUTE)
    _conflicts(stored, 5, at=last + 3 * MINUTE, key="d")  # five more are not six
    _arm(stored, write(key="e"), now=last + 8 * MINUTE)
    _conflicts(stored, 5, at=last + 3 * MINUTE, of="2")
    _arm(stored, write("2", "e"), now=last + 8 * MINUTE)


def test_a_success_elsewhere_ends_no_row_of_conflicts(stored):
    last = _conflicts(stored, 6)
    (other,) = _arm(stored, write("2", "done"), now=last + timedelta(seconds=1))
    stored.settle(other, receipt("done"), now=last + timedelta(seconds=1))
    with pytest.raises(Busy, match="6 times in a row"):
        _arm(stored, write(key="next"), now=last + timedelta(seconds=2))


def test_a_job_is_noted_on_what_is_still_on_its_way(stored):
    first, second = _arm(stored, write("1", "k1"), write("2", "k2"), job="early")
    stored.settle(first, receipt("k1"), now=NOW)
    stored.attach_job([first, second], "late")
    assert {op.write.key: op.job for op in stored.records().ops()} == {"k1": "early", "k2": "late"}


def test_the_next_look_is_told_whether_or_not_it_is_past(stored):
    _arm(stored, write(), now=NOW)
    stored.store_verdicts(SITE, [verdict(id_, due=None) for id_ in ("1", "2", "3")], run="r")
    soon = NOW + timedelta(seconds=5)
    assert (stored.next_due(SITE), stored.next_due(SITE, after=NOW)) == (soon, soon)
    assert stored.next_due(SITE, after=soon) is None


def test_a_look_in_vain_is_remembered_with_its_moment(stored):
    (armed,) = _arm(stored, write(comment=comment()))
    stored.look_again(armed, at=NOW + MINUTE, absent_at=NOW + timedelta(seconds=7))
    (found,) = stored.sending(SITE)
    assert (found.look_at, found.absent_at) == (NOW + MINUTE, NOW + timedelta(seconds=7))


def test_a_copy_is_sent_at_the_helpdesks_moment_and_by_nobodys_order(stored):
    (first,) = _arm(stored, write(comment=comment()))
    again = stored.arm_again(first, "d", run="r2", now=NOW + MINUTE, sent_at=NOW + 2 * MINUTE)
    assert (again.sent_at, again.look_at) == (NOW + 2 * MINUTE, NOW + MINUTE + timedelta(seconds=5))
    assert again.ordered_by == ""


# ---- what the audit tells of each


FATES = {
    "failed": lambda j, op: j.fail(op, OpStatus.FAILED, "why", now=NOW + MINUTE),
    "conflict": lambda j, op: j.conflict(op, "why", now=NOW + MINUTE),
    "withdrawn": lambda j, op: j.withdraw(op, "why", now=NOW + MINUTE),
    "parked": lambda j, op: j.fail(op, OpStatus.PARKED, "why", now=NOW + MINUTE),
    "rejected": lambda j, op: j.reject(op, "why", now=NOW + MINUTE),
}


@pytest.mark.parametrize("fate", FATES)
def test_every_end_of_a_write_has_its_line_in_the_audit(stored, fate):
    (armed,) = _arm(stored, write(comment=comment()))
    FATES[fate](stored, armed)
    line = stored.records().events()[-1]
    assert line.kind == ("failed" if fate == "conflict" else fate)
    assert (line.at, line.ticket, line.data["error"], line.actor) == (NOW + MINUTE, "1", "why", "connector")


def test_who_drops_a_write_stands_in_the_audit(stored):
    stored.drop(_parked(stored), now=NOW + MINUTE, actor="kim")
    line = stored.records().events()[-1]
    assert (line.kind, line.at, line.ticket, line.actor) == ("dropped", NOW + MINUTE, "1", "kim")


# ---- what a person does with a parked one


def _parked(journal):
    (armed,) = _arm(journal, write(comment=comment()))
    journal.fail(armed, OpStatus.PARKED, "nobody knows", now=NOW)
    (found,) = journal.records().ops(status=OpStatus.PARKED)
    return found


def test_an_order_opens_a_parked_write_again_and_a_second_order_changes_nothing(stored):
    found = _parked(stored)
    stored.order_resend(found, now=NOW + MINUTE, actor="kim")
    (open_,) = stored.sending(SITE)
    assert (open_.ordered_by, open_.look_at, open_.write.comment.body) == ("kim", NOW + MINUTE, "SECRET-BODY in words")
    stored.order_resend(found, now=NOW + MINUTE, actor="kim")
    assert [(e.kind, e.actor) for e in stored.records().events()][-1] == ("resend-ordered", "kim")
    assert _load(stored).said["threshold:1", Effect.NOTES].outcome is Outcome.PARKED


@pytest.mark.parametrize(("read", "holds"), [(True, True), (False, False)])
def test_what_the_texts_words_say_holds_for_our_own_version_where_it_held_for_the_one_before(stored, read, holds):
    """What we write is no part of the text that lists of words read; what was not read yet is still to be read."""
    store(stored, ticket(version="v1+", updated_at=NOW), text_hits={"words": True} if read else None)
    (armed,) = _arm(stored, write(seen="v1+"))
    stored.settle(armed, receipt(version="v2"), now=NOW)
    found = _load(stored)
    assert found.ticket.version == "v2"
    assert (found.text_version == "v2") == holds


def test_an_order_sends_the_comment_alone(stored):
    """The fields that it came with were planned anew when it was parked."""
    (armed,) = _arm(stored, write(fields=[field_change()], comment=comment()))
    stored.fail(armed, OpStatus.PARKED, "nobody knows", now=NOW)
    (found,) = stored.records().ops(status=OpStatus.PARKED)
    stored.order_resend(found, now=NOW + MINUTE, actor="kim")
    (open_,) = stored.sending(SITE)
    assert (open_.write.fields, open_.write.comment.body) == ((), comment().body)


def test_an_order_waits_for_another_open_comment(stored):
    found = _parked(stored)
    _arm(stored, write(key="k2", comment=comment("x:2")))
    with pytest.raises(Busy, match="zd:1: another comment is on its way") as refused:
        stored.order_resend(found, now=NOW, actor="kim")
    assert refused.value.remedy == "try again when it is settled"


def test_an_order_waits_for_nothing_else(stored):
    """Neither for a write of fields, nor for a comment on another ticket or one that is done."""
    found = _parked(stored)
    _arm(stored, write(key="fields"), write("2", "k2", comment=comment("x:2")))
    (done,) = _arm(stored, write("3", "k3", comment=comment("x:3")))
    stored.settle(done, receipt("k3"), now=NOW)
    stored.order_resend(found, now=NOW + MINUTE, actor="kim")
    (open_,) = [op for op in stored.sending(SITE) if op.id == found.id]
    assert (open_.resent, open_.why, open_.absent_at) == (0, "", None)


def test_an_order_begins_to_count_anew(stored):
    (first,) = _arm(stored, write(comment=comment()))
    again = _again(stored, first)
    stored.fail(again, OpStatus.PARKED, "nobody knows", now=NOW)
    (found,) = stored.records().ops(status=OpStatus.PARKED)
    stored.order_resend(found, now=NOW + MINUTE, actor="kim")
    (open_,) = stored.sending(SITE)
    assert (open_.resent, open_.why) == (0, "")


def test_a_dropped_write_is_passed_over_and_its_text_goes(stored):
    stored.drop(_parked(stored), now=NOW + MINUTE, actor="kim")
    (found,) = stored.records().ops()
    assert (found.status, found.why, found.write.comment.body) == (OpStatus.FAILED, "dropped by kim", "")
    assert _load(stored).said["threshold:1", Effect.NOTES].outcome is Outcome.SUPERSEDED


def test_a_found_write_is_done_by_whoever_found_it(stored):
    stored.settle(_parked(stored), receipt(), now=NOW + MINUTE, actor="kim")
    assert [(e.kind, e.actor) for e in stored.records().events()][-1] == ("write", "kim")
    assert _load(stored).said["threshold:1", Effect.NOTES].outcome is Outcome.DONE


def test_a_withdrawn_write_is_passed_over(stored):
    (armed,) = _arm(stored, write(comment=comment()))
    stored.withdraw(armed, "a later level speaks", now=NOW)
    assert _load(stored).said["threshold:1", Effect.NOTES].outcome is Outcome.SUPERSEDED
    assert stored.sending(SITE) == ()


# ---- outcomes


def test_settling_stores_values_occasions_and_the_ticket_as_it_stands_now(stored):
    fields = (
        field_change(),
        field_change(Field.LEVEL, "2", None),
        field_change(Field.LABELS, "esc vip", ""),
        field_change(Field.GROUP, "second-line", "service-desk"),
        field_change(Field.NEXT_DUE, "2026-11-22T13:00:00Z", None),
    )
    (armed,) = _arm(stored, write(fields=fields, comment=comment(covers=("threshold:2",))))
    stored.settle(armed, receipt(), now=NOW + 2 * MINUTE)
    found = _load(stored)
    assert found.applied[Field.PRIORITY] == Applied(value="P1", at=NOW + MINUTE)
    assert found.applied[Field.NEXT_DUE].value == "2026-11-22T13:00:00Z"
    said = Said(outcome=Outcome.DONE, at=NOW + MINUTE)
    assert found.said["threshold:1", Effect.NOTES] == found.said["threshold:2", Effect.NOTES] == said
    assert found.said["set:priority:P1", Effect.FIELDS] == found.said["set:group:second-line", Effect.ASSIGN] == said
    live = found.ticket
    assert (live.priority, live.level, live.group, live.labels) == (Priority.P1, 2, "second-line", {"esc", "vip"})
    assert live.version == found.own_version == "v2"
    assert stored.previous(SITE, ["1", "404"])["1"].own_version == "v2"
    assert stored.previous(SITE, ["1"])["1"].applied == found.applied


def test_the_echo_of_our_own_write_only_moves_what_the_helpdesk_added(stored):
    (armed,) = _arm(stored, write())
    stored.settle(armed, receipt(), now=NOW)
    echo = ticket(version="v2", updated_at=NOW + MINUTE, priority=Priority.P1)
    assert store(stored, echo) == 1
    assert store(stored, echo) == 0


def test_a_found_write_does_not_undo_what_was_seen_later(stored):
    (armed,) = _arm(stored, write())
    store(stored, ticket(version="v5", updated_at=NOW, priority=Priority.P4))  # a person, meanwhile
    stored.settle(armed, receipt(version=""), now=NOW)
    found = _load(stored)
    assert (found.ticket.priority, found.ticket.version, found.own_version) == (Priority.P4, "v5", "")
    assert found.applied[Field.PRIORITY].value == "P1"


def test_the_second_write_of_a_change_builds_on_the_first(stored):
    (fields,) = _arm(stored, write())
    stored.settle(fields, receipt(version="v2"), now=NOW)
    (note,) = _arm(stored, write(key="k2", comment=comment()))  # still carries the version that was decided on
    stored.settle(note, receipt("k2", version="v3"), now=NOW)
    found = _load(stored)
    assert (found.ticket.version, found.ticket.priority, found.own_version) == ("v3", Priority.P1, "v3")
    (unnamed,) = _arm(stored, write(key="k3", seen="v3"))
    stored.settle(unnamed, receipt("k3", version=""), now=NOW)
    assert _load(stored).own_version == "v3"  # the answer did not say: the last one that is known


def test_settling_twice_is_settling_once(stored):
    (armed,) = _arm(stored, write())
    stored.settle(armed, receipt(), now=NOW)
    stored.settle(armed, receipt(version="v9"), now=NOW)
    assert _load(stored).own_version == "v2"
    assert stored.spent(SITE, windows={Effect.FIELDS: NOW - MINUTE}, now=NOW).used == {Effect.FIELDS: 1}
    assert len(stored.records().events()) == 1


@pytest.mark.parametrize("end", ["settle", "fail", "reject"])
def test_the_text_goes_when_an_intent_settles_and_its_digest_stays(stored, end):
    (armed,) = _arm(stored, write(comment=comment()))
    if end == "settle":
        stored.settle(armed, receipt(), now=NOW)
    elif end == "fail":
        stored.fail(armed, OpStatus.FAILED, "throttled", now=NOW)
    else:
        stored.reject(armed, "closed", now=NOW)
    (found,) = stored.records().ops()
    assert found.write.comment.body == ""
    assert found.write.comment.key == armed.write.comment.key
    assert found.write.fields == armed.write.fields
    (line,) = stored.records().events()
    assert line.data["text"] == digest_of("SECRET-BODY in words")
    assert "SECRET" not in str(line)


def test_what_a_template_was_given_never_reaches_the_disk(stored, state):
    (armed,) = _arm(stored, write(comment=comment()))
    stored.fail(armed, OpStatus.PARKED, "?", now=NOW)
    assert b"SECRET-BODY" in _raw(state)  # needed until a person settles it
    assert b"SECRET-SUBJECT" not in _raw(state)


def test_a_parked_comment_is_never_said_again_by_itself_but_can_be_found_later(stored):
    (armed,) = _arm(stored, write(fields=(field_change(),), comment=comment(covers=("threshold:2",))))
    stored.fail(armed, OpStatus.PARKED, "not found", now=NOW)
    said = _load(stored).said
    assert {name: row.outcome for (name, _), row in said.items()} == {
        "threshold:1": Outcome.PARKED,
        "threshold:2": Outcome.PARKED,
    }
    assert stored.sending(SITE) == ()
    stored.settle(armed, receipt(), now=NOW + MINUTE)
    assert _load(stored).said["threshold:1", Effect.NOTES].outcome is Outcome.DONE
    used = stored.spent(SITE, windows={Effect.NOTES: NOW - MINUTE}, now=NOW + MINUTE).used
    assert used == {Effect.NOTES: 1}


def test_a_rejected_write_closes_all_its_occasions(stored):
    (armed,) = _arm(stored, write(fields=(field_change(),), comment=comment()))
    stored.reject(armed, "field is not on the screen", now=NOW)
    found = _load(stored)
    assert {row.outcome for row in found.said.values()} == {Outcome.REJECTED}
    assert len(found.said) == 2
    assert found.applied == {}
    (op,) = stored.records().ops(status=OpStatus.FAILED)
    assert (op.why, op.settled_at) == ("field is not on the screen", NOW)


def test_a_failed_write_leaves_its_occasions_open(stored):
    (armed,) = _arm(stored, write(comment=comment()))
    stored.fail(armed, OpStatus.FAILED, "throttled", now=NOW)
    assert _load(stored).said == {}


def test_done_is_the_last_word(stored):
    (armed,) = _arm(stored, write(comment=comment("x:1")))
    stored.settle(armed, receipt(), now=NOW)
    for end in (
        lambda: stored.fail(armed, OpStatus.FAILED, "?", now=NOW),
        lambda: stored.fail(armed, OpStatus.PARKED, "?", now=NOW),
        lambda: stored.reject(armed, "?", now=NOW),
    ):
        with pytest.raises(ConnectorError, match="done"):
            end()
    stored.store_verdicts(SITE, [verdict(records=(record(outcome=Outcome.SUPERSEDED),))], run="r")
    assert _load(stored).said["x:1", Effect.NOTES].outcome is Outcome.DONE


def test_an_intent_that_was_never_armed_cannot_be_settled(stored):
    (armed,) = _arm(stored, write())
    with pytest.raises(ConnectorError, match="not in the journal"):
        stored.settle(replace(armed, id=999), receipt(), now=NOW)


def test_a_done_note_closes_what_shadow_had_silenced(stored):
    stored.store_verdicts(SITE, [verdict(records=(record(outcome=Outcome.SILENCED),))], run="r")
    (armed,) = _arm(stored, write(comment=comment("x:1")))
    stored.settle(armed, receipt(), now=NOW)
    assert _load(stored).said["x:1", Effect.NOTES].outcome is Outcome.DONE


# ---- budgets and notes


def test_each_effect_of_a_write_counts_once_within_its_window(stored):
    (first,) = _arm(
        stored, write(fields=(field_change(), field_change(Field.LEVEL, "2"), field_change(Field.GROUP, "g")))
    )
    stored.settle(first, receipt(), now=NOW)
    (second,) = _arm(stored, write("2", "k2", comment=comment(audience=Effect.PUBLIC)))
    stored.settle(second, receipt("k2"), now=NOW + 10 * MINUTE)
    windows = dict.fromkeys(Effect, NOW - MINUTE)
    spent = stored.spent(SITE, windows=windows, now=NOW + 10 * MINUTE)
    assert spent.used == {Effect.FIELDS: 1, Effect.ASSIGN: 1, Effect.NOTES: 0, Effect.PUBLIC: 1}
    assert spent.by_ticket == {(Effect.FIELDS, "1"): 1, (Effect.ASSIGN, "1"): 1, (Effect.PUBLIC, "2"): 1}
    later = stored.spent(SITE, windows={Effect.FIELDS: NOW + MINUTE}, now=NOW + timedelta(hours=25))
    assert later.used == {Effect.FIELDS: 0}
    assert later.by_ticket == {}


def test_a_regular_update_uses_no_tickets_share(stored):
    (armed,) = _arm(stored, write(comment=comment("update:1", audience=Effect.PUBLIC)))
    stored.settle(armed, receipt(), now=NOW)
    spent = stored.spent(SITE, windows={Effect.PUBLIC: NOW - MINUTE}, now=NOW)
    assert spent.used == {Effect.PUBLIC: 1}
    assert (Effect.PUBLIC, "1") not in spent.by_ticket


def test_a_failed_write_costs_nothing(stored):
    (armed,) = _arm(stored, write())
    stored.fail(armed, OpStatus.FAILED, "refused", now=NOW)
    assert stored.spent(SITE, windows={Effect.FIELDS: NOW - MINUTE}, now=NOW).used == {Effect.FIELDS: 0}


def test_notes_of_the_last_day_are_counted_whoever_reads_them(stored):
    for number, (audience, sent) in enumerate(
        [(Effect.NOTES, NOW - timedelta(hours=30)), (Effect.NOTES, NOW - timedelta(hours=2)), (Effect.PUBLIC, NOW)]
    ):
        (armed,) = _arm(stored, write(key=f"k{number}", comment=comment(f"x:{number}", audience=audience)), now=sent)
        stored.settle(armed, receipt(f"k{number}"), now=sent)
    (fields,) = _arm(stored, write(key="fields"), now=NOW + MINUTE)
    stored.settle(fields, receipt("fields"), now=NOW + MINUTE)
    (failed,) = _arm(stored, write(key="failed", comment=comment("x:9")), now=NOW + MINUTE)
    stored.fail(failed, OpStatus.FAILED, "refused", now=NOW + MINUTE)
    found = _load(stored, now=NOW + 2 * MINUTE)
    assert (found.notes_today, found.last_note_at) == (2, NOW)
    assert (_load(stored, "2").notes_today, _load(stored, "2").last_note_at) == (0, None)


def test_a_note_that_is_still_looked_for_does_not_keep_itself_from_being_wanted(stored):
    (armed,) = _arm(stored, write(comment=comment()))
    assert (_load(stored).notes_today, _load(stored).last_note_at) == (0, None)
    stored.fail(armed, OpStatus.PARKED, "nobody knows", now=NOW)
    assert _load(stored).notes_today == 1
