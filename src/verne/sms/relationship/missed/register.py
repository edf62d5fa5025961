"""How missed targets are listed, shown and answered."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from verne.engine.people import Person
from verne.engine.register import Column, Register, Section
from verne.engine.rights import ALL, READ, WORK

from ..agreement.models import Agreement, ServiceLevelMeasurement
from ..agreement.register import percent
from . import days as days
from .models import MissedTarget


class MissedTargetRegister(Register):
    model = MissedTarget
    prefix = "MIS"
    slug = "missed-targets"
    clauses = ("8.3.3",)
    purpose = _("Service levels that were not reached, and what follows from each.")
    first_step = _("Nothing to do: they are filed by themselves when a window ends below its goal.")
    columns = (
        "ref",
        "title",
        "service",
        Column(
            "measured", _("Result"), lambda m: percent(m.measurement.value), needs=("measurement",)
        ),
        Column("goal", _("Goal"), lambda m: percent(m.measurement.limit), needs=("measurement",)),
        "state",
        "owner",
        "due_at",
    )
    filters = ("state", "owner", "service")
    search = ("title", "explanation", "no_action_reason")
    sections = (
        Section(_("Missed target"), "title", "measurement", "service", "owner", "due_at"),
        Section(_("Answer"), "explanation", "no_action_reason"),
    )
    roles = {
        "service_level_manager": ALL,
        "sms_manager": ALL,
        "service_owner": (*WORK, "answer", "take_up_again"),
        "business_relationship_manager": (*WORK, "answer"),
        "top_management": READ,
        "internal_auditor": (*READ, "comment"),
        "audit_manager": (*READ, "comment"),
        "reader": READ,
    }

    @classmethod
    def allowed(cls, person: Person, field: str) -> Any | None:
        """Missed measurements of agreements that this person may see."""
        if field != "measurement":
            return None
        rows = ServiceLevelMeasurement.objects.filter(
            agreement__in=Agreement.objects.visible_to(person),
            subject=ServiceLevelMeasurement.Subject.TARGET,
            reached=False,
        )
        return rows.select_related("agreement", "target").order_by("-window_start", "-pk")
