from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Rig

API, DESK = "/rest/api/3", "/rest/servicedeskapi"
ISSUE = f"{API}/issue/SUP-1"
WRITES = (
    ("PUT", ISSUE, ("fields", "update", "properties", "transition")),
    ("POST", f"{API}/issue", ("fields", "update", "properties")),
    ("PUT", f"{ISSUE}/assignee", ("accountId",)),
    ("POST", f"{ISSUE}/transitions", ("transition", "fields")),
    ("POST", f"{ISSUE}/comment", ("body", "visibility", "properties")),
    ("POST", f"{API}/comment/list", ("ids",)),
    (
        "POST",
        f"{API}/search/jql",
        ("jql", "fields", "maxResults", "nextPageToken", "properties", "reconcileIssues", "expand"),
    ),
    ("POST", f"{API}/search/approximate-count", ("jql",)),
    ("POST", f"{API}/issue/bulkfetch", ("issueIdsOrKeys", "fields", "properties", "expand")),
    ("POST", f"{API}/changelog/bulkfetch", ("issueIdsOrKeys", "fieldIds", "maxResults", "nextPageToken")),
    ("POST", f"{API}/issueLink", ("type", "inwardIssue", "outwardIssue")),
    ("POST", f"{ISSUE}/watchers", ("accountId",)),
    (
        "POST",
        f"{API}/bulk/issues/fields",
        ("selectedActions", "selectedIssueIdsOrKeys", "editedFieldsInput", "sendBulkNotification"),
    ),
    ("POST", f"{DESK}/request/SUP-1/comment", ("body", "public")),
    ("POST", "/oauth/token", ("grant_type", "client_id", "client_secret")),
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-5, 10**6)
    | st.sampled_from(["", "SUP-1", "1", "priority", "labels", "x y", "qm:anna"])
)
NAMES = st.sampled_from(
    ["id", "key", "value", "name", "priority", "labels", "customfield_10111", "type", "add", "set", "accountId"]
)
ODD = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, Any]:
    method, path, members = draw(st.sampled_from(WRITES))
    if draw(st.integers(0, 9)) == 0:
        return method, path, draw(ODD)
    return method, path, {name: draw(ODD) for name in draw(st.lists(st.sampled_from(members), unique=True))}


@given(request=requests())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_however_odd_brings_the_site_down(make: Callable[..., Rig], request: tuple[str, str, Any]) -> None:
    rig = make()
    rig.ticket()
    method, path, body = request
    reply = rig.call(method, path, body, odd=True)
    assert reply.status < 500, reply.body
    assert rig.fields("SUP-1")["status"] is not None
