"""Background jobs: declared once, asked for in the transaction of the change that wants them.

    @job(title=_("Escalate clocks"), schedule="*/5 * * * *")
    def escalate_clocks() -> None: ...

    later(send_notice, incident.pk)

A job is asked for by a row in the same database, so a transaction that rolls back takes the job
with it. A job may run more than once (a crash, a retry): write it so that this does no harm.
Who runs it is in `jobs_workers`, when recurring ones are due in `jobs_schedules`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from cronsim import CronSim, CronSimError
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django_tasks.base import Task
from django_tasks_db.models import DBTaskResult

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

log = logging.getLogger("verne.jobs")

P = ParamSpec("P")
T = TypeVar("T")

KEEP_FAILED = timedelta(days=90)

declared: dict[str, Job[Any, Any]] = {}
"""Every job there is, by the path of its function."""

asked = threading.Event()
"""Set when this process asks for a job, so that its own worker need not wait for the next look."""

ending = threading.Event()
"""Set when the worker of this process is told to end: a job that can go on later returns then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Task, Generic[P, T]):  # type: ignore[type-arg]
    """A function that `later` or its schedule runs in the background; called, it runs at once."""

    title: StrOrPromise = ""
    schedule: str | None = None
    retries: int = 3
    if_given_up: Callable[..., object] | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        result: T = self.func(*args, **kwargs)
        return result

    def __str__(self) -> str:
        return str(self.title) or words_of(self.module_path)

    def next_run(self, after: datetime) -> datetime:
        """The first instant after this one at which the schedule asks for the job, in UTC."""
        assert self.schedule is not None, f"{self.module_path} has no schedule"
        return next(CronSim(self.schedule, after.astimezone(UTC)))


def job(
    *,
    title: StrOrPromise = "",
    schedule: str | None = None,
    retries: int = 3,
    if_given_up: Callable[..., object] | None = None,
) -> Callable[[Callable[P, T]], Job[P, T]]:
    """Declare a background job.

    The schedule is a cron line in UTC; `retries` follow a failure. `retries=0` says that it must
    never run twice: then it is given up when its process dies. `if_given_up` is called with the
    job's own arguments when it failed for good or was cancelled, to tell whoever waits for it.
    """

    def declare(function: Callable[P, T]) -> Job[P, T]:
        made: Job[P, T] = Job(
            func=function, title=title, schedule=schedule, retries=retries, if_given_up=if_given_up
        )
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
    transaction.on_commit(asked.set)


def words_of(path: str) -> str:
    """What a job is called whose declaration says nothing, or is gone: its function, in words."""
    return capfirst(path.rpartition(".")[2].replace("_", " "))


# --- What the engine itself has done in the background -------------------------------------------


@job(title=_("Escalate clocks that pass a threshold of their target"), schedule="* * * * *")
def ring_clocks() -> int:
    """Every minute: escalate the clocks that have passed a threshold of their target."""
    from .clock import ring

    return ring()


@job(title=_("Seal what is new in the history"), schedule="11 * * * *")
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


@job(title=_("Take the sizes of tables, by which queries are planned"), schedule="*/15 * * * *")
def take_sizes() -> None:
    """Every quarter of an hour, where the number of records has grown."""
    from .sqlite import planning

    if connection.vendor == "sqlite":
        planning.inform(connection)


@job(title=_("Clear away background jobs that failed long ago"), schedule="17 3 * * *")
def forget_finished_jobs() -> None:
    """Failures stay for a while, for whoever looks for the cause; what went well leaves at once."""
    DBTaskResult.objects.successful().delete()
    edge = timezone.now() - KEEP_FAILED
    DBTaskResult.objects.failed().filter(finished_at__lt=edge).delete()


@job(title=_("Clear away expired sessions"), schedule="37 3 * * *")
def forget_expired_sessions() -> None:
    """Clear away the sessions of people who signed in long ago."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
