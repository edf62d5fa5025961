"""How categories and priority matrices are listed, filed and shown."""

from django.utils.translation import gettext_lazy as _

from verne.engine.register import Register, Section
from verne.engine.rights import ALL, READ

from .models import Category, PriorityMatrix

READERS = dict.fromkeys(
    (
        "service_desk_agent",
        "service_owner",
        "process_owner",
        "service_level_manager",
        "major_incident_manager",
        "top_management",
        "internal_auditor",
        "audit_manager",
        "reader",
    ),
    READ,
)


class CategoryRegister(Register):
    model = Category
    prefix = "CTG"
    slug = "categories"
    clauses = ("8.6.1", "8.6.2", "8.6.3")
    purpose = _("What incidents, requests and problems are about.")
    first_step = _("Name the five subjects that come up most.")
    columns = ("ref", "title", "parent", "hint", "state")
    filters = ("state", "parent")
    search = ("title", "hint")
    sections = (Section(_("Category"), "title", "parent", "hint"),)
    order = "title"
    roles = {
        **READERS,
        "incident_manager": ALL,
        "request_manager": ALL,
        "problem_manager": ALL,
        "sms_manager": ALL,
        "customer_user": READ,
        "customer_manager": READ,
    }


class PriorityMatrixRegister(Register):
    model = PriorityMatrix
    prefix = "PMX"
    slug = "priority-matrices"
    clauses = ("8.6.1",)
    purpose = _("The agreed rule by which impact and urgency give a priority.")
    first_step = _("Agree on the nine cells, then put the matrix in force.")
    columns = ("ref", "title", "state", "in_force_since", "review_due", "owner")
    filters = ("state",)
    sections = (Section(_("Priority matrix"), "title", "owner", "review_due"),)
    parts = ("cells",)
    roles = {
        **READERS,
        "incident_manager": ALL,
        "problem_manager": READ,
        "request_manager": READ,
        "sms_manager": ALL,
    }
