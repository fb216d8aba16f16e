"""The whole configuration as one frozen value."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote

from pydantic import Field, PrivateAttr, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from connector.documents import Duration, Names, Strict, as_written
from connector.errors import ConfigError
from connector.settings.auth import Credential, SecretName
from connector.settings.kinds import Length
from connector.settings.loose import Loose, loose_places
from connector.settings.scopes import NamedScope
from connector.settings.site import Account, SiteSettings
from connector.settings.sources import Environment, Secrets, SecretsRead
from connector.settings.urls import LoopbackUrl, PingUrl

STATE_SECRET = "state"  # noqa: S105  # the name of one, not one


class LogSettings(Strict):
    """The log on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is shown."
    )
    format: Literal["auto", "json", "text"] = Field(
        default="auto", description="`auto`: text for a person at a terminal, JSON lines otherwise."
    )


class WebSettings(Strict):
    """How `run --webhooks` listens beyond this machine."""

    tls_certificate: Path | None = Field(default=None, description="Certificate (PEM) to listen with.")
    tls_key: Path | None = Field(default=None, description="Its key (PEM).")
    token: SecretName | None = Field(
        default=None, description="Name of the secret that `/metrics` and `/healthz` ask for as a bearer token."
    )


class BackupSettings(Strict):
    """Backups of a SQLite state that are made by themselves."""

    every: Duration = Field(
        default=as_written("15m"), description="Time between two backups; `0m`: none are made by themselves."
    )
    folder: Path | None = Field(
        default=None,
        description="Where they are kept, thinned out to 24 hours and 7 days; without it `<state>.backups`."
        " States that share one need different names.",
    )


class Settings(BaseSettings):
    """Everything in ``connector.yaml``, with the environment laid over it. Paths are absolute once loaded."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True, validate_default=True)

    state: str = Field(
        default="sqlite:///state.db",
        description="Database: `sqlite:///path` or `postgresql://user@host/name` (its password: the secret `state`).",
    )
    policy: Path = Field(default=Path("mappings/policy.yaml"), description="The policy file.")
    templates: Path = Field(default=Path("mappings/templates"), description="Folder with the texts, one per language.")
    sites: tuple[SiteSettings, ...] = Field(description="The helpdesks that run under the policy.")
    alarm_command: Names = Field(
        default=(),
        description="Program and arguments, `[notify-send, hello]`, to start for every alarm; it gets the alarm "
        "as JSON on standard input.",
    )
    ping_url: PingUrl | None = Field(
        default=None, description="Address to ping after every good pass: a dead-man's switch."
    )
    stale_after: Length = Field(
        default=as_written("15m"), description="Alarm when a site had no good pass for this long."
    )
    backup: BackupSettings = Field(default=BackupSettings(), description="Backups of a SQLite state.")
    log: LogSettings = Field(default=LogSettings(), description="The log on standard error.")
    web: WebSettings = Field(
        default=WebSettings(), description="Webhooks, health and metrics; on this machine alone without these."
    )
    clock_url: LoopbackUrl | None = Field(
        default=None, description="Take the time from a sandbox on this machine; for demo and tests only."
    )
    secrets_dir: Path | None = Field(
        default=None, description="Folder with one file per secret; without it systemd's `$CREDENTIALS_DIRECTORY`."
    )
    secrets: Mapping[str, SecretStr] = Field(default_factory=dict, repr=False, description="Never in the file.")
    _named_scopes: Mapping[int, tuple[NamedScope, ...]] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # ours finds sites by their names
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # no such file
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # ours checks who may read them
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over secrets over the file, whose values are given at construction."""
        file_values = init_settings()
        return Environment(settings_cls, file_values), Secrets(settings_cls, _directories(file_values)), init_settings

    def naming(self, scopes: Mapping[int, tuple[NamedScope, ...]]) -> Self:
        """Remember where the sites name scopes, for whoever judges them beside the maps; return itself."""
        self._named_scopes = scopes
        return self

    @property
    def named_scopes(self) -> Mapping[int, tuple[NamedScope, ...]]:
        """Return the scopes that each site names, by the site's position in the file."""
        return self._named_scopes

    @field_validator("alarm_command", mode="before")
    @classmethod
    def _one_by_one(cls, value: Any) -> Any:
        """Refuse a command in one text: no shell takes it apart, so no program of that name would be found."""
        if not isinstance(value, str):
            return value
        if len(value.split()) > 1:
            raise ValueError("is one name with spaces in it; write [notify-send, hello]")
        return value.strip()

    @property
    def state_url(self) -> str:
        """Return the database URL with its password, where a secret ``state`` gives one. Never log it."""
        password = self.secrets.get(STATE_SECRET)
        if password is None or "@" not in self.state:
            return self.state
        head, _, tail = self.state.rpartition("@")
        return f"{head}:{quote(password.get_secret_value(), safe='')}@{tail}"

    def site(self, name: str) -> SiteSettings:
        """Return the site called ``name``; raises ``KeyError`` when there is none."""
        return {site.name: site for site in self.sites}[name]

    @property
    def site_names(self) -> tuple[str, ...]:
        """Return the names of all sites, in file order."""
        return tuple(site.name for site in self.sites)

    def read_secret_again(self, site: SiteSettings, role: Literal["reader", "writer"]) -> str:
        """Return a secret as it is now, for a rotation without a restart.

        Raises:
            ConfigError: A secret cannot be read.
            KeyError: It is not set any more.
        """
        return self.all_secrets_again()[secret_key(site, role)]

    def all_secrets_again(self) -> Mapping[str, str]:
        """Return every secret by name as it is now; raises ``ConfigError`` when one cannot be read."""
        read = secrets_of({"secrets_dir": self.secrets_dir})
        if read.problems:
            raise ConfigError(read.problems)
        return read.found

    def loose_secrets(self) -> tuple[Loose, ...]:
        """Return the secret files, the key to listen with and the folders that other accounts may read."""
        places = Secrets(Settings, _directories({"secrets_dir": self.secrets_dir})).places()
        return tuple(loose_places([*places, *filter(None, [self.web.tls_key])], os.environ))

    def secret(self, site: SiteSettings, role: Literal["reader", "writer"]) -> SecretStr:
        """Return the secret of a site's reader or writer; raises ``KeyError`` when it is not set."""
        return self.secrets[secret_key(site, role)]


def secret_key(site: SiteSettings | Account, role: Literal["reader", "writer"]) -> str:
    """Return the name under which the secret of a site's reader or writer is looked up."""
    credential: Credential = getattr(site.auth, role)
    both, reader, writer = own_names(site)
    own = {"reader": reader, "writer": writer}[role] if site.auth.is_pair else both
    return credential.secret or own


def own_names(site: SiteSettings | Account) -> tuple[str, str, str]:
    """Return the names that secrets have without ``secret``: of one account for both, of the reader, of the writer."""
    name = site.name.replace("-", "_")
    return name, f"{name}_reader", f"{name}_writer"


def secrets_of(file_values: Mapping[str, Any]) -> SecretsRead:
    """Return the secrets as they are now, and what is wrong with them; ``file_values`` names their folder."""
    return Secrets(Settings, _directories(file_values)).read()


def _directories(file_values: Mapping[str, Any]) -> Iterator[Path]:
    for source in (os.environ.get("CONNECTOR_SECRETS_DIR"), file_values.get("secrets_dir")):
        if isinstance(source, (str, Path)) and source:
            yield Path(source)
    if systemd := os.environ.get("CREDENTIALS_DIRECTORY"):
        yield Path(systemd)
