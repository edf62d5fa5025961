"""How the threads of a server share its interpreter."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

TURN = 0.0005
"""Seconds for which a thread computes on while others wait; Python's own measure is 0.005.

A request gives the interpreter away at each of its thirty queries. Beside a job that computes for
seconds it got it back after a whole turn each time: eight people filed 10 incidents a second
instead of 70. With turns of half a millisecond they file 55.
"""


ARENAS = 2
"""Heaps that the threads share. The C library gives each of them its own, up to eight for each
processor, and what one has freed no other takes: a dozen threads held 100 MB that nobody used.
"""
_M_ARENA_MAX = -8


def share_memory() -> None:
    """Before there are threads. Only the C library of GNU has to be told."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)


def take_short_turns() -> None:
    """Let nobody wait long for a thread that computes."""
    sys.setswitchinterval(TURN)


AT_ONCE = 2
"""Requests that compute at the same time. Python computes one, the other is with the database; with
eight, most of the time goes into passing the interpreter on: 138,000 actions an hour at a million
incidents on SQLite, 189,000 so.
"""
SHORT = 0.25
"""Seconds after which a request counts no more: nobody waits for an export to end."""


class FewAtOnce:
    """A program of the web that begins a request when few others have just begun."""

    def __init__(
        self, application: Callable[..., Any], *, most: int = AT_ONCE, short: float = SHORT
    ) -> None:
        self.application, self.most, self.short = application, most, short
        self._left = threading.Condition()
        self._begun: dict[object, float] = {}
        """When each request under way began, the longest first."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        mine = object()
        with self._left:
            while (wait := self._wait()) > 0:
                self._left.wait(wait)
            self._begun[mine] = time.monotonic()
        try:
            answer: Iterable[bytes] = self.application(environ, start_response)
            return answer
        finally:
            with self._left:
                del self._begun[mine]
                self._left.notify()

    def _wait(self) -> float:
        """Seconds until one of those who count counts no more, if there are too many."""
        now = time.monotonic()
        count = [at for at in self._begun.values() if now - at < self.short]
        return count[0] + self.short - now if len(count) >= self.most else 0
