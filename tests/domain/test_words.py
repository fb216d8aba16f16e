from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.conditions import Op, When, Words
from connector.domain.policy import Trigger
from connector.domain.ticket import Text
from connector.domain.words import fold, read_text
from tests.domain.policies import changed, check

WORDS = Words(
    key="k",
    by_locale={
        "en": ("breach", "data leak"),
        "de": ("Erpressungstrojaner", "Größe"),
        "fr": ("rançongiciel", "fuite de données"),
        "ja": ("情報漏えい", "ウイルス"),
    },
)
POLICY = changed(triggers=(Trigger(name="t", when=When(any=(check("text", Op.HAS_WORDS, WORDS),))),))


def found(message: str, subject: str = "") -> bool:
    return read_text(POLICY, Text(subject=subject, first_message=message), None)["k"]


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        pytest.param("We had a BREACH!", True, id="case does not matter"),
        pytest.param("breaches", False, id="only whole words"),
        pytest.param("a data\n  leak was seen", True, id="a phrase across a line break"),
        pytest.param("attaque par rancongiciel", True, id="without the cedilla"),
        pytest.param("Fuite de donne\u0301es", True, id="accents written apart"),
        pytest.param("GRÖSSE", True, id="sharp s and umlaut"),
        pytest.param("個人情報漏えいの疑い", True, id="no spaces between words in Japanese"),
        pytest.param("ｳｲﾙｽ", True, id="half-width letters"),
        pytest.param("a safe day", False, id="nothing of the kind"),
        pytest.param("> we had a breach\nno idea what this is", False, id="quoted lines are not the requester's"),
        pytest.param("See below.\nOn Mon, 3 Nov, Ann wrote:\nbreach", False, id="nor the mail that is answered"),
        pytest.param("Am 3.11.2026 um 09:12 schrieb Ann Berg:\nbreach", False, id="nor in German"),
        pytest.param("---- Original Message ----\nbreach", False, id="nor below the usual line"),
        pytest.param("breach was noted\nRef ESC-0123456789\n\nhello", False, id="our own note is not the requester's"),
        pytest.param("breach!\n\nsee note\nRef ESC-0123456789", True, id="what stands beside our note counts"),
        pytest.param("Forwarded message:\nbreach at our site", True, id="a forwarded mail is the report itself"),
    ],
)
def test_words_in_the_requesters_text(message, answer):
    assert found(message) is answer


def test_the_subject_counts():
    assert found("please call", subject="breach")


@given(text=st.text(), case=st.sampled_from([str.upper, str.lower]))
def test_folding_twice_is_folding_once(text, case):
    assert fold(fold(text)) == fold(text)
    assert fold(case("Straße é")) == "strasse e"


@given(text=st.text())
def test_any_text_can_be_read(text):
    assert isinstance(found(text), bool)


def test_a_policy_without_words_reads_nothing():
    assert read_text(changed(triggers=()), Text(subject="breach"), "en") == {}
