"""Nonconformities in the statement: an open major one overrides, what is overdue breaks a rule."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from verne.sms.improvement.nonconformity.action import CorrectiveAction
from verne.sms.improvement.nonconformity.models import Nonconformity, NonconformityQuerySet

NO_OVERDUE = "no-overdue-nonconformity"


def with_an_open_major(at: datetime) -> frozenset[str]:
    """The requirements against which a major nonconformity is open."""
    return _requirements(_unsettled(at).filter(grade=Nonconformity.Grade.MAJOR))


def with_something_overdue(at: datetime) -> frozenset[str]:
    """Those with a correction or an action past its day, or with an open major nonconformity."""
    actions = CorrectiveAction.objects.standing().open().filter(nonconformity=OuterRef("pk"))
    late_action = Exists(actions.filter(due_at__lte=at))
    late_correction = Q(state="detected", due_at__lte=at)
    major = Q(grade=Nonconformity.Grade.MAJOR)
    return _requirements(_unsettled(at).filter(late_correction | late_action | major))


def _unsettled(at: datetime) -> NonconformityQuerySet:
    found: NonconformityQuerySet = Nonconformity.objects.unsettled()
    return found.filter(detected_at__lte=at).exclude(requirement="")


def _requirements(found: NonconformityQuerySet) -> frozenset[str]:
    return frozenset(found.order_by().values_list("requirement", flat=True).distinct())
