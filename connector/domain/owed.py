"""What has been asked for and not got: it is remembered, so that a new policy or a higher priority cannot lose it.

Loading a policy and a rising priority supersede the marks that are passed at that moment, lest an edit announce old
breaches. A step that ``min_step`` or a missing approval held back by then, a note that waited for its turn, or one that
was planned and whose write was held, refused or lost, is no such announcement: it had been asked for under the policy
before. So is a step that was made and that what people did meanwhile may still take back, and the note on a long pause.

What is to be said is owed from the decision that asks for it on, and stays so once it is settled: whether it was said,
its row tells, so nothing changes here when it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connector.domain.approvals import waiting_for, withdrawn
from connector.domain.change import Notice
from connector.domain.copying import changed
from connector.domain.occasion import MAX_PAUSE, THRESHOLD, Occasion, max_pause
from connector.domain.pushed import sure_level
from connector.domain.remark import Remark
from connector.domain.site import Effect
from connector.domain.situation import EscalationState
from connector.domain.view import View, owed_name

Asked = tuple[Occasion, Effect]
"""What is to be said, and to whom."""


def asked_for(waiting: Iterable[Remark], notices: Iterable[Notice]) -> Iterator[Asked]:
    """Yield what is to be said: what was not said in this pass, and what is planned and may yet fail."""
    yield from ((remark.occasion, remark.audience) for remark in waiting)
    for notice in notices:
        yield from ((about, notice.audience) for about in (notice.occasion, *notice.covers))


def still_owed(view: View, state: EscalationState, asked: Iterable[Asked]) -> EscalationState:
    """Return the state with what is owed after this pass in it; the same one where that is as before.

    ``asked`` is what is to be said now.
    """
    owed, unasked = frozenset(_owed(view, state, asked)), withdrawn(view, state)
    if (owed, unasked) == (state.owed, state.withdrawn):
        return state
    return changed(state, owed=owed, withdrawn=unasked)


def unsettled(view: View, owed: frozenset[str]) -> frozenset[str]:
    """Return what of all that is owed has not come yet, as rows tell or, once they are lost, marks in the helpdesk."""
    if not owed:
        return owed
    came = (owed_name(effect, about) for (about, effect), row in view.situation.said.items() if row.outcome.is_final)
    crossings = [crossing.occasion for reading in view.readings for crossing in reading.crossings]
    said = (
        owed_name(by, about) for about in crossings for by in (Effect.NOTES, Effect.PUBLIC) if view.is_said(about, by)
    )
    return owed.difference(came, said)


def _owed(view: View, state: EscalationState, asked: Iterable[Asked]) -> Iterator[str]:
    for passed in waiting_for(view, state, above=sure_level(state)):
        yield owed_name(Effect.FIELDS, passed.crossing.occasion)
    for about, audience in asked:
        if about.kind in {THRESHOLD, MAX_PAUSE}:
            yield owed_name(audience, about)
    yield from _settled(view)


def _settled(view: View) -> Iterator[str]:
    """Yield what was owed and is settled by now, as long as its mark is passed or its pause lasts."""
    before = view.situation.state.owed
    if not before:
        return
    passed = [each.crossing.occasion for each in view.passed]
    pauses = [max_pause(over_at) for over_at in {r.max_pause_over_at for r in view.readings} - {None} if over_at]
    for about in (*passed, *pauses):
        for audience in (Effect.NOTES, Effect.PUBLIC):
            name = owed_name(audience, about)
            if name in before and view.is_said(about, audience):
                yield name
