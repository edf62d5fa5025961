"""What pages of the standard offer: raise a nonconformity, and see those there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Case, Q, Value, When
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from verne.engine.people import Person
from verne.engine.rights import may
from verne.sms.improvement.nonconformity.models import Nonconformity
from verne.web import anatomy, phrases, show
from verne.web.parts import Action, Hit

if TYPE_CHECKING:
    from verne.conformity.catalogue import Requirement
    from verne.conformity.computing import Figure

TITLE = 200
SHOWN = 20


def from_check(
    person: Person, figure: Figure, condition: str, users: tuple[Requirement, ...]
) -> list[Action]:
    """The button on a check: the form comes with the condition, the figure and the obligation."""
    nature = condition
    if figure.exceptions:
        nature = _("%(found)s of %(all)s records break it: %(condition)s") % {
            "found": phrases.number(figure.exceptions),
            "all": phrases.number(figure.population or 0),
            "condition": condition,
        }
    return anatomy.raisable_anywhere(
        person,
        title=Truncator(condition).chars(TITLE),
        nature=nature,
        source=Nonconformity.Source.CHECK.value,
        check_key=figure.key,
        requirement=users[0].id,
    )


def from_obligation(person: Person, requirement: Requirement) -> list[Action]:
    """The button on an obligation."""
    return anatomy.raisable_anywhere(person, requirement=requirement.id)


def raised_by(person: Person, check: str) -> list[Hit]:
    """Nonconformities that were raised from a check."""
    return _hits(person, Q(check_key=check))


def against(person: Person, requirement: str) -> list[Hit]:
    """Nonconformities against an obligation."""
    return _hits(person, Q(requirement=requirement))


def _hits(person: Person, wanted: Q) -> list[Hit]:
    """The open ones first, then the latest."""
    if not may(person, "view", Nonconformity):
        return []
    over = Case(When(state__in=("closed", "not_accepted"), then=Value(1)), default=Value(0))
    rows = Nonconformity.objects.visible_to(person).standing().filter(wanted)
    return [
        Hit(
            ref=found.ref,
            title=found.title,
            url=found.get_absolute_url(),
            note=found.get_grade_display(),
            state=show.state(found),
        )
        for found in rows.order_by(over, "-filed_at")[:SHOWN]
    ]
