"""Walking through a search. It has no total and no offset: it ends on a missing token, and on nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.errors import Denied, Rejected, Unavailable
from connector.helpdesks.jira import pages, wire
from connector.helpdesks.transport import Client

MOST_PAGES = 10_000
PAGE = 100


class Search:
    """Searches of one site."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def walk(
        self, jql: str, fields: Sequence[str], *, size: int = PAGE, read: pages.Read = pages.read_page
    ) -> Iterator[pages.Found]:
        """Yield pages, short and empty ones included; ``read`` decodes each.

        Raises:
            Denied: Jira refuses the query: a project is unknown to it or hidden from us.
            Unavailable: A token came twice or was refused, or there is no end.
        """
        seen: set[str] = set()
        token: str | None = None
        for _ in range(MOST_PAGES):
            found = pages.found_in(self._page(jql, fields, token, size), what="search", read=read)
            if found.token is not None and found.token in seen:
                raise Unavailable("Jira repeated a page token; the search is given up")
            yield found
            if found.token is None:
                return
            seen.add(found.token)
            token = found.token
        raise Unavailable(f"a search did not end within {MOST_PAGES} pages")

    def _page(self, jql: str, fields: Sequence[str], token: str | None, size: int) -> bytes:
        try:
            return self._client.call(wire.search(jql, fields, token=token, size=size)).body
        except Rejected as error:
            if token is not None:
                raise Unavailable(f"the search cannot go on: {error}") from error
            raise Denied(
                f"the search is refused: {error}",
                remedy="check `projects` of this site and what its account may browse",
            ) from error
