"""Competences as an example shows them, made through the verbs."""

from datetime import timedelta
from typing import Any

from verne.engine.acts import file
from verne.engine.moment import now
from verne.engine.people import Person, Role

from .models import Competence, CompetenceAction, CompetenceRecord, Level


def a_competence(by: Person, **facts: Any) -> Competence:
    usual = {
        "title": "Finding causes",
        "description": "Finds the cause of a failure that several teams have looked at in vain.",
        "proven_by": "Two analyses that stopped the incidents.",
        "valid_months": 24,
        "owner": by,
        "needs": [{"role": Role.objects.get(key="problem_manager"), "level": Level.ALONE}],
    }
    return file(Competence, usual | facts, by=by)


def a_competencerecord(by: Person, **facts: Any) -> CompetenceRecord:
    usual = {
        "title": "Finding causes in the network",
        "person": by,
        "competence": facts.pop("competence", None) or a_competence(by),
        "evidence": "Led the analysis of the line failures in March.",
        "owner": by,
    }
    return file(CompetenceRecord, usual | facts, by=by)


def a_competenceaction(by: Person, **facts: Any) -> CompetenceAction:
    usual = {
        "title": "Working along with the network team",
        "person": by,
        "competence": facts.pop("competence", None) or a_competence(by),
        "target_level": Level.ALONE,
        "means": CompetenceAction.Means.ROTATION,
        "description": "Three analyses together with somebody who does it alone.",
        "owner": by,
        "due_at": now() + timedelta(days=60),
    }
    return file(CompetenceAction, usual | facts, by=by)
