from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.conditions import Op, When, Words
from connector.domain.matching import compile_when
from connector.domain.ticket import Priority
from connector.domain.triggers import in_words
from tests.domain.desk import Desk
from tests.domain.policies import check

WORDS = Words(key="k", by_locale={"en": ("breach",)})
TICKET = Desk(
    priority=Priority.P2,
    labels=frozenset({"Security", "billing"}),
    group="service-desk",
    facts={"impact": "Site", "risk": 0.5, "seats": 40.0, "vip": True, "requester.tags": frozenset({"VIP"})},
).ticket


@pytest.mark.parametrize(
    ("field", "op", "value", "answer"),
    [
        pytest.param("impact", Op.IS, "site", True, id="text is compared without case"),
        pytest.param("impact", Op.IS_NOT, "team", True, id="another value is not this one"),
        pytest.param("region", Op.IS_NOT, "eu", False, id="a missing input is not 'not something'"),
        pytest.param("region", Op.NOT_IN, ("eu", "us"), False, id="a missing input is not outside a list"),
        pytest.param("region", Op.MISSING, None, True, id="missing"),
        pytest.param("impact", Op.KNOWN, None, True, id="known"),
        pytest.param("impact", Op.IN, ("team", "site"), True, id="one of several"),
        pytest.param("labels", Op.INCLUDES, "security", True, id="labels include"),
        pytest.param("labels", Op.INCLUDES, ("x", "billing"), True, id="labels include one of several"),
        pytest.param("labels", Op.EXCLUDES, "security", False, id="labels exclude what they hold: no"),
        pytest.param("labels", Op.EXCLUDES, "urgent", True, id="labels exclude what they lack: yes"),
        pytest.param("requester.tags", Op.INCLUDES, "vip", True, id="a set of an input"),
        pytest.param("risk", Op.AT_LEAST, 0.5, True, id="a number at the bound"),
        pytest.param("risk", Op.AT_MOST, 0.4, False, id="a number above the bound"),
        pytest.param("impact", Op.AT_LEAST, 1.0, False, id="text is no number"),
        pytest.param("seats", Op.IS, "40", True, id="a whole number as it is written"),
        pytest.param("vip", Op.IS, True, True, id="a truth value"),
        pytest.param("vip", Op.IS, "true", True, id="a truth value as it is written"),
        pytest.param("priority", Op.AT_LEAST, "P3", True, id="P2 is at least P3"),
        pytest.param("priority", Op.AT_LEAST, "P1", False, id="P2 is not at least P1"),
        pytest.param("priority", Op.IS, "P2", True, id="a priority by name"),
        pytest.param("group", Op.IS, "service-desk", True, id="a group by its bound name"),
        pytest.param("status", Op.IN, ("new", "open"), True, id="a status"),
        pytest.param("text", Op.HAS_WORDS, WORDS, None, id="text that was not read is unknown"),
    ],
)
def test_one_comparison(field, op, value, answer):
    assert compile_when(When(all=(check(field, op, value),)))(TICKET, {}) is answer


def asked(**parts: str):
    """Conditions of yes (y), no (n) and unknown (u), as letters: ``asked(all="yu", none="n")``."""
    tests = {
        "y": check("impact", Op.IS, "site"),
        "n": check("impact", Op.IS, "team"),
        "u": check("text", Op.HAS_WORDS, WORDS),
    }
    return When(**{name: tuple(tests[letter] for letter in letters) for name, letters in parts.items()})


@pytest.mark.parametrize(
    ("when", "answer"),
    [
        pytest.param(asked(), True, id="no condition is always met"),
        pytest.param(asked(all="yn"), False, id="all: one no is no"),
        pytest.param(asked(all="yu"), None, id="all: else one unknown is unknown"),
        pytest.param(asked(all="nu"), False, id="all: a no settles it, whatever is unknown"),
        pytest.param(asked(any="ny"), True, id="any: one yes is yes"),
        pytest.param(asked(any="nu"), None, id="any: else one unknown is unknown"),
        pytest.param(asked(any="uy"), True, id="any: a yes settles it, whatever is unknown"),
        pytest.param(asked(none="y"), False, id="none: one yes is no"),
        pytest.param(asked(none="n"), True, id="none: all no is yes"),
        pytest.param(asked(none="nu"), None, id="none: else one unknown is unknown"),
        pytest.param(asked(all="y", any="n"), False, id="all met, any not"),
        pytest.param(asked(all="u", any="n"), False, id="a no of any outweighs an unknown of all"),
        pytest.param(asked(all="y", any="y", none="n"), True, id="everything met"),
    ],
)
def test_three_answers_together(when, answer):
    assert compile_when(when)(TICKET, {}) is answer


letters = st.text("ynu", max_size=3)


@given(all_=letters, any_=letters, none=letters, found=st.booleans())
def test_what_is_known_without_the_text_stays_so_when_it_is_read(all_, any_, none, found):
    match = compile_when(asked(all=all_, any=any_, none=none))
    before, after = match(TICKET, {}), match(TICKET, {"k": found})
    assert after is not None
    assert before is None or before == after


def test_a_condition_is_told_as_people_read_it():
    when = When(any=(check("type", Op.IS, "incident"), check("labels", Op.INCLUDES, ("a", "b"))))
    assert in_words(when) == "type is incident or labels includes a, b"
