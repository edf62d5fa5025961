"""What chapter 5 does by itself: say which appointments have run out."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verne.engine.acts import move_by_rule
from verne.engine.jobs import job

from .role.models import Appointment


@job(title=gettext_lazy("Say which appointments have run out"), schedule="*/10 * * * *")
def expire_appointments() -> int:
    """Their rights ended at the instant itself; this makes it known. Returns how many."""
    over = Appointment.objects.standing().in_state("awaiting", "in_force")
    done = 0
    for appointment in over.filter(until__lte=timezone.now()):
        try:
            with transaction.atomic(), translation.override("en"):
                note = _("Its end has come.")
                move_by_rule(appointment, "expire", by=None, note=note, at=appointment.until)
            done += 1
        except ValidationError:
            # Somebody ended it in the same moment.
            continue
    return done
