"""A simulated Zendesk Support account; ``build`` makes one for the sandbox."""

from __future__ import annotations

from connector.sandbox.zendesk.site import ZendeskSite, build

__all__ = ["ZendeskSite", "build"]
