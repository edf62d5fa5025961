"""How the threads of a server share its interpreter."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from django.db import connections
from waitress.task import ThreadedTaskDispatcher

TURN = 0.0005
"""Seconds for which a thread computes on while others wait; Python's own measure is 0.005.

A request gives the interpreter away at each of its thirty queries. Beside a job that computes for
seconds it got it back after a whole turn each time: eight people filed 10 incidents a second
instead of 70. With turns of half a millisecond they file 55.
"""


def take_short_turns() -> None:
    """Let nobody wait long for a thread that computes."""
    sys.setswitchinterval(TURN)


ON_FILE = 2
"""Threads that answer requests on SQLite. Python computes one, the other is with the database; with
eight, most of the time goes into passing the interpreter on.
"""
ON_SERVER = 6
"""The same where the database is another process, for whose answers a thread waits."""
MOST = 16
LONG = 0.5
"""Seconds after which a request has a thread to itself: nobody waits for an export to end."""
IDLE = 1.0
"""Seconds between two looks when nobody waits."""


class Threads(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Answers requests in few threads, and in one more for each that takes long.

    Whoever runs the server calls `settle` in its loop, as soon as the seconds that it returned are
    over or something has happened.
    """

    def __init__(self, *, usual: int, most: int = MOST, long: float = LONG) -> None:
        super().__init__()
        self.usual, self.most, self.long = usual, most, long
        self._begun: dict[object, float] = {}
        """When each task under way began."""
        self.set_thread_count(usual)

    def handler_thread(self, thread_no: int) -> None:
        """What a thread does from its beginning to its end."""
        try:
            super().handler_thread(thread_no)
        finally:
            connections.close_all()

    def add_task(self, task: Any) -> None:
        super().add_task(_Timed(task, self._begun))

    def people_wait(self) -> bool:
        """Whether a request waits for a thread, or as many short ones are under way as there are
        threads for: whatever else is computed holds them up."""
        return bool(self.queue) or len(self._short(self._running())) >= self.usual

    def settle(self) -> float:
        """Start and end threads as is needed; returns the seconds until that may change."""
        running = self._running()
        short = self._short(running)
        self.set_thread_count(min(self.usual + len(running) - len(short), self.most))
        return min([IDLE, *(self.long - seconds for seconds in short)])

    def _running(self) -> list[float]:
        """For how many seconds each request under way has been answered."""
        now = time.monotonic()
        return [now - at for at in list(self._begun.values())]

    def _short(self, running: list[float]) -> list[float]:
        """Those that have not taken long yet."""
        return [seconds for seconds in running if seconds < self.long]


class _Timed:
    """A task that says when it begins and when it has ended."""

    def __init__(self, task: Any, begun: dict[object, float]) -> None:
        self.task, self.begun = task, begun
        self.cancel: Callable[[], None] = task.cancel

    def service(self) -> None:
        self.begun[self] = time.monotonic()
        try:
            self.task.service()
        finally:
            del self.begun[self]

    def __repr__(self) -> str:
        return repr(self.task)
