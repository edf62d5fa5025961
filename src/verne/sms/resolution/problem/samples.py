"""Problems, known errors and reviews as an example shows them."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from verne.engine.acts import file
from verne.engine.people import Person
from verne.sms.portfolio.service.samples import a_service

from ..classification.samples import a_category
from .models import KnownError, Problem
from .trend import ProblemReview, TrendAnalysis


def a_problem(by: Person, **facts: Any) -> Problem:
    usual = {
        "title": "Mail stops every Monday at nine",
        "description": "Four Mondays in a row the relay hung for twenty minutes.",
        "service": facts.pop("service", None) or a_service(by),
        "category": facts.pop("category", None) or a_category(by),
        "origin": "trend",
        "no_incidents": "incidents" not in facts,
        "priority": 2,
        "priority_basis": "Every user is without mail for twenty minutes a week.",
        "owner": by,
        "method": "timeline",
    }
    return file(Problem, usual | facts, by=by)


def a_knownerror(by: Person, **facts: Any) -> KnownError:
    usual = {
        "title": "Mail relay hangs while the backup runs",
        "problem": facts.pop("problem", None) or a_problem(by),
        "symptom": "Messages stay in the outbox on Monday mornings.",
        "workaround": "Restart the relay; waiting messages go out within a minute.",
        "owner": by,
    }
    return file(KnownError, usual | facts, by=by)


def a_trendanalysis(by: Person, **facts: Any) -> TrendAnalysis:
    today = timezone.now().date()
    usual = {
        "title": "Incidents of the quarter",
        "since": today - timedelta(days=90),
        "until": today,
        "owner": by,
    }
    return file(TrendAnalysis, usual | facts, by=by)


def a_problemreview(by: Person, **facts: Any) -> ProblemReview:
    today = timezone.now().date()
    usual = {
        "title": "Problems of the quarter",
        "since": today - timedelta(days=90),
        "until": today,
        "owner": by,
    }
    return file(ProblemReview, usual | facts, by=by)
