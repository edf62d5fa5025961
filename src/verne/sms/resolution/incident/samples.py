"""Incidents as an example shows them, made through the verbs."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from verne.engine import approvals
from verne.engine.acts import file, move
from verne.engine.people import Person
from verne.sms.portfolio.service.samples import a_service

from ..classification.samples import a_category
from .major import MajorIncident, MajorIncidentCriteria
from .models import Incident


def an_incident(by: Person, **facts: Any) -> Incident:
    """An incident as the service desk records it: classified and prioritized at once."""
    usual = {
        "title": "Nobody can send mail",
        "description": "Messages stay in the outbox since nine o'clock.",
        "service": facts.pop("service", None) or a_service(by),
        "category": facts.pop("category", None) or a_category(by),
        "impact": 2,
        "urgency": 2,
        "major_answer": "no",
        "owner": by,
    }
    return file(Incident, usual | facts, by=by)


def a_resolved_incident(by: Person, **facts: Any) -> Incident:
    incident = move(an_incident(by, **facts), "start", by=by)
    return move(
        incident,
        "resolve",
        by=by,
        values={"resolution": "Restarted the mail relay.", "resolution_code": "fixed"},
    )


def a_majorincidentcriteria(by: Person, **facts: Any) -> MajorIncidentCriteria:
    usual = {
        "title": "Major incident criteria",
        "criteria": "A service of high criticality is down for a whole customer.",
        "procedure_version": "1.0",
        "review_due": (timezone.now() + timedelta(days=365)).date(),
        "owner": by,
    }
    return file(MajorIncidentCriteria, usual | facts, by=by)


def criteria_in_force(by: Person, *, approver: Person, **facts: Any) -> MajorIncidentCriteria:
    """Criteria that somebody else has approved."""
    criteria = a_majorincidentcriteria(by, **facts)
    approvals.vote(approvals.ask(criteria, "put_in_force", by=by), by=approver, agrees=True)
    return move(criteria, "put_in_force", by=by)


def a_majorincident(by: Person, **facts: Any) -> MajorIncident:
    incident = facts.pop("incident", None) or an_incident(by, major_answer="yes")
    usual = {"title": "Mail is down for everybody", "incident": incident, "manager": by}
    return file(MajorIncident, usual | facts, by=by)
