"""Conditions that rest on a judgement alone, or on one beside what the records show."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from verne.engine.escalation import Escalation
from verne.engine.evidence import Asked, Evidence, evidence, some
from verne.engine.people import Assignment
from verne.engine.records import Sheet
from verne.engine.register import registers, unfinished

from ..catalogue import catalogue
from .models import Attestation


def _judged(key: str, asked: Asked) -> Any:
    users = [r.id for r in catalogue().requirements_using(key)]
    return Attestation.objects.in_force(asked.at).filter(requirement__in=users)


@evidence("strategic-fit-attested", reads=(Attestation,))
def policy_and_objectives_fit_the_direction(asked: Asked) -> Evidence:
    return some(_judged("strategic-fit-attested", asked))


@evidence("policy-fit-attested", reads=(Attestation,))
def the_policy_suits_the_purpose(asked: Asked) -> Evidence:
    return some(_judged("policy-fit-attested", asked))


@evidence("people-directed-attested", reads=(Escalation,))
def what_is_brought_to_the_top_is_answered(asked: Asked) -> Evidence:
    """What the records show of it; the judgement itself is asked for wherever a check takes one."""
    to_the_top = Assignment.objects.filter(
        Q(until=None) | Q(until__gt=OuterRef("at")),
        role__key="top_management",
        person=OuterRef("to_person"),
        since__lte=OuterRef("at"),
    )
    brought = Escalation.objects.filter(Exists(to_the_top), at__lte=asked.at)
    population = Sheet.objects.filter(pk__in=brought.values("record"), withdrawn_at=None)
    late = population.filter(unfinished(registers), due_at__lt=asked.at)
    return Evidence(
        population, late, _("Escalated to top management, open, and past its due date.")
    )
