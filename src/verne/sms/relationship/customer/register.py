"""How customers are listed, filed and shown."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from verne.engine.people import Person
from verne.engine.register import Panel, Register, Section
from verne.engine.rights import ALL, READ, WORK
from verne.sms.portfolio.service.models import Service

from .models import Customer


def what_it_receives(customer: Customer, person: Person) -> list[tuple[Any, ...]]:
    services = Service.objects.visible_to(person).standing()
    given = services.filter(customers=customer.organization_id).order_by("title")
    return [(service, service.state_label, service.get_criticality_display()) for service in given]


class CustomerRegister(Register):
    model = Customer
    prefix = "CUS"
    slug = "customers"
    clauses = ("8.3.2",)
    purpose = _("Whom we serve, who looks after them, and how we talk with one another.")
    first_step = _("File the customer you talk with most.")
    columns = ("ref", "title", "state", "relationship_manager", "users_count")
    filters = ("state", "relationship_manager")
    search = ("title", "communication", "users_described")
    sections = (
        Section(_("Customer"), "title", "organization", "relationship_manager", "communication"),
        Section(_("Its users"), "users_count", "users_described"),
    )
    panels = (
        Panel(
            _("Services it receives"),
            (_("Service"), _("State"), _("Criticality")),
            what_it_receives,
            empty=_("It receives no service yet."),
        ),
    )
    order = "title"
    documented = {"customers": ("active",)}
    roles = {
        "business_relationship_manager": ALL,
        "sms_manager": ALL,
        "service_level_manager": WORK,
        "service_portfolio_manager": READ,
        "service_owner": READ,
        "service_catalogue_manager": READ,
        "service_desk_agent": READ,
        "incident_manager": READ,
        "major_incident_manager": READ,
        "request_manager": READ,
        "problem_manager": READ,
        "top_management": READ,
        "process_owner": READ,
        "internal_auditor": READ,
        "audit_manager": READ,
        "reader": READ,
        "customer_manager": ("view", "comment"),
    }
