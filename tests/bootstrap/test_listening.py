"""What ``run --webhooks`` listens on: beyond this machine only with TLS and a token, never with one of them."""

from __future__ import annotations

import shutil
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from connector.bootstrap.listening import listen
from connector.errors import ConfigError
from tests.bootstrap.conftest import Compose
from tests.security.tls_server import CERTIFICATE

TLS = {"tls_certificate": "loopback.pem", "tls_key": "loopback.pem"}
TOKEN = {"token": "ops"}


@pytest.fixture
def files(compose: Compose, tmp_path: Path) -> None:
    shutil.copy(CERTIFICATE, tmp_path / "loopback.pem")
    (tmp_path / "keys" / "ops").write_text("ops-canary-4")
    (tmp_path / "keys" / "ops").chmod(0o600)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.0.2.7", "helpdesk.example"])  # noqa: S104
@pytest.mark.parametrize("web", [{}, TLS, TOKEN], ids=["neither", "tls alone", "token alone"])
def test_beyond_this_machine_one_of_tls_and_token_is_not_enough(
    compose: Compose, web: dict[str, Any], host: str
) -> None:
    with pytest.raises(ConfigError, match=r"open to other machines") as refused:
        listen(compose(web=web), f"{host}:0", {}, is_well=lambda: True)
    assert "web.token" in str(refused.value.problems[0].remedy)


@pytest.mark.usefixtures("files")
def test_with_both_it_listens_and_asks_for_both(compose: Compose) -> None:
    server = listen(compose(web=TLS | TOKEN), "0.0.0.0:0", {}, is_well=lambda: True)
    server.start()
    try:
        trusting = ssl.create_default_context(cafile=str(CERTIFICATE))
        asked = urllib.request.Request(f"https://localhost:{server.port}/healthz")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(asked, context=trusting, timeout=10)  # noqa: S310
        asked.add_header("Authorization", "Bearer ops-canary-4")
        with urllib.request.urlopen(asked, context=trusting, timeout=10) as answer:  # noqa: S310
            assert answer.status == 200
    finally:
        server.stop()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_alone_needs_neither(compose: Compose, host: str) -> None:
    listen(compose(), f"{host}:0", {}, is_well=lambda: True).server_close()
