"""Every parser and renderer that meets what strangers send, each with inputs and what must hold of any of them.

A target raises only what it says that it raises; whatever else comes out of it is a finding.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from hypothesis import strategies as st

from connector.documents import parse
from connector.domain.site import FieldMap
from connector.errors import ConfigError, Denied, Malformed, Unavailable
from connector.helpdesks.jira import pages as jira_pages
from connector.helpdesks.jira import wire as jira_wire
from connector.helpdesks.jira.adapter import _moment
from connector.helpdesks.jira.shape import Shape
from connector.helpdesks.jira.text import adf, plain, wiki
from connector.helpdesks.mending import mended
from connector.helpdesks.transport import Origin, Pin, Reply, classify, retry_after
from connector.helpdesks.zendesk import normalise, shapes
from connector.helpdesks.zendesk import pages as zendesk_pages
from connector.helpdesks.zendesk import wire as zendesk_wire
from connector.helpdesks.zendesk.text import safe_body
from connector.helpdesks.zendesk.view import View
from connector.policyfiles import read_policy
from connector.render.defang import defanged
from connector.render.values import clean, tell_length, tell_moment
from connector.web.signatures import Delivery, from_jira, from_zendesk
from tests.policyfiles.starter import ROOT, SITES, TEMPLATES, TODAY
from tests.security.fuzz_inputs import COSTLY_INPUTS, INPUTS, NOW, Target, scalars, texts
from tests.security.judges import addresses, hidden, live_in_adf, live_in_wiki, live_in_zendesk, text_of_adf

PIN = Pin(Origin.parse("https://acme.example/ex/1"), {"https://pinned.invalid": ""})
SHAPE = Shape(site="j", fields=FieldMap(), account="us", web_url="https://acme.example")
VIEW = View(site="z", fields=FieldMap(), web_base="https://acme.example")
POLICY = (ROOT / "policy.yaml").read_text(encoding="utf-8")

_NAMES = ("id", "tickets", "results", "issues", "fields", "status", "created_at", "updated", "audits", "events", "meta")
_NAMES += ("after_cursor", "type", "content", "text", "attrs", "issue", "detail", "timestamp", "ticket_id", "comments")
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=4), inner),
    max_leaves=12,
)
bodies = st.one_of(
    st.binary(max_size=120),
    documents.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")),
    st.tuples(documents, st.integers(0, 200), st.binary(max_size=3)).map(lambda given: _spoilt(*given)),
)


def _spoilt(value: Any, at: int, junk: bytes) -> bytes:
    whole = json.dumps(value).encode("utf-8", "surrogatepass")
    return whole[: at % (len(whole) + 1)] + junk + whole[at % (len(whole) + 1) :]


def _adf(text: str) -> None:
    document = adf(text)
    assert live_in_adf(document) == []
    assert hidden(text_of_adf(document)) == []


def _wiki(text: str) -> None:
    assert live_in_wiki(wiki(text)) == []


def _zendesk(text: str) -> None:
    body = safe_body(text)
    assert live_in_zendesk(body, links=False) == []
    assert hidden(body) == []


def _value(text: str) -> None:
    told = defanged(clean(text))
    assert addresses(told) == []
    assert hidden(told) == []
    assert len(clean(told)) <= 200


def _moments(text: str) -> None:
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    from babel import Locale  # noqa: PLC0415

    assert isinstance(tell_moment(text, locale=Locale("en"), zone=ZoneInfo("UTC")), str)
    assert isinstance(tell_length(text, locale=Locale("en")), str)


def _url(text: str) -> None:
    place = urlsplit(PIN.resolve(text))
    assert (place.scheme, place.netloc) == ("https", "acme.example")
    assert place.path.startswith("/ex/1/")
    assert "/../" not in f"{place.path}/"


def _origin(text: str) -> None:
    origin = Origin.parse(text)
    assert urlsplit(str(origin)).hostname == origin.host


def _webhook(given: tuple[bytes, str, str]) -> None:
    body, first, second = given
    headers = {"x-hub-signature": first, "x-zendesk-webhook-signature": first}
    headers["x-zendesk-webhook-signature-timestamp"] = second
    delivery = Delivery(headers=headers, body=body, at=NOW)
    assert from_jira(delivery, ("a secret", "another")) is None
    assert from_zendesk(delivery, ("a secret", "another")) is None


def _jira_page(body: bytes) -> None:
    jira_pages.observed(jira_pages.found_in(body, what="fuzz"), SHAPE, now=NOW)


def _mended(body: bytes) -> None:
    json.loads(mended(body), parse_constant=_no_constant)


def _no_constant(text: str) -> None:
    raise AssertionError(text)


def _policy(given: tuple[int, str]) -> None:
    at, junk = given
    at %= len(POLICY)
    read_policy(parse(POLICY[:at] + junk + POLICY[at:], file="f"), today=TODAY, templates=TEMPLATES, sites=SITES)


def _query(text: str) -> None:
    query = jira_wire.open_jql([text])
    inner = query[len('project in ("') : query.rindex('") AND ')]
    assert '"' not in inner.replace("\\\\", "").replace('\\"', "")


def _answer(given: tuple[int, bytes, str]) -> None:
    status, body, header = given
    reply = Reply(status=status, headers={"content-type": "application/json", "retry-after": header}, body=body, at=NOW)
    classify(reply)
    assert 1 <= retry_after(reply.headers, NOW).total_seconds() <= 900


def _read(body: bytes) -> str:
    return body.decode("utf-8", "replace")


TARGETS: Mapping[str, Target] = {
    "adf": Target(texts, _adf),
    "wiki": Target(texts, _wiki),
    "zendesk body": Target(texts, _zendesk),
    "template value": Target(texts, _value),
    "moments": Target(texts, _moments),
    "adf reader": Target(documents, lambda value: str(plain(value)).encode("utf-8", "surrogatepass")),
    "url guard": Target(texts | st.builds("https://acme.example/ex/1/{}".format, texts), _url, (Denied,)),
    "base url": Target(texts | st.builds("https://{}".format, texts), _origin, (ValueError,)),
    "webhooks": Target(st.tuples(bodies, texts, texts), _webhook),
    "jira pages": Target(bodies, _jira_page, (Unavailable,)),
    "zendesk export": Target(bodies, lambda b: zendesk_pages.export_page(b, VIEW, read_at=NOW), (Malformed,)),
    "zendesk search": Target(bodies, lambda b: zendesk_pages.search_page(b, VIEW, read_at=NOW), (Malformed,)),
    "zendesk audits": Target(bodies, lambda b: normalise.decoded(b, shapes.AuditPage, what="fuzz"), (Malformed,)),
    "mending": Target(bodies, _mended, (ValueError,)),
    "cursor of zendesk": Target(texts, zendesk_wire.Position.parse, (ValueError,)),
    "cursor of jira": Target(texts | st.integers().map(str), lambda text: _moment(text, now=NOW)),
    "page number": Target(texts, zendesk_wire.page_number, (ValueError,)),
    "yaml": Target(
        texts | bodies.map(lambda b: b.decode("utf-8", "replace")), lambda t: parse(t, file="f"), (ConfigError,)
    ),
    "policy": Target(st.tuples(st.integers(0, 100_000), texts), _policy, (ConfigError,)),
    "jql": Target(texts, _query),
    **INPUTS,
    "answers": Target(st.tuples(st.integers(100, 599), bodies, texts), _answer),
}
COSTLY = frozenset({"policy", *COSTLY_INPUTS})
"""Targets that take milliseconds each: they get a smaller share."""
