"""Loaded by Python when it starts: the clock is off by as many seconds as a file says just now.

Everything the program dates is dated by `django.utils.timezone.now`, so that is turned, and
`time.time` with it. How long something takes is counted by another clock, which goes on.
"""

import os
import time
from datetime import UTC, datetime, timedelta

from django.utils import timezone

_real = time.time


def _off() -> float:
    with open(os.environ["FAULTS_CLOCK"]) as file:
        return float(file.read() or 0)


def turned() -> float:
    return _real() + _off()


def now() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=_off())


time.time = turned
timezone.now = now
