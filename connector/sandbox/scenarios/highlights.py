"""The tickets of the demo that each show one promise, with what people do to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.sandbox.core.site import NewTicket
from connector.sandbox.scenarios.everyday import JSM, ZENDESK
from connector.sandbox.script import Reaction, Step, opening


def monday(hour: int, minute: int) -> datetime:
    """A moment of the demo's day in UTC (Berlin is one hour ahead)."""
    return datetime(2026, 11, 23, hour, minute, tzinfo=UTC)


def _do(at: datetime, site: str, ticket: str, do: str, **details: Any) -> Step:
    return Step(at=at, site=site, do=do, ticket=ticket, details=details)


def highlights() -> Iterator[Step]:
    """Every highlight's steps; in no order."""
    yield from _outage()
    yield from _security()
    yield from _vip()
    yield from _legal()
    yield from _cosmetic()
    yield from _waiting()
    yield from _by_hand()
    yield from _closed_in_between()
    yield from _reopened()
    yield from _merged_and_deleted()
    yield from _confidential()
    yield from _contested()


def _outage() -> Iterator[Step]:
    """Site-wide outage: reported with empty inputs, filled in eight minutes later, then everybody calls."""
    ticket = NewTicket(
        subject="Order entry is down everywhere",
        body="Since 09:10 nobody can save an order. All sites are affected.",
        requester="grace",
        fields={"category": "software"},
    )
    yield opening(monday(8, 12), JSM, "outage", ticket)
    yield _do(monday(8, 20), JSM, "outage", "set_field", actor="anna", name="impact", value="site")
    yield _do(monday(8, 20), JSM, "outage", "set_field", actor="anna", name="urgency", value="blocked")
    callers = (("jonas", "Bei uns auch, alle Filialen."), ("pieter", "Hier ook."), ("yuki", "こちらも同じです。"))
    for number, (_, words) in enumerate(callers):
        said = f"Caller {number + 2} of 40: {words}"
        yield _do(monday(8, 25 + 4 * number), JSM, "outage", "comment", actor="anna", text=said, public=False)
    heard = "We know of it and are working on it. All sites are affected."
    yield _do(monday(8, 50), JSM, "outage", "comment", actor="ben", text=heard)
    yield _do(monday(8, 52), JSM, "outage", "set_status", actor="ben", status="open")  # not the customer's turn at all
    fixed = "Order entry works again. A full disk on the database had stopped it."
    yield _do(monday(11, 40), JSM, "outage", "comment", actor="ben", text=fixed)
    yield _do(monday(11, 41), JSM, "outage", "set_status", actor="ben", status="solved")


def _security() -> Iterator[Step]:
    """A security report in French, unlabelled at first: words ask, the label decides."""
    ticket = NewTicket(
        subject="Fuite de données possible",
        body="Un courriel contenant la liste de nos clients circule. Nous craignons une fuite de données.",
        requester="camille",
        group="service-desk",
    )
    yield opening(monday(9, 40), JSM, "security", ticket)
    yield _do(monday(10, 5), JSM, "security", "add_labels", actor="chloe", labels=("security",))
    words = "Nous avons isolé le compte concerné et enquêtons."
    yield _do(monday(12, 15), JSM, "security", "comment", actor="chloe", text=words)
    form = NewTicket(
        subject="Lost laptop with customer data",
        body="My laptop was stolen on the train this morning. The disk is encrypted.",
        requester="oliver",
        type="security-incident",
        impact="user",
        urgency="degraded",
    )
    yield opening(monday(13, 5), ZENDESK, "laptop", form)


def _vip() -> Iterator[Step]:
    """A VIP of a platinum customer asks about a small thing early in the morning."""
    ticket = NewTicket(
        subject="Logo im Kundenportal unscharf",
        body="Unser Logo im Portal wirkt unscharf. Bitte vor dem Termin um 15 Uhr austauschen.",
        requester="greta",
        impact="user",
        urgency="inconvenient",
        group="service-desk",
        fields={"category": "cosmetic"},
    )
    yield opening(monday(6, 45), ZENDESK, "vip", ticket)


def _legal() -> Iterator[Step]:
    """A request for one's data under Article 15."""
    ticket = NewTicket(
        subject="Auskunft nach Artikel 15 DSGVO",
        body="Bitte teilen Sie mir mit, welche Daten Sie über mich gespeichert haben.",
        requester="jonas",
        type="request",
        impact="user",
        urgency="inconvenient",
        group="service-desk",
        fields={"category": "gdpr-request"},
    )
    yield opening(monday(7, 50), ZENDESK, "legal", ticket)


def _cosmetic() -> Iterator[Step]:
    """Nothing that anybody should be woken for."""
    ticket = NewTicket(
        subject="Typo on the login page",
        body="It says 'Pasword'.",
        requester="oliver",
        impact="user",
        urgency="inconvenient",
        group="service-desk",
        fields={"category": "cosmetic"},
    )
    yield opening(monday(9, 15), JSM, "cosmetic", ticket)


def _waiting() -> Iterator[Step]:
    """Waiting on its customer for five days; time does not count against anybody."""
    ticket = NewTicket(
        subject="Scanner verbindt niet met het netwerk",
        body="De handscanner in hal 2 vindt het netwerk niet meer.",
        requester="pieter",
        impact="team",
        urgency="degraded",
        group="service-desk",
        fields={"category": "network"},
    )
    wednesday = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
    yield opening(wednesday, JSM, "waiting", ticket)
    asked = "Welk serienummer heeft de scanner?"
    yield _do(wednesday + timedelta(minutes=40), JSM, "waiting", "comment", actor="ben", text=asked)
    yield _do(wednesday + timedelta(minutes=41), JSM, "waiting", "set_status", actor="ben", status="waiting_customer")
    yield _do(monday(13, 20), JSM, "waiting", "comment", actor="pieter", text="Het is SN-22871.")


def _by_hand() -> Iterator[Step]:
    """An agent lowers the priority on purpose; it stays."""
    ticket = NewTicket(
        subject="帳票サーバーが停止",
        body="部門全体で帳票を印刷できません。",
        requester="hiroshi",
        impact="department",
        urgency="blocked",
        group="service-desk",
        fields={"category": "software"},
    )
    yield opening(monday(7, 5), ZENDESK, "by-hand", ticket)
    why = "お客様と確認済み。月末まで急がないとのことです。"
    yield _do(monday(7, 38), ZENDESK, "by-hand", "set_priority", actor="emi", priority="P3")
    yield _do(monday(7, 39), ZENDESK, "by-hand", "comment", actor="emi", text=why, public=False)


def _closed_in_between() -> Iterator[Step]:
    """Solved and closed by people before the connector has anything to say."""
    ticket = NewTicket(
        subject="Kan niet inloggen op het portaal",
        body="Na de update werkt mijn wachtwoord niet.",
        requester="sanne",
        impact="user",
        urgency="blocked",
        group="service-desk",
        fields={"category": "access"},
    )
    yield opening(monday(8, 30), ZENDESK, "closed", ticket)
    yield _do(monday(8, 52), ZENDESK, "closed", "comment", actor="anna", text="Uw wachtwoord is opnieuw ingesteld.")
    yield _do(monday(8, 53), ZENDESK, "closed", "set_status", actor="anna", status="solved")
    yield _do(monday(9, 20), ZENDESK, "closed", "close", actor="anna")


def _reopened() -> Iterator[Step]:
    """Solved on Friday, back on Monday; and once more by a mere thank-you."""
    friday = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    ticket = NewTicket(
        subject="出荷ラベルが印刷されない",
        body="ラベルプリンターが反応しません。",
        requester="yuki",
        impact="team",
        urgency="blocked",
        group="service-desk",
        fields={"category": "hardware"},
    )
    yield opening(friday, ZENDESK, "reopened", ticket)
    answer = "ドライバーを更新しました。"
    yield _do(friday + timedelta(minutes=25), ZENDESK, "reopened", "comment", actor="emi", text=answer)
    yield _do(friday + timedelta(minutes=26), ZENDESK, "reopened", "set_status", actor="emi", status="solved")
    yield _do(monday(9, 5), ZENDESK, "reopened", "comment", actor="yuki", text="また同じ状態です。")
    yield _do(monday(12, 30), ZENDESK, "reopened", "set_status", actor="emi", status="solved")
    yield _do(monday(12, 40), ZENDESK, "reopened", "comment", actor="yuki", text="ありがとうございました。")
    yield _do(monday(12, 55), ZENDESK, "reopened", "set_status", actor="emi", status="solved")


def _merged_and_deleted() -> Iterator[Step]:
    """A duplicate that is merged away, and spam that is deleted."""
    twin = NewTicket(
        subject="Portal langsam",
        body="Wie im anderen Ticket: das Portal ist langsam.",
        requester="jonas",
        impact="team",
        urgency="degraded",
        group="service-desk",
    )
    yield opening(monday(10, 10), ZENDESK, "twin", twin)
    yield _do(monday(10, 25), ZENDESK, "twin", "merge", actor="anna", into="vip")
    spam = NewTicket(subject="You have won!!!", body="Click here: https://prize.example/", requester="hugo")
    yield opening(monday(11, 10), ZENDESK, "spam", spam)
    yield _do(monday(11, 22), ZENDESK, "spam", "delete", actor="duty-manager")


def _confidential() -> Iterator[Step]:
    """A complaint in the confidential project, which the connector must not spread."""
    ticket = NewTicket(
        subject="Confidential complaint",
        body="I want to report how I was treated by my manager.",
        requester="oliver",
        type="hr",
        fields={"project": "HR"},
    )
    yield opening(monday(10, 30), JSM, "confidential", ticket)


def _contested() -> Iterator[Step]:
    """Another automation has its own idea of this ticket's priority."""
    ticket = NewTicket(
        subject="Newsletter mailing stuck",
        body="Forty thousand mails have been waiting since this morning; the campaign team cannot work.",
        requester="hugo",
        impact="department",
        urgency="degraded",
        group="service-desk",
        labels=("newsletter",),
        fields={"category": "software"},
    )
    yield opening(monday(10, 50), ZENDESK, "contested", ticket)


def reactions() -> tuple[Reaction, ...]:
    """How people and the rival bot answer to what the connector writes."""
    return (
        Reaction(
            site=JSM,
            kind="field",
            name="group",
            ticket="outage",
            do="assign",
            details={"actor": "ben", "assignee": "ben"},
            delay=timedelta(minutes=6),
        ),
        Reaction(
            site=JSM,
            kind="field",
            name="group",
            ticket="security",
            do="comment",
            details={"actor": "chloe", "text": "Je prends.", "public": False},
            delay=timedelta(minutes=9),
        ),
        Reaction(
            site=ZENDESK,
            kind="field",
            name="priority",
            ticket="contested",
            do="set_priority",
            details={"actor": "tidy-bot", "priority": "P4"},
            delay=timedelta(minutes=2),
            times=3,
        ),
        Reaction(
            site=ZENDESK,
            kind="field",
            name="group",
            ticket="legal",
            do="assign",
            details={"actor": "lea", "assignee": "lea"},
            delay=timedelta(minutes=25),
        ),
    )
