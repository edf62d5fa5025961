"""What was taken over from the registers into a revision of the plan, and when."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from verne.sms.support.document.revision import Revision


class TakenOver(models.Model):
    """What the registers of one section said when they were taken over. Added, never changed.

    The newest of a section counts: a draft may take them over as often as it likes.
    """

    history_record: ClassVar[str] = "of"
    append_only: ClassVar[bool] = True

    of = models.ForeignKey(Revision, models.PROTECT, related_name="taken_over")
    section = models.CharField(max_length=40)
    heading = models.CharField(
        max_length=200, help_text="Under which the passage stands in the text."
    )
    passages: models.JSONField[Any, Any] = models.JSONField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("passage taken over")
        verbose_name_plural = _("passages taken over")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["of", "section", "id"], name="taken_over_of"),
        ]

    def __str__(self) -> str:
        return f"{self.of_id}: {self.section}"


def newest(revision: Revision | None) -> dict[str, TakenOver]:
    """What a revision rests on, by section."""
    if revision is None:
        return {}
    rows = TakenOver.objects.filter(of=revision).order_by("pk")
    return {row.section: row for row in rows}
