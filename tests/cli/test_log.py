"""The log: levels and forms, masking, libraries, and that nothing can make it raise."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.cli.foreign import take_over_crashes, take_over_libraries
from connector.cli.log import Log
from connector.errors import Unavailable, what_failed, where_failed
from connector.helpdesks.transport import Redactor
from connector.ports import Alarm, AlarmKind

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
SECRET = 'canary-"9f8e7d'
ALARM = Alarm(kind=AlarmKind.FREEZE, site="zd", ticket="", message="frozen", remedy="resume", at=AT)


class Closed(io.StringIO):
    def write(self, _text: str) -> int:
        raise BrokenPipeError


def failure(error: Exception) -> Exception:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def libraries() -> Iterator[None]:
    root = logging.getLogger()
    before, levels = list(root.handlers), {n: logging.getLogger(n).level for n in ("urllib3", "zenpy", "jira")}
    yield
    root.handlers[:] = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", ["page_read", "policy_reloaded", "alarm"]),
        ("info", ["policy_reloaded", "alarm"]),
        ("warning", ["policy_reloaded", "alarm"]),
        ("error", ["alarm"]),
    ],
)
def test_level_decides_what_is_shown(level: str, shown: list[str]) -> None:
    stream = io.StringIO()
    log = Log(lambda: AT, level=level, stream=stream)
    log.event("page_read", site="zd", tickets=3)
    log.event("policy_reloaded", policy="abc")
    log.event("alarm", alarm=ALARM)
    assert [line["event"] for line in lines(stream)] == shown


@pytest.mark.parametrize("event", ["backup_failed", "notify_stopped", "ticket_failed", "upkeep_failed"])
def test_what_goes_wrong_beside_a_pass_is_a_warning_at_the_default_level(event: str) -> None:
    stream = io.StringIO()
    Log(lambda: AT, stream=stream).event(event, site="zd", why="no space left")
    (line,) = lines(stream)
    assert (line["level"], line["event"], line["why"]) == ("warning", event, "no space left")


def test_form_text_is_for_people_even_in_a_pipe_and_json_for_machines() -> None:
    text, machine = io.StringIO(), io.StringIO()
    Log(lambda: AT, form="text", stream=text).event("alarm", alarm=ALARM)
    Log(lambda: AT, form="json", stream=machine).event("alarm", alarm=ALARM)
    assert text.getvalue() == "09:30:00 ERROR zd ALARM freeze: frozen -> resume\n"
    assert lines(machine)[0]["event"] == "alarm"


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_in_any_form_reaches_a_line(form: str) -> None:
    stream = io.StringIO()
    redactor = Redactor([SECRET])
    log = Log(lambda: AT, clean=redactor.clean, level="debug", form=form, stream=stream)
    log.event("write_failed", site="zd", ticket="#1", error=Unavailable(f"token {SECRET} was refused"))
    log.event("page_read", site="zd", note=SECRET, nested={"a": [SECRET]})
    assert "canary" not in stream.getvalue()
    assert stream.getvalue().count("***") == 3


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "utf-8"])
@pytest.mark.parametrize("errors", ["strict", "backslashreplace"])
@pytest.mark.parametrize("why", ["Größe · 5 ≥ 4", "在庫", "\x85 and \\x85", "🚨"])
def test_a_line_for_machines_is_json_whatever_characters_the_stream_has(encoding: str, errors: str, why: str) -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding, errors=errors)
    Log(lambda: AT, form="json", stream=stream).event("policy_reloaded", policy=why)
    assert json.loads(written.getvalue().decode("utf-8"))["policy"] == why


def test_a_secret_is_masked_also_where_its_characters_have_to_be_written_out() -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="ascii")
    log = Log(lambda: AT, clean=Redactor(["canary-Größe"]).clean, form="json", stream=stream)
    log.event("policy_reloaded", policy="canary-Größe")
    assert json.loads(written.getvalue())["policy"] == "***"


def test_a_secret_learned_later_is_masked_from_then_on() -> None:
    stream = io.StringIO()
    redactor = Redactor()
    log = Log(lambda: AT, clean=redactor.clean, level="debug", stream=stream)
    redactor.learn("fresh-token-1")
    log.event("page_read", note="fresh-token-1")
    assert "fresh-token-1" not in stream.getvalue()


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("library", ["urllib3.connectionpool", "requests", "zenpy.lib.api", "jira"])
def test_libraries_speak_through_our_log_masked(library: str) -> None:
    stream = io.StringIO()
    take_over_libraries(Log(lambda: AT, clean=Redactor([SECRET]).clean, stream=stream))
    logging.getLogger(library).info("quiet")
    logging.getLogger(library).warning("loud %s", SECRET)
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["why"]) == ("library", "warning", "loud ***")


@pytest.mark.usefixtures("libraries")
def test_a_librarys_traceback_is_places_only() -> None:
    stream = io.StringIO()
    take_over_libraries(Log(lambda: AT, stream=stream))
    logging.getLogger("zenpy").error("could not read", exc_info=failure(KeyError("the customer's own words")))
    (line,) = lines(stream)
    assert line["error"] == "KeyError"
    assert "test_log.py" in line["where"]
    assert "customer" not in stream.getvalue()


@pytest.mark.usefixtures("libraries")
def test_a_long_message_is_masked_before_it_is_cut() -> None:
    stream = io.StringIO()
    take_over_libraries(Log(lambda: AT, clean=Redactor([SECRET]).clean, stream=stream))
    for before in range(280, 301):
        logging.getLogger("urllib3").warning("%s%s", "x" * before, SECRET)
    assert "canary" not in stream.getvalue()
    assert len(lines(stream)) == 21


@pytest.fixture
def hooks() -> Iterator[None]:
    before = sys.excepthook, threading.excepthook
    yield
    sys.excepthook, threading.excepthook = before


@pytest.mark.usefixtures("hooks")
def test_what_nobody_caught_is_one_line_without_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        raise ValueError(f"the customer's own words and {SECRET}")

    stream = io.StringIO()
    take_over_crashes(Log(lambda: AT, clean=Redactor([SECRET]).clean, stream=stream))
    thread = threading.Thread(target=fails, name="notify")
    thread.start()
    thread.join()
    error = failure(ValueError(SECRET))
    sys.excepthook(ValueError, error, error.__traceback__)
    told = lines(stream)
    assert [(line["event"], line["thread"], line["why"]) for line in told] == [
        ("crashed", "notify", "ValueError"),
        ("crashed", "main", "ValueError"),
    ]
    assert "test_log.py" in told[0]["where"]
    assert not [out for out in (stream.getvalue(), *capsys.readouterr()) if "customer" in out or "canary" in out]


@pytest.mark.usefixtures("libraries")
def test_taking_over_twice_does_not_double_lines() -> None:
    stream = io.StringIO()
    take_over_libraries(Log(lambda: AT, stream=io.StringIO()))
    take_over_libraries(Log(lambda: AT, stream=stream))
    logging.getLogger("jira").warning("once")
    assert len(lines(stream)) == 1


def test_a_closed_pipe_never_raises() -> None:
    log = Log(lambda: AT, stream=Closed())
    log.event("alarm", alarm=ALARM)
    log.event("alarm", alarm=ALARM)
    closed = io.StringIO()
    closed.close()
    Log(lambda: AT, stream=closed).event("alarm", alarm=ALARM)


def test_a_clock_that_has_ended_never_raises() -> None:
    def ended() -> datetime:
        raise Unavailable("the clock does not answer")

    stream = io.StringIO()
    Log(ended, stream=stream).event("alarm", alarm=ALARM)
    assert lines(stream)[0]["time"] is None


def test_an_event_that_cannot_be_told_is_told_by_its_kind() -> None:
    stream = io.StringIO()
    Log(lambda: AT, stream=stream).event("run_finished", site="zd")
    assert (lines(stream)[0]["event"], lines(stream)[0]["of"]) == ("log_failed", "run_finished")


def test_control_characters_cannot_forge_a_line() -> None:
    stream = io.StringIO()
    log = Log(lambda: AT, form="text", stream=stream)
    log.event("write_failed", site="zd", ticket="#1", error=Unavailable("x\n09:31:00 ERROR forged \x1b[2J"))
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


def test_a_strangers_error_is_told_without_its_words() -> None:
    assert what_failed(ValueError("the customer's own words")) == "ValueError"
    assert what_failed(Unavailable("no answer")) == "Unavailable: no answer"
    where = where_failed(failure(ValueError("the customer's own words")))
    assert "test_log.py" in where
    assert "customer" not in where


@pytest.mark.usefixtures("libraries")
def test_a_clock_whose_library_warns_does_not_ask_itself_for_ever() -> None:
    asked = 0

    def now() -> datetime:
        nonlocal asked
        asked += 1
        logging.getLogger("urllib3").warning("retrying")
        raise Unavailable("no clock")

    stream = io.StringIO()
    log = Log(now, stream=stream, form="json")
    take_over_libraries(log)
    log.event("library", library="x", severity="warning", why="one line")
    assert [(line["time"], line["why"]) for line in lines(stream)] == [(None, "one line")]
    assert asked == 1
