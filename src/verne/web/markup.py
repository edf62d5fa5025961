"""Mark-up composed in Python, for what a page repeats; whatever is not marked up is escaped.

The promise of Django's `format_html`, kept for less: nearly every piece is a plain text or marked
up already, so these two are asked for first.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from django.utils.formats import localize
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString


def safe(piece: Any) -> str:
    """A piece as it may stand in a page."""
    kind = type(piece)
    if kind is SafeString:
        return piece  # type: ignore[no-any-return]
    if kind is str:
        return escape(piece)
    return conditional_escape(piece)


def shown(piece: Any) -> str:
    """A piece as a template shows it: numbers and dates in the reader's language."""
    return safe(piece) if isinstance(piece, str) else conditional_escape(localize(piece))


def html(pattern: str, *pieces: Any) -> SafeString:
    """A pattern with the pieces put into its places."""
    return SafeString(pattern.format(*map(safe, pieces)))


def join(pieces: Iterable[Any], between: str = "") -> SafeString:
    """Pieces one after the other; what stands between them is mark-up."""
    return SafeString(between.join(map(safe, pieces)))
