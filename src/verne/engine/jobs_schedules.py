"""When recurring jobs are due: asked for once each time, however many workers there are."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from . import jobs
from .jobs import later

FORGOTTEN_AFTER = timedelta(days=1)


class JobSchedule(models.Model):
    """When a recurring job is due next and how it went last; one row a job."""

    # It tells of the program, not of the management system.
    history: ClassVar[bool] = False

    job = models.CharField(_("job"), max_length=200, unique=True)
    schedule = models.CharField(_("schedule"), max_length=100)
    due_at = models.DateTimeField(_("due"))
    asked_at = models.DateTimeField(_("last asked for"), null=True)
    ended_at = models.DateTimeField(_("last ended"), null=True)
    milliseconds = models.PositiveIntegerField(_("took"), null=True)
    went_well = models.BooleanField(_("went well"), null=True)

    class Meta:
        app_label = "engine"
        verbose_name = _("job schedule")

    def __str__(self) -> str:
        return f"{self.job} {self.schedule}"


def settle_schedules(now: datetime) -> None:
    """Bring the schedules in the database in line with those declared in the code.

    Done by every worker again and again: during an upgrade two versions may run side by side, so
    what this one does not know is left alone as long as another one still moves it on.
    """
    recurring = {path: (job, job.schedule) for path, job in jobs.declared.items() if job.schedule}
    unknown = JobSchedule.objects.exclude(job__in=recurring)
    unknown.filter(due_at__lt=now - FORGOTTEN_AFTER).delete()
    kept = {row.job: row for row in JobSchedule.objects.filter(job__in=recurring)}
    # Never run: due at once, so that a new installation need not wait for its first night.
    new = [
        JobSchedule(job=path, schedule=schedule, due_at=now)
        for path, (_job, schedule) in recurring.items()
        if path not in kept
    ]
    JobSchedule.objects.bulk_create(new, ignore_conflicts=True)
    for path, row in kept.items():
        found, schedule = recurring[path]
        next_run = found.next_run(now)
        # More than one run ahead: not a machine whose clock differs a little, but one whose clock
        # had run far ahead and was set right. Nothing would be asked for until then.
        if row.schedule != schedule or row.due_at > found.next_run(next_run):
            JobSchedule.objects.filter(pk=row.pk).update(schedule=schedule, due_at=next_run)


def ask_for_due_jobs(now: datetime) -> None:
    """Ask once for every recurring job whose time has come, however many times were missed."""
    if not JobSchedule.objects.filter(due_at__lte=now, job__in=jobs.declared).exists():
        return
    with transaction.atomic():
        # Whoever locks the row asks; the others pass it by, and find it moved on afterwards.
        due = JobSchedule.objects.select_for_update(skip_locked=True).filter(
            due_at__lte=now, job__in=jobs.declared
        )
        for row in due:
            found = jobs.declared[row.job]
            if not found.schedule:
                continue
            if not unfinished(row.job).exists():
                later(found)
                row.asked_at = now
            row.due_at = found.next_run(now)
            row.save(update_fields=["due_at", "asked_at"])


def unfinished(path: str) -> models.QuerySet[DBTaskResult]:  # type: ignore[type-arg]
    """The rows of a job that wait or run."""
    return DBTaskResult.objects.filter(
        task_path=path, status__in=[TaskResultStatus.READY, TaskResultStatus.RUNNING]
    )
