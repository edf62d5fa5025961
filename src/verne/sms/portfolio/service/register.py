"""How services and their requirements are listed, filed and shown."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from verne.engine.people import Person
from verne.engine.register import Panel, Register, Section
from verne.engine.rights import ALL, READ, WORK

from ..configuration.panels import STANDS_ON, TAKES_WITH_IT
from .models import Service, ServiceOverlap, ServiceRequirement


def what_it_must_do(service: Service, person: Person) -> list[tuple[Any, ...]]:
    """Its requirements, with where they come from."""
    requirements = ServiceRequirement.objects.visible_to(person).standing()
    rows = requirements.filter(service=service).exclude(state="retired").order_by("pk")
    return [(row, row.get_requirement_kind_display(), row.source, row.state_label) for row in rows]


class ServiceRegister(Register):
    model = Service
    prefix = "SVC"
    slug = "services"
    clauses = ("8.2.2",)
    purpose = _("Every service, from the first proposal to its removal.")
    first_step = _("File the service your customers would name first.")
    columns = ("ref", "title", "state", "criticality", "owner", "in_scope")
    filters = ("state", "criticality", "owner", "in_scope")
    search = ("title", "description", "need", "intended_outcomes")
    filing = (
        "title",
        "description",
        "requested_by",
        "need",
        "portfolio_priority",
        "owner",
        "in_scope",
    )
    sections = (
        Section(
            _("Service"), "title", "description", "owner", "customers", "first_line", "in_scope"
        ),
        Section(_("Why it exists"), "requested_by", "need", "portfolio_priority"),
        Section(
            _("What it is worth"), "intended_outcomes", "value_to_customer", "value_to_organization"
        ),
        Section(_("How critical it is"), "criticality", "criticality_basis", "stands_alone"),
        Section(_("Its end"), "removal_date"),
    )
    panels = (
        Panel(
            _("Requirements"),
            (_("Requirement"), _("Kind"), _("Source"), _("State")),
            what_it_must_do,
            empty=_("Nobody has written down what it must be able to do."),
        ),
        STANDS_ON,
        TAKES_WITH_IT,
    )
    order = "title"
    roles = {
        "service_portfolio_manager": ALL,
        "sms_manager": ALL,
        "service_owner": (*WORK, "confirm"),
        "service_level_manager": READ,
        "service_desk_agent": READ,
        "incident_manager": READ,
        "problem_manager": READ,
        "request_manager": READ,
        "configuration_manager": (*READ, "link"),
        "service_catalogue_manager": READ,
        "business_relationship_manager": READ,
        "top_management": READ,
        "process_owner": READ,
        "internal_auditor": READ,
        "audit_manager": READ,
        "reader": READ,
        "customer_user": READ,
        "customer_manager": READ,
    }

    @classmethod
    def widen(cls, person: Person) -> Q | None:
        """A customer sees the services it is given."""
        if not person.is_customer:
            return None
        given = Service.customers.through.objects.filter(organization=person.organization_id)
        return Q(pk__in=given.values("service"))


class ServiceRequirementRegister(Register):
    model = ServiceRequirement
    prefix = "SRQ"
    slug = "service-requirements"
    clauses = ("8.2.2",)
    purpose = _("What customers, users and we ourselves need from each service.")
    first_step = _("Write down what the most important service must be able to do.")
    columns = ("ref", "title", "service", "requirement_kind", "state", "owner")
    filters = ("state", "service", "requirement_kind", "owner")
    search = ("title", "statement", "source")
    sections = (
        Section(
            _("Requirement"), "title", "service", "requirement_kind", "statement", "source", "owner"
        ),
    )
    documented = {"service_requirements": ("agreed",)}
    roles = {
        "service_portfolio_manager": ALL,
        "sms_manager": ALL,
        "service_owner": ALL,
        "service_level_manager": WORK,
        "business_relationship_manager": WORK,
        "top_management": READ,
        "process_owner": READ,
        "internal_auditor": READ,
        "audit_manager": READ,
        "reader": READ,
    }


class ServiceOverlapRegister(Register):
    model = ServiceOverlap
    prefix = "OVL"
    slug = "service-overlaps"
    clauses = ("8.2.2",)
    purpose = _("Services that do the same or partly the same, and what was decided about it.")
    first_step = _("Name two services that somebody has mistaken for one another.")
    columns = ("ref", "title", "service", "other", "extent", "state", "owner")
    filters = ("state", "extent", "service", "owner")
    search = ("title", "overlap", "decision")
    filing = ("title", "service", "other", "extent", "overlap", "owner")
    sections = (
        Section(_("Overlap"), "title", "service", "other", "extent", "overlap", "owner"),
        Section(_("Decision"), "decision"),
    )
    roles = {
        "service_portfolio_manager": ALL,
        "sms_manager": ALL,
        "service_owner": WORK,
        "service_catalogue_manager": WORK,
        "top_management": (*READ, "decide"),
        "process_owner": READ,
        "internal_auditor": READ,
        "audit_manager": READ,
        "reader": READ,
    }
