"""What people say on a record: to everybody concerned, or among ourselves."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

from .rows import insert_one

if TYPE_CHECKING:
    from .people import Person
    from .records import Record


class Comment(models.Model):
    """One remark. `public` ones are read by the customer too; the others are our work log."""

    history_record: ClassVar[str] = "record"

    record = models.ForeignKey("engine.Sheet", models.PROTECT, related_name="comments")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True)
    at = models.DateTimeField(default=timezone.now)
    public = models.BooleanField(default=False)
    text = models.TextField()

    class Meta:
        app_label = "engine"
        ordering = ("at", "id")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["record", "at"], name="comment_of_record"),
        ]

    def __str__(self) -> str:
        return self.text[:60]


def comment(
    record: Record, text: str, *, by: Person, public: bool = False, at: datetime | None = None
) -> Comment:
    """Say something on a record. What a customer says is always public."""
    from .acts import _locked, _one_verb, _require_seen
    from .rights import may

    if not may(by, "comment", type(record)):
        raise PermissionDenied(_("Your roles do not let you comment on this."))
    if record.seen_by != by.pk:
        _require_seen(by, record)
    if not text.strip():
        raise ValidationError({"text": _("Write something first.")})
    public = public or by.is_customer
    with _one_verb():
        # Locked before the act, as every verb does it: whoever waits is dated later.
        record = _locked(record)
        return _said(record, text.strip(), by=by, public=public, at=at)


def _said(record: Record, text: str, *, by: Person, public: bool, at: datetime | None) -> Comment:
    from . import clock
    from .acts import _opened

    name = "public" if public else "internal"
    with _opened(
        "comment", by=by, record=record.pk, name=name, at=at, kind=record.kind_name()
    ) as work:
        row = Comment(record_id=record.pk, by=by, at=work.act.at, public=public, text=text)
        insert_one(row)
        clock.follow(record, work.act, retarget=False)
        for hear in heard:
            hear(record, row, work.act)
    return row


heard: list[Any] = []
"""Called with (record, comment, act) inside the act: an answer wakes what waits for it."""


def readable(record: Record, person: Person) -> Any:
    """The comments on a record that this person may read."""
    from .register import register_of

    rows = Comment.objects.filter(record=record.pk).select_related("by")
    if since := register_of(record.kind_name()).open_since(record, person):
        rows = rows.filter(at__gte=since)
    return rows.filter(public=True) if person.is_customer else rows
