"""Service hours as the organization keeps them: calendars in versions, none ever rewritten."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .calendar import Calendar, CalendarError


class ServiceCalendar(models.Model):
    """A named set of service hours, such as “Office hours Seoul”."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        app_label = "engine"
        ordering = ("name",)
        verbose_name = _("service calendar")

    def __str__(self) -> str:
        return self.name

    def version_at(self, at: datetime) -> CalendarVersion | None:
        """The version in force at an instant; the earliest one for instants before it."""
        rows = self.versions.order_by("valid_from", "id")
        return rows.filter(valid_from__lte=at).last() or rows.first()


def _valid_spec(spec: Any) -> None:
    try:
        Calendar.from_dict(spec)
    except CalendarError as error:
        raise ValidationError(_(error.template), params=error.facts) from error


class CalendarVersion(models.Model):
    """The hours from a date on, in the form `Calendar.from_dict` takes."""

    of = models.ForeignKey(ServiceCalendar, models.PROTECT, related_name="versions")
    valid_from = models.DateTimeField(_("valid from"), default=timezone.now)
    spec = models.JSONField(_("hours"), validators=[_valid_spec])

    class Meta:
        app_label = "engine"
        ordering = ("valid_from", "id")
        verbose_name = _("calendar version")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["of", "valid_from"], name="calendar_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.of} ({self.valid_from:%Y-%m-%d})"

    @property
    def hours(self) -> Calendar:
        """The calendar itself; equal specs share one, with its table of opening times."""
        return Calendar.from_dict(self.spec)
