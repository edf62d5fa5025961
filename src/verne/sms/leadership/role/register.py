"""How roles and appointments are listed, filed and shown."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from verne.engine.people import Person
from verne.engine.register import Page, Panel, Raise, Register, Section
from verne.engine.rights import ALL, READ
from verne.engine.roles import NAMES, OF_THE_PROGRAM

from .models import Appointment, RoleDefinition

APPOINTERS = dict.fromkeys(("top_management", "sms_manager", "administrator"), ALL)
"""Who gives roles; `engine.manage_roles` goes with it."""

HOLDERS = {
    key: (*READ, "comment", "accept", "decline", "hand_over")
    for key in NAMES
    if key not in OF_THE_PROGRAM
}
"""Whoever holds a role of the standard sees who holds which, and answers their own appointment."""

ACCESS_ONLY = dict.fromkeys(("service_desk_agent", "internal_auditor", "reader"), READ)


def who_holds_it(definition: RoleDefinition, person: Person) -> list[tuple[Any, ...]]:
    appointments = Appointment.objects.visible_to(person).standing()
    rows = appointments.filter(role=definition.role_id).select_related("person", "deputy")
    return [
        (row, row.person, row.standing.label, row.since.date(), row.until and row.until.date())
        for row in rows.order_by("-since", "-pk")
    ]


class RoleDefinitionRegister(Register):
    model = RoleDefinition
    prefix = "ROL"
    slug = "roles"
    clauses = ("5.3", "7.2")
    purpose = _("What each role answers for, what it may decide, and who holds it.")
    first_step = _("Take over the roles of the standard on the page of the seats.")
    columns = ("ref", "title", "state", "least_holders", "review_due")
    filters = ("state", "shapes_performance")
    search = ("title", "duties", "authorities")
    filing = ("title", "role", "duties", "authorities", "contribution", "least_holders")
    sections = (
        Section(_("Role"), "title", "role", "duties", "authorities", "contribution"),
        Section(_("Seat"), "least_holders", "shapes_performance", "owner", "review_due"),
    )
    parts = ("conflicts",)
    panels: ClassVar[tuple[Panel, ...]] = (
        Panel(
            _("Who holds it"),
            (_("Appointment"), _("Person"), _("State"), _("From"), _("Until")),
            who_holds_it,
            empty=_("Nobody has been appointed to it yet."),
        ),
    )
    raises = (Raise(_("Appoint somebody"), "leadership.appointment", {"role": "role"}),)
    order = "title"
    pages = (Page(_("Seats"), "/roles/seats/"),)
    roles = {
        **dict.fromkeys(HOLDERS, READ),
        **ACCESS_ONLY,
        **APPOINTERS,
        "competence_manager": (*READ, "revise", "comment"),
    }


class AppointmentRegister(Register):
    model = Appointment
    prefix = "APT"
    slug = "appointments"
    clauses = ("5.3", "7.3", "7.5.3")
    purpose = _("Who holds which role from when to when. Rights follow from this and nothing else.")
    first_step = _("Appoint the manager of the SMS; top management does it.")
    columns = ("ref", "title", "state", "person", "role", "since", "until", "deputy")
    filters = ("state", "role", "person")
    search = ("title", "limited_to")
    filing = (
        "role",
        "person",
        "since",
        "until",
        "limited_to",
        "deputy",
        "communicated_at",
        "conflict_reason",
    )
    sections = (
        Section(_("Appointment"), "title", "role", "person", "limited_to", "since", "until"),
        Section(_("Deputy"), "deputy"),
        Section(_("What is known of it"), "communicated_at", "conflict_reason"),
    )
    parts = ("absences",)
    raises = (
        Raise(_("Appoint anew"), "leadership.appointment", {"role": "role", "person": "person"}),
    )
    roles = {**HOLDERS, **ACCESS_ONLY, **APPOINTERS}
