"""The people of the demo: one company's support team, five customers in five languages."""

from __future__ import annotations

from connector.sandbox.core.roster import Group, Organization, Person, Roster

GROUPS = (
    Group(key="service-desk", name="Service Desk"),
    Group(key="second-line", name="Second Line"),
    Group(key="specialists", name="Specialists"),
    Group(key="security-incident", name="Security Incident"),
    Group(key="legal", name="Legal"),
)
ORGANIZATIONS = (
    Organization(key="nordlicht", name="Nordlicht Energie AG", tier="platinum", region="eu", tags=("energy",)),
    Organization(key="tulp", name="Tulp Logistiek BV", tier="gold", region="eu"),
    Organization(key="sakura", name="さくら精機株式会社", tier="gold", region="jp"),
    Organization(key="lumiere", name="Lumière Cosmétiques SA", tier="silver", region="eu"),
    Organization(key="maple", name="Maple Ridge Clinics Inc.", tier="silver", region="us"),
)


def _agent(key: str, name: str, *groups: str, locale: str = "en") -> Person:
    return Person(key=key, name=name, email=f"{key}@support.example", role="agent", locale=locale, groups=groups)


def _customer(key: str, name: str, organization: str, locale: str, *, tags: tuple[str, ...] = ()) -> Person:
    zones = {"ja": "Asia/Tokyo", "en": "America/New_York"}
    return Person(
        key=key,
        name=name,
        email=f"{key}@{organization}.example",
        locale=locale,
        timezone=zones.get(locale, "Europe/Berlin"),
        tags=tags,
        organization=organization,
    )


AGENTS = (
    Person(
        key="duty-manager",
        name="Dana Meyer",
        email="duty-manager@support.example",
        role="admin",
        locale="en",
        groups=("specialists",),
    ),
    _agent("anna", "Anna Schulz", "service-desk", locale="de"),
    _agent("ben", "Ben Okafor", "service-desk", "second-line"),
    _agent("chloe", "Chloé Martin", "second-line", "security-incident", locale="fr"),
    _agent("daan", "Daan de Vries", "specialists", "security-incident", locale="nl"),
    _agent("emi", "森田 恵美", "service-desk", "second-line", locale="ja"),
    _agent("lea", "Lea Brandt", "legal", locale="de"),
)
TIDY_BOT = Person(
    key="tidy-bot", name="Tidy Bot", email="tidy-bot@support.example", role="bot", groups=("service-desk",)
)
CUSTOMERS = (
    _customer("jonas", "Jonas Weber", "nordlicht", "de"),
    _customer("greta", "Greta Lindner", "nordlicht", "de", tags=("vip",)),
    _customer("pieter", "Pieter Bakker", "tulp", "nl"),
    _customer("sanne", "Sanne Visser", "tulp", "nl"),
    _customer("hiroshi", "佐藤 浩", "sakura", "ja"),
    _customer("yuki", "田中 由紀", "sakura", "ja"),
    _customer("camille", "Camille Durand", "lumiere", "fr"),
    _customer("hugo", "Hugo Lefèvre", "lumiere", "fr"),
    _customer("grace", "Grace Miller", "maple", "en"),
    _customer("oliver", "Oliver Stone", "maple", "en"),
)
CHOICES = {
    "impact": ("site", "department", "team", "user"),
    "urgency": ("blocked", "degraded", "inconvenient"),
    "category": ("network", "software", "hardware", "access", "cosmetic", "legal-hold", "gdpr-request"),
    "tier": ("platinum", "gold", "silver"),
    "region": ("eu", "us", "jp"),
}
ROSTER = Roster(people=(*AGENTS, TIDY_BOT, *CUSTOMERS), organizations=ORGANIZATIONS, groups=GROUPS, choices=CHOICES)
