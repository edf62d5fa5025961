"""What the service management plan proves about 6.3, as far as the registers it rests on exist."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from verne.engine.evidence import Asked, Evidence, every, evidence
from verne.engine.people import Assignment
from verne.sms.leadership.role.models import RoleDefinition

from ..document.models import Document
from ..document.revision import Revision
from ..starters.starter import CHOICE
from .composing import CARRIED, extent
from .models import TakenOver, newest
from .sections import SECTIONS, Section


def plans_in_force(at: datetime) -> list[Revision]:
    """The texts of the plan that people work by."""
    carrying = Document.objects.carrying(CARRIED).filter(filed_at__lte=at).in_force()
    rows = Revision.objects.filter(state="in_force", in_force_at__lte=at, document__in=carrying)
    return list(rows)


def named_in_force(section: str, at: datetime) -> frozenset[str]:
    """The references of the records that the plan in force names in a section."""
    return frozenset(
        line[0]
        for revision in plans_in_force(at)
        if (taken := newest(revision).get(section)) is not None
        for passage in taken.passages
        for line in passage["lines"]
    )


@evidence("smp-responsibilities", reads=(Document, Revision, TakenOver, RoleDefinition, Assignment))
def the_plan_points_at_roles_that_are_all_held(asked: Asked) -> Evidence:
    roles = RoleDefinition.objects.standing().in_state("in_force").filter(filed_at__lte=asked.at)
    note = _("Nobody holds the role, or the plan in force does not take the roles over.")
    if not named_in_force("authorities", asked.at):
        return Evidence(roles, roles, note)
    held = Assignment.objects.valid(asked.at)
    return every(roles, Q(role__in=held.values("role")), ~Q(authorities=""), note=note)


@evidence("smp-technology", reads=(Document, Revision))
def the_plan_names_its_technology(asked: Asked) -> Evidence:
    """Words of its own in the section: what the starter text leaves open does not count."""
    technology = next(section for section in SECTIONS if section.key == "technology")
    plans = plans_in_force(asked.at)
    texts = Revision.objects.filter(pk__in=[plan.pk for plan in plans])
    filled = [plan.pk for plan in plans if is_filled_in(plan, technology)]
    return every(
        texts, pk__in=filled, note=_("The section is missing, or still leaves its choices open.")
    )


def is_filled_in(plan: Revision, section: Section) -> bool:
    """Whether somebody wrote the section of this plan."""
    with override(plan.language):
        titles = {str(section.title)}
    with override("en"):
        titles.add(str(section.title))
    for title in titles:
        if (found := extent(plan.text, title, level=2)) is not None:
            words = plan.text[found[0] : found[1]].partition("\n")[2]
            return bool(words.strip()) and not CHOICE.search(words)
    return False
