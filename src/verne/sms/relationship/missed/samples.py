"""Missed targets as an example shows them, made through the verbs."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from verne.engine.acts import act, file
from verne.engine.people import Person

from ..agreement.measuring import window_at
from ..agreement.models import Agreement, ServiceLevelMeasurement
from ..agreement.samples import an_agreement
from .models import MissedTarget


def a_measurement_below_its_goal(agreement: Agreement, **facts: Any) -> ServiceLevelMeasurement:
    """Of last month: 91 percent, where the target asks for more."""
    last_month = window_at(timezone.now(), "month").before
    usual = {
        "subject": ServiceLevelMeasurement.Subject.TARGET,
        "target": agreement.targets.order_by("pk").first(),
        "window_start": last_month.first,
        "window_end": last_month.after,
        "counted": 100,
        "within": 91,
        "value": Decimal(91),
        "limit": Decimal(95),
        "reached": False,
        "computed_at": timezone.now(),
    }
    with act("settle", by=None, record=agreement.pk):
        return ServiceLevelMeasurement.objects.create(agreement=agreement, **usual | facts)


def a_missedtarget(by: Person, **facts: Any) -> MissedTarget:
    measurement = facts.pop("measurement", None) or a_measurement_below_its_goal(an_agreement(by))
    usual = {
        "title": "Incidents, priority 1: Time to resolve",
        "measurement": measurement,
        "owner": by,
        "due_at": timezone.now() + timedelta(days=14),
    }
    return file(MissedTarget, usual | facts, by=by)
