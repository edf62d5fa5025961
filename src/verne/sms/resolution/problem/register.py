"""How problems, known errors, trend analyses and reviews are listed, filed and shown."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from verne.engine.people import Person
from verne.engine.register import Panel, Raise, Register, Section
from verne.engine.rights import ALL, READ, WORK

from .models import KnownError, Problem
from .trend import ProblemReview, TrendAnalysis

READERS = dict.fromkeys(
    (
        "top_management",
        "service_owner",
        "process_owner",
        "service_level_manager",
        "major_incident_manager",
        "configuration_manager",
        "business_relationship_manager",
        "internal_auditor",
        "audit_manager",
        "reader",
    ),
    READ,
)


def patterns_not_yet_noted(analysis: TrendAnalysis, person: Person) -> list[tuple[Any, ...]]:
    """Patterns that the incidents of the period show and that the analysis does not list yet."""
    from verne.sms.portfolio.service.models import Service

    from ..classification.models import Category

    if analysis.state != "under_way":
        return []
    there = set(analysis.patterns.values_list("service", "category"))
    found = [p for p in analysis.found() if (p["service"], p["category"]) not in there][:20]
    services = Service.objects.in_bulk({p["service"] for p in found if p["service"]})
    categories = Category.objects.in_bulk({p["category"] for p in found if p["category"]})
    return [
        (services.get(p["service"], ""), categories.get(p["category"], ""), p["times"])
        for p in found
    ]


class ProblemRegister(Register):
    model = Problem
    prefix = "PRB"
    slug = "problems"
    clauses = ("8.6.3",)
    purpose = _("Why incidents happen, and what is done to stop them coming back.")
    first_step = _("Raise one from the incident that has come back most often.")
    columns = ("ref", "title", "priority", "state", "service", "category", "owner", "target_date")
    filters = ("state", "priority", "service", "category", "origin", "owner")
    search = ("title", "description", "root_cause", "workaround", "resolution")
    filing = (
        "title",
        "description",
        "service",
        "components",
        "origin",
        "incidents",
        "no_incidents",
        "category",
        "priority",
        "priority_basis",
        "owner",
        "team",
    )
    sections = (
        Section(
            _("What happens"),
            "title",
            "description",
            "service",
            "components",
            "origin",
            "incidents",
            "no_incidents",
        ),
        Section(
            _("Classification and priority"),
            "category",
            "priority",
            "priority_basis",
            "owner",
            "team",
        ),
        Section(_("Why it happens"), "method", "root_cause", "possible_actions", "stop_reason"),
        Section(_("How to live with it"), "workaround", "impact_action", "review_date"),
        Section(
            _("How it is removed"),
            "target_date",
            "change_reference",
            "resolution",
            "closure_reason",
            "effect",
        ),
    )
    raises = (
        Raise(
            _("File a known error"),
            "resolution.knownerror",
            {
                "problem": "pk",
                "title": "title",
                "root_cause": "root_cause",
                "workaround": "workaround",
                "services": "service",
            },
        ),
    )
    documented = {"problems": (), "op_records": ()}
    roles = {
        **READERS,
        "problem_manager": ALL,
        "incident_manager": (*WORK, "classify", "prioritize"),
        "service_desk_agent": ("view", "file", "comment"),
        "sms_manager": (*READ, "accept", "withdraw"),
        "service_owner": (*READ, "comment", "accept"),
    }


class KnownErrorRegister(Register):
    model = KnownError
    prefix = "KER"
    slug = "known-errors"
    clauses = ("8.6.3",)
    purpose = _("What is understood, or can be lived with, in words the service desk can use.")
    first_step = _("File one from the problem whose workaround the service desk uses already.")
    columns = ("ref", "title", "problem", "state", "published_at", "owner")
    filters = ("state", "services", "owner")
    search = ("title", "symptom", "root_cause", "workaround")
    sections = (
        Section(_("Known error"), "title", "problem", "services", "symptom", "owner"),
        Section(_("What helps"), "workaround", "root_cause"),
    )
    documented = {"known_errors": ("published",)}
    roles = {
        **READERS,
        "problem_manager": ALL,
        "incident_manager": READ,
        "service_desk_agent": (*READ, "comment"),
        "request_manager": READ,
        "sms_manager": READ,
    }


class TrendAnalysisRegister(Register):
    model = TrendAnalysis
    prefix = "TRA"
    slug = "trend-analyses"
    clauses = ("8.6.3",)
    purpose = _("Looks at the incidents of a period for patterns that call for a problem.")
    first_step = _("Choose the last quarter and let the patterns show themselves.")
    columns = ("ref", "title", "since", "until", "state", "completed_at", "owner")
    filters = ("state", "owner")
    search = ("title", "conclusions")
    filing = ("title", "since", "until", "threshold", "owner")
    sections = (
        Section(_("Analysis"), "title", "since", "until", "threshold", "owner"),
        Section(_("Result"), "conclusions"),
    )
    parts = ("patterns",)
    panels = (
        Panel(
            _("Patterns found and not yet noted"),
            (_("Service"), _("Category"), _("Times")),
            patterns_not_yet_noted,
        ),
    )
    roles = {**READERS, "problem_manager": ALL, "incident_manager": WORK, "sms_manager": READ}


class ProblemReviewRegister(Register):
    model = ProblemReview
    prefix = "PRV"
    slug = "problem-reviews"
    clauses = ("8.6.3",)
    purpose = _("Whether resolving problems has an effect, said and reported from time to time.")
    first_step = _("Review the last quarter; the figures are there already.")
    columns = (
        "ref",
        "title",
        "since",
        "until",
        "resolved",
        "recurred",
        "outstanding",
        "state",
        "completed_at",
    )
    filters = ("state", "owner")
    search = ("title", "conclusions", "reported_in")
    filing = ("title", "since", "until", "owner")
    sections = (
        Section(_("Review"), "title", "since", "until", "owner"),
        Section(_("Conclusion"), "conclusions", "reported_in"),
    )
    documented = {"problem_reports": ("completed",)}
    roles = {**READERS, "problem_manager": ALL, "sms_manager": READ}
