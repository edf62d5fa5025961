"""How often something costly may be asked for: a bucket of tokens for each asker, in memory.

    if wait := EXPORTS.take(person.pk): ... say to come back in `wait` seconds

Each process keeps its own buckets and forgets them when it ends: with four web processes somebody
may get four times as far. That is what it is for, to keep one asker from taking the machine away
from all others, and it costs a microsecond instead of a row. What has to be counted exactly, as
guesses at a password, is counted in the database.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

MOST_ASKERS = 10_000
"""Buckets kept; of more, those go that were asked for longest ago."""


declared: list[Limit] = []
"""Every limit there is."""


@dataclass
class Limit:
    """So many at once, and then so many each second. A rate of 0 limits nothing."""

    at_once: float
    each_second: float
    clock: Callable[[], float] = time.monotonic
    _buckets: OrderedDict[Hashable, tuple[float, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        declared.append(self)

    def take(self, asker: Hashable) -> float:
        """Take one. Zero when it is granted, else the seconds until one would be."""
        if not self.each_second:
            return 0.0
        now = self.clock()
        with self._lock:
            left, then = self._buckets.get(asker, (self.at_once, now))
            left = min(self.at_once, left + (now - then) * self.each_second)
            granted = left >= 1
            self._buckets[asker] = (left - 1 if granted else left, now)
            self._buckets.move_to_end(asker)
            if len(self._buckets) > MOST_ASKERS:
                self._buckets.popitem(last=False)
        return 0.0 if granted else (1 - left) / self.each_second

    def forget(self) -> None:
        """Every asker starts anew."""
        with self._lock:
            self._buckets.clear()
