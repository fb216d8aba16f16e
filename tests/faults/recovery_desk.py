"""One wish on one ticket of a simulated helpdesk, carried out by the real engine, journal and adapter, pass by pass.

What is wanted is a priority and one comment, as long as the journal does not hold it for settled; what became of it is
judged by the helpdesk's own truth.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests

from connector.domain.change import Comment, Field
from connector.domain.occasion import Outcome
from connector.domain.site import Effect, SiteRules
from connector.domain.ticket import Priority, Ticket
from connector.engine.apply import Applied, apply_plan
from connector.engine.kit import SiteReading, Surroundings
from connector.engine.pull import take_in
from connector.engine.reconcile import PassPlan, Planned
from connector.engine.recover import recover
from connector.journal import open_journal
from connector.ports import Alarm, AlarmKind, Op, OpStatus
from connector.render import TextRenderer
from connector.sandbox.assembly import Sandbox, SiteSpec
from connector.sandbox.core.moments import ClockOptions
from connector.sandbox.jira import build as build_jira
from connector.sandbox.zendesk import build as build_zendesk
from tests.engine.stage import POLICY, TEMPLATES, Ears, Shelf
from tests.helpdesks.contract import Said, change, note, wanted
from tests.helpdesks.sandbox_stage import ROSTER, START
from tests.helpdesks.test_jira_contract import JiraStage
from tests.helpdesks.test_zendesk import QUIET, ZendeskStage

JIRA, ZENDESK = "jira", "zendesk"
TEXT = "We are looking into it.\n\nYour duty manager"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
_WRITES = {JIRA: {"methods": ["POST"], "path": "/comment$"}, ZENDESK: {"methods": ["PUT"], "path": r"/tickets/\d+"}}


@dataclass
class Desk:
    """``public`` says who reads the comment. ``before_write`` happens between planning and writing."""

    vendor: str
    stage: Any
    journal: Any
    public: bool = True
    text: str = TEXT
    ears: Ears = field(default_factory=Ears)
    before_write: Callable[[], None] = lambda: None
    id: str = ""

    def __post_init__(self) -> None:
        self.stage.reader.check()
        self.id = self.stage.create(priority=Priority.P4)
        directory = self.stage.directory if self.vendor == JIRA else self.stage.ports.directory
        rules = SiteRules(name=self.stage.site, fingerprint="f", effects=frozenset(Effect))
        self.reading = SiteReading(rules=rules, reader=self.stage.reader, directory=directory)
        self.around = Surroundings(
            journal=self.journal,
            policies=Shelf(),
            renderer=TextRenderer(TEMPLATES),
            notifier=self.ears,
            observer=self.ears,
            clock=self.stage.clock,
        )
        self.journal.open_site(self.stage.site, fingerprint="f")
        self.later(minutes=10)

    # ---- the connector

    def work(self) -> Applied:
        """One pass: look at what is open, plan what is wanted by now, write it."""
        recovered = recover(self.reading, self.stage.writer, self.around)
        planned = tuple(self._planned())
        plan = PassPlan(site=self.stage.site, run="r", policy=POLICY, now=self.stage.clock.now(), planned=planned)
        self.before_write()
        frozen = self.journal.open_site(self.stage.site, fingerprint="f").frozen
        ready = {} if frozen else recovered.ready
        return apply_plan(
            plan if not frozen else replace(plan, planned=()), self.stage.writer, self.around, ready=ready
        )

    def _planned(self) -> Iterator[Planned]:
        page = self.stage.reader.get([self.id])
        take_in(self.reading, self.around, POLICY, page, now=self.stage.clock.now())
        for observation in page.observations:
            ticket = observation.ticket
            fields = [] if ticket.priority is Priority.P1 or self._settled("set:priority:P1", "P1") else ["P1"]
            occasion = str(self.comment(ticket).notice.occasion)
            comments = () if self._settled(occasion, occasion) else (self.comment(ticket),)
            if (fields or comments) and ticket.is_open:
                wish = change(ticket, *(wanted(Field.PRIORITY, value) for value in fields), comments=comments)
                yield Planned(change=wish, ticket=ticket)

    def comment(self, ticket: Ticket) -> Comment:
        return note(ticket.ref, self.text, public=self.public)

    def _settled(self, occasion: str, refused: str) -> bool:
        """True for what the journal holds for settled, and for what is set aside because it was ``refused``."""
        if refused in {item.value for item in self.journal.aside(self.stage.site)}:
            return True
        (stored,) = self.journal.load(self.stage.site, [self.id], now=self.stage.clock.now())
        return any(name == occasion and row.outcome is not Outcome.HELD for (name, _), row in stored.said.items())

    def go_on(self, passes: int = 12) -> None:
        """Let time pass, and pass after pass."""
        for _ in range(passes):
            self.later(seconds=70)
            self.work()

    def ops(self, status: OpStatus | None = None) -> tuple[Op, ...]:
        found: tuple[Op, ...] = self.journal.records().ops(status=status)
        return found

    def alarms(self, kind: AlarmKind) -> list[Alarm]:
        return [alarm for alarm in self.ears.alarms if alarm.kind is kind]

    # ---- the helpdesk

    def later(self, **length: float) -> None:
        self.stage.later(timedelta(**length))

    def strike(self, action: str, **conditions: Any) -> None:
        """Strike the next write of the comment."""
        self.stage.behind.strike(action, **{**_WRITES[self.vendor], **conditions})

    def ours(self) -> list[Said]:
        """The truth: what stands in the ticket by our account."""
        return [said for said in self.stage.said(self.id) if said.ours]

    def until_applied(self) -> None:
        """Wait for the helpdesk's own thread: what nobody waited for takes effect when it comes to it."""
        for _ in range(100_000):
            if self.ours():
                return
        raise AssertionError("the write was never applied")

    def priority(self) -> Priority | None:
        value: Priority | None = self.stage.truth(self.id)["priority"]
        return value

    def writes(self) -> int:
        """The truth: how many requests for the comment's write have arrived."""
        methods, path = _WRITES[self.vendor]["methods"], str(_WRITES[self.vendor]["path"]).rstrip("$")
        facts = [fact.data for fact in self.stage.behind.truth("request")]
        return sum(f["method"] in methods and _reaches(f["path"], path) for f in facts)

    @property
    def _adapter(self) -> Any:
        return self.stage.adapters[-1]

    @contextmanager
    def between(
        self,
        request: Callable[[dict[str, Any]], None] | None = None,
        answer: Callable[[requests.Response], None] | None = None,
        *,
        hurried: bool = False,
    ) -> Iterator[None]:
        """Somebody between us and the helpdesk changes what we send, or what it answers, when the comment is written.

        ``hurried``: the time for the exchange is all but used up before the answer comes.
        """
        transmit, watch = self._adapter._transmit, self._adapter._watch
        steady, moments = watch.monotonic, itertools.count(step=64)

        def meddled(prepared: requests.PreparedRequest, *rest: Any) -> requests.Response:
            methods, path = _WRITES[self.vendor]["methods"], str(_WRITES[self.vendor]["path"])
            if prepared.method not in methods or not prepared.body or not re.search(path, prepared.path_url):
                return transmit(prepared, *rest)  # type: ignore[no-any-return]
            if request is not None:
                body = json.loads(prepared.body or b"")
                request(body)
                prepared.prepare_body(json.dumps(body).encode(), None)
            watch.monotonic = (lambda: float(next(moments))) if hurried else steady
            response: requests.Response = transmit(prepared, *rest)
            if answer is not None:
                answer(response)
            return response

        self._adapter._transmit = meddled
        try:
            yield
        finally:
            self._adapter._transmit, watch.monotonic = transmit, steady


def _reaches(path: str, wanted_: str) -> bool:
    return path.removesuffix(".json").endswith("/comment") if wanted_ == "/comment" else "/tickets/" in path


@contextmanager
def desk(vendor: str, folder: Path, **options: Any) -> Iterator[Desk]:
    """A desk at one vendor's simulated site; ``folder`` keeps the state."""
    build = build_jira if vendor == JIRA else build_zendesk
    spec = SiteSpec(
        name="jsm" if vendor == JIRA else "zendesk",
        kind=vendor,
        build=build,
        roster=ROSTER,
        options={} if vendor == JIRA else QUIET,
    )
    with Sandbox((spec,), ClockOptions(start=START, mode="manual"), seed=7) as sandbox:
        stage = JiraStage(sandbox) if vendor == JIRA else ZendeskStage(sandbox)
        with open_journal(str(folder / "state.db"), least_free=0) as journal:
            yield Desk(vendor=vendor, stage=stage, journal=journal, **options)
