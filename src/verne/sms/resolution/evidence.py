"""Questions that the evidence of several processes of this chapter asks in the same way."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q

from verne.engine.clock import Clock
from verne.engine.comments import Comment
from verne.engine.escalation import Escalation
from verne.engine.evidence import Asked
from verne.engine.history import Act


def settled_enough(asked: Asked, states: tuple[str, ...]) -> Q:
    """Records past their first states, or in them for longer than the update interval.

    What was recorded a minute ago is work under way, not evidence of anything yet.
    """
    patience = asked.delay("incident_update_interval")
    return ~Q(state__in=states) | Q(filed_at__lte=asked.at - patience)


def overdue(measures: tuple[str, ...], at: datetime) -> Exists:
    """Holds for a record with a clock that ran out, or is running past its due time."""
    late = Q(breached_at__lte=at) | Q(state="running", stopped_at=None, due_at__lte=at)
    return Exists(Clock.objects.filter(late, record=OuterRef("pk"), measure__in=measures))


def escalated(at: datetime) -> Exists:
    """Holds for a record that was escalated by then."""
    return Exists(Escalation.objects.filter(record=OuterRef("pk"), at__lte=at))


def silent_for(interval: timedelta, at: datetime) -> Q:
    """Holds for a record on which nobody did or said anything for that long."""
    since = at - interval
    acts = Act.objects.filter(record=OuterRef("pk"), at__gt=since, at__lte=at)
    words = Comment.objects.filter(record=OuterRef("pk"), at__gt=since, at__lte=at)
    return Q(filed_at__lte=since) & ~Q(Exists(acts)) & ~Q(Exists(words))


def moves_noted(population: Any) -> Q:
    """Holds for a record whose filing is in the history: each later change is noted there too,
    because the database refuses a change outside an act.
    """
    return Q(Exists(Act.objects.filter(record=OuterRef("pk"), verb="file")))
