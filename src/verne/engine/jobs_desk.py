"""The background jobs as those who look after the installation see them, and what they can do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext_lazy as _
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from . import jobs
from .acts import act
from .jobs import later, words_of
from .jobs_schedules import JobSchedule, unfinished
from .jobs_workers import Interrupted, JobClaim, JobWorker, Row, attempts, tell_given_up
from .people import Person

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

SILENT_AFTER = timedelta(seconds=60)

Rows = models.QuerySet[DBTaskResult]  # type: ignore[type-arg]


@dataclass(frozen=True)
class Seen:
    """A job that waits, runs or has failed."""

    row: Row
    mended: bool = False
    """A recurring job that failed, and has gone well since."""

    @property
    def title(self) -> StrOrPromise:
        found = jobs.declared.get(self.row.task_path)
        return str(found) if found else words_of(self.row.task_path)

    @property
    def attempts(self) -> int:
        return attempts(self.row)

    @property
    def may_run_again(self) -> bool:
        """Not when its code is gone, nor when it could do its work twice."""
        found = jobs.declared.get(self.row.task_path)
        return found is not None and found.retries > 0

    @property
    def not_before(self) -> datetime | None:
        """The instant it waits for; None when it is next in turn."""
        at = self.row.run_after
        return at if at.year < 9999 and at > timezone.now() else None

    @property
    def error(self) -> StrOrPromise:
        """Why it failed last, without the path through the code; empty when it has not failed."""
        return plain_error(self.row)


@dataclass(frozen=True)
class Recurring:
    """A job with a schedule."""

    schedule: JobSchedule

    @property
    def title(self) -> StrOrPromise:
        found = jobs.declared.get(self.schedule.job)
        return str(found) if found else words_of(self.schedule.job)

    @property
    def took(self) -> StrOrPromise:
        """How long the last run took: seconds, or so little that it does not matter."""
        thousandths = self.schedule.milliseconds
        if thousandths is None:
            return "–"
        if thousandths < 100:
            return _("under 0.1 s")
        return _("%(seconds)s s") % {"seconds": localize(round(thousandths / 1000, 1))}


def plain_error(row: Row) -> StrOrPromise:
    """What the error said, in its own words."""
    if not row.exception_class_path:
        return ""
    name = row.exception_class_path.rpartition(".")[2]
    if row.exception_class_path == f"{Interrupted.__module__}.{Interrupted.__qualname__}":
        return _("The program ended while it was running this job.")
    lines = row.traceback.rstrip().splitlines()
    for number in range(len(lines) - 1, -1, -1):
        said = lines[number].removeprefix(f"{row.exception_class_path}: ")
        said = said.removeprefix(f"{name}: ")
        if said != lines[number]:
            return " ".join([said, *lines[number + 1 :]])
    return name


def waiting() -> Rows:
    return DBTaskResult.objects.filter(status=TaskResultStatus.READY).order_by("enqueued_at", "pk")


def failed() -> Rows:
    return DBTaskResult.objects.failed().order_by("-finished_at", "pk")


def seen(rows: Iterable[Row]) -> list[Seen]:
    """Some of these rows, as a page shows them."""
    well = dict(JobSchedule.objects.filter(went_well=True).values_list("job", "ended_at"))

    def mended(row: Row) -> bool:
        since = well.get(row.task_path)
        return bool(since and row.finished_at and since > row.finished_at)

    return [Seen(row, mended(row)) for row in rows]


def running() -> models.QuerySet[JobClaim]:
    return JobClaim.objects.select_related("job", "worker").order_by("job__started_at")


def recurring() -> list[Recurring]:
    """All that this version declares, the one that is due next first."""
    rows = JobSchedule.objects.filter(job__in=jobs.declared).order_by("due_at", "job")
    return [Recurring(row) for row in rows]


def workers() -> list[JobWorker]:
    """The processes that run jobs; those that have not been heard of for a minute are left out."""
    rows = JobWorker.objects.order_by("started_at")
    if connection.vendor != "sqlite":
        # On SQLite the one process that serves this page is the one that runs the jobs.
        rows = rows.filter(beat_at__gte=timezone.now() - SILENT_AFTER)
    return list(rows)


def retry(number: UUID, *, by: Person) -> bool:
    """Have a failed job run again, with all its attempts before it; False when it is not there."""
    with transaction.atomic():
        row = failed().select_for_update().filter(pk=number).first()
        if row is None or not Seen(row).may_run_again:
            return False
        row.status = TaskResultStatus.READY
        row.run_after = timezone.now()
        row.worker_ids = []
        row.started_at = row.finished_at = None
        row.save()
        transaction.on_commit(jobs.asked.set)
        _note(by, "retry_job", row.task_path)
    return True


def cancel(number: UUID, *, by: Person) -> bool:
    """Take away a job that waits or has failed; False when it is not there, or runs already."""
    with transaction.atomic():
        open_ones = DBTaskResult.objects.filter(
            status__in=[TaskResultStatus.READY, TaskResultStatus.FAILED]
        )
        row = open_ones.select_for_update().filter(pk=number).first()
        if row is None:
            return False
        waited = row.status == TaskResultStatus.READY
        row.delete()
        row.pk = number
        _note(by, "cancel_job", row.task_path)
    if waited:
        tell_given_up([row])
    return True


def run_now(path: str, *, by: Person) -> bool:
    """Ask for a recurring job before its time; False when it waits or runs already."""
    found = jobs.declared.get(path)
    if found is None or found.schedule is None:
        return False
    with transaction.atomic():
        # The row is locked as the schedule locks it, so that it is asked for once.
        JobSchedule.objects.select_for_update().filter(job=path).first()
        there = unfinished(path)
        now = timezone.now()
        if there.exists():
            # It may be waiting for its next attempt.
            hurried = there.filter(status=TaskResultStatus.READY, run_after__gt=now)
            if not hurried.exclude(run_after__year=9999).update(run_after=now):
                return False
            transaction.on_commit(jobs.asked.set)
        else:
            later(found)
        JobSchedule.objects.filter(job=path).update(asked_at=now)
        _note(by, "run_job", path)
    return True


def _note(by: Person, name: str, path: str) -> None:
    with act("settle", by=by, name=name, note=path):
        pass
