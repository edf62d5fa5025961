"""The instant that counts as now: the clock's, or that of an act told from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.utils import timezone

_moment: ContextVar[datetime | None] = ContextVar("moment", default=None)


def now() -> datetime:
    """The instant of the act under way; outside one, the clock's. Guards ask this."""
    return _moment.get() or timezone.now()


@contextmanager
def at(instant: datetime | None) -> Iterator[None]:
    """Let an instant count as now; None changes nothing."""
    token = _moment.set(instant or _moment.get())
    try:
        yield
    finally:
        _moment.reset(token)
