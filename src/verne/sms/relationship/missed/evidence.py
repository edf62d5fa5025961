"""What missed targets say about 8.3.3: something follows from each."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from verne.engine.evidence import Asked, Evidence, every, evidence
from verne.engine.links import Link

from ..agreement.models import ServiceLevelMeasurement
from .models import MissedTarget


@evidence("sla-misses-improved", reads=(MissedTarget, ServiceLevelMeasurement))
def something_follows_from_every_miss(asked: Asked) -> Evidence:
    """A problem or nonconformity is linked, or a reason given; while there is time, it is open."""
    ties = Link.objects.filter(ended_at=None, since__lte=asked.at)
    chosen = ties.filter(source=OuterRef("pk"), kind="improved_by", target__withdrawn_at=None)
    raised = ties.filter(target=OuterRef("pk"), kind="raised_from", source__withdrawn_at=None)
    in_time = Q(state="missed", due_at__gt=asked.at)
    misses = MissedTarget.objects.standing().filter(filed_at__lte=asked.at).exclude(in_time)
    return every(
        misses,
        Q(Exists(chosen)) | Q(Exists(raised)) | ~Q(no_action_reason=""),
        note=_("No problem or nonconformity deals with it, and no reason is given."),
    )
