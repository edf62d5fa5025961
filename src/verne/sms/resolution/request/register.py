"""How request models and service requests are listed, filed and shown."""

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from verne.engine.people import Person
from verne.engine.register import Raise, Register, Section
from verne.engine.rights import ALL, READ, WORK

from .models import RequestModel, ServiceRequest

READERS = dict.fromkeys(
    (
        "top_management",
        "service_owner",
        "process_owner",
        "service_level_manager",
        "incident_manager",
        "problem_manager",
        "configuration_manager",
        "sms_manager",
        "internal_auditor",
        "audit_manager",
        "reader",
    ),
    READ,
)


class RequestModelRegister(Register):
    model = RequestModel
    prefix = "RQM"
    slug = "request-models"
    clauses = ("8.6.2",)
    purpose = _("What people can ask for, and the instructions for giving it to them.")
    first_step = _("Write down how you fulfil the thing that is asked for most.")
    columns = ("ref", "title", "service", "usual_priority", "approvals_needed", "state", "owner")
    filters = ("state", "service", "owner")
    search = ("title", "offer", "instructions")
    sections = (
        Section(_("What is offered"), "title", "service", "offer", "category", "owner"),
        Section(
            _("How it is fulfilled"),
            "instructions",
            "usual_priority",
            "approvals_needed",
        ),
    )
    parts = ("questions",)
    order = "title"
    documented = {"request_instructions": ("in_force",)}
    roles = {
        **READERS,
        "request_manager": ALL,
        "service_catalogue_manager": WORK,
        "service_desk_agent": READ,
        "customer_user": READ,
        "customer_manager": READ,
    }

    @classmethod
    def widen(cls, person: Person) -> Q | None:
        """Customers see what is on offer for the services they are given."""
        if not person.is_customer:
            return None
        theirs = Q(service__customers=person.organization_id) | Q(service=None)
        return Q(state="in_force") & theirs


class ServiceRequestRegister(Register):
    model = ServiceRequest
    prefix = "REQ"
    slug = "requests"
    clauses = ("8.6.2", "8.3.3")
    purpose = _("What people asked for, and how it was given to them.")
    first_step = _("Put a request model in force, then record what somebody asks for.")
    columns = (
        "ref",
        "title",
        "request_model",
        "priority",
        "state",
        "due_at",
        "requester",
        "customer",
        "owner",
        "filed_at",
    )
    filters = ("state", "priority", "request_model", "service", "owner", "team", "customer")
    search = ("title", "description", "outcome")
    filing = (
        "title",
        "request_model",
        "description",
        "service",
        "category",
        "requester",
        "customer",
        "priority",
        "team",
        "owner",
    )
    sections = (
        Section(
            _("What is asked for"), "title", "request_model", "description", "service", "components"
        ),
        Section(_("Who asks"), "requester", "customer", "restricted"),
        Section(_("Classification and priority"), "category", "priority", "priority_reason"),
        Section(_("Fulfilment"), "owner", "team", "outcome"),
    )
    parts = ("answers",)
    portal = ("title", "description", "request_model", "answers")
    raises = (
        Raise(
            _("It is an incident"),
            "resolution.incident",
            {
                "title": "title",
                "description": "description",
                "service": "service",
                "reporter": "requester",
            },
        ),
    )
    documented = {"requests": (), "op_records": ()}
    roles = {
        **READERS,
        "request_manager": ALL,
        "service_desk_agent": (
            *WORK,
            "classify",
            "prioritize",
            "submit",
            "reject",
            "fulfil_directly",
            "fulfil",
            "close",
            "reopen",
            "cancel",
        ),
        "service_owner": (*READ, "comment", "approve"),
        "business_relationship_manager": (*READ, "comment", "approve"),
        "customer_user": ("view", "file", "comment"),
        "customer_manager": ("view", "file", "comment", "approve"),
    }

    @classmethod
    def filed_by_customer(cls, person: Person) -> dict[str, Any]:
        return {"requester": person}
