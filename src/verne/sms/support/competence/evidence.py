"""What competences, assessments and actions say about 7.2."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from verne.engine.evidence import Asked, Evidence, every, evidence, none_of
from verne.engine.files import Attachment
from verne.engine.people import Assignment, Person, Role
from verne.engine.roles import OF_THE_PROGRAM
from verne.sms.leadership.role.models import RoleDefinition

from .models import Competence, CompetenceAction, CompetenceNeed, CompetenceRecord


def _needs(asked: Asked) -> Any:
    """What is required at an instant; a need counts while its competence is in use."""
    return CompetenceNeed.objects.filter(
        of__withdrawn_at=None, of__state="in_use", of__filed_at__lte=asked.at
    )


@evidence("competence-needs-defined", reads=(Competence, RoleDefinition, Role))
def every_role_says_what_it_takes(asked: Asked) -> Evidence:
    """The roles of the standard, and others that are described; not those said to shape nothing."""
    described = RoleDefinition.objects.standing().exclude(state="retired")
    idle = described.filter(shapes_performance=False).values("role")
    counted = ~Q(key__in=OF_THE_PROGRAM) | Q(pk__in=described.values("role"))
    return every(
        Role.objects.filter(counted).exclude(pk__in=idle),
        pk__in=_needs(asked).values("role"),
        note=_("No competence is required of whoever holds this role."),
    )


def _unmet(asked: Asked, *, even_in_hand: bool) -> Any:
    """Needs of an assignment's role that its holder does not meet."""
    held = CompetenceRecord.objects.valid(asked.at).filter(
        person=OuterRef(OuterRef("person")),
        competence=OuterRef("of"),
        level__gte=OuterRef("level"),
    )
    unmet = _needs(asked).filter(~Exists(held), role=OuterRef("role"))
    if even_in_hand:
        return unmet
    in_hand = CompetenceAction.objects.standing().filter(
        person=OuterRef(OuterRef("person")),
        competence=OuterRef("of"),
        state__in=("planned", "done"),
        filed_at__lte=asked.at,
    )
    return unmet.filter(~Exists(in_hand))


@evidence(
    "competence-covered",
    reads=(Assignment, Person, Competence, CompetenceRecord, CompetenceAction),
)
def those_who_hold_a_role_are_able_to(asked: Asked) -> Evidence:
    demanding = Assignment.objects.valid(asked.at).filter(role__in=_needs(asked).values("role"))
    return none_of(
        demanding,
        Q(Exists(_unmet(asked, even_in_hand=False))),
        note=_("A competence of the role is not held at its level, and nothing is done about it."),
    )


@evidence(
    "competence-actions-evaluated",
    reads=(CompetenceAction, CompetenceRecord, Competence, Assignment),
)
def actions_are_done_and_their_effect_judged(asked: Asked) -> Evidence:
    actions = CompetenceAction.objects.standing().filter(filed_at__lte=asked.at)
    actions = actions.exclude(state="cancelled")
    overdue = Q(state="planned", due_at__lte=asked.at) | Q(state="planned", due_at=None)
    found = none_of(
        actions,
        overdue | Q(state="done"),
        note=_("Past its day, without a day, or done and nobody has said whether it worked."),
    )
    gaps = Assignment.objects.valid(asked.at).filter(Exists(_unmet(asked, even_in_hand=True)))
    arose = actions.exists() or gaps.exists()
    return Evidence(found.population, found.exceptions, found.note, arose=arose)


@evidence("competence-evidence-retained", reads=(CompetenceRecord, Attachment))
def what_was_assessed_is_shown_by_something(asked: Asked) -> Evidence:
    """Nothing is ever deleted, so what is on file is kept; disposal follows the retention rules."""
    attached = Attachment.objects.filter(record=OuterRef("pk"), removed_at=None)
    return every(
        CompetenceRecord.objects.standing().filter(assessed_at__lte=asked.at),
        ~Q(evidence="") | Q(Exists(attached)),
        note=_("It says nothing that shows the competence, and nothing is attached."),
    )
