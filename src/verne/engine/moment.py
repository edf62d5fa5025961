"""The instant that counts as now: the clock's, or that of an act told from elsewhere.

A machine's clock can be set back: by hand, by a time server, by a restored image. The order of acts
and what clocks on records show rest on their instants, so none is dated before what this process
has dated already: it waits at the latest instant until the clock has come that far again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

from django.utils import timezone

log = logging.getLogger("verne.moment")

LONGEST_WAIT = timedelta(days=1)
"""Set back by more than this, it was far ahead before: then the clock is right, and followed."""
STEP = timedelta(microseconds=1)

_moment: ContextVar[datetime | None] = ContextVar("moment", default=None)
_lock = threading.Lock()
_latest: datetime | None = None
_warned = False


def now() -> datetime:
    """The instant of the act under way; outside one, the clock's. Guards ask this."""
    return _moment.get() or onwards()


def told() -> datetime | None:
    """The instant of the act under way, if it is told from elsewhere or lies inside another."""
    return _moment.get()


def onwards() -> datetime:
    """What the clock says, but never an instant before one that was given out here."""
    global _latest, _warned
    said = timezone.now()
    with _lock:
        back = _latest is not None and said <= _latest
        if _latest is not None and back and _latest - said <= LONGEST_WAIT:
            if _latest - said > timedelta(seconds=1) and not _warned:
                log.warning(
                    "The clock was set back by %s: until then acts are dated %s.",
                    _latest - said,
                    _latest,
                )
                _warned = True
            said = _latest + STEP
        else:
            _warned = False
        _latest = said
        return said


def is_behind() -> bool:
    """Whether the clock lies before what was dated here, so that others may have got further."""
    latest = _latest
    return latest is not None and timezone.now() < latest


def learn(instant: datetime) -> None:
    """Somebody dated something so: what follows comes after it."""
    global _latest
    with _lock:
        _latest = instant if _latest is None else max(_latest, instant)


def forget() -> None:
    """Begin anew with what the clock says."""
    global _latest
    with _lock:
        _latest = None


@contextmanager
def at(instant: datetime | None) -> Iterator[None]:
    """Let an instant count as now; None changes nothing."""
    token = _moment.set(instant or _moment.get())
    try:
        yield
    finally:
        _moment.reset(token)
