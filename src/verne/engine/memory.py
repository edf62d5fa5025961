"""What the C library of GNU does with the memory of a process; others are left alone."""

from __future__ import annotations

import ctypes
from contextlib import suppress

ARENAS = 2
"""Heaps that the threads share. The C library gives each of them its own, up to eight for each
processor, and what one has freed no other takes: a dozen threads held 100 MB that nobody used.
"""
_M_ARENA_MAX = -8


def share() -> None:
    """Have all threads share a few heaps. Call it before there are threads."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Give what was freed back to the system, which the library keeps for whoever wants it next."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
