"""What a server does once, after it has begun, so that no visitor waits for it."""

from __future__ import annotations

import gc
import threading
from contextlib import suppress


def warm_up_meanwhile() -> threading.Thread:
    """Do it beside the first requests: `verne up` is to be there soon."""
    thread = threading.Thread(target=_where_programs_call, name="warming", daemon=True)
    thread.start()
    return thread


def build_api() -> None:
    """The schemas of all registers: a second for the first program that asks, else."""
    from verne.api.api import addresses

    addresses()


def settle_down() -> None:
    """Tell the garbage collector that what is here now stays.

    It would look through all of it (200,000 objects and more) whenever it looks through the old
    ones, and everybody waits 100 to 200 ms for that.
    """
    gc.collect()
    gc.freeze()


def _where_programs_call() -> None:
    """Nobody misses the 30 MB of the API who has never made a token for it."""
    from django.db import DatabaseError, connections
    from django.utils import timezone

    from verne.api.models import Token

    try:
        with suppress(DatabaseError):
            if Token.objects.filter(revoked_at=None, expires_at__gt=timezone.now()).exists():
                build_api()
    finally:
        connections.close_all()
    settle_down()
