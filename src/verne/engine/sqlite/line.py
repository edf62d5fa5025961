"""A line of writers: first come, first served, and nobody blocks it for ever."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from time import monotonic

GLANCE = 1.0
"""Seconds after which somebody who waits looks up, in case nobody called."""


class Turn:
    """A place in the line. It belongs to an owner, and is given up when the owner is gone."""

    def __init__(self, line: Line, owner: object) -> None:
        self.called = threading.Event()
        # A thread can end inside a transaction; its connection is then collected, never closed.
        self.owner: weakref.ref[object] | None = weakref.ref(owner, lambda _: line.leave(self))


class Line:
    """Whoever stands at the head has the turn.

    There is no lock around the queue: each step is a single operation on a deque, so leaving is
    safe at any moment, even from the garbage collector in the middle of another step.
    """

    def __init__(self) -> None:
        self._queue: deque[Turn] = deque()

    def __len__(self) -> int:
        """How many stand in line, the one whose turn it is included."""
        return len(self._queue)

    def enter(self, owner: object, *, timeout: float) -> Turn | None:
        """Wait for the turn; None when it does not come in time."""
        turn = Turn(self, owner)
        deadline = monotonic() + timeout
        self._queue.append(turn)
        try:
            while not self._is_first(turn):
                left = deadline - monotonic()
                if left <= 0:
                    self.leave(turn)
                    return None
                turn.called.wait(min(left, GLANCE))
        except BaseException:
            self.leave(turn)
            raise
        return turn

    def leave(self, turn: Turn) -> None:
        """Step out, from wherever in the line, and call whoever is first now. Twice is harmless."""
        try:
            self._queue.remove(turn)
        except ValueError:
            return
        turn.owner = None  # else the two keep each other until the garbage collector comes
        try:
            self._queue[0].called.set()
        except IndexError:
            return

    def _is_first(self, turn: Turn) -> bool:
        try:
            return self._queue[0] is turn
        except IndexError:
            return False
