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
        "ja": ("情報漏えい", "ウイルス", "phishing"),
        "th": ("แรนซัมแวร์",),
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
        pytest.param("phishingメールを受信しました", True, id="kana end a Latin word"),
        pytest.param("サーバがphishingに感染", True, id="on both sides"),
        pytest.param("漏洩phishings", False, id="a Latin letter continues it"),
        pytest.param("ถูกแรนซัมแวร์โจมตี", True, id="no spaces between words in Thai"),
        pytest.param("data_breach.pdf", True, id="within a file's name"),
        pytest.param("bre\u00adach", True, id="with a soft hyphen"),
        pytest.param("breach was noted\nRef ESC-0123456789\n\nhello", False, id="our own note is not the requester's"),
        pytest.param("breach!\n\nsee note\nRef ESC-0123456789", True, id="what stands beside our note counts"),
        pytest.param("Forwarded message:\nbreach at our site", True, id="a forwarded mail is the report itself"),
    ],
)
def test_words_in_the_requesters_text(message, answer):
    assert found(message) is answer


ADDRESS = "Ann Berg <ann@example.org>"
WRITERS = [
    pytest.param(f"On Mon, Nov 3, 2025 at 9:12 AM {ADDRESS} wrote:", id="English"),
    pytest.param(f"{ADDRESS} wrote:", id="English, without a date"),
    pytest.param("Am 3.11.2026 um 09:12 schrieb Ann Berg:", id="German"),
    pytest.param(f"Am Mo., 3. Nov. 2025 um 09:12 Uhr schrieb {ADDRESS}:", id="German, with an address"),
    pytest.param(f"Le lun. 3 nov. 2025 à 09:12, {ADDRESS} a écrit\u00a0:", id="French"),
    pytest.param(f"Op ma 3 nov 2025 om 09:12 schreef {ADDRESS}:", id="Dutch"),
    pytest.param(f"El lun, 3 nov 2025 a las 9:12, {ADDRESS} escribió:", id="Spanish"),
    pytest.param(f"Il giorno lun 3 nov 2025 alle ore 09:12 {ADDRESS} ha scritto:", id="Italian"),
    pytest.param("2025年11月3日(月) 9:12 森田 <emi@example.jp>:", id="Japanese"),
    pytest.param("-----Original Message-----", id="a divider"),
    pytest.param("----- Ursprüngliche Nachricht -----", id="a German divider"),
]
SENTENCES = [
    pytest.param("Am Montag schrieb mir jemand diese Mail:", id="German"),
    pytest.param("On our portal somebody wrote this:", id="English"),
    pytest.param("On Monday morning an unknown person wrote:", id="English, as a mail program does"),
    pytest.param("Le pirate nous a écrit :", id="French"),
    pytest.param("Op het portaal schreef iemand:", id="Dutch"),
    pytest.param("El lunes alguien escribió:", id="Spanish"),
    pytest.param("Il lunedì qualcuno ha scritto:", id="Italian"),
    pytest.param("知らない人からのメッセージ:", id="Japanese"),
]
ANSWERS = ["Re: printer", "AW: Drucker", "Antw: printer", "RÉF: imprimante", "[Desk] RE[2]: printer", "返信：印刷"]


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("subject", ANSWERS)
def test_the_mail_that_is_answered_is_not_the_requesters(writer, subject):
    assert not found(f"It works again.\n\n{writer}\nbreach", subject)


@pytest.mark.parametrize("subject", ["", "Re: your mail"])
@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_report_below_a_sentence_is_read(sentence, subject):
    assert found(f"Hello.\n\n{sentence}\nthere was a breach", subject)


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("subject", ["Strange mail", "Fwd: strange mail", "WG: Mail"])
def test_a_mail_that_is_reported_is_read(writer, subject):
    assert found(f"Please look at this.\n\n{writer}\nthere was a breach", subject)


@pytest.mark.parametrize("writer", WRITERS)
def test_what_is_written_below_marked_lines_is_read(writer):
    quoted = f"{writer}\n\n> was it a breach?\n> Ann\n"
    assert found(f"Hello.\n{quoted}\nYes, a breach.", "Re: question")
    assert not found(f"Hello.\n{quoted}\nNo.", "Re: question")


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        pytest.param("Am Montag schrieb jemand diese breach Mail:", True, id="in such a sentence itself"),
        pytest.param("> there was a breach", True, id="a quotation alone"),
        pytest.param(f"{ADDRESS} wrote:\n> there was a breach", True, id="with who wrote it"),
        pytest.param("FYI\nBegin forwarded message:\n\n> From: Ann\n> there was a breach", True, id="forwarded"),
        pytest.param("Affected:\n| host | breach |", True, id="a table"),
        pytest.param("Affected: none\n| was it a breach?", False, id="a mark of other programs"),
        pytest.param("You said Ref ESC-0123456789, but it is a breach", True, id="our reference within a sentence"),
    ],
)
def test_a_report_is_never_taken_for_a_quotation(message, answer):
    assert found(message) is answer


@given(before=st.text(), after=st.text(), subject=st.text())
def test_without_marks_and_answers_nothing_is_left_out(before, after, subject):
    """Whatever surrounds a word on a line of its own, it is read."""
    assert found(f"{before}\nbreach\n{after}", f"Printer: {subject}")


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
