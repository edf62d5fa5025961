"""Programmes, audits, findings and requests as an example shows them, made through the verbs."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from verne.engine.acts import file
from verne.engine.people import Person

from .finding import AuditFinding
from .models import Audit
from .programme import AuditProgramme
from .request import EvidenceRequest


def an_auditprogramme(by: Person, **facts: Any) -> AuditProgramme:
    today = timezone.localdate()
    usual = {
        "title": "Internal audits of three years",
        "since": today.replace(month=1, day=1),
        "until": today.replace(year=today.year + 2, month=12, day=31),
        "frequency": "Every clause each year, heavy ones every six months.",
        "methods": "Interviews, samples from the registers, walks through the process.",
        "responsibilities": "The audit manager plans; auditors from other units conduct.",
        "planning_requirements": "Plan four weeks ahead, agree the days with those concerned.",
        "reporting": "To the management concerned within ten days.",
        "importance_basis": "Incidents and changes touch every customer, so they come first.",
        "changes_basis": "A second data centre since March: configuration is looked at twice.",
        "previous_results_basis": "Supplier reviews were missing: looked at again in spring.",
        "owner": by,
    }
    return file(AuditProgramme, usual | facts, by=by)


def an_audit(by: Person, **facts: Any) -> Audit:
    today = timezone.localdate()
    usual = {
        "title": "Problem management in spring",
        "clauses": "8.6.3",
        "criteria": "ISO/IEC 20000-1, our process for problems.",
        "own_requirements": True,
        "scope": "All services, all teams in Hamburg.",
        "since": today - timedelta(days=180),
        "until": today,
        "planned_for": today + timedelta(days=20),
        "owner": by,
        "members": [{"person": by, "duty": "lead"}],
        "sessions": [
            {"day": today + timedelta(days=20), "clauses": "8.6.3", "subject": "Problems"}
        ],
    }
    return file(Audit, usual | facts, by=by)


def an_auditfinding(by: Person, **facts: Any) -> AuditFinding:
    usual = {
        "title": "Known errors without a workaround",
        "audit": facts.pop("audit", None) or an_audit(by),
        "obligation": "8.6.3-2",
        "statement": "Two of twelve known errors say no workaround; each should.",
        "evidence": "KER-4 and KER-9, seen on the second day with the problem manager.",
        "grade": "minor",
        "systematic": True,
        "owner": by,
    }
    return file(AuditFinding, usual | facts, by=by)


def an_evidencerequest(by: Person, **facts: Any) -> EvidenceRequest:
    usual = {
        "title": "Minutes of the last three problem reviews",
        "audit": facts.pop("audit", None) or an_audit(by),
        "wanted": "The minutes of the last three reviews, with who was there.",
        "owner": by,
        "due_at": timezone.now() + timedelta(days=5),
    }
    return file(EvidenceRequest, usual | facts, by=by)
