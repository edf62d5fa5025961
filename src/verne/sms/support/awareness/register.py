"""How awareness campaigns are listed, filed and shown."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from verne.engine.register import Register, Section
from verne.engine.rights import ALL, READ
from verne.engine.roles import NAMES, OF_THE_PROGRAM

from .models import Campaign


class CampaignRegister(Register):
    model = Campaign
    prefix = "AWR"
    slug = "campaigns"
    clauses = ("7.3", "5.2.2")
    purpose = _("What people should know, who has signed that they do, and who has not.")
    first_step = _("Tell everybody of the service management policy, and ask them to sign.")
    columns = ("ref", "title", "state", "until", "document", "owner", "launched_at")
    filters = ("state", *("about_policy", "about_objectives", "about_consequences"), "owner")
    search = ("title", "message", "conclusion")
    filing = (
        "title",
        "message",
        "document",
        "about_policy",
        "about_objectives",
        "about_services",
        "about_contribution",
        "about_consequences",
        "roles",
        "teams",
        "until",
        "owner",
    )
    sections = (
        Section(_("Message"), "title", "message", "document"),
        Section(
            _("What it is about"),
            "about_policy",
            "about_objectives",
            "about_services",
            "about_contribution",
            "about_consequences",
        ),
        Section(_("Whom it is for"), "roles", "teams", "until", "owner"),
        Section(_("Conclusion"), "conclusion"),
    )
    roles = {
        **dict.fromkeys((key for key in NAMES if key not in OF_THE_PROGRAM), READ),
        **dict.fromkeys(("service_desk_agent", "internal_auditor", "reader"), READ),
        "competence_manager": ALL,
        "sms_manager": ALL,
        "top_management": (*READ, "file", "revise", "comment", "launch", "end"),
    }
