"""How programmes, audits, findings and requests for evidence are listed, filed and shown."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from verne.engine.people import Organization, Person
from verne.engine.register import Panel, Raise, Register, Section
from verne.engine.requirements import library
from verne.engine.rights import ALL, READ, WORK

from ..readers import READERS
from .checklist import left_open
from .finding import AuditFinding, improvements_of, suggested_grade
from .independence import entanglements
from .models import Audit
from .programme import AuditProgramme
from .request import EvidenceRequest

ANSWERS = (*READ, "revise", "comment", "link")
"""What those do who are asked by an audit."""

AUDITED = dict.fromkeys(
    (
        "service_owner",
        "process_owner",
        "service_level_manager",
        "incident_manager",
        "problem_manager",
        "configuration_manager",
    ),
    ANSWERS,
)


def those_who_work_here(person: Person, field: str) -> Any | None:
    """Auditors and those who answer them are our own people."""
    if field not in ("person", "auditor", "auditee", "reported_to"):
        return None
    own = Q(organization=None) | Q(organization__kind=Organization.Kind.OWN)
    return Person.objects.filter(own, active=True)


class AuditProgrammeRegister(Register):
    model = AuditProgramme
    prefix = "AUP"
    slug = "audit-programmes"
    clauses = ("9.2.2",)
    purpose = _("What is audited over the years, how often, by which means, and why so.")
    first_step = _("File a programme for three years, and lay out its areas from the standard.")
    columns = ("ref", "title", "since", "until", "state", "owner", "approved_at")
    filters = ("state", "owner")
    search = ("title", "methods", "responsibilities")
    filing = ("title", "since", "until", "frequency", "owner")
    sections = (
        Section(_("Programme"), "title", "since", "until", "frequency", "owner"),
        Section(
            _("How it is run"),
            "methods",
            "responsibilities",
            "planning_requirements",
            "reporting",
        ),
        Section(_("What shaped it"), "importance_basis", "changes_basis", "previous_results_basis"),
    )
    parts = ("areas",)
    documented = {"audit_programme": ("in_force", "ended")}
    raises = (Raise(_("Plan an audit"), "evaluation.audit", {"programme": "pk"}),)
    roles = {
        **READERS,
        "audit_manager": ALL,
        "sms_manager": (*READ, "comment", "put_in_force"),
        "top_management": (*READ, "comment", "put_in_force"),
    }


def why_not_independent(audit: Audit, person: Person) -> list[tuple[Any, ...]]:
    """Who of the team is entangled with what is audited, and by which record."""
    if not audit.is_ours or audit.state in ("closed", "called_off"):
        return []
    return [(e.person, e.clause, e.reason, e.example) for e in entanglements(audit)]


def what_was_open(audit: Audit, person: Person) -> list[tuple[Any, ...]]:
    return [(f, f.get_grade_display(), f.obligation) for f in left_open(audit)]


def what_it_found(audit: Audit, person: Person) -> list[tuple[Any, ...]]:
    rows = AuditFinding.objects.visible_to(person).standing().filter(audit=audit.pk)
    return [(f, f.get_grade_display(), f.obligation, f.standing.label) for f in rows.order_by("pk")]


def what_was_drawn(audit: Audit, person: Person) -> list[tuple[Any, ...]]:
    from ..sampling.models import AuditSample

    rows = AuditSample.objects.visible_to(person).standing().filter(audit=audit.pk)
    return [(s, s.size, s.population_size, s.standing.label) for s in rows.order_by("pk")]


class AuditRegister(Register):
    model = Audit
    prefix = "AUD"
    slug = "audits"
    clauses = ("9.2.1", "9.2.2")
    purpose = _("Whether the management system does what it says and what the standard asks.")
    first_step = _("Plan the first one: choose clauses, a day, and somebody who does not run them.")
    columns = (
        "ref",
        "title",
        "type",
        "clauses",
        "planned_for",
        "state",
        "owner",
        "effectiveness",
        "completed_at",
    )
    filters = ("state", "type", "programme", "owner", "effectiveness")
    search = ("title", "criteria", "scope", "clauses", "conclusion")
    order = "-planned_for"
    filing = (
        "title",
        "type",
        "programme",
        "follow_up_of",
        "planned_for",
        "clauses",
        "criteria",
        "own_requirements",
        "scope",
        "services",
        "since",
        "until",
        "owner",
    )
    sections = (
        Section(_("Audit"), "title", "type", "programme", "follow_up_of", "planned_for", "owner"),
        Section(
            _("Criteria and scope"),
            "criteria",
            "own_requirements",
            "scope",
            "clauses",
            "services",
            "since",
            "until",
        ),
        Section(_("Conclusion"), "effectiveness", "conclusion", "reported_to"),
    )
    parts = ("members", "sessions")
    panels = (
        Panel(
            _("Not independent"),
            (_("Person"), _("Clause"), _("Reason"), _("Example")),
            why_not_independent,
        ),
        Panel(
            _("Left open by the audit it follows up"),
            (_("Finding"), _("Grade"), _("Criterion")),
            what_was_open,
        ),
        Panel(
            _("Findings"),
            (_("Finding"), _("Grade"), _("Criterion"), _("State")),
            what_it_found,
        ),
        Panel(
            _("Samples"),
            (_("Sample"), _("Items"), _("Population"), _("State")),
            what_was_drawn,
        ),
    )
    raises = (
        Raise(
            _("Note a finding"),
            "evaluation.auditfinding",
            {"audit": "pk"},
        ),
        Raise(_("Ask for evidence"), "evaluation.evidencerequest", {"audit": "pk"}),
        Raise(
            _("Plan a follow-up"),
            "evaluation.audit",
            {
                "follow_up_of": "pk",
                "programme": "programme",
                "clauses": "clauses",
                "criteria": "criteria",
                "scope": "scope",
                "title": "title",
            },
        ),
    )
    documented = {
        "audit_results": ("reported", "closed"),
        "conformity_records": ("reported", "closed"),
    }
    roles = {
        **READERS,
        "audit_manager": ALL,
        "internal_auditor": (
            *WORK,
            "prepare",
            "plan_again",
            "start",
            "conduct",
            "look_again",
            "report",
            "close",
        ),
        "sms_manager": (*READ, "comment"),
    }

    @classmethod
    def allowed(cls, person: Person, field: str) -> Any | None:
        return those_who_work_here(person, field)


def help_with_the_grade(finding: AuditFinding, person: Person) -> list[tuple[Any, ...]]:
    """What the three questions lead to, while it is a nonconformity and differs."""
    if finding.grade not in AuditFinding.NONCONFORMITIES or finding.state == "closed":
        return []
    grade, why = suggested_grade(finding)
    return [(AuditFinding.Grade(grade).label, why)]


def what_is_measured_against(finding: AuditFinding, person: Person) -> list[tuple[Any, ...]]:
    asked = library().obligations().get(finding.obligation)
    return [(asked.cite, asked.text)] if asked else []


def what_is_done(finding: AuditFinding, person: Person) -> list[tuple[Any, ...]]:
    from verne.engine.records import Sheet
    from verne.engine.rights import scope

    seen = improvements_of(finding).filter(scope(person, Sheet)).order_by("pk")
    return [(sheet, sheet.state_label) for sheet in seen]


class AuditFindingRegister(Register):
    model = AuditFinding
    prefix = "FND"
    slug = "audit-findings"
    clauses = ("9.2.2",)
    purpose = _("What audits found: the criterion, what was seen, and what became of it.")
    first_step = _("Note a finding from an audit: a strength is one, too.")
    columns = ("ref", "title", "grade", "clause", "audit", "state", "owner", "target_date")
    filters = ("state", "grade", "clause", "audit", "owner")
    search = ("title", "statement", "evidence", "response", "outcome", "body_reference")
    filing = (
        "title",
        "audit",
        "obligation",
        "statement",
        "evidence",
        "absent",
        "systematic",
        "doubts_results",
        "grade",
        "repeat_of",
        "sample",
        "owner",
        "target_date",
        "body_reference",
    )
    sections = (
        Section(_("Finding"), "title", "obligation", "statement", "evidence", "sample", "audit"),
        Section(
            _("How grave it is"), "absent", "systematic", "doubts_results", "grade", "repeat_of"
        ),
        Section(
            _("What becomes of it"),
            "owner",
            "target_date",
            "body_reference",
            "response",
            "outcome",
        ),
    )
    panels = (
        Panel(
            _("Measured against"), (_("Obligation"), _("What it asks")), what_is_measured_against
        ),
        Panel(_("Help with the grade"), (_("Suggested"), _("Because")), help_with_the_grade),
        Panel(_("What is done about it"), (_("Record"), _("State")), what_is_done),
    )
    roles = {
        **READERS,
        **{role: (*verbs, "accept") for role, verbs in AUDITED.items()},
        "audit_manager": ALL,
        "internal_auditor": (*WORK, "close", "reopen"),
        "sms_manager": (*WORK, "accept", "link_up"),
        "improvement_manager": (*WORK, "accept", "link_up"),
    }


class EvidenceRequestRegister(Register):
    model = EvidenceRequest
    prefix = "ERQ"
    slug = "evidence-requests"
    clauses = ("9.2.2",)
    purpose = _("What auditors ask to see, by when, and what they were given.")
    first_step = _("Ask for evidence from the page of an audit.")
    columns = ("ref", "title", "audit", "obligation", "state", "owner", "due_at")
    filters = ("state", "audit", "room", "owner")
    search = ("title", "wanted", "answer")
    filing = ("title", "audit", "obligation", "wanted", "owner", "due_at")
    sections = (
        Section(
            _("What is asked for"), "title", "wanted", "obligation", "audit", "owner", "due_at"
        ),
        Section(_("Answer"), "answer"),
    )
    roles = {
        **READERS,
        **{role: (*verbs, "give_answer") for role, verbs in AUDITED.items()},
        "audit_manager": ALL,
        "internal_auditor": (*WORK, "accept", "reject", "drop"),
        "sms_manager": (*WORK, "give_answer"),
    }
