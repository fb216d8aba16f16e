"""Everyday tickets of the demo: what customers write, by language, and how an agent answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Everyday:
    """One everyday ticket.

    Attributes:
        requester: Roster key; the language is theirs.
        impact, urgency: As the form has them; ``None`` where the customer left the field empty.
    """

    site: str
    requester: str
    subject: str
    body: str
    category: str
    impact: str | None = "user"
    urgency: str | None = "inconvenient"


ANSWERS = {
    "en": "Thank you, we are looking into it.",
    "de": "Danke für die Meldung, wir schauen es uns an.",
    "nl": "Bedankt voor uw melding, we kijken ernaar.",
    "ja": "ご連絡ありがとうございます。確認いたします。",
    "fr": "Merci de votre message, nous regardons cela.",
}
FIXED = {
    "en": "This is solved now. Please tell us if it comes back.",
    "de": "Das ist behoben. Bitte melden Sie sich, falls es wieder auftritt.",
    "nl": "Dit is opgelost. Laat het weten als het terugkomt.",
    "ja": "解決いたしました。再発した場合はお知らせください。",
    "fr": "C'est résolu. Dites-nous si cela revient.",
}
JSM, ZENDESK = "jsm-eu", "zendesk"


def _of(site: str, requester: str, subject: str, body: str, facts: str) -> Everyday:
    category, impact, urgency = facts.split("/")
    return Everyday(
        site=site,
        requester=requester,
        subject=subject,
        body=body,
        category=category,
        impact=None if impact == "-" else impact,
        urgency=None if urgency == "-" else urgency,
    )


EVERYDAY = (
    _of(JSM, "jonas", "Drucker im 3. Stock druckt leer", "Nur weiße Seiten.", "hardware/team/degraded"),
    _of(
        JSM, "greta", "Zugriff auf das Planungsboard", "Bitte Leserechte für zwei Kollegen.", "access/user/inconvenient"
    ),
    _of(JSM, "pieter", "VPN valt steeds weg", "Elke tien minuten, bij ons allemaal.", "network/team/blocked"),
    _of(JSM, "sanne", "Nieuwe laptop voor stagiair", "Startdatum is 1 december.", "hardware/user/inconvenient"),
    _of(JSM, "hiroshi", "在庫画面の表示が遅い", "一覧の表示に一分以上かかります。", "software/department/degraded"),
    _of(JSM, "yuki", "パスワードの再設定", "ログインできません。再設定をお願いします。", "access/user/blocked"),
    _of(JSM, "camille", "Export Excel incomplet", "Il manque la dernière colonne.", "software/team/degraded"),
    _of(JSM, "hugo", "Écran noir après la mise à jour", "Le poste ne démarre plus.", "hardware/user/blocked"),
    _of(JSM, "grace", "Badge reader at the east door", "It beeps but does not open.", "hardware/team/degraded"),
    _of(JSM, "oliver", "Question about the travel form", "Which cost centre do I choose?", "software/-/-"),
    _of(
        JSM, "jonas", "Kassenschnittstelle meldet Fehler 17", "Alle Filialen betroffen.", "software/department/blocked"
    ),
    _of(ZENDESK, "jonas", "Rechnung doppelt erhalten", "Rechnung 4711 kam zweimal.", "software/user/inconvenient"),
    _of(ZENDESK, "greta", "API antwortet langsam", "Antwortzeiten über 5 Sekunden.", "network/department/degraded"),
    _of(ZENDESK, "pieter", "Trackinglink werkt niet", "De link geeft een lege pagina.", "software/team/degraded"),
    _of(ZENDESK, "sanne", "Adreswijziging magazijn", "Per 1 december nieuw adres.", "access/user/inconvenient"),
    _of(ZENDESK, "hiroshi", "請求書の送付先変更", "来月から送付先を変更してください。", "access/user/inconvenient"),
    _of(
        ZENDESK,
        "yuki",
        "注文データが送信できない",
        "送信するとエラーになります。",
        "software/department/blocked",
    ),
    _of(ZENDESK, "camille", "Mot de passe oublié", "Le lien de réinitialisation a expiré.", "access/user/blocked"),
    _of(ZENDESK, "hugo", "Connexion lente au portail", "Depuis lundi, tout est lent.", "network/team/degraded"),
    _of(
        ZENDESK,
        "grace",
        "Appointments missing from the calendar",
        "About a dozen are gone.",
        "software/team/blocked",
    ),
    _of(ZENDESK, "oliver", "How do I add a user?", "We have a new colleague.", "access/-/-"),
    _of(ZENDESK, "grace", "Lab results arrive late", "They used to take an hour.", "network/department/degraded"),
)
