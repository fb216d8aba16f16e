"""Who exists at a site and how credentials lead to them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta

from connector.sandbox.core.messages import CANARY, Credentials, Request
from connector.sandbox.core.roster import Person, Roster
from connector.sandbox.jira.model import Account
from connector.sandbox.jira.options import JiraOptions

CLOUD_ID = "11111111-2222-4333-8444-555555555555"
GATEWAY = f"/ex/jira/{CLOUD_ID}"
TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
SERVICE_EMAIL = "connector@serviceaccount.example"
CONNECTOR_EMAIL = "connector@example.com"
ANONYMOUS = Account(
    key="anonymous", account_id="", name="Anonymous", email="", account_type="unknown", zone="UTC", active=False
)


class Directory:
    """Accounts of one site by key, account id and address, and their credentials."""

    def __init__(self, roster: Roster, options: JiraOptions, rng: random.Random) -> None:
        self._options = options
        self._rng = rng
        self.connector = _connector(options)
        self.automation = Account(
            key="automation",
            account_id="qm:automation",
            name="Automation for Jira",
            email="",
            account_type="app",
            zone="UTC",
            team=True,
        )
        accounts = (self.connector, self.automation, *(_of_person(p) for p in roster.people))
        self.by_key: dict[str, Account] = {a.key: a for a in accounts}
        self.by_id: dict[str, Account] = {a.account_id: a for a in accounts}
        self.secrets = {name: f"{CANARY}{name}-{rng.getrandbits(64):016x}" for name in ("classic", "scoped", "client")}
        self._tokens: dict[str, datetime] = {}
        self._dead: set[str] = set()

    def person(self, key: str) -> Account:
        """Find an account by roster key.

        Raises:
            KeyError: Nobody has this key.
        """
        if key not in self.by_key:
            raise KeyError(f"nobody is called {key!r} here")
        return self.by_key[key]

    def passwords(self) -> Mapping[str, str]:
        """Tokens of the people's own accounts by address, for tests that act as somebody else."""
        return {a.email: f"token-{a.key}" for a in self.by_key.values() if a.email and a is not self.connector}

    def authenticate(self, request: Request, now: datetime) -> Account | None:
        """The account behind a request: ``ANONYMOUS`` without credentials, ``None`` for wrong ones."""
        given = request.credentials
        if given is None:
            return None if request.headers.get("authorization") else ANONYMOUS
        if request.path.startswith(GATEWAY):
            return self._at_gateway(given, now)
        if given.scheme == "bearer":
            return None
        return self._at_site(given)

    def _at_site(self, given: Credentials) -> Account | None:
        if given.secret in self._dead:
            return None
        if (given.user, given.secret) == (CONNECTOR_EMAIL, self.secrets["classic"]):
            return self.connector
        owner = next((a for a in self.by_key.values() if a.email and a.email == given.user), None)
        return owner if owner and given.secret == f"token-{owner.key}" else None

    def _at_gateway(self, given: Credentials, now: datetime) -> Account | None:
        if given.secret in self._dead:
            return None
        if given.scheme == "bearer":
            ends = self._tokens.get(given.secret)
            return self.connector if ends is not None and now < ends else None
        if (given.user, given.secret) == (SERVICE_EMAIL, self.secrets["scoped"]):
            return self.connector
        return self._at_site(given)

    def scoped_at_site(self, request: Request) -> bool:
        """Whether a scoped credential knocks at the site address, where it is always refused."""
        given = request.credentials
        if given is None or request.path.startswith(GATEWAY):
            return False
        return given.scheme == "bearer" or given.secret == self.secrets["scoped"]

    def issue_token(self, client_id: str, secret: str, now: datetime) -> str | None:
        """A bearer token for the service account, ``None`` for wrong client credentials."""
        if (client_id, secret) != ("connector-client", self.secrets["client"]):
            return None
        token = f"{CANARY}at-{self._rng.getrandbits(128):032x}"
        self._tokens[token] = now + timedelta(seconds=self._options.token_seconds)
        return token

    def revoke(self, request: Request) -> None:
        """Make the credential that a request carries invalid."""
        if (given := request.credentials) is not None:
            self._dead.add(given.secret)


def _connector(options: JiraOptions) -> Account:
    return Account(
        key="connector",
        account_id="qm:connector",
        name="Escalation connector",
        email=CONNECTOR_EMAIL,
        account_type="atlassian",
        zone=options.zone,
        groups=("jira-servicemanagement-users",),
        admin=options.connector_admin,
        team=True,
    )


def _of_person(person: Person) -> Account:
    kinds = {"customer": "customer", "bot": "app"}
    return Account(
        key=person.key,
        account_id=f"qm:{person.key}",
        name=person.name,
        email=person.email,
        account_type=kinds.get(person.role, "atlassian"),
        zone=person.timezone,
        locale=person.locale.replace("-", "_"),
        groups=person.groups,
        organization=person.organization,
        admin=person.role == "admin",
        team=person.role in {"agent", "admin", "bot"},
        inside=person.role not in {"customer", "employee"},
    )
