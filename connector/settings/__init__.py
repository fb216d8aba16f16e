"""What the operator configures: sites, effects, limits, state, secrets. One file, the environment, a secrets directory.

Precedence: environment, then the file. Secrets come from ``CONNECTOR_SECRETS__NAME``, ``CONNECTOR_SECRETS__NAME_FILE``
or files in a secrets directory and never from the file. See ``reference`` for every key.
"""

from __future__ import annotations

from connector.settings.auth import ApiToken, Auth, Bearer, Credential, OAuthClient
from connector.settings.load import load_settings, named_files, read_settings
from connector.settings.model import LogSettings, Settings
from connector.settings.parts import Files, MapFile, files_of
from connector.settings.reference import config_reference, config_schema
from connector.settings.scopes import NamedScope, strange_scopes
from connector.settings.site import PollSettings, SiteKind, SiteSettings, site_rules

__all__ = [
    "ApiToken",
    "Auth",
    "Bearer",
    "Credential",
    "Files",
    "LogSettings",
    "MapFile",
    "NamedScope",
    "OAuthClient",
    "PollSettings",
    "Settings",
    "SiteKind",
    "SiteSettings",
    "config_reference",
    "config_schema",
    "files_of",
    "load_settings",
    "named_files",
    "read_settings",
    "site_rules",
    "strange_scopes",
]
