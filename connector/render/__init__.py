"""Texts: admins' templates in, plain text out. Values are data and can never become part of a template."""

from __future__ import annotations

from connector.render.language import negotiate
from connector.render.renderer import TextRenderer
from connector.render.templates import Templates, load_templates
from connector.render.vocabulary import VOCABULARY

__all__ = ["VOCABULARY", "Templates", "TextRenderer", "load_templates", "negotiate"]
