"""The audit trail: one act for each thing done, one entry for each row it changed.

Entries are written by the database itself (`triggers.py`), so a bulk update or a stray shell
leaves the same trace as a verb, or none of the change.
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from .records import Record

current_act: ContextVar[int | None] = ContextVar("current_act", default=None)
"""Number of the act under which this thread is writing; the triggers ask for it."""


class Act(models.Model):
    """Who did what to which record, when and why."""

    class Via(models.TextChoices):
        WEB = "web", _("web page")
        API = "api", _("API")
        CLI = "cli", _("command line")
        IMPORT = "import", _("import")
        JOB = "job", _("background job")

    at = models.DateTimeField(default=timezone.now)
    recorded_at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True)
    verb = models.CharField(max_length=20)
    name = models.CharField(max_length=60, blank=True)
    note = models.TextField(blank=True)
    via = models.CharField(max_length=10, choices=Via, blank=True)
    record = models.ForeignKey("engine.Sheet", models.PROTECT, related_name="acts", null=True)

    class Meta:
        app_label = "engine"
        ordering = ("at", "id")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["record", "at", "id"], name="act_of_record"),
            models.Index(fields=["at"], name="act_at"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.name}".strip()


class Entry(models.Model):
    """One row before and after an act. `table` is the database table, `row` its key.

    `before` and `after` map column names to values: all columns for a row that was added or
    removed, the changed ones for a row that was changed.
    """

    class Op(models.TextChoices):
        INSERT = "I"
        UPDATE = "U"
        DELETE = "D"

    act = models.ForeignKey(Act, models.PROTECT, related_name="entries")
    table = models.CharField(max_length=80)
    row = models.BigIntegerField()
    record = models.ForeignKey(
        "engine.Sheet", models.PROTECT, related_name="entries", null=True, db_constraint=False
    )
    op = models.CharField(max_length=1, choices=Op)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        app_label = "engine"
        ordering = ("id",)
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["table", "row", "id"], name="entry_of_row"),
        ]

    def __str__(self) -> str:
        return f"{self.op} {self.table} {self.row}"


def as_it_was(record: Record, at: datetime) -> Record | None:
    """The record as its history shows it at an instant; None before it was filed.

    Reads the entries of the cover sheet and of the sheet under it, oldest first. Relations with
    tables of their own (links, parts, many-to-many) are read with `rows_at`.
    """
    fields = {f.column: f for f in record._meta.concrete_fields}
    tables = [parent._meta.db_table for parent in (*record._meta.get_parent_list(), type(record))]
    values: dict[str, Any] = {}
    for table in tables:
        values |= rows_at(table, at, row=record.pk).get(record.pk, {})
    if not values:
        return None
    known = {
        fields[column].attname: fields[column].to_python(value)
        for column, value in values.items()
        if column in fields
    }
    return type(record)(**known)


def rows_at(
    table: str, at: datetime, *, row: int | None = None, record: int | None = None
) -> dict[int, dict[str, Any]]:
    """Rows of a table as they stood at an instant, by their key, replayed from the entries."""
    entries = Entry.objects.filter(table=table, act__at__lte=at)
    if row is not None:
        entries = entries.filter(row=row)
    if record is not None:
        entries = entries.filter(record_id=record)
    rows: dict[int, dict[str, Any]] = {}
    ordered = entries.order_by("act__at", "id").values_list("row", "op", "after")
    for key, op, after in ordered.iterator():
        if op == Entry.Op.DELETE:
            rows.pop(key, None)
        else:
            rows[key] = rows.get(key, {}) | (after or {})
    return rows
