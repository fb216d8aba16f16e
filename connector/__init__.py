"""The escalation connector: one policy for Jira Service Management and Zendesk tickets."""

from __future__ import annotations

__version__ = "0.1.0"
