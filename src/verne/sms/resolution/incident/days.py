"""What the hours do to incidents: waiting ends, and top management is owed another word."""

from __future__ import annotations

import logging

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy, override

from verne.engine import moment
from verne.engine.acts import move
from verne.engine.escalation import Escalation, escalate
from verne.engine.jobs import job
from verne.engine.people import Person, holders
from verne.engine.records import Sheet
from verne.engine.rights import who_may

from .major import MajorIncident
from .models import resumable

log = logging.getLogger("verne.incident")

AT_ONCE = 200
"""How many incidents one run takes up; the next run, five minutes later, takes the others."""


@job(title=gettext_lazy("Go on with incidents whose waiting is over"), schedule="*/5 * * * *")
def take_up_again() -> int:
    """Go on with incidents whose waiting is over; how many there were."""
    taken = 0
    # History keeps its words; English is its language wherever nobody in particular is acting.
    with override("en"):
        for incident in resumable(moment.now()).select_related("owner")[:AT_ONCE]:
            person = who_may(incident, "resume")
            if person is None:
                log.warning("%s: its waiting is over, and nobody may take it up.", incident.ref)
                continue
            try:
                move(incident, "resume", by=person, note=say("The time to wait is over."))
                taken += 1
            except ValidationError as why:
                log.info("%s was not taken up: %s", incident.ref, why)
    return taken


@job(
    title=gettext_lazy("Escalate major incidents of which top management has not heard"),
    schedule="*/5 * * * *",
)
def escalate_missing_notices() -> int:
    """Escalate major incidents of which top management has not heard in time; how many."""
    running = MajorIncident.objects.standing().in_state("declared", "running")
    with override("en"):
        return sum(_escalate_if_silent(pk) for pk in running.values_list("pk", flat=True))


def _escalate_if_silent(pk: int) -> bool:
    """Once for each word that is missing, however often the job runs."""
    with transaction.atomic():
        Sheet.objects.select_for_update(no_key=True).get(pk=pk)
        major = MajorIncident.objects.select_related("team").get(pk=pk)
        due = major.next_notice_due()
        if due is None or due > moment.now():
            return False
        if Escalation.objects.filter(record=pk, by=None, at__gte=due).exists():
            return False
        top: list[Person | None] = [*holders("top_management")]
        if not top:
            log.warning("%s: nobody holds the role of top management.", major.ref)
        for person in top or [None]:
            escalate(
                major,
                by=None,
                kind=Escalation.Kind.HIERARCHICAL,
                to_person=person,
                to_team=major.team,
                reason=say("Word to top management was due at %(at)s UTC.")
                % {"at": f"{due:%Y-%m-%d %H:%M}"},
            )
        return True
