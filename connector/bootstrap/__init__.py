"""The composition root: settings and policy files in, a working program out."""

from __future__ import annotations

from connector.bootstrap.connector import Connector
from connector.bootstrap.policies import policy_lint, policy_test

__all__ = ["Connector", "policy_lint", "policy_test"]
