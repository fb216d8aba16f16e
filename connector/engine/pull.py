"""Pull: bring one site's changes into the journal. First load, delta, sweep and history; nothing is decided here.

The delta's cursor is taken *before* a full load begins, and a page's cursor is stored in the same transaction as its
rows, so nothing falls between. A sweep finds what deltas miss and what is gone.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import partial
from operator import attrgetter

from connector.domain.confidential import admitted
from connector.domain.copying import changed
from connector.domain.derive import derive
from connector.domain.events import TicketEvent
from connector.domain.policy import Policy
from connector.domain.ticket import Ticket
from connector.domain.triggers import read_text
from connector.engine.aside import suspect
from connector.engine.histories import chunks, read_histories
from connector.engine.kit import SiteReading, Surroundings
from connector.engine.quarantine import sparing
from connector.engine.swept import now_open
from connector.engine.vanished import look_again
from connector.errors import ConfigError, Problem, UnsafePlan, what_failed, where_failed
from connector.ports import AsideKind, Candidate, Cursor, Observation, Page, Previous, Progress, Quarantined, SiteState

OUTAGE_IF_MORE_THAN = 50
"""Known open tickets above which a helpdesk that suddenly reports none is taken for an outage."""


@dataclass(slots=True)
class Pulled:
    """What a pull brought: ids to decide, how many were read, what could not be read.

    Attributes:
        changed: Ids of tickets that differ from what was stored, in the order read, without repeats.
        read: Observations read, repeats included.
        full: This was a full load.
    """

    changed: dict[str, None] = field(default_factory=dict)
    read: int = 0
    malformed: int = 0
    gone: int = 0
    full: bool = False


def pull(site: SiteReading, around: Surroundings, state: SiteState, *, now: datetime) -> Pulled:
    """Bring the site's changes since the last pass into the journal and return what changed.

    Raises:
        Unavailable: The helpdesk cannot be read; what was stored before stands, with its cursor.
        UnsafePlan: The helpdesk reports no open ticket where many are known.
        ConfigError: We write as one of the people whom the site's map binds.
    """
    pulled = Pulled()
    refuse_shared_account(site)
    policy = around.policies.current()
    if state.cursor is None or not state.loaded:
        _full_load(site, around, policy, state, pulled, now=now)
    else:
        for page in itertools.chain(_asked_for(site, around, state.cursor), site.reader.changes(state.cursor)):
            _store(site, around, policy, page, pulled, now=now)
        _confirm_gone(site, around, policy, state, pulled, now=now)
        _sweep_if_due(site, around, policy, state, pulled, now=now)
    pulled.changed.update(dict.fromkeys(read_histories(site, around, decides=state.recall.is_over)))
    return pulled


def _asked_for(site: SiteReading, around: Surroundings, cursor: Cursor) -> Iterator[Page]:
    """Yield the tickets that hints named, as they are now. A hint never brings in a ticket that we do not know."""
    known = tuple(around.journal.previous(site.name, site.asked_for()))
    if known:
        yield replace(site.reader.get(known), cursor=cursor, gone=())


def refuse_shared_account(site: SiteReading) -> None:
    """Raise ``ConfigError`` where a person works with our account: their acts and ours could not be told apart."""
    reader = site.reader
    if not reader.account:
        reader.check()
    name = site.people.get(reader.account)
    if name is None:
        return
    message = f"{site.name}: the connector's own account {reader.account} is bound to {name}"
    remedy = f"give the connector an account of its own, or take {name} out of the map's people"
    raise ConfigError((Problem(file=f"map of {site.name}", key=f"people.{name}", message=message, remedy=remedy),))


def _full_load(
    site: SiteReading, around: Surroundings, policy: Policy, state: SiteState, pulled: Pulled, *, now: datetime
) -> None:
    known = len(around.journal.known_open(site.name))
    cursor = site.reader.start_cursor()
    around.journal.advance(site.name, Progress(cursor=cursor, loaded=False))
    pulled.full = True
    for page in site.reader.load_open(cursor=cursor):
        _store(site, around, policy, page, pulled, now=now)
    _refuse_emptiness(site, state, known=known, found=pulled.read)
    swept_at = None if known else now  # what an earlier, broken load saw open may be closed by now: only a sweep tells
    around.journal.advance(site.name, Progress(loaded=True, last_sweep_at=swept_at))


def _refuse_emptiness(site: SiteReading, state: SiteState, *, known: int, found: int) -> None:
    """Raise ``UnsafePlan`` where a site is empty that was not, unless an operator has said that so many may go."""
    if found == 0 and known > max(OUTAGE_IF_MORE_THAN, *state.allowance.values(), 0):
        raise UnsafePlan(
            f"{site.name} reports no open ticket although {known} are known; taken for an outage, nothing is changed",
            remedy="check the account's permissions and the site's scope; where it is empty indeed: "
            f"connector resume {site.name} --allow {known}",
        )


def _store(
    site: SiteReading, around: Surroundings, policy: Policy, page: Page, pulled: Pulled, *, now: datetime
) -> None:
    """Take in one page and remember whose facts changed."""
    broken: dict[str, Exception] = {}
    pulled.changed.update(dict.fromkeys(take_in(site, around, policy, page, now=now, broken=broken)))
    pulled.read += len(page.observations)
    pulled.malformed += len(page.malformed) + len(broken)
    pulled.gone += len(page.gone)
    if page.doubtful:
        suspect(site, around, sorted(around.journal.known_open(site.name).intersection(page.doubtful)), now=now)
    around.observer.event("page_read", site=site.name, tickets=len(page.observations), read=pulled.read)


def take_in(  # noqa: PLR0913
    site: SiteReading,
    around: Surroundings,
    policy: Policy,
    page: Page,
    *,
    now: datetime,
    reread: bool = False,
    broken: dict[str, Exception] | None = None,
) -> tuple[str, ...]:
    """Store one page with what it implies; return the ids of tickets whose facts changed.

    Every observation comes in through here, so that nothing that people did between two of them goes unnoticed.
    ``reread`` takes in tickets that are as they were, too, for their text. A ticket on which our own code fails is
    quarantined like one that cannot be read, and added to ``broken``.
    """
    broken = {} if broken is None else broken
    page = _admitted(site, around, page)
    latest = {o.ticket.ref.id: o for o in page.observations}  # a page may repeat a ticket; the last one counts
    if not reread:
        for id_ in around.journal.unchanged(site.name, tuple(o.ticket for o in latest.values())):
            del latest[id_]
    previous = around.journal.previous(site.name, tuple(latest)) if latest else {}
    candidates: list[Candidate] = []
    for id_, observation in latest.items():
        before = previous.get(id_)
        if before is not None and not reread and _is_old_news(observation, before):
            continue
        with sparing(broken.__setitem__, id_):
            derived = derive(
                before.ticket if before else None,
                observation.ticket,
                applied=before.applied if before else {},
                own_version=before.own_version if before else "",
                unshown=observation.unshown,
            )
            asked = derived.ask and before is not None  # a new one's history is not in anyway
            candidates.append(_candidate(observation, derived.events, policy, ask_history=asked))
    page = _without_broken(site, around, page, broken)
    if page.observations or page.malformed or page.gone or page.unwanted or page.cursor:
        around.journal.store_page(site.name, candidates, page=page, now=now)
    return tuple(c.ticket.ref.id for c in candidates)


def _without_broken(site: SiteReading, around: Surroundings, page: Page, broken: Mapping[str, Exception]) -> Page:
    """Return a page that tells of tickets on which our code failed as of those that cannot be read."""
    told = []
    for id_, error in broken.items():
        version = next(o.ticket.version for o in page.observations if o.ticket.ref.id == id_)
        why, digest = f"taking it in fails: {what_failed(error)}"[:200], hashlib.sha256(version.encode()).hexdigest()
        around.observer.event("ticket_failed", site=site.name, ticket=id_, why=why, where=where_failed(error))
        told.append(Quarantined(id=id_, why=why, digest=digest))
    return replace(page, malformed=(*page.malformed, *told)) if told else page


def _admitted(site: SiteReading, around: Surroundings, page: Page) -> Page:
    """Return a page as it may be stored: confidential tickets without their text, or not at all; of others no names.

    A ticket that is known from a time when its scope was not ignored leaves with the page.
    """
    rules = site.rules
    if not rules.confidential and not any(o.ticket.restricted or o.ticket.involved for o in page.observations):
        return page
    seen = [(o, admitted(o.ticket, rules)) for o in page.observations]
    kept = tuple(replace(o, ticket=ticket) for o, ticket in seen if ticket is not None)
    ignored = [o.ticket.ref.id for o, ticket in seen if ticket is None]
    known = around.journal.previous(site.name, ignored) if ignored else ()
    return replace(page, observations=kept, unwanted=tuple(known))


_facts_of = attrgetter(*(f.name for f in fields(Ticket) if f.name != "text"))
"""A stored ticket has no text; comparing the rest in place costs a tenth of making a copy without it."""


def _is_old_news(observation: Observation, before: Previous) -> bool:
    """True for what is stored already and for what a lagging index shows of the past.

    The past would look as if somebody had set the old values back.
    """
    seen, stored = observation.ticket, before.ticket
    if seen.updated_at < stored.updated_at or _facts_of(seen) == _facts_of(stored):
        return True
    is_ours = bool(before.own_version) and stored.version == before.own_version
    return is_ours and seen.version != before.own_version and seen.updated_at <= stored.updated_at


def _candidate(
    observation: Observation, derived: Sequence[TicketEvent], policy: Policy, *, ask_history: bool
) -> Candidate:
    ticket = observation.ticket
    hits = None if ticket.text is None else read_text(policy, ticket.text, ticket.locale)
    events = (*observation.events, *derived)
    return Candidate(ticket=changed(ticket, text=None), events=events, text_hits=hits, ask_history=ask_history)


def _sweep_if_due(
    site: SiteReading, around: Surroundings, policy: Policy, state: SiteState, pulled: Pulled, *, now: datetime
) -> None:
    last = state.last_sweep_at
    if last is not None and last <= now < last + site.sweep_every:  # one yet to come was reckoned by a wrong clock
        return
    admit = partial(_admitted, site, around)
    open_now, other = now_open(site, around, policy, cursor=state.cursor or "", admit=admit)
    stored = around.journal.open_versions(site.name)
    known = stored.keys()
    _refuse_emptiness(site, state, known=len(known), found=len(open_now))
    unreadable = {e.ticket for e in around.journal.records().quarantined(site=site.name) if "of" not in e.data}
    missed = other | {id_ for id_, version in open_now.items() if version and stored.get(id_) != version}
    for chunk in chunks(sorted(open_now.keys() ^ known | open_now.keys() & unreadable | missed), 100):
        page = site.reader.get(chunk)
        suspect(site, around, sorted(known & set(page.gone)), now=now)
        page = replace(page, gone=())
        _store(site, around, policy, page, pulled, now=now)
    _end_closed(site, around, now=now)
    around.journal.retry_histories(site.name)
    around.journal.advance(site.name, Progress(last_sweep_at=now))


def _end_closed(site: SiteReading, around: Surroundings, *, now: datetime) -> None:
    """End what stands aside on tickets that are not open, or not known, any more: set aside since they were closed.

    That a ticket is not shown stays: a look settles it.
    """
    aside = [i for i in around.asides.aside(site.name) if i.ticket and i.kind is not AsideKind.TICKET]
    known = around.journal.known_open(site.name) if aside else frozenset()
    around.asides.take_back(site.name, [item for item in aside if item.ticket not in known], now=now)


def _confirm_gone(
    site: SiteReading, around: Surroundings, policy: Policy, state: SiteState, pulled: Pulled, *, now: datetime
) -> None:
    """Look a second time for tickets that were not shown a minute ago: what is missing again is gone."""
    look = look_again(site, around, state, now=now)
    asked = {item.ticket for item in look.settled}
    for page in look.pages:
        _store(site, around, policy, page, pulled, now=now)
        back = (o.ticket.ref.id for o in page.observations)
        pulled.changed.update((id_, None) for id_ in back if id_ in asked)  # back again: decide it anew
    around.asides.take_back(site.name, look.settled, now=now)
