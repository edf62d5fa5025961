"""The matrix: people by competences, what is needed against what is held, and where a gap is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from verne.engine.people import Assignment, Organization, Person

from .models import Competence, CompetenceAction, CompetenceNeed, CompetenceRecord

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Cover(StrEnum):
    """How a person stands to a competence, what needs attention first."""

    GAP = "gap"
    EXPIRED = "expired"
    IN_HAND = "in hand"
    COVERED = "covered"
    EXTRA = "extra"
    NOTHING = "nothing"

    @property
    def label(self) -> StrOrPromise:
        return LABELS[self]


LABELS: dict[Cover, StrOrPromise] = {
    Cover.GAP: _("Gap"),
    Cover.EXPIRED: _("Expired"),
    Cover.IN_HAND: _("Action under way"),
    Cover.COVERED: _("Covered"),
    Cover.EXTRA: _("Held, not needed"),
    Cover.NOTHING: _("Not needed"),
}


@dataclass
class Cell:
    """One person and one competence."""

    competence: Competence
    needed: int = 0
    for_roles: list[str] = field(default_factory=list)
    """Keys of the roles that need it."""
    record: CompetenceRecord | None = None
    """The newest assessment, whether it still holds or not."""
    holds: bool = False
    action: CompetenceAction | None = None

    @property
    def level(self) -> int:
        """The level held now."""
        return self.record.level or 0 if self.record is not None and self.holds else 0

    @property
    def cover(self) -> Cover:
        if not self.needed:
            return Cover.EXTRA if self.level else Cover.NOTHING
        if self.level >= self.needed:
            return Cover.COVERED
        if self.action is not None:
            return Cover.IN_HAND
        was_enough = self.record is not None and (self.record.level or 0) >= self.needed
        return Cover.EXPIRED if was_enough and not self.holds else Cover.GAP


@dataclass
class Line:
    """A person with what they must be able to do."""

    person: Person
    roles: list[str]
    cells: list[Cell]

    @property
    def open(self) -> int:
        """How many needs are not covered."""
        return sum(cell.cover in (Cover.GAP, Cover.EXPIRED, Cover.IN_HAND) for cell in self.cells)


@dataclass
class Matrix:
    competences: Sequence[Competence]
    lines: Sequence[Line]

    def counted(self) -> dict[Cover, int]:
        """How many cells stand how, those that need attention first."""
        counts = dict.fromkeys(Cover, 0)
        for line in self.lines:
            for cell in line.cells:
                counts[cell.cover] += 1
        return {c: n for c, n in counts.items() if n and c is not Cover.NOTHING}


def our_people() -> Q:
    """Active people of ours whose work affects the SMS or the services."""
    own = Q(organization=None) | Q(organization__kind=Organization.Kind.OWN)
    return own & Q(active=True, sms_relevant=True)


def matrix(
    people: Iterable[Person], at: datetime, *, role: str = "", viewer: Person | None = None
) -> Matrix:
    """The matrix of some people; with a role, only what that role needs.

    With a viewer, only of what they may see: no competence, assessment or action beyond that.
    """
    people = list(people)
    roles = _roles_of(people, at)
    needs = _needs(role)
    held, holds = _held(people, at, viewer)
    actions = _actions(people, viewer)
    wanted = set() if role else {c for _p, c in held}
    competences = _columns(people, roles, needs, wanted, viewer)
    lines = []
    for person in people:
        cells = []
        for competence in competences:
            cell = Cell(competence)
            for key, level in needs.get(competence.pk, {}).items():
                if key in roles[person.pk]:
                    cell.needed = max(cell.needed, level)
                    cell.for_roles.append(key)
            cell.record = held.get((person.pk, competence.pk))
            cell.holds = (person.pk, competence.pk) in holds
            cell.action = actions.get((person.pk, competence.pk))
            cells.append(cell)
        lines.append(Line(person, sorted(roles[person.pk]), cells))
    return Matrix(competences, lines)


def _roles_of(people: list[Person], at: datetime) -> dict[int, set[str]]:
    roles: dict[int, set[str]] = defaultdict(set)
    valid = Assignment.objects.valid(at).filter(person__in=people)
    for person, key in valid.values_list("person", "role__key"):
        roles[person].add(key)
    return roles


def _needs(role: str) -> dict[int, dict[str, int]]:
    """By competence: the level each role needs."""
    needs: dict[int, dict[str, int]] = defaultdict(dict)
    rows = CompetenceNeed.objects.filter(of__withdrawn_at=None, of__state="in_use")
    if role:
        rows = rows.filter(role__key=role)
    for competence, key, level in rows.values_list("of", "role__key", "level"):
        needs[competence][key] = level
    return needs


def _held(
    people: list[Person], at: datetime, viewer: Person | None
) -> tuple[dict[tuple[int, int], CompetenceRecord], set[tuple[int, int]]]:
    """The newest assessment of each person and competence, and which of them still hold."""
    rows = _seen(CompetenceRecord, viewer).filter(
        person__in=people, assessed_at__lte=at, state__in=("evaluated", "expired")
    )
    held = {(row.person_id, row.competence_id): row for row in rows.order_by("assessed_at", "pk")}
    day = at.date()
    holds = {key for key, r in held.items() if r.expires_on is None or r.expires_on > day}
    return held, holds


def _actions(
    people: list[Person], viewer: Person | None
) -> dict[tuple[int, int], CompetenceAction]:
    rows = _seen(CompetenceAction, viewer).in_state("planned", "done")
    rows = rows.filter(person__in=people).order_by("-due_at", "-pk")
    return {(row.person_id, row.competence_id): row for row in rows}


def _columns(
    people: list[Person],
    roles: dict[int, set[str]],
    needs: dict[int, dict[str, int]],
    held: set[int],
    viewer: Person | None,
) -> list[Competence]:
    """The competences that somebody shown needs or holds, in the order of their names."""
    present = set().union(*(roles[person.pk] for person in people)) if people else set()
    wanted = {c for c, by_role in needs.items() if present & by_role.keys()} | held
    rows = _seen(Competence, viewer).in_state("in_use").filter(pk__in=wanted)
    return list(rows.order_by("title"))


def _seen(model: type[Any], viewer: Person | None) -> Any:
    """What stands of a type, as far as the viewer may see it; without one, all."""
    rows = model.objects if viewer is None else model.objects.visible_to(viewer)
    return rows.standing()
