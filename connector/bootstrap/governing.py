"""Which policy governs a ticket: the one in force or, while an edit of it is held, the one before."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from connector.domain.past import InForce
from connector.domain.policy import Policy
from connector.engine.edits import how_it_goes_on
from connector.policyfiles import policy_from_document
from connector.ports import JournalEvent, Records, Stored

if TYPE_CHECKING:
    from connector.bootstrap.connector import Connector


@dataclass(frozen=True, slots=True, kw_only=True)
class Governing:
    """The policy by which the next pass decides a ticket.

    Attributes:
        since: Since when it was applied on the site; ``None``: no run has yet.
        remarks: In words, that another one waits, and how it is let through.
    """

    policy: Policy
    since: datetime | None
    remarks: tuple[str, ...] = ()


def governing(program: Connector, records: Records, stored: Stored, *, now: datetime) -> Governing:
    """Return the policy that governs a stored ticket now, as the engine chooses it.

    Where the policy before an edit that is held is not at hand any more the ticket stands still: the edited one is
    returned then, and the remark says so.
    """
    current, site, digest = program.policies.current(), stored.ticket.ref.site, stored.state.policy_hash
    present = Governing(policy=current, since=records.policy_since(site, current.hash))
    line = records.held_edit(site, current.hash)
    if line is None or not stored.ticket.is_open or digest in {"", current.hash}:
        return present
    document = records.policy(digest)
    earlier = None if document is None else program.policies.kept(document, today=now.date())
    held = f"an edit of the policy, @{current.short_hash}, is held since {line.at:%Y-%m-%d %H:%M} UTC"
    end = f"put the policy back, or: {how_it_goes_on(site, line.data.get('tickets', '0'))}"
    if earlier is None:
        still = f"{held}: this ticket stands still, the policy before is not at hand; told is what the edit would do"
        return Governing(policy=current, since=present.since, remarks=(f"{still}; {end}",))
    goes_on = f"{held}: this ticket goes on under the policy before it, @{earlier.short_hash}; {end}"
    return Governing(policy=earlier, since=records.applied_since(site, digest), remarks=(goes_on,))


def governed(
    program: Connector, records: Records, stored: Stored, *, audit: Sequence[JournalEvent], at: datetime
) -> tuple[tuple[InForce, ...], tuple[str, ...]]:
    """Return the policies that governed a ticket from its opening to ``at``, and which are not kept any more.

    ``audit`` holds the site's own lines, oldest first.
    """
    site, opened_at = stored.ticket.ref.site, stored.ticket.opened_at
    current = program.policies.current()
    found, missing = [], []
    for began, digest in records.policies(site, since=opened_at, until=at):
        policy = current if digest == current.hash else _kept(records, digest, began)
        if policy is None:
            missing.append(f"policy {digest[:7]}, in force from {began:%Y-%m-%d %H:%M} UTC: the present one is shown")
        found.append(InForce(began, policy or current))
    looks = records.passes(site, since=opened_at, until=at)
    spans = [span for span in _holds(audit, looks) if looks and looks[0] < span.since]
    return tuple(_as_held(found, spans, looks)) or (InForce(at, current),), tuple(missing)


def _kept(records: Records, digest: str, began: datetime) -> Policy | None:
    document = records.policy(digest)
    return None if document is None else policy_from_document(document, today=began.date())


# ---- edits that were held


class _Hold(NamedTuple):
    """An edit to the policy of this hash was held from one moment to another."""

    since: datetime
    until: datetime
    digest: str


_FOR_GOOD = datetime.max.replace(tzinfo=UTC)


def _holds(audit: Iterable[JournalEvent], looks: Sequence[datetime]) -> Iterator[_Hold]:
    """Yield when edits were held, oldest first: each from the beginning of the pass that weighed it."""
    held: tuple[datetime, str] | None = None
    for line in audit:
        if line.kind not in {"edit-held", "resumed"}:
            continue
        if held is not None:
            yield _Hold(held[0], line.at, held[1])
        held = (_begun(looks, line.at), line.key) if line.kind == "edit-held" else None
    if held is not None:
        yield _Hold(held[0], _FOR_GOOD, held[1])


def _begun(looks: Sequence[datetime], at: datetime) -> datetime:
    """Return when the pass that did something at ``at`` began."""
    found = bisect_right(looks, at)
    return looks[found - 1] if found else at


def _as_held(policies: Sequence[InForce], holds: Sequence[_Hold], looks: Sequence[datetime]) -> Iterator[InForce]:
    """Yield the policies as they governed a ticket that was there before each hold: the one before it meanwhile."""
    before: InForce | None = None
    for n, each in enumerate(policies):
        goes_from, end = each.since, policies[n + 1].since if n + 1 < len(policies) else _FOR_GOOD
        for hold in (h for h in holds if h.digest == each.policy.hash and h.since < end and h.until > goes_from):
            is_decided = bisect_left(looks, goes_from) < bisect_left(looks, hold.since)  # under the edit itself
            if before is not None and not is_decided:
                yield InForce(max(hold.since, goes_from), before.policy, before.applied or before.since)
                goes_from = hold.until
        if goes_from < end:
            before = InForce(goes_from, each.policy, each.since)
            yield before
