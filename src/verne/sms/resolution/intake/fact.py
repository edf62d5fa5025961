"""What another tool said of an incident that has no place of its own here."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..incident.models import Incident


class ImportedIncident(models.Model):
    """An incident as its last row told it, beside what we compute ourselves."""

    history_record: ClassVar[str] = "incident"

    incident = models.OneToOneField(Incident, models.PROTECT, related_name="imported")
    source = models.CharField(_("source"), max_length=40)
    number = models.CharField(_("number"), max_length=60)
    made_sla = models.BooleanField(_("said to have kept its target"), null=True)
    told = models.JSONField(_("last row"), default=dict)

    class Meta:
        verbose_name = _("imported incident")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["source", "made_sla"], name="imported_made_sla"),
        ]

    def __str__(self) -> str:
        return self.number
