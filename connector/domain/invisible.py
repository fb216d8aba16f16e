"""Characters that a reader does not see: those that turn the direction of writing, and those that hide.

Given as the inside of a regular expression's character class. Joiners are not among them: emoji and some scripts are
written with them.
"""

from __future__ import annotations

TURNING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Marks, embeddings, overrides and isolates."""

HIDING = "\u00ad\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff"
"""Spaces without width, operators without a sign, annotations and tags."""
