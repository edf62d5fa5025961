"""Background jobs: declared once, asked for in a transaction, run by threads of the one process.

    @job(schedule="*/5 * * * *")
    def escalate_clocks() -> None: ...

    later(send_notice, incident.pk)

A job is asked for by a row in the same database, so a transaction that rolls back takes the job
with it. A job may run more than once (a crash, a retry): write it so that this does no harm.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Generic, ParamSpec, TypeVar

from cronsim import CronSim, CronSimError
from django.core.exceptions import SuspiciousOperation
from django.db import close_old_connections, connections, models, transaction
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _
from django_tasks.base import Task, TaskResultStatus
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from .history import Act

log = logging.getLogger("verne.jobs")

P = ParamSpec("P")
T = TypeVar("T")

FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(hours=1)
KEEP_FINISHED = timedelta(days=7)
KEEP_FAILED = timedelta(days=90)

declared: dict[str, Job[Any, Any]] = {}
"""Every job there is, by the path of its function."""

_asked = threading.Event()
"""Set when this process asks for a job, so that its worker need not wait for the next look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Task, Generic[P, T]):  # type: ignore[type-arg]
    """A function that `later` or its schedule runs in the background; called, it runs at once."""

    schedule: str | None = None
    retries: int = 3

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        result: T = self.func(*args, **kwargs)
        return result

    def next_run(self, after: datetime) -> datetime:
        """The first instant after this one at which the schedule asks for the job, in UTC."""
        assert self.schedule is not None, f"{self.module_path} has no schedule"
        return next(CronSim(self.schedule, after.astimezone(UTC)))


def job(*, schedule: str | None = None, retries: int = 3) -> Callable[[Callable[P, T]], Job[P, T]]:
    """Declare a background job. The schedule is a cron line in UTC; `retries` follow a failure."""

    def declare(function: Callable[P, T]) -> Job[P, T]:
        made: Job[P, T] = Job(func=function, schedule=schedule, retries=retries)
        if schedule is not None:
            try:
                made.next_run(timezone.now())
            except (CronSimError, StopIteration) as wrong:
                raise ValueError(
                    f"The schedule of job {made.module_path} is {schedule!r}, which is no cron "
                    f"line ({wrong}): write five fields such as '*/5 * * * *'."
                ) from wrong
        declared[made.module_path] = made
        return made

    return declare


def later(job: Job[P, T], *args: Any, not_before: datetime | None = None, **kwargs: Any) -> None:
    """Ask for a job to be run soon, or not before an instant, if this transaction commits."""
    if not isinstance(job, Job):
        raise TypeError(f"{job!r} is no job: declare it with @job().")
    try:
        job.using(run_after=not_before).enqueue(*args, **kwargs)
    except TypeError as wrong:
        raise TypeError(
            f"Job {job.module_path} can be given plain values only (text, numbers, lists, "
            f"mappings): pass a record by its pk. {wrong}"
        ) from wrong
    transaction.on_commit(_asked.set)


class JobSchedule(models.Model):
    """When a recurring job is due next; one row a job, so that it is asked for once each time."""

    # It tells of the program, not of the management system.
    history: ClassVar[bool] = False

    job = models.CharField(_("job"), max_length=200, unique=True)
    schedule = models.CharField(_("schedule"), max_length=100)
    due_at = models.DateTimeField(_("due"))
    asked_at = models.DateTimeField(_("last asked for"), null=True)

    class Meta:
        app_label = "engine"
        verbose_name = _("job schedule")

    def __str__(self) -> str:
        return f"{self.job} {self.schedule}"


def settle_schedules(now: datetime) -> None:
    """Bring the schedules in the database in line with those declared in the code."""
    recurring = {path: (job, job.schedule) for path, job in declared.items() if job.schedule}
    JobSchedule.objects.exclude(job__in=recurring).delete()
    kept = {row.job: row for row in JobSchedule.objects.all()}
    for path, (found, schedule) in recurring.items():
        row = kept.get(path)
        if row is None:
            # Never run: due at once, so that a new installation need not wait for its first night.
            JobSchedule.objects.create(job=path, schedule=schedule, due_at=now)
        elif row.schedule != schedule:
            row.schedule, row.due_at = schedule, found.next_run(now)
            row.save(update_fields=["schedule", "due_at"])


def ask_for_due_jobs(now: datetime) -> None:
    """Ask once for every recurring job whose time has come, however many times were missed."""
    if not JobSchedule.objects.filter(due_at__lte=now).exists():
        return
    with transaction.atomic():
        due = JobSchedule.objects.select_for_update(skip_locked=True).filter(due_at__lte=now)
        for row in due:
            found = declared.get(row.job)
            if found is None or not found.schedule:
                continue
            if not _unfinished().filter(task_path=row.job).exists():
                later(found)
                row.asked_at = now
            row.due_at = found.next_run(now)
            row.save(update_fields=["due_at", "asked_at"])


def take_up_again() -> int:
    """Make the jobs which a dead process left behind ready to run; returns how many.

    Call it only where no other worker lives on this database: `verne up` holds a lock for that.
    """
    left = DBTaskResult.objects.filter(
        models.Q(status=TaskResultStatus.RUNNING) | models.Q(status=TaskResultStatus.FAILED)
    )
    count = 0
    for row in left.order_by("enqueued_at"):
        interrupted = row.status == TaskResultStatus.RUNNING
        if _attempts_left(row):
            _make_ready(row, at=timezone.now())
            count += 1
        elif interrupted:
            row.set_failed(RuntimeError("The program ended while it was running this job."))
    return count


def run_waiting() -> None:
    """Run every job that is ready, here and now, and return when none is left.

    Unlike a worker it leaves the connection open, so that it can be called inside a transaction.
    """
    worker = _OneWorker("here", interval=0)
    while True:
        with transaction.atomic():
            row = DBTaskResult.objects.ready().get_locked()
            if row is None:
                return
            row.claim(worker.worker_id)
        worker.run_task(row)


class Steward:
    """The threads that run jobs beside the web server, and the clock that asks for recurring ones.

    Two threads, so that one long import does not keep a clock from escalating.
    """

    def __init__(self, *, threads: int = 2, look_every: float = 1.0) -> None:
        self.look_every = look_every
        self.stopping = threading.Event()
        self.workers = [
            _OneWorker(f"up-{number}", interval=look_every) for number in range(1, threads + 1)
        ]
        self.threads = [
            threading.Thread(target=self._work, args=(worker,), name=f"jobs-{number}", daemon=True)
            for number, worker in enumerate(self.workers, start=1)
        ]

    def start(self) -> int:
        """Take up what a crash left behind and begin; returns how many jobs that was."""
        autodiscover_modules("jobs")
        taken_up = take_up_again()
        settle_schedules(timezone.now())
        for thread in self.threads:
            thread.start()
        return taken_up

    def stop(self, *, wait: float) -> list[str]:
        """Finish the running jobs, start no new one; returns the jobs still running after that."""
        self.stopping.set()
        _asked.set()
        for worker in self.workers:
            worker.running = False
        until = timezone.now() + timedelta(seconds=wait)
        for thread in self.threads:
            thread.join(max(0.0, (until - timezone.now()).total_seconds()))
        return [worker.doing for worker in self.workers if worker.doing]

    def _work(self, worker: _OneWorker) -> None:
        asks = worker is self.workers[0]
        while not self.stopping.is_set():
            try:
                close_old_connections()
                if asks:
                    ask_for_due_jobs(timezone.now())
                if DBTaskResult.objects.ready().exists():
                    worker.run()
            except Exception:
                # A thread that died here would stop every job without anybody noticing.
                log.exception("The job worker met an error; it tries again in a few seconds.")
                connections.close_all()
                self.stopping.wait(5)
            if _asked.wait(self.look_every):
                _asked.clear()
        connections.close_all()


class _OneWorker(Worker):
    """Runs what is ready, one job at a time, and gives a failed job its next attempt."""

    def __init__(self, name: str, *, interval: float) -> None:
        super().__init__(
            queue_names=["*"],
            interval=interval,
            batch=True,
            backend_name="default",
            startup_delay=False,
            max_tasks=None,
            worker_id=name,
            excluded_queue_names=[],
        )
        self.doing = ""

    def run_task(self, row: DBTaskResult[Any, Any]) -> None:
        from .acts import via

        self.doing = row.task_path
        outer = via.set(Act.Via.JOB)
        try:
            super().run_task(row)
        finally:
            via.reset(outer)
            self.doing = ""
        if row.status != TaskResultStatus.FAILED:
            return
        attempt = len(row.worker_ids)
        if _attempts_left(row):
            wait = min(FIRST_WAIT * 4 ** (attempt - 1), LONGEST_WAIT)
            _make_ready(row, at=timezone.now() + wait)
            log.warning(
                "Job %s failed (%s); attempt %d follows in %s.",
                row.task_path,
                row.exception_class_path,
                attempt + 1,
                wait,
            )
        else:
            log.error("Job %s failed for good:\n%s", row.task_path, row.traceback)


def _attempts_left(row: DBTaskResult[Any, Any]) -> bool:
    try:
        found = row.task
    except (ImportError, SuspiciousOperation):
        return False  # The code of the job is gone: nothing can run it.
    # Each attempt is claimed by a worker, so the claims count the attempts.
    return isinstance(found, Job) and len(row.worker_ids) <= found.retries


def _make_ready(row: DBTaskResult[Any, Any], *, at: datetime) -> None:
    row.status = TaskResultStatus.READY
    row.run_after = at
    row.started_at = row.finished_at = None
    row.save(update_fields=["status", "run_after", "started_at", "finished_at"])


def _unfinished() -> models.QuerySet[DBTaskResult[Any, Any]]:
    return DBTaskResult.objects.filter(
        status__in=[TaskResultStatus.READY, TaskResultStatus.RUNNING]
    )


@job(schedule="* * * * *")
def ring_clocks() -> int:
    """Every minute: escalate the clocks that have passed a threshold of their target."""
    from .clock import ring

    return ring()


@job(schedule="11 * * * *")
def seal_history() -> None:
    """Every hour: seal what is new in the history, and have it stamped if that is wanted."""
    from .seal.sealing import seal
    from .seal.stamping import stamp_newest

    seal()
    try:
        stamp_newest()
    except Exception as wrong:
        # Sealed it is all the same; the next checkpoint is stamped with the next attempt.
        log.error("The checkpoint could not be stamped: %s", wrong)


@job(schedule="17 3 * * *")
def forget_finished_jobs() -> None:
    """Clear away what finished long ago; failures stay longer, for whoever looks for the cause."""
    now = timezone.now()
    DBTaskResult.objects.successful().filter(finished_at__lt=now - KEEP_FINISHED).delete()
    DBTaskResult.objects.failed().filter(finished_at__lt=now - KEEP_FAILED).delete()


@job(schedule="37 3 * * *")
def forget_expired_sessions() -> None:
    """Clear away the sessions of people who signed in long ago."""
    from django.contrib.sessions.models import Session

    Session.objects.filter(expire_date__lt=timezone.now()).delete()
