"""How a process of Verne ends: asked politely once, at once when asked again."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType


def end_on_signal(wake: Callable[[], object] = lambda: None) -> threading.Event:
    """The first Ctrl-C or SIGTERM asks for the end; the second one does not wait for it."""
    ending = threading.Event()
    asked_at = 0.0

    def ask(number: int, _frame: FrameType | None) -> None:
        nonlocal asked_at
        if not ending.is_set():
            asked_at = time.monotonic()
        elif time.monotonic() - asked_at > 1:
            # Sooner it is the same wish: supervisors signal a process and then its group.
            os._exit(128 + number)
        ending.set()
        wake()

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)
    return ending
