"""Secrets stay out of everything that is written, in every form in which they could get there."""

from __future__ import annotations

import base64
import json
import resource
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import ConfigError
from connector.helpdesks.transport import Redactor
from connector.settings import load_settings
from connector.settings.loose import is_loose, loose_places
from connector.settings.sources import exposure, read_secret

secrets = st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=9, max_size=60).filter(
    lambda text: text.strip() == text
)
around = st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=7)


@given(secrets, around, around)
def test_no_form_of_a_secret_survives(secret: str, before: str, after: str) -> None:
    redactor = Redactor([secret])
    whole = f"{before}{secret}{after}"
    forms = {
        "plain": whole,
        "url": quote(whole, safe=""),
        "twice": quote(quote(whole, safe=""), safe=""),
        "form": quote_plus(whole),
        "json": json.dumps(whole),
        "repr": repr(whole),
        "hex": whole.encode().hex(),
    }
    inner = {"plain": secret, "url": quote(secret, safe=""), "twice": quote(quote(secret, safe=""), safe="")}
    inner |= {"form": quote_plus(secret), "json": json.dumps(secret)[1:-1], "hex": secret.encode().hex()}
    for name, text in forms.items():
        assert inner.get(name, secret) not in redactor.clean(text)


@given(secrets, st.binary(max_size=5), st.binary(max_size=5))
def test_not_even_in_the_middle_of_something_encoded(secret: str, before: bytes, after: bytes) -> None:
    whole = before + secret.encode() + after
    for encode, decode in (
        (base64.b64encode, base64.b64decode),
        (base64.urlsafe_b64encode, base64.urlsafe_b64decode),
    ):
        cleaned = Redactor([secret]).clean(encode(whole).decode())
        assert "***" in cleaned
        for piece in cleaned.split("***"):
            assert secret.encode() not in decode(piece[: len(piece) // 4 * 4] or "")


class TestFiles:
    @pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o602, 0o777])
    def test_only_we_may_reach_a_file_of_ours(self, mode: int) -> None:
        assert exposure(mode, owner=1000, us=1000)
        assert not exposure(0o600, owner=1000, us=1000)
        assert exposure(0o600, owner=1001, us=1000)

    @pytest.mark.parametrize(
        ("mode", "owner", "us", "loose"),
        [
            (0o600, 0, 0, False),
            (0o640, 0, 0, True),
            (0o604, 0, 0, True),
            (0o640, 0, 1000, False),
            (0o644, 0, 1000, True),
            (0o711, 1000, 1000, False),
            (0o755, 1000, 1000, True),
        ],
    )
    def test_what_more_accounts_may_read_than_have_to(self, mode: int, owner: int, us: int, *, loose: bool) -> None:
        """A file of root's that we read as its group is as it should be; one that everybody reads is not."""
        assert is_loose(mode, owner=owner, us=us) is loose

    def test_what_others_may_read_is_named_with_its_mode_and_remedy_unless_it_is_mounted(self, tmp_path: Path) -> None:
        folder = tmp_path / "my keys"
        folder.mkdir(mode=0o755)
        (folder / "open").write_text("s3cret-value")
        (folder / "open").chmod(0o644)
        (folder / "private").write_text("s3cret-value")
        (folder / "private").chmod(0o600)
        places = [folder, folder / "open", folder / "private", folder / "none"]
        told = [(each.path, str(each), each.remedy) for each in loose_places(places, {})]
        assert told == [
            (folder, "may be listed by other users (mode 0755)", f"chmod 700 '{folder}'"),
            (folder / "open", "may be read by other users (mode 0644)", f"chmod 600 '{folder}/open'"),
        ]
        assert list(loose_places(places, {"CREDENTIALS_DIRECTORY": str(tmp_path)})) == []

    @pytest.mark.parametrize("mode", [0o660, 0o602, 0o777])
    def test_a_file_that_others_change_is_refused(self, tmp_path: Path, mode: int) -> None:
        path = tmp_path / "secret"
        path.write_text("s3cret-value")
        path.chmod(mode)
        with pytest.raises(ConfigError) as caught:
            read_secret(path)
        assert "chmod 600" in str(caught.value)
        assert "s3cret" not in str(caught.value)

    @pytest.mark.parametrize("mode", [0o777, 0o770, 0o703])
    def test_a_folder_that_others_change_is_refused(self, tmp_path: Path, mode: int) -> None:
        folder = tmp_path / "keys"
        folder.mkdir()
        folder.chmod(mode)
        config = tmp_path / "connector.yaml"
        config.write_text("secrets_dir: keys\nsites: []\n")
        with pytest.raises(ConfigError, match="secrets folder"):
            load_settings(config)

    def test_a_secret_in_an_error_is_never_quoted(self, tmp_path: Path) -> None:
        config = tmp_path / "connector.yaml"
        config.write_text("sites:\n  - name: x\n    token: s3cret-value\n    auth: {password: s3cret-value}\n")
        with pytest.raises(ConfigError) as caught:
            load_settings(config)
        assert "s3cret" not in "".join(map(str, caught.value.problems))


@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_CORE)[1] == 0, reason="this machine writes no memory to files")
def test_a_process_that_crashes_leaves_its_memory_in_no_file() -> None:
    script = (
        "import atexit, resource, sys; from connector.cli.main import main; "
        "most = resource.getrlimit(resource.RLIMIT_CORE)[1]; "
        "resource.setrlimit(resource.RLIMIT_CORE, (most, most)); sys.argv = ['connector', '--version']; "
        "atexit.register(lambda: print('limit', resource.getrlimit(resource.RLIMIT_CORE)[0])); main()"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout.endswith("limit 0\n")
