"""What the nights do: a window that ended below its goal becomes a missed target to be answered."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy, override

from verne.engine.acts import file
from verne.engine.jobs import job
from verne.engine.rights import may, people_who_may, right

from ..agreement.models import Agreement, MeasurementCorrection, ServiceLevelMeasurement
from .models import MissedTarget

if TYPE_CHECKING:
    from verne.engine.people import Person

log = logging.getLogger("verne.missed")

TIME_TO_ANSWER = timedelta(days=14)

LOOKING_BACK = timedelta(days=92)
"""Windows that ended before this are history: an import of years asks nobody about them."""


def not_yet_filed(at: datetime) -> Any:
    """Measurements of windows that ended below their goal, without a record of it.

    A figure that two people agreed to replace by one above the goal was not missed.
    """
    filed = MissedTarget.objects.filter(measurement=OuterRef("pk"))
    righted = MeasurementCorrection.objects.filter(
        measurement=OuterRef("pk"), state="agreed", corrected_value__gte=OuterRef("limit")
    )
    rows = ServiceLevelMeasurement.objects.filter(
        ~Q(Exists(filed)),
        ~Q(Exists(righted)),
        subject=ServiceLevelMeasurement.Subject.TARGET,
        reached=False,
        window_end__lte=at.date(),
        window_end__gt=(at - LOOKING_BACK).date(),
        agreement__withdrawn_at=None,
    )
    return rows.select_related("agreement__owner", "target").order_by("window_start", "pk")


def file_misses(at: datetime, *, by: Person | None = None) -> list[MissedTarget]:
    """File each miss that is not on file yet, for the owner of the service."""
    found = []
    # History keeps its words; English is its language wherever nobody in particular is acting.
    with override("en"):
        for row in not_yet_filed(at):
            services = list(row.agreement.services.select_related("owner")[:2])
            service = services[0] if len(services) == 1 else None
            owner = _answers_for(row.agreement, service)
            person = by or _who_files(owner)
            if person is None:
                log.warning("%s: nobody may file that a target was missed.", row)
                continue
            values = {
                "title": str(row)[:200],
                "measurement": row,
                "service": service,
                "owner": owner,
                "due_at": at + TIME_TO_ANSWER,
                "restricted": row.agreement.restricted,
            }
            note = say("Its window ended below the goal.")
            found.append(file(MissedTarget, values, by=person, note=note, at=at))
    return found


def _answers_for(agreement: Agreement, service: Any) -> Person | None:
    """Who is asked: the owner of the one service it is about, else of the agreement."""
    owners = (service.owner if service else None, agreement.owner)
    return next((o for o in owners if o is not None and o.active), None)


def _who_files(owner: Person | None) -> Person | None:
    """The owner where their roles include it, else the first of those whose roles do."""
    if owner is not None and may(owner, "file", MissedTarget):
        return owner
    found: Person | None = people_who_may(right("file", MissedTarget)).order_by("pk").first()
    return found


@job(title=gettext_lazy("File the targets that were missed"), schedule="50 1 * * *")
def note_missed_targets() -> None:
    """Every night, after the measuring: file what was missed in the windows that have ended."""
    file_misses(timezone.now())
