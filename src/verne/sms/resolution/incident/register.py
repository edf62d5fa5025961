"""How incidents and major incidents are listed, filed and shown."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from verne.engine import search
from verne.engine.people import Person
from verne.engine.register import Panel, Raise, Register, Section
from verne.engine.rights import ALL, READ, WORK

# The jobs beside the processes are declared where they are imported.
from . import days as days
from .major import MajorIncident, MajorIncidentCriteria
from .models import Incident

MANAGERS = {
    "top_management": READ,
    "service_owner": (*READ, "comment"),
    "process_owner": READ,
    "service_level_manager": READ,
    "business_relationship_manager": (*READ, "comment"),
    "internal_auditor": READ,
    "audit_manager": READ,
    "reader": READ,
}


def similar_incidents(incident: Incident, person: Person) -> list[tuple[Any, ...]]:
    """Closed incidents that read like this one, with how they were solved."""
    if incident.state in ("resolved", "closed"):
        return []
    past = (
        Incident.objects.visible_to(person).in_state("resolved", "closed").exclude(pk=incident.pk)
    )
    text = f"{incident.title} {incident.symptom} {incident.description}"
    keys = search.similar(text, past, 5)
    found = Incident.objects.in_bulk(keys)
    return [
        (found[key], found[key].get_resolution_code_display(), found[key].resolution[:160])
        for key in keys
        if key in found
    ]


def fitting_known_errors(incident: Incident, person: Person) -> list[tuple[Any, ...]]:
    """Published known errors of the same service or of similar words, with the workaround."""
    from ..problem.models import KnownError

    if incident.state in ("resolved", "closed"):
        return []
    published = KnownError.objects.visible_to(person).in_state("published").standing()
    same = list(published.filter(services=incident.service_id)[:5]) if incident.service_id else []
    text = f"{incident.title} {incident.symptom} {incident.description}"
    keys = search.similar(text, published, 5)
    near = KnownError.objects.in_bulk(keys)
    errors = {error.pk: error for error in [*(near[k] for k in keys if k in near), *same]}
    return [(error, error.workaround[:200]) for error in errors.values()][:5]


def told_elsewhere(incident: Incident, person: Person) -> list[tuple[Any, ...]]:
    """What the log it was imported from says in columns that have no place here."""
    imported = getattr(incident, "imported", None)
    return list(imported.unplaced().items()) if imported else []


class IncidentRegister(Register):
    model = Incident
    prefix = "INC"
    slug = "incidents"
    clauses = ("8.6.1", "8.3.3")
    purpose = _("Every unplanned break or dip in a service, and what was done about it.")
    first_step = _("Record the fault that somebody called about last.")
    columns = (
        "ref",
        "title",
        "priority",
        "state",
        "due_at",
        "service",
        "customer",
        "owner",
    )
    filters = ("state", "priority", "service", "category", "owner", "team", "customer", "source")
    search = ("title", "description", "symptom", "resolution")
    filing = (
        "title",
        "description",
        "service",
        "components",
        "reporter",
        "customer",
        "source",
        "category",
        "symptom",
        "impact",
        "urgency",
        "major_answer",
        "team",
        "owner",
    )
    sections = (
        Section(_("What happened"), "title", "description", "symptom", "service", "components"),
        Section(_("Who is concerned"), "reporter", "customer", "source", "restricted"),
        Section(
            _("Classification and priority"),
            "category",
            "impact",
            "urgency",
            "priority_override",
            "override_reason",
            "major_answer",
        ),
        Section(_("Who works on it"), "owner", "team", "pending_reason", "resume_at"),
        Section(
            _("How it was solved"),
            "resolution",
            "resolution_code",
            "known_error",
            "change_reference",
            "confirmation",
            "closure_code",
        ),
    )
    portal = ("title", "description", "service")
    panels = (
        Panel(
            _("Known errors that may fit"),
            (_("Known error"), _("Workaround")),
            fitting_known_errors,
        ),
        Panel(
            _("Similar incidents"),
            (_("Incident"), _("Kind of resolution"), _("Resolution")),
            similar_incidents,
        ),
        Panel(_("In the other tool"), (_("Column"), _("Value")), told_elsewhere),
    )
    raises = (
        Raise(
            _("Declare a major incident"),
            "resolution.majorincident",
            {"incident": "pk", "title": "title"},
        ),
        Raise(
            _("Raise a problem"),
            "resolution.problem",
            {"incidents": "pk", "title": "title", "service": "service"},
        ),
    )
    documented = {"incidents": (), "op_records": ()}
    roles = {
        **MANAGERS,
        "incident_manager": ALL,
        "major_incident_manager": (*WORK, "start", "wait", "resume", "resolve", "reopen"),
        "service_desk_agent": (
            *WORK,
            "classify",
            "prioritize",
            "start",
            "wait",
            "resume",
            "resolve",
            "close",
            "reopen",
        ),
        "problem_manager": (*READ, "link", "comment"),
        "request_manager": READ,
        "configuration_manager": READ,
        "sms_manager": (*READ, "withdraw"),
        "customer_user": ("view", "file", "comment"),
        "customer_manager": ("view", "file", "comment"),
    }

    @classmethod
    def filed_by_customer(cls, person: Person) -> dict[str, Any]:
        return {"reporter": person, "source": Incident.Source.PORTAL}


class MajorIncidentCriteriaRegister(Register):
    model = MajorIncidentCriteria
    prefix = "MIC"
    slug = "major-incident-criteria"
    clauses = ("8.6.1",)
    purpose = _("What makes an incident a major one, agreed and reviewed.")
    first_step = _("Write down three criteria everybody will recognise at three in the morning.")
    columns = ("ref", "title", "state", "procedure_version", "approved_at", "review_due", "owner")
    filters = ("state",)
    search = ("title", "criteria")
    sections = (
        Section(_("Criteria"), "title", "criteria", "owner"),
        Section(
            _("Procedure"),
            "procedure_document",
            "procedure_version",
            "first_notice_minutes",
            "notice_interval_minutes",
            "review_days",
            "review_due",
        ),
    )
    roles = {
        **MANAGERS,
        "incident_manager": ALL,
        "sms_manager": ALL,
        "major_incident_manager": READ,
        "service_desk_agent": READ,
        "top_management": (*READ, "put_in_force"),
    }


class MajorIncidentRegister(Register):
    model = MajorIncident
    prefix = "MAJ"
    slug = "major-incidents"
    clauses = ("8.6.1",)
    purpose = _("The faster procedure, with a manager, notices to top management and a review.")
    first_step = _("Declare one from the incident that meets the criteria.")
    columns = (
        "ref",
        "title",
        "incident",
        "state",
        "manager",
        "due_at",
        "filed_at",
        "resolved_at",
        "reviewed_at",
    )
    filters = ("state", "manager")
    search = ("title", "report", "improvements")
    filing = ("title", "incident", "manager")
    sections = (
        Section(_("Major incident"), "title", "incident", "manager"),
        Section(_("Review"), "report", "improvements", "no_improvements"),
    )
    parts = ("notices",)
    documented = {"mi_reports": ("reviewed", "closed")}
    roles = {
        **MANAGERS,
        "incident_manager": ALL,
        "major_incident_manager": ALL,
        "service_desk_agent": ("view", "file", "comment"),
        "problem_manager": READ,
        "sms_manager": (*READ, "review", "close"),
    }
