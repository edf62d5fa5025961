"""Passing a record on to more skill or more authority, by hand or when a clock runs out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from .people import Person, Team
    from .records import Record


class Escalation(models.Model):
    """One passing on, with its reason.

    From a clock, `share` is the percent of its target used up since `counted_from`: a clock that
    starts over, as the one for the next update does, speaks up anew.
    """

    class Kind(models.TextChoices):
        FUNCTIONAL = "functional", gettext_lazy("To more skill")
        HIERARCHICAL = "hierarchical", gettext_lazy("To more authority")

    history_record: ClassVar[str] = "record"

    record = models.ForeignKey("engine.Sheet", models.PROTECT, related_name="escalations")
    kind = models.CharField(max_length=20, choices=Kind)
    to_person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    to_team = models.ForeignKey(
        "engine.Team", models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    clock = models.ForeignKey("engine.Clock", models.PROTECT, null=True, related_name="escalations")
    share = models.PositiveSmallIntegerField(null=True)
    counted_from = models.DateTimeField(null=True)

    class Meta:
        app_label = "engine"
        ordering = ("at", "id")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # A threshold escalates once, however many workers look at the same clock.
            models.UniqueConstraint(
                fields=["clock", "share", "counted_from"], name="escalated_once"
            ),
        ]

    def __str__(self) -> str:
        return self.reason[:60]


def escalate(
    record: Record,
    *,
    by: Person | None,
    reason: str,
    kind: str = Escalation.Kind.FUNCTIONAL,
    to_person: Person | None = None,
    to_team: Team | None = None,
    at: datetime | None = None,
    **clock: Any,
) -> Escalation:
    """Record an escalation. `by` is None when a clock does it."""
    from .acts import _require_seen, act

    if by is not None:
        if not by.may("engine.escalate"):
            raise PermissionDenied(_("Your roles do not let you escalate."))
        _require_seen(by, record)
    if not reason.strip():
        raise ValidationError({"reason": _("Say why it is escalated.")})
    if by is not None and to_person is None and to_team is None:
        raise ValidationError({"to_team": _("Choose a team or a person to escalate to.")})
    with act(
        "escalate", by=by, record=record.pk, note=reason, at=at, kind=record.kind_name()
    ) as work:
        return Escalation.objects.create(
            record_id=record.pk,
            kind=kind,
            to_person=to_person,
            to_team=to_team,
            reason=reason,
            at=work.act.at,
            by=by,
            **clock,
        )
