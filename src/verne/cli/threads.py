"""How the threads of a server share its interpreter."""

from __future__ import annotations

import sys

TURN = 0.0005
"""Seconds for which a thread computes on while others wait; Python's own measure is 0.005.

A request gives the interpreter away at each of its thirty queries. Beside a job that computes for
seconds it got it back after a whole turn each time: eight people filed 10 incidents a second
instead of 70. With turns of half a millisecond they file 55.
"""


def take_short_turns() -> None:
    """Let nobody wait long for a thread that computes."""
    sys.setswitchinterval(TURN)
