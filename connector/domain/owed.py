"""What marks have asked for and not got: it is remembered, so that a new policy or a higher priority cannot lose it.

Loading a policy and a rising priority supersede the marks that are passed at that moment, lest an edit announce old
breaches. A step that ``min_step`` or a missing approval held back by then, or a note that waited for its turn, is no
such announcement: it had been asked for under the policy before. So is a step that was made and that what
people did meanwhile may still take back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.domain.approvals import waiting_for, withdrawn
from connector.domain.copying import changed
from connector.domain.occasion import THRESHOLD
from connector.domain.pushed import sure_level
from connector.domain.remark import Remark
from connector.domain.site import Effect
from connector.domain.situation import EscalationState
from connector.domain.view import View, owed_name


def still_owed(view: View, state: EscalationState, waiting: Sequence[Remark]) -> EscalationState:
    """Return the state with what is owed after this pass in it; the same one where that is as before.

    ``waiting`` is what is to be said and was not said in this pass.
    """
    owed, unasked = frozenset(_owed(view, state, waiting)), withdrawn(view, state)
    if (owed, unasked) == (state.owed, state.withdrawn):
        return state
    return changed(state, owed=owed, withdrawn=unasked)


def _owed(view: View, state: EscalationState, waiting: Sequence[Remark]) -> Iterator[str]:
    for passed in waiting_for(view, state, above=sure_level(state)):
        yield owed_name(Effect.FIELDS, passed.crossing.occasion)
    for remark in waiting:
        if remark.occasion.kind == THRESHOLD:
            yield owed_name(remark.audience, remark.occasion)
