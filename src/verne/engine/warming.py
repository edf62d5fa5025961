"""What a server does once, before or beside its first visitors, so that none waits for it."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from contextlib import suppress

to_build: list[tuple[Callable[[], None], Callable[[], bool]]] = []
"""What is built when somebody first asks for it, and whether somebody is expected to: added by apps
when they are ready.
"""


def warm_up() -> None:
    """Do it all, before there are visitors."""
    for build, _expected in to_build:
        build()


def warm_up_meanwhile() -> threading.Thread:
    """Do what is expected beside the first requests: `verne up` is to be there soon."""
    thread = threading.Thread(target=_expected, name="warming", daemon=True)
    thread.start()
    return thread


def settle_down() -> None:
    """Tell the garbage collector that what is here now stays.

    It would look through all of it (200,000 objects and more) whenever it looks through the old
    ones, and everybody waits 100 to 200 ms for that.
    """
    gc.collect()
    gc.freeze()


def _expected() -> None:
    from django.db import DatabaseError, connections

    try:
        for build, expected in to_build:
            with suppress(DatabaseError):
                if expected():
                    build()
    finally:
        connections.close_all()
    settle_down()
