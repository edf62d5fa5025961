"""What another tool said: the logs that were taken in, and each incident as they told it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from verne.engine.people import Organization, Person
from verne.sms.relationship.agreement.models import Agreement

from ..incident.models import Incident


class ImportedLog(models.Model):
    """A log that was taken in: which file, how it was read, and what came of it."""

    source = models.CharField(_("tool"), max_length=40)
    file_name = models.CharField(_("file"), max_length=200)
    zone = models.CharField(_("time zone"), max_length=60)
    customer = models.ForeignKey(
        Organization, models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    by = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("by"))
    began_at = models.DateTimeField(_("began"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    columns = models.JSONField(_("columns"), default=dict)
    """Our words, and the columns of the log that were read as them."""
    figures = models.JSONField(_("figures"), default=dict)
    flaws = models.JSONField(_("not taken as it is"), default=list)
    """Row, incident, column, value and what was done, as far as they fit."""

    class Meta:
        ordering = ("-began_at", "-id")
        verbose_name = _("imported log")
        verbose_name_plural = _("imported logs")

    def __str__(self) -> str:
        return self.file_name


class ImportedIncident(models.Model):
    """An incident as the log told it, cell by cell, beside what we compute ourselves."""

    history_record: ClassVar[str] = "incident"

    incident = models.OneToOneField(Incident, models.PROTECT, related_name="imported")
    log = models.ForeignKey(ImportedLog, models.PROTECT, related_name="incidents")
    source = models.CharField(_("tool"), max_length=40)
    number = models.CharField(_("number"), max_length=60)
    made_sla = models.BooleanField(_("said to have kept its target"), null=True)
    row = models.PositiveIntegerField(_("row of the last update"))
    told = models.JSONField(_("last row"), default=dict)
    """Every cell of its last row that is not empty, by the heads of the columns."""
    earlier = models.JSONField(_("earlier rows"), default=list)
    """The rows before it: the number of each, and the cells that differ from the row after it."""

    class Meta:
        verbose_name = _("imported incident")
        verbose_name_plural = _("imported incidents")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["made_sla"], name="imported_made_sla"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def updates(self) -> int:
        """How many rows of the log it came from."""
        return len(self.earlier) + 1

    def rows(self) -> list[tuple[int, dict[str, str]]]:
        """All its rows as they stood in the file, first to last: the number, and the cells that
        are not empty.
        """
        found = [(self.row, dict(self.told))]
        for number, differs in reversed(self.earlier):
            cells = found[-1][1] | differs
            found.append((number, {head: cell for head, cell in cells.items() if cell}))
        return found[::-1]

    def unplaced(self) -> dict[str, Any]:
        """What the last row says in columns that have no place in an incident."""
        placed = set(self.log.columns.values())
        return {head: cell for head, cell in self.told.items() if head not in placed}


class Judging(models.Model):
    """The imported incidents being judged by an agreement: who asked, and how far it is."""

    # How far it is tells of the program; what it changed stands in the history of the clocks.
    history: ClassVar[bool] = False

    agreement = models.ForeignKey(
        Agreement, models.PROTECT, related_name="+", verbose_name=_("agreement")
    )
    by = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("by"))
    asked_at = models.DateTimeField(_("asked for"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    done = models.PositiveIntegerField(_("incidents done"), default=0)
    total = models.PositiveIntegerField(_("incidents"), default=0)
    changed = models.PositiveIntegerField(_("clocks changed"), default=0)
    why = models.TextField(_("why it failed"), blank=True)

    class Meta:
        ordering = ("-asked_at", "-id")
        verbose_name = _("judging of imported incidents")

    def __str__(self) -> str:
        return f"{self.agreement.ref} {self.asked_at:%Y-%m-%d %H:%M}"
