"""A site that looks after some brands, groups or views only: what is outside is not read, and what leaves is gone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from connector.domain.derive import derive
from connector.domain.site import FieldMap
from connector.domain.ticket import Status, Ticket, TicketRef
from connector.errors import Denied
from connector.helpdesks.zendesk import pages
from connector.helpdesks.zendesk.sieve import Sieve
from connector.helpdesks.zendesk.view import View
from connector.sandbox.assembly import Sandbox, SiteSpec
from connector.sandbox.core.moments import ClockOptions
from connector.sandbox.zendesk import build
from tests.helpdesks.conftest import watch
from tests.helpdesks.sandbox_stage import ROSTER, START
from tests.helpdesks.test_zendesk import EXCUSED, QUIET, ZendeskStage

DESK_VIEW = {"id": 3601, "title": "Service desk", "query": "status<solved group:service-desk"}
AT = START


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    group = ZendeskGroups.of()
    view = DESK_VIEW | {"query": f"status<closed group:{group['service-desk']}"}
    spec = SiteSpec(name="zendesk", kind="zendesk", build=build, roster=ROSTER, options=QUIET | {"views": [view]})
    with Sandbox((spec,), ClockOptions(start=START, mode="manual")) as running:
        yield running


class ZendeskGroups:
    """Ids that the simulated account gives to the roster's groups."""

    @staticmethod
    def of() -> dict[str, Any]:
        spec = SiteSpec(name="zendesk", kind="zendesk", build=build, roster=ROSTER)
        with Sandbox((spec,), ClockOptions(start=START, mode="manual")) as running:
            return dict(running.site("zendesk").describe()["groups"])


@pytest.fixture
def open_stage(sandbox: Sandbox, judge: Any) -> Any:
    look = judge("zendesk", EXCUSED)

    def make(**narrowed: Any) -> ZendeskStage:
        made = ZendeskStage(sandbox, **narrowed)
        for adapter in set(made.adapters):
            watch(adapter, look)
        made.reader.check()
        return made

    return make


def groups(stage: ZendeskStage, *names: str) -> Sieve:
    return Sieve(groups=frozenset(stage.fields.groups[name] for name in names))


def of_group(stage: ZendeskStage, name: str) -> str:
    id_ = stage.create()
    stage.agent(id_, group=name)
    return id_


def loaded(stage: ZendeskStage) -> tuple[set[str], str]:
    cursor = stage.reader.start_cursor()
    found = [o.ticket.ref.id for page in stage.reader.load_open(cursor=cursor) for o in page.observations]
    return set(found), cursor


def seen(stage: ZendeskStage, cursor: str) -> tuple[set[str], set[str], str]:
    """Ids observed and ids reported gone since ``cursor``, with the cursor after them."""
    read = list(stage.reader.changes(cursor))
    observed = {o.ticket.ref.id for page in read for o in page.observations}
    gone = set(itertools.chain.from_iterable(page.gone for page in read))
    return observed, gone, read[-1].cursor


class TestGroups:
    def test_load_sweep_and_get_hold_only_these_groups(self, open_stage: Any) -> None:
        whole = open_stage()
        own, other, nobody = of_group(whole, "service-desk"), of_group(whole, "legal"), of_group(whole, "specialists")
        whole.later(timedelta(minutes=10))
        stage = open_stage(sieve=groups(whole, "service-desk", "second-line"))
        assert loaded(stage)[0] == {own}
        assert set(itertools.chain.from_iterable(stage.reader.open_ids())) == {own}
        page = stage.reader.get([own, other, nobody, "99999"])
        assert [o.ticket.ref.id for o in page.observations] == [own]
        assert (set(page.gone), set(page.elsewhere)) == ({other, nobody, "99999"}, {other, nobody})
        assert loaded(whole)[0] == {own, other, nobody}

    def test_a_ticket_that_leaves_is_gone_and_one_that_comes_is_read(self, open_stage: Any) -> None:
        whole = open_stage()
        stage = open_stage(sieve=groups(whole, "service-desk"))
        leaving, coming = of_group(stage, "service-desk"), of_group(stage, "legal")
        stage.later(timedelta(minutes=10))
        _, cursor = loaded(stage)
        stage.agent(leaving, group="legal")
        stage.agent(coming, group="service-desk")
        stage.later(timedelta(minutes=10))
        observed, gone, _ = seen(stage, cursor)
        assert observed == {coming}
        assert leaving in gone

    def test_a_site_that_looks_after_others_than_before_reads_all_once(self, open_stage: Any) -> None:
        whole = open_stage()
        own, other = of_group(whole, "service-desk"), of_group(whole, "legal")
        whole.later(timedelta(minutes=30))
        _, cursor = loaded(whole)
        _, _, cursor = seen(whole, cursor)
        narrowed = open_stage(sieve=groups(whole, "service-desk"))
        observed, gone, cursor = seen(narrowed, cursor)
        assert (own in observed, other in gone) == (True, True)
        assert seen(narrowed, cursor)[:2] == (set(), set())
        widened = open_stage()
        assert other in seen(widened, cursor)[0]


def test_brands_are_told_from_the_ticket_itself() -> None:
    def raw(id_: int, brand: int | None) -> dict[str, Any]:
        moment = "2026-11-23T08:00:00Z"
        return {"id": id_, "status": "open", "brand_id": brand, "created_at": moment, "updated_at": moment}

    body = msgspec.json.encode({"tickets": [raw(1, 7), raw(2, 8), raw(3, None)], "end_of_stream": True})
    view = View(site="z", fields=FieldMap(), web_base="", sieve=Sieve(brands=frozenset({"7"})))
    found = pages.export_page(body, view, read_at=AT)
    assert [o.ticket.ref.id for o in found.observations] == ["1"]
    assert found.outside == ("2", "3")


def test_a_query_names_every_brand_and_group() -> None:
    sieve = Sieve(brands=frozenset({"7", "5"}), groups=frozenset({"101"}))
    assert sieve.within("status<closed") == "status<closed brand:5 brand:7 group:101"
    assert Sieve().within("status<closed") == "status<closed"


class TestViews:
    VIEWS = ("3601",)

    def test_load_sweep_and_get_hold_only_members(self, open_stage: Any) -> None:
        whole = open_stage()
        own, other = of_group(whole, "service-desk"), of_group(whole, "legal")
        whole.later(timedelta(minutes=10))
        stage = open_stage(views=self.VIEWS)
        assert loaded(stage)[0] == {own}
        assert set(itertools.chain.from_iterable(stage.reader.open_ids())) == {own}
        assert [o.ticket.ref.id for o in stage.reader.get([own, other]).observations] == [own]

    def test_membership_follows_what_changes(self, open_stage: Any) -> None:
        stage = open_stage(views=self.VIEWS)
        leaving, coming = of_group(stage, "service-desk"), of_group(stage, "legal")
        stage.later(timedelta(minutes=10))
        _, cursor = loaded(stage)
        stage.agent(leaving, group="legal")
        stage.agent(coming, group="service-desk")
        stage.later(timedelta(minutes=10))
        observed, gone, _ = seen(stage, cursor)
        assert observed == {coming}
        assert leaving in gone

    def test_a_quiet_site_reads_its_views_every_five_minutes(self, open_stage: Any) -> None:
        stage = open_stage(views=self.VIEWS)
        of_group(stage, "service-desk")
        stage.later(timedelta(minutes=20))
        _, cursor = loaded(stage)
        _, _, cursor = seen(stage, cursor)
        counts = stage.adapters[0].counts
        asked = counts["views"]
        for _ in range(10):
            stage.later(timedelta(minutes=1))
            _, _, cursor = seen(stage, cursor)
        assert counts["views"] - asked == 2

    def test_many_pages_are_read(self, open_stage: Any) -> None:
        stage = open_stage(views=self.VIEWS)
        ids = {of_group(stage, "service-desk") for _ in range(101)}
        stage.later(timedelta(minutes=10))
        assert loaded(stage)[0] == ids

    def test_a_view_that_is_not_there_stops_the_site_and_says_so(self, open_stage: Any) -> None:
        stage = open_stage(views=("99",))
        with pytest.raises(Denied, match="view 99 cannot be read") as refused:
            loaded(stage)
        assert "views" in refused.value.remedy


def test_what_comes_back_is_derived_from_its_history_alone() -> None:
    back = Ticket(
        ref=TicketRef("z", "1"), key="#1", version="1", status=Status.OPEN, opened_at=AT, updated_at=AT, priority=None
    )
    derived = derive(replace(back, status=Status.GONE), back)
    assert (derived.events, derived.ask) == ((), True)
