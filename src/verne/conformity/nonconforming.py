"""Nonconformities in the statement: an open major one overrides, what is overdue breaks a rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q

from verne.engine.prepared import Prepared
from verne.sms.improvement.nonconformity.action import CorrectiveAction
from verne.sms.improvement.nonconformity.models import Nonconformity, NonconformityQuerySet

NO_OVERDUE = "no-overdue-nonconformity"


@dataclass(frozen=True)
class Against:
    """The requirements that something stands against."""

    major: frozenset[str]
    """A major nonconformity is open."""
    overdue: frozenset[str]
    """A correction or an action is past its day, or a major nonconformity is open."""


def against(at: datetime) -> Against:
    """What stands against which requirements at an instant, in one query."""
    troubled = _troubled(at=at)
    return Against(
        major=frozenset(id for id, grade in troubled if grade == Nonconformity.Grade.MAJOR),
        overdue=frozenset(id for id, _grade in troubled),
    )


def _against(at: Any) -> models.QuerySet[Any]:
    actions = CorrectiveAction.objects.standing().open().filter(nonconformity=OuterRef("pk"))
    late_action = Q(Exists(actions.filter(due_at__lte=at)))
    late_correction = Q(state="detected", due_at__lte=at)
    is_major = Q(grade=Nonconformity.Grade.MAJOR)
    found: NonconformityQuerySet = Nonconformity.objects.unsettled()
    rows: models.QuerySet[Any] = (
        found.filter(late_correction | late_action | is_major, detected_at__lte=at)
        .exclude(requirement="")
        .order_by()
        .values_list("requirement", "grade")
        .distinct()
    )
    return rows


_troubled = Prepared(_against, at=models.DateTimeField())
