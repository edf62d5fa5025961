"""Who runs a job, and what becomes of it: claimed, run, tried again, taken from the dead.

A worker is a process. What it runs it has claimed, by a row of `JobClaim` made in the transaction
that marks the job as running, and taken away in the one that notes how it went. Whoever finds his
claim gone has been taken for dead: no act of the job is committed any more, so that what it does is
done once, however often it was begun.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import timedelta
from traceback import format_exception
from typing import Any, ClassVar

from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError, connection, connections, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from . import giving_way, jobs, memory
from .history import Act
from .jobs import Job
from .jobs_schedules import JobSchedule

log = logging.getLogger("verne.jobs")

FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(hours=1)
MOST_INTERRUPTIONS = 10
"""A job whose process dies so often is itself the likely cause."""
LONG = 1.0
"""Seconds after which a job is likely to leave memory behind: a statement, a sealing, an import."""
CUT_OFF = " †"
"""Behind the name of a worker that died while it ran the job."""
WAIT_FOR_DATABASE = 5

Row = DBTaskResult[Any, Any]


class Interrupted(Exception):
    """The process that ran a job ended in its middle."""


class TakenOver(BaseException):
    """A job of this process was given to another one. No job can go on after that by catching it,
    as it may after an error of one of its records."""


class JobWorker(models.Model):
    """A process that runs jobs. It counts its beats, and is dead when they stand still."""

    class Kind(models.TextChoices):
        UP = "up", "verne up"
        WORK = "work", "verne work"

    history: ClassVar[bool] = False

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=Kind)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    beats = models.PositiveBigIntegerField(default=0)
    beat_at = models.DateTimeField(_("last beat"), default=timezone.now)
    """For people to read. No two clocks are compared: what counts is that `beats` goes on."""

    class Meta:
        app_label = "engine"
        verbose_name = _("job worker")

    def __str__(self) -> str:
        return self.name

    @classmethod
    def enlist(cls, kind: str) -> JobWorker:
        """Make this process known as one that runs jobs."""
        host = socket.gethostname()[:60]
        return cls.objects.create(name=f"{host}-{os.getpid()}-{secrets.token_hex(3)}", kind=kind)

    def beat(self) -> bool:
        """Say that this process lives; whether it still counts as living."""
        return bool(
            JobWorker.objects.filter(pk=self.pk).update(
                beats=models.F("beats") + 1, beat_at=timezone.now()
            )
        )


class JobClaim(models.Model):
    """What a worker is running now; it is gone when the job has ended."""

    history: ClassVar[bool] = False

    # Taken away by hand in the same transaction, always: a cascade would ask for it once more.
    job = models.OneToOneField(
        DBTaskResult, models.DO_NOTHING, primary_key=True, related_name="claimed"
    )
    worker = models.ForeignKey(JobWorker, models.PROTECT, related_name="claims")

    class Meta:
        app_label = "engine"
        verbose_name = _("job claim")

    def __str__(self) -> str:
        return f"{self.worker_id}: {self.job_id}"


_mine: ContextVar[JobClaim | None] = ContextVar("job claim", default=None)
"""The claim under which this thread runs a job, where another process could take it over."""


def refuse_the_dead(act: Act, kinds: set[str]) -> None:
    """Called at the end of each act: one of a job that was taken over meanwhile is rolled back.

    The claim stays locked until the act is committed, so whoever sweeps comes before or after it.
    """
    claim = _mine.get()
    if claim is None:
        return
    locked = JobClaim.objects.select_for_update().filter(pk=claim.pk, worker=claim.worker_id)
    if locked.first() is None:
        raise TakenOver(f"Worker {claim.worker} was taken for dead while it ran this job.")


# --- Running -------------------------------------------------------------------------------------


def run_next(worker: JobWorker, *, doing: dict[int, str], stopping: threading.Event) -> bool:
    """Run the first job that is ready; whether there was one."""
    row = _claim(worker)
    if row is None:
        return False
    _held.add(row.pk)
    claim = None if connection.vendor == "sqlite" else JobClaim(job=row, worker=worker)
    doing[threading.get_ident()] = row.task_path
    try:
        began = time.monotonic()
        error = _run(row, claim)
        took = time.monotonic() - began
        given_up = _note_surely(row, worker, error, took=took, stopping=stopping)
    finally:
        del doing[threading.get_ident()]
        _held.discard(row.pk)
    if took > LONG:
        memory.give_back()
    if given_up:
        tell_given_up([row])
    return True


def run_waiting() -> None:
    """Run every job that is ready, here and now, and return when none is left."""
    worker = JobWorker.enlist(JobWorker.Kind.WORK)
    while run_next(worker, doing={}, stopping=threading.Event()):
        pass
    worker.delete()


def _claim(worker: JobWorker) -> Row | None:
    # Looked at first, because on SQLite a transaction waits for its turn to write.
    if connection.vendor == "sqlite" and not DBTaskResult.objects.ready().exists():
        return None
    with transaction.atomic():
        row: Row | None = DBTaskResult.objects.ready().get_locked()
        if row is not None:
            row.claim(worker.name)
            JobClaim.objects.create(job=row, worker=worker)
    return row


_held: set[Any] = set()
"""Keys of the jobs that threads of this process are running."""


def held_by_nobody(worker: JobWorker) -> set[Any]:
    """Jobs that a worker of this process has claimed and that none of its threads runs.

    The connection broke while the claim was committed, so the thread never learned of it. One
    that has claimed a job this very moment is among them too: look twice.
    """
    claimed = JobClaim.objects.filter(worker=worker).values_list("job_id", flat=True)
    return set(claimed) - _held


def give_back(worker: JobWorker, keys: Iterable[Any]) -> int:
    """Make jobs ready again that were claimed and never begun; how many."""
    given = 0
    for key in keys:
        with transaction.atomic():
            mine, _of_what = JobClaim.objects.filter(job=key, worker=worker).delete()
            row = DBTaskResult.objects.select_for_update().filter(pk=key).first()
            if not mine or row is None:
                continue
            row.status = TaskResultStatus.READY
            row.worker_ids = row.worker_ids[:-1]
            row.started_at = None
            row.save(update_fields=["status", "worker_ids", "started_at"])
            given += 1
            log.warning("Job %s was claimed and never begun; it is ready again.", row.task_path)
    return given


def _run(row: Row, claim: JobClaim | None) -> BaseException | None:
    """Call the function; what it raised, if anything."""
    from .acts import via

    face, mine = via.set(Act.Via.JOB), _mine.set(claim)
    try:
        with giving_way.to_people():
            row.task.call(*row.args_kwargs["args"], **row.args_kwargs["kwargs"])
    except (Exception, SystemExit, TakenOver) as wrong:
        return wrong
    finally:
        via.reset(face)
        _mine.reset(mine)
    return None


def _note_surely(
    row: Row,
    worker: JobWorker,
    error: BaseException | None,
    *,
    took: float,
    stopping: threading.Event,
) -> bool:
    """Note how a job went, when the database is back if it is away; whether it was given up.

    Otherwise a job that ended while the database was away would count as running for ever: its
    worker lives.
    """
    while True:
        try:
            return _note(row, worker, error, took=took)
        except (OperationalError, InterfaceError) as wrong:
            if connection.in_atomic_block:
                raise
            log.error("How job %s went cannot be noted yet: %s", row.task_path, wrong)
            connections.close_all()
            if stopping.wait(WAIT_FOR_DATABASE):
                return False


def _note(row: Row, worker: JobWorker, error: BaseException | None, *, took: float) -> bool:
    with transaction.atomic():
        mine, _of_what = JobClaim.objects.filter(job=row, worker=worker).delete()
        if not mine:
            log.warning("Job %s was taken over by another worker meanwhile.", row.task_path)
            return False
        if error is None:
            row.delete()
            _remember(row, went_well=True, took=took)
            return False
        attempt = attempts(row)
        wanted = _job_of(row)
        if wanted is not None and attempt <= wanted.retries:
            wait = min(FIRST_WAIT * 4 ** (attempt - 1), LONGEST_WAIT)
            _put_back(row, error, wait=wait)
            log.warning(
                "Job %s failed (%r); attempt %d follows in %s.",
                row.task_path,
                error,
                attempt + 1,
                wait,
            )
            return False
        _fail(row, error)
        _remember(row, went_well=False, took=took)
    log.error("Job %s failed for good:\n%s", row.task_path, row.traceback)
    return True


# --- The dead ------------------------------------------------------------------------------------


def sweep(dead: Iterable[JobWorker]) -> int:
    """Take their jobs from workers that live no more; returns how many will run again.

    Each worker comes with the beats last seen: one that beats meanwhile is left alone.
    """
    again, given_up = 0, []
    for seen in dead:
        with transaction.atomic():
            # Several may have seen it; whoever locks the row does it.
            locked = JobWorker.objects.select_for_update(skip_locked=True)
            worker = locked.filter(pk=seen.pk, beats=seen.beats).first()
            if worker is None:
                continue
            # What a frozen process holds locked in the middle of an act is left for the next look:
            # waiting for it would freeze this one too.
            free = worker.claims.select_for_update(of=("self",), skip_locked=True)
            for claim in free.select_related("job"):
                row = claim.job
                claim.delete()
                if _after_interruption(row):
                    again += 1
                else:
                    given_up.append(row)
            if not worker.claims.exists():
                worker.delete()
    tell_given_up(given_up)
    return again


def sweep_unclaimed() -> int:
    """The same for jobs that run without a claim, as earlier versions left them behind."""
    again, given_up = 0, []
    with transaction.atomic():
        left = DBTaskResult.objects.running().filter(claimed=None)
        for row in left.select_for_update(of=("self",), skip_locked=True):
            if _after_interruption(row):
                again += 1
            else:
                given_up.append(row)
    tell_given_up(given_up)
    return again


def _after_interruption(row: Row) -> bool:
    """Make a job ready again whose worker died, unless it must not run twice; whether it will."""
    row.worker_ids = [*row.worker_ids[:-1], f"{row.worker_ids[-1]}{CUT_OFF}"]
    row.save(update_fields=["worker_ids"])
    error = Interrupted("The program ended while it was running this job.")
    wanted = _job_of(row)
    if wanted is not None and wanted.retries and interruptions(row) <= MOST_INTERRUPTIONS:
        _put_back(row, error, wait=timedelta(0))
        return True
    _fail(row, error)
    _remember(row, went_well=False)
    log.error("Job %s was cut off and is not run again.", row.task_path)
    return False


# --- What became of it ---------------------------------------------------------------------------


def attempts(row: Row) -> int:
    """How often it was begun, not counting those that the death of its process cut off."""
    return sum(not name.endswith(CUT_OFF) for name in row.worker_ids)


def interruptions(row: Row) -> int:
    return sum(name.endswith(CUT_OFF) for name in row.worker_ids)


def tell_given_up(rows: Iterable[Row]) -> None:
    """Tell whoever waits for these jobs that nothing more will come."""
    for row in rows:
        wanted = _job_of(row)
        if wanted is None or wanted.if_given_up is None:
            continue
        try:
            wanted.if_given_up(*row.args_kwargs["args"], **row.args_kwargs["kwargs"])
        except Exception:
            log.exception("Nobody could be told that job %s was given up.", row.task_path)


def _job_of(row: Row) -> Job[Any, Any] | None:
    try:
        found = row.task
    except (ImportError, SuspiciousOperation):
        return None  # The code of the job is gone: nothing can run it.
    return found if isinstance(found, Job) else None


def _put_back(row: Row, error: BaseException, *, wait: timedelta) -> None:
    row.status = TaskResultStatus.READY
    row.run_after = timezone.now() + wait
    row.started_at = row.finished_at = None
    _keep_error(row, error)
    row.save()


def _fail(row: Row, error: BaseException) -> None:
    row.status = TaskResultStatus.FAILED
    row.finished_at = timezone.now()
    _keep_error(row, error)
    row.save()
    if _is_recurring(row):
        # A recurring job that fails every time says it once, not once a minute.
        DBTaskResult.objects.failed().filter(task_path=row.task_path).exclude(pk=row.pk).delete()


def _remember(row: Row, *, went_well: bool, took: float | None = None) -> None:
    """When a recurring job ended last, and how."""
    if _is_recurring(row):
        JobSchedule.objects.filter(job=row.task_path).update(
            went_well=went_well,
            ended_at=timezone.now(),
            milliseconds=None if took is None else round(took * 1000),
        )


def _is_recurring(row: Row) -> bool:
    wanted = jobs.declared.get(row.task_path)
    return wanted is not None and wanted.schedule is not None


def _keep_error(row: Row, error: BaseException) -> None:
    row.exception_class_path = f"{type(error).__module__}.{type(error).__qualname__}"
    row.traceback = "".join(format_exception(error))
