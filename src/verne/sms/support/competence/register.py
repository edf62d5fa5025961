"""How competences, what people hold and the actions against gaps are listed, filed and shown."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from verne.engine.people import Person
from verne.engine.register import Page, Panel, Raise, Register, Section
from verne.engine.rights import ALL, READ, WORK
from verne.engine.roles import NAMES, OF_THE_PROGRAM
from verne.sms.leadership.role.models import RoleDefinition
from verne.sms.leadership.role.register import RoleDefinitionRegister

from .models import Competence, CompetenceAction, CompetenceNeed, CompetenceRecord

OVERSEERS = dict.fromkeys(("top_management", "audit_manager", "internal_auditor", "reader"), READ)
"""Who looks at everybody's competence without working on it."""

LEADERS = ("service_owner", "process_owner", "incident_manager", "transition_manager")
"""Who assesses those they work with, and plans actions for them."""

SEE_ALL = frozenset({"competence_manager", "sms_manager", *OVERSEERS, *LEADERS})

EVERYBODY = {key: READ for key in NAMES if key not in OF_THE_PROGRAM or key == "service_desk_agent"}
"""Everybody with work in the SMS sees the needs, and what is said of themselves."""


def one_s_own(person: Person) -> Q | None:
    """Everybody sees what is said of themselves; of others only those who look after it."""
    if person.roles & SEE_ALL:
        return None
    return Q(person=person)


def what_the_role_needs(definition: RoleDefinition, person: Person) -> list[tuple[Any, ...]]:
    seen = Competence.objects.visible_to(person).standing().in_state("in_use")
    needs = CompetenceNeed.objects.filter(role=definition.role_id, of__in=seen)
    rows = needs.select_related("of").order_by("-level", "of__title")
    return [(need.of, need.get_level_display(), need.why) for need in rows]


RoleDefinitionRegister.panels = (
    *RoleDefinitionRegister.panels,
    Panel(
        _("Competences it needs"),
        (_("Competence"), _("Level"), _("Reason")),
        what_the_role_needs,
        empty=_("No competence is required of its holders yet."),
    ),
)


class CompetenceRegister(Register):
    model = Competence
    prefix = "CMP"
    slug = "competences"
    clauses = ("7.2",)
    purpose = _("What people must be able to do, and which roles need it at which level.")
    first_step = _("Take over the usual competences on the page of the matrix.")
    columns = ("ref", "title", "state", "valid_months", "owner")
    filters = ("state", "owner")
    search = ("title", "description", "proven_by")
    sections = (
        Section(_("Competence"), "title", "description", "proven_by", "valid_months", "owner"),
    )
    parts = ("needs",)
    order = "title"
    pages = (Page(_("Matrix"), "/competences/matrix/"),)
    roles = {
        **EVERYBODY,
        **OVERSEERS,
        **dict.fromkeys(LEADERS, (*READ, "comment")),
        "competence_manager": ALL,
        "sms_manager": ALL,
    }


class CompetenceRecordRegister(Register):
    model = CompetenceRecord
    prefix = "CPR"
    slug = "competence-records"
    clauses = ("7.2",)
    purpose = _("Who holds which competence at which level, what shows it, and until when.")
    first_step = _("Assess somebody in a role that matters most: what shows that they can do it?")
    columns = (
        "ref",
        "title",
        "person",
        "competence",
        "level",
        "state",
        "assessed_by",
        "expires_on",
    )
    filters = ("state", "person", "competence", "level", "basis")
    search = ("title", "evidence")
    filing = ("person", "competence", "level", "basis", "evidence", "expires_on")
    sections = (
        Section(_("Who and what"), "title", "person", "competence", "owner"),
        Section(_("Assessment"), "level", "basis", "evidence", "expires_on"),
    )
    raises = (
        Raise(
            _("Plan an action"),
            "support.competenceaction",
            {"person": "person", "competence": "competence"},
        ),
    )
    roles = {
        **EVERYBODY,
        **OVERSEERS,
        **dict.fromkeys(LEADERS, (*WORK, "assess")),
        "competence_manager": ALL,
        "sms_manager": ALL,
    }

    @classmethod
    def narrow(cls, person: Person) -> Q | None:
        return one_s_own(person)


class CompetenceActionRegister(Register):
    model = CompetenceAction
    prefix = "CPA"
    slug = "competence-actions"
    clauses = ("7.2",)
    purpose = _("What is done where competence is missing, by when, and whether it worked.")
    first_step = _("Look for a gap in the matrix and plan what closes it.")
    columns = (
        "ref",
        "title",
        "person",
        "competence",
        "means",
        "state",
        "owner",
        "due_at",
        "worked",
    )
    filters = ("state", "person", "competence", "means", "worked", "owner")
    search = ("title", "description", "outcome", "effect")
    filing = ("person", "competence", "target_level", "means", "description", "owner", "due_at")
    sections = (
        Section(_("Action"), "title", "person", "competence", "target_level", "means"),
        Section(_("What is done"), "description", "owner", "due_at", "outcome"),
        Section(_("Whether it worked"), "worked", "effect"),
    )
    raises = (
        Raise(
            _("Assess anew"),
            "support.competencerecord",
            {"person": "person", "competence": "competence"},
        ),
    )
    roles = {
        **EVERYBODY,
        **OVERSEERS,
        **dict.fromkeys(LEADERS, (*WORK, "carry_out", "evaluate", "cancel")),
        "competence_manager": ALL,
        "sms_manager": ALL,
    }

    @classmethod
    def narrow(cls, person: Person) -> Q | None:
        return one_s_own(person)
