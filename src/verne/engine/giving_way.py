"""Jobs give way to people where one process has both.

The threads of a process share one interpreter. A job that computed for ten seconds made every page
take three times as long for these ten seconds, and at a high load whoever came then waited for the
rest of the minute. So a job stands back between two questions while people wait, and goes on when
nobody does; it has its share even if somebody always waits.

What holds others up is never put off: a job that has begun a transaction ends it first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from django.db import connection

SHARE: Final = 9
"""While people wait, a job stands back so many times as long as it has worked."""
WORTH_IT: Final = 0.005
"""Seconds of work before it looks whether anybody waits."""
GLANCE: Final = 0.002
"""Seconds after which it looks again."""

people_wait: Callable[[], bool] | None = None
"""Says whether somebody waits for an answer of this process; None where it answers nobody."""


class _Job:
    """How long the job of this thread has worked since it last stood back."""

    under_way: set[_Job] = set()
    """Together they have the share of one."""

    def __init__(self) -> None:
        self.since = time.thread_time()

    def stand_back(self) -> None:
        worked = time.thread_time() - self.since
        if worked < WORTH_IT or people_wait is None:
            return
        until = time.monotonic() + SHARE * worked * len(self.under_way)
        while people_wait() and time.monotonic() < until:
            time.sleep(GLANCE)
        self.since = time.thread_time()


_job: ContextVar[_Job | None] = ContextVar("job that gives way", default=None)


@contextmanager
def to_people() -> Iterator[None]:
    """What is done inside gives way to those who wait for an answer of this process."""
    if people_wait is None:
        yield
        return
    job = _Job()
    before = _job.set(job)
    _Job.under_way.add(job)
    try:
        with connection.execute_wrapper(_before_each):
            yield
    finally:
        _Job.under_way.discard(job)
        _job.reset(before)


def somebody_waits() -> bool:
    """Whether somebody waits for an answer of this process."""
    return people_wait is not None and people_wait()


def stand_back() -> None:
    """Called before anything is taken that others may want, such as the turn to write."""
    if (job := _job.get()) is not None:
        job.stand_back()


def _before_each(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
) -> Any:
    if not context["connection"].in_atomic_block:
        stand_back()
    return execute(sql, params, many, context)
