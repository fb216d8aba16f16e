"""What one answer means: the table of statuses, and that nothing but a readable 2xx counts as applied."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import Conflict, Denied, Rejected, Throttled, Unknown
from connector.helpdesks.transport.outcome import (
    LONGEST_WAIT,
    Outcome,
    Reply,
    classify,
    error_of,
    http_date,
    retry_after,
)

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
JSON = {"content-type": "application/json; charset=utf-8"}
REFUSED = {400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429}

statuses = st.integers(100, 599)
bodies = st.sampled_from(
    [b"", b"  \n", b'{"id": 1}', b"[1]", b"<html>login</html>", b"ok", b'"ok"', b"null", b"\xff\xfe"]
)
kinds = st.sampled_from(["", "application/json", "application/problem+json", "text/html", "text/plain"])


def reply(status: int, body: bytes = b"{}", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers={**JSON, **named}, body=body, at=NOW)


@given(statuses, bodies, kinds, st.booleans())
def test_only_a_readable_2xx_was_applied(status: int, body: bytes, kind: str, empty: bool) -> None:
    found = classify(Reply(status=status, headers={"content-type": kind}, body=body, at=NOW), empty=empty)
    nothing = not body.strip() and (empty or status == 204)
    readable = "json" in kind and (body.lstrip()[:1] in {b"{", b"["} or (empty and body in {b'"ok"', b"null"}))
    assert (found is Outcome.APPLIED) is (200 <= status < 300 and (nothing or readable))


@given(statuses.filter(lambda status: not 200 <= status < 300), bodies, kinds)
def test_whatever_is_not_documented_as_a_refusal_is_unknown(status: int, body: bytes, kind: str) -> None:
    found = classify(Reply(status=status, headers={"content-type": kind}, body=body, at=NOW))
    assert (found is Outcome.UNKNOWN) is (status not in REFUSED)


@pytest.mark.parametrize(
    ("status", "outcome", "error"),
    [
        *((status, Outcome.REJECTED, Rejected) for status in (400, 404, 405, 410, 413, 415, 422)),
        *((status, Outcome.DENIED, Denied) for status in (401, 403)),
        (409, Outcome.CONFLICT, Conflict),
        (429, Outcome.THROTTLED, Throttled),
        *((status, Outcome.UNKNOWN, Unknown) for status in (200, 302, 307, 408, 418, 425, 500, 502, 503, 504)),
    ],
)
def test_every_outcome_has_its_error(status: int, outcome: Outcome, error: type[Exception]) -> None:
    answer = reply(status, b"" if status == 200 else b"{}")
    assert classify(answer) is outcome
    raised = error_of(answer, outcome, what="POST comment")
    assert type(raised) is error
    assert str(status) in str(raised)
    assert "POST comment" in str(raised)


@pytest.mark.parametrize(
    ("status", "body", "empty", "outcome"),
    [
        (199, b"{}", True, Outcome.UNKNOWN),
        (200, b"", True, Outcome.APPLIED),
        (200, b" \n", True, Outcome.APPLIED),
        (200, b"", False, Outcome.UNKNOWN),
        (200, b'"ok"', True, Outcome.APPLIED),
        (200, b'"ok"', False, Outcome.UNKNOWN),
        (200, b'"cut off', True, Outcome.UNKNOWN),
        (204, b"", False, Outcome.APPLIED),
        (205, b"", False, Outcome.UNKNOWN),
        (299, b"[]", False, Outcome.APPLIED),
        (300, b"{}", True, Outcome.UNKNOWN),
    ],
)
def test_the_edges_of_success(status: int, body: bytes, empty: bool, outcome: Outcome) -> None:
    assert classify(reply(status, body), empty=empty) is outcome


@pytest.mark.parametrize("status", sorted(REFUSED - {401, 403, 409, 429}))
def test_only_what_is_not_there_is_absent(status: int) -> None:
    error = error_of(reply(status), Outcome.REJECTED, what="GET issue")
    assert isinstance(error, Rejected)
    assert error.absent is (status == 404)
    assert str(error) == f"GET issue: rejected, status {status}"


@pytest.mark.parametrize(
    ("status", "about", "words", "remedy"),
    [
        (401, "credentials", "the credentials are not accepted", "check this site's credentials"),
        (403, "permission", "the account lacks a permission", "give this site's account what it needs"),
    ],
)
def test_a_denial_says_what_about_and_what_to_do(status: int, about: str, words: str, remedy: str) -> None:
    error = error_of(reply(status), Outcome.DENIED, what="PUT edit")
    assert isinstance(error, Denied)
    assert (error.about, error.remedy) == (about, remedy)
    assert str(error) == f"{words} (PUT edit: denied, status {status})"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (reply(200, b"<html>", content_type="text/html"), "status 200 without a readable body (text/html, 6 bytes)"),
        (
            Reply(status=299, headers={}, body=b"", at=NOW),
            "status 299 without a readable body (no content type, 0 bytes)",
        ),
        (reply(300), "redirect 300 refused"),
        (reply(399), "redirect 399 refused"),
        (reply(400), "unknown, status 400"),
        (reply(199), "unknown, status 199"),
    ],
)
def test_an_unclear_answer_is_summed_up_without_its_text(answer: Reply, words: str) -> None:
    assert str(error_of(answer, Outcome.UNKNOWN, what="POST comment")) == f"POST comment: {words}"


def test_a_wait_that_is_a_date_counts_from_the_answer() -> None:
    answer = reply(429, retry_after=format_datetime(NOW + timedelta(seconds=90), usegmt=True))
    error = error_of(answer, Outcome.THROTTLED, what="GET search")
    assert isinstance(error, Throttled)
    assert error.retry_after == timedelta(seconds=90)


def test_a_conflict_names_its_request() -> None:
    error = error_of(reply(409), Outcome.CONFLICT, what="PUT update")
    assert str(error) == "PUT update: conflict, status 409"


@given(st.text(max_size=20) | st.floats().map(str) | st.integers(-(10**30), 10**30).map(str))
def test_a_wait_is_bounded_whatever_is_asked_for(stated: str) -> None:
    assert timedelta(seconds=1) <= retry_after({"retry-after": stated}, NOW) <= LONGEST_WAIT


@given(st.integers(2, 800))
def test_a_wait_is_the_helpdesks_own_in_either_form(seconds: int) -> None:
    wait = timedelta(seconds=seconds)
    assert retry_after({"retry-after": str(seconds)}, NOW) == wait
    assert retry_after({"retry-after": format_datetime(NOW + wait, usegmt=True)}, NOW) == wait


def test_without_a_wish_it_is_a_second() -> None:
    assert retry_after({}, NOW) == timedelta(seconds=1)


@pytest.mark.parametrize(
    ("headers", "scope"),
    [
        ({"ratelimit_reason": "jira-per-issue-on-write"}, "ticket"),
        ({"ratelimit_reason": "jira-burst-based"}, "endpoint"),
        ({"ratelimit_reason": "jira-quota-tenant-based"}, "site"),
        ({"x_rate_limit_remaining": "12"}, "endpoint"),
        ({"x_rate_limit_remaining": "0"}, "site"),
        ({}, "site"),
    ],
)
def test_how_much_has_to_wait(headers: dict[str, str], scope: str) -> None:
    answer = reply(429, **headers)
    error = error_of(answer, classify(answer), what="PUT update")
    assert isinstance(error, Throttled)
    assert error.scope == scope


@pytest.mark.parametrize("text", ["", "soon", "2026-11-23T09:00:00Z", "Mon, 99 Nov 2026 09:00:00 GMT"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert http_date(text) is None


@pytest.mark.parametrize("zone", ["GMT", "+0000", "-0000"])
def test_dates_are_in_utc(zone: str) -> None:
    at = http_date(f"Mon, 23 Nov 2026 09:00:00 {zone}")
    assert at == NOW
    assert at.tzinfo is UTC


def test_a_date_of_another_zone_is_turned() -> None:
    assert http_date("Mon, 23 Nov 2026 10:30:00 +0130") == NOW


@pytest.mark.parametrize(
    ("headers", "body", "outcome"),
    [
        ({}, b"{}", Outcome.UNKNOWN),
        (JSON, b" \n{} ", Outcome.APPLIED),
        (JSON, b"{}]", Outcome.APPLIED),
        (JSON, b"XX", Outcome.UNKNOWN),
        ({"content-type": "text/html"}, b"{}", Outcome.UNKNOWN),
    ],
)
def test_a_body_counts_by_its_kind_and_its_first_sign(headers: dict[str, str], body: bytes, outcome: Outcome) -> None:
    assert classify(Reply(status=200, headers=headers, body=body, at=NOW)) is outcome
