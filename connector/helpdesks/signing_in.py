"""What ``check`` says of a credential that leads nowhere: the first question, because all others depend on it."""

from __future__ import annotations

from connector.errors import Denied, HelpdeskError, Rejected
from connector.helpdesks.transport import Client
from connector.ports.inspection import Finding, Verdict


def refusal(role: str, client: Client, error: HelpdeskError, *, hint: str = "") -> Finding:
    """Return the finding for a site that does not let us in; any other error is raised again.

    ``hint`` is what else may be the reason with this vendor.
    """
    refused = isinstance(error, Rejected) or (isinstance(error, Denied) and error.about == "credentials")
    if not refused:
        raise error
    what = "token" if client.adapter.scheme else "OAuth client"
    remedy = (
        f"put a valid secret in its place: this one may have expired, been revoked, or belong to another site{hint}"
    )
    return Finding(
        verdict=Verdict.MISSING, what=f"{role}: sign-in", why=f"the {what} is refused: {error}", remedy=remedy
    )


def same_account(reader: str, writer: str) -> Finding | None:
    """Return the finding for two credentials that stand for one account, by its id."""
    if reader != writer:
        return None
    why = "both credentials stand for one account, so the reader may write"
    return Finding(
        verdict=Verdict.EXCESS, what="reader and writer: one account", why=why, remedy="give the reader its own account"
    )
