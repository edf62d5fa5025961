"""The threads of a process that runs jobs, and the steward who looks after them.

The job threads run what is ready; two of them, so that one long import does not keep a clock from
escalating. The steward asks for recurring jobs, says that this process lives, and takes the jobs
of others that do not.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
    connections,
)
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules

from . import jobs
from .jobs_schedules import ask_for_due_jobs, settle_schedules
from .jobs_workers import (
    JobWorker,
    give_back,
    held_by_nobody,
    run_next,
    sweep,
    sweep_unclaimed,
)

log = logging.getLogger("verne.jobs")

BEAT_EVERY = 3.0
STANDS_STILL = 5
"""So many looks in a row, BEAT_EVERY seconds apart, and a worker counts as dead."""
SETTLE_EVERY = 60.0
AFTER_AN_ERROR = 5.0
DOUBT_FOR = 60.0
"""Seconds after an error of the database in which a claim may turn up that nobody knows of."""


class Watch:
    """Sees which workers have stopped, by counting looks instead of comparing clocks.

    A clock that is set back, a machine whose clock differs and a database that was away for a
    minute all look the same to everybody; only whoever does not go on counting is dead.
    """

    def __init__(self) -> None:
        self.seen: dict[int, tuple[int, int]] = {}
        """By worker: the beats seen last, and in how many further looks they were the same."""

    def look(self, *, but: JobWorker) -> list[JobWorker]:
        """Those which have stood still for long enough, with the beats that were seen."""
        others = list(JobWorker.objects.exclude(pk=but.pk))
        before, self.seen = self.seen, {}
        for other in others:
            beats, same = before.get(other.pk, (-1, 0))
            self.seen[other.pk] = (other.beats, same + 1 if beats == other.beats else 0)
        return [other for other in others if self.seen[other.pk][1] >= STANDS_STILL]


class Steward:
    """Runs jobs in this process until it is told to stop.

    `verne up` holds a lock, so whatever an earlier one ran is free at once. On SQLite nobody else
    runs jobs, and no beats are needed: an idle laptop writes nothing.
    """

    def __init__(
        self,
        kind: str = JobWorker.Kind.UP,
        *,
        threads: int = 2,
        look_every: float = 1.0,
        beat_every: float = BEAT_EVERY,
    ) -> None:
        self.kind = kind
        self.look_every = look_every
        self.beat_every = beat_every
        self.worker: JobWorker | None = None
        self.watch = Watch()
        self.doing: dict[int, str] = {}
        """Path of the job by thread."""
        self.doubt_until = 0.0
        self.unknown: set[Any] = set()
        """Claims that no thread seems to know of; those of them in the next look are given back."""
        self.stopping = threading.Event()
        self.threads = [
            threading.Thread(target=self._work, name=f"jobs-{number}", daemon=True)
            for number in range(1, threads + 1)
        ]
        self.steward = threading.Thread(target=self._look_after, name="jobs-steward", daemon=True)

    def start(self) -> int:
        """Take up what a crash left behind and begin; returns how many jobs that was."""
        autodiscover_modules("jobs")
        jobs.ending.clear()
        taken_up = sweep_unclaimed()
        if self.kind == JobWorker.Kind.UP:
            taken_up += sweep(JobWorker.objects.filter(kind=self.kind))
        settle_schedules(timezone.now())
        self.worker = JobWorker.enlist(self.kind)
        for thread in (self.steward, *self.threads):
            thread.start()
        return taken_up

    def stop(self, *, wait: float) -> list[str]:
        """Finish the running jobs, start no new one; returns the jobs still running after that."""
        self.stopping.set()
        jobs.ending.set()
        jobs.asked.set()
        until = time.monotonic() + wait
        for thread in (*self.threads, self.steward):
            if thread.is_alive():
                thread.join(max(0.0, until - time.monotonic()))
        unfinished = list(self.doing.values())
        if self.worker is not None and not unfinished:
            try:
                self.worker.delete()
            except DatabaseError as wrong:
                # Then its beats stand still, which is as good.
                log.warning("This worker could not sign off: %s", wrong)
        return unfinished

    def _work(self) -> None:
        def run_what_is_ready() -> None:
            close_old_connections()
            while not self.stopping.is_set():
                assert self.worker is not None
                try:
                    if not run_next(self.worker, doing=self.doing, stopping=self.stopping):
                        break
                except IntegrityError as wrong:
                    # Another one took this process for dead; the steward enlists it anew.
                    log.warning("No job can be claimed at the moment: %s", wrong)
                    break
            if jobs.asked.wait(self.look_every):
                jobs.asked.clear()

        self._again_and_again(run_what_is_ready)

    def _look_after(self) -> None:
        beat_at = settle_at = 0.0

        def look_after() -> None:
            nonlocal beat_at, settle_at
            close_old_connections()
            now = time.monotonic()
            if now >= settle_at:
                settle_schedules(timezone.now())
                settle_at = now + SETTLE_EVERY
            ask_for_due_jobs(timezone.now())
            if now < self.doubt_until:
                self._give_back()
            pause = self.look_every
            if connection.vendor != "sqlite":
                if now >= beat_at:
                    self._beat_and_sweep()
                    beat_at = now + self.beat_every
                pause = min(pause, max(0.0, beat_at - time.monotonic()))
            self.stopping.wait(pause)

        self._again_and_again(look_after)

    def _give_back(self) -> None:
        assert self.worker is not None
        found = held_by_nobody(self.worker)
        give_back(self.worker, found & self.unknown)
        self.unknown = found - self.unknown

    def _beat_and_sweep(self) -> None:
        assert self.worker is not None
        if not self.worker.beat():
            log.warning("Others took this process for dead, and its jobs; it goes on anew.")
            self.worker = JobWorker.enlist(self.kind)
        dead = self.watch.look(but=self.worker)
        for worker in dead:
            log.warning("Worker %s has died: its jobs are run by others.", worker)
        sweep(dead)

    def _again_and_again(self, step: Callable[[], None]) -> None:
        while not self.stopping.is_set():
            try:
                step()
            except (OperationalError, InterfaceError) as wrong:
                log.error("The database cannot be worked with; tried again soon: %s", wrong)
                self.doubt_until = time.monotonic() + DOUBT_FOR
                connections.close_all()
                self.stopping.wait(AFTER_AN_ERROR)
            except Exception:
                # A thread that died here would stop every job without anybody noticing.
                log.exception("The job worker met an error; it tries again in a few seconds.")
                connections.close_all()
                self.stopping.wait(AFTER_AN_ERROR)
        connections.close_all()
