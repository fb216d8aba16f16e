"""What a ``sync`` or an ``apply`` answers while it holds the state."""

from __future__ import annotations

import socket
import stat

import pytest

from connector.bootstrap.answering import answering
from connector.engine.control import call
from connector.errors import Busy, ConnectorError
from connector.ports import Candidate, Journal
from tests.bootstrap.conftest import Compose, Heard
from tests.journal.samples import NOW, page, ticket

SITE = "zendesk"


def paused(journal: Journal) -> str:
    return next(state.paused for state in journal.records().sites() if state.site == SITE)


def test_a_person_s_orders_are_carried_out_at_once(compose: Compose) -> None:
    program, told = compose(), list[str]()
    with program.journal() as journal:
        journal.open_site(SITE, fingerprint=program.rules(SITE).fingerprint)
        journal.store_page(SITE, [Candidate(ticket=ticket(site=SITE))], page=page(), now=NOW)
        with answering(program, journal, "a sync", resumed=lambda site, **_: told.append(site)):
            program.pause([SITE], reason="stocktaking", actor="kim")
            assert (paused(journal), told) == ("stocktaking", [])
            program.resume([SITE], allow=3, actor="kim")
            assert (paused(journal), told) == ("", [SITE])
            socket_file = program.places.socket
            assert call(socket_file, "approve", site=SITE, ticket="1", actor="kim") == {"approved": 0}
            assert call(socket_file, "release", site=SITE, ticket="1", actor="kim") == {}
            with pytest.raises(ConnectorError, match="no parked write has a key that begins with 'abcdef'"):
                program.settle_parked("done", "abcdef", actor="kim")
        assert not program.places.socket.exists()


@pytest.mark.parametrize("order", ["apply", "reload", "poll"])
def test_what_a_daemon_alone_can_do_is_refused_for_now(compose: Compose, order: str) -> None:
    program = compose()
    said = "a sync is under way; it takes pause, resume, approve, release, parked and status"
    with program.journal() as journal, answering(program, journal, "a sync"), pytest.raises(Busy, match=said) as caught:
        call(program.places.socket, order)
    assert caught.value.remedy == "try again when it has ended"


def test_a_socket_that_a_dead_process_left_is_not_in_the_way(compose: Compose) -> None:
    program = compose()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(program.places.socket))
    with program.journal() as journal, answering(program, journal, "a sync"):
        assert program.status().daemon.startswith("no daemon; a sync is under way, begun at ")
        assert stat.S_IMODE(program.places.socket.stat().st_mode) == 0o600
    assert program.status().daemon == "no daemon"


def test_an_error_that_ends_the_work_takes_the_socket_along(compose: Compose) -> None:
    program = compose()
    with program.journal() as journal, pytest.raises(ZeroDivisionError), answering(program, journal, "a sync"):
        raise ZeroDivisionError
    assert not program.places.socket.exists()


def test_work_goes_on_where_no_socket_can_be_made(compose: Compose) -> None:
    program = compose()
    heard = program.observer
    assert isinstance(heard, Heard)
    program.places.socket.mkdir()  # a file system without sockets answers the same
    with program.journal() as journal, answering(program, journal, "a sync"):
        journal.open_site(SITE, fingerprint=program.rules(SITE).fingerprint)
    assert [values["path"] for name, values in heard.events if name == "no_control_socket"] == [
        str(program.places.socket)
    ]
