"""How configuration items and their types are listed, filed and shown."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from verne.engine.register import Register, Section
from verne.engine.rights import ALL, READ, WORK

from .models import CIType, ConfigurationItem
from .panels import STANDS_ON, TAKES_WITH_IT

READERS = dict.fromkeys(
    (
        "service_portfolio_manager",
        "service_owner",
        "service_level_manager",
        "service_desk_agent",
        "incident_manager",
        "major_incident_manager",
        "request_manager",
        "problem_manager",
        "top_management",
        "process_owner",
        "internal_auditor",
        "audit_manager",
        "reader",
    ),
    READ,
)


class CITypeRegister(Register):
    model = CIType
    prefix = "CIT"
    slug = "ci-types"
    clauses = ("8.2.6",)
    purpose = _("Kinds of configuration items, and how much is recorded about each.")
    first_step = _("Begin with three types: service, application and server.")
    columns = ("ref", "title", "state", "controlled", "stands_for_service", "owner")
    filters = ("state", "controlled")
    search = ("title", "level_of_detail")
    sections = (
        Section(_("Type"), "title", "level_of_detail", "controlled", "stands_for_service", "owner"),
    )
    parts = ("attributes",)
    order = "title"
    roles = {
        **READERS,
        "configuration_manager": ALL,
        "sms_manager": ALL,
    }


class ConfigurationItemRegister(Register):
    model = ConfigurationItem
    prefix = "CI"
    slug = "configuration-items"
    clauses = ("8.2.6",)
    purpose = _("Everything we have to control in order to deliver the services.")
    first_step = _(
        "File the item that stands for your most important service, then what it runs on."
    )
    columns = ("ref", "identifier", "title", "ci_type", "state", "environment", "location", "owner")
    filters = ("state", "ci_type", "environment", "services", "owner", "team")
    search = ("title", "identifier", "description", "location")
    filing = (
        "title",
        "identifier",
        "ci_type",
        "description",
        "owner",
        "environment",
        "location",
        "attributes",
        "services",
        "represents",
        "stands_alone",
    )
    sections = (
        Section(_("Item"), "title", "identifier", "ci_type", "description", "owner", "team"),
        Section(_("Where it is"), "environment", "location", "attributes"),
        Section(_("What it is for"), "services", "represents", "stands_alone"),
        Section(_("Where this was read"), "source", "last_seen_at"),
    )
    panels = (TAKES_WITH_IT, STANDS_ON)
    order = "title"
    documented = {"config_info": ()}
    roles = {
        **READERS,
        "configuration_manager": ALL,
        "sms_manager": (*READ, "withdraw"),
        "asset_manager": WORK,
        "change_manager": (*READ, "link", "begin_change", "end_change"),
        "release_manager": (*WORK, "begin_change", "end_change", "build", "put_live"),
    }
