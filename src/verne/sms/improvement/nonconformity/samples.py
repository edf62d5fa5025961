"""Nonconformities and corrective actions as an example shows them, made through the verbs."""

from datetime import timedelta
from typing import Any

from verne.engine.acts import file, move, revise
from verne.engine.moment import now
from verne.engine.people import Person

from .action import CorrectiveAction
from .models import Nonconformity

CORRECTION = {
    "correction": "The eleven incidents were given a closure code the same afternoon.",
    "consequences": "The report of May counted them as solved without cause.",
    "consequences_handled": "The report was drawn up anew and sent again.",
}
ANALYSIS = {
    "similar": "possible",
    "similar_scope": "Service requests and problems of the last six months: none found.",
    "needs_action": True,
    "review_reason": "It comes back each month and spoils the trend analysis.",
    "risk_review": "unchanged",
}
CAUSES = [
    {"place": "1", "why": "The code is asked for only when somebody remembers it.",
     "is_root": False, "category": ""},
    {"place": "1.1", "why": "The night shift closes by telephone, from a list on paper.",
     "is_root": True, "category": "process"},
]  # fmt: skip
SUCCESS = {
    "success_criterion": "No incident closed in a month lacks its closure code.",
    "verify_after_days": 30,
}


def a_nonconformity(by: Person, **facts: Any) -> Nonconformity:
    usual = {
        "title": "Incidents are closed without a closure code",
        "nature": "Eleven of 340 incidents closed in May have no closure code (procedure 4.2).",
        "source": "check",
        "grade": "minor",
        "requirement": "8.6.1.e",
        "owner": by,
        "due_at": now() + timedelta(days=90),
    }
    return file(Nonconformity, usual | facts, by=by)


def a_correctiveaction(by: Person, **facts: Any) -> CorrectiveAction:
    usual = {
        "title": "Let the night shift close in the program",
        "nonconformity": facts.pop("nonconformity", None) or a_nonconformity(by),
        "type": "corrective",
        "description": "Two tablets at the night desk; half an hour of training each.",
        "proportion": "Two tablets cost less than one month of counting again.",
        "owner": by,
        "due_at": now() + timedelta(days=30),
    }
    return file(CorrectiveAction, usual | facts, by=by)


def analysed(nonconformity: Nonconformity, by: Person) -> Nonconformity:
    """Corrected, with its extent and its cause."""
    nonconformity = move(nonconformity, "correct", by=by, values=CORRECTION)
    nonconformity = revise(nonconformity, {"causes": CAUSES}, by=by)
    return move(nonconformity, "analyse", by=by, values=ANALYSIS)
