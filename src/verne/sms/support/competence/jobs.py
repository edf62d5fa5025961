"""Says which assessments have run out."""

from __future__ import annotations

from contextlib import suppress

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy

from verne.engine.acts import move_by_rule
from verne.engine.jobs import job

from .models import CompetenceRecord


@job(title=gettext_lazy("Say which assessments of competence have run out"), schedule="21 0 * * *")
def expire_competences() -> int:
    """They stopped counting on the day itself; this makes it known. Returns how many."""
    over = CompetenceRecord.objects.standing().in_state("evaluated")
    done = 0
    for record in over.filter(expires_on__lte=timezone.now().date()):
        # Somebody may have assessed it anew in the same moment.
        with suppress(ValidationError), transaction.atomic():
            move_by_rule(record, "expire", by=None, note="The assessment has run out.")
            done += 1
    return done
