"""The afternoon on which all specimens stand still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOW = datetime(2026, 11, 20, 13, 18, tzinfo=UTC)


def ago(**back: float) -> datetime:
    """So long before it."""
    return NOW - timedelta(**back)
