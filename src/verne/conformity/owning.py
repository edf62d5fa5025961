"""The conditions on every obligation: somebody answers for it, nothing is late, it is audited."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import models

from verne.engine.people import Assignment, Role
from verne.engine.prepared import Prepared

from .auditing import AUDITED, clauses_audited, outside
from .catalogue import Catalogue, UniversalCheck, catalogue, original
from .nonconforming import NO_OVERDUE
from .verdict import Outcome

OWNER_ASSIGNED = "owner-assigned"

Universal = Mapping[str, Mapping[UniversalCheck, Outcome]]
"""By requirement: what its universal conditions found."""


def holders_by_role(at: datetime, roles: Iterable[str]) -> dict[str, list[str]]:
    """The names of the active people who hold each of some roles at an instant, in one query."""
    # Somebody may hold a role twice, and two may bear one name.
    held: dict[str, dict[int, str]] = defaultdict(dict)
    valid = Assignment.objects.valid(at).filter(role__key__in=set(roles))
    found = valid.order_by("person__name", "id")
    for role, person, name in found.values_list("role__key", "person_id", "person__name"):
        held[role].setdefault(person, name)
    return {role: list(names.values()) for role, names in held.items()}


def roles_held(at: datetime) -> frozenset[str]:
    """The roles that somebody active holds at an instant."""
    return frozenset(key for (key,) in _held(at=at))


def _held_by_somebody(at: Any) -> models.QuerySet[Any]:
    valid = Assignment.objects.valid(at).filter(role=models.OuterRef("pk"))
    return Role.objects.filter(models.Exists(valid)).order_by().values_list("key")


_held = Prepared(_held_by_somebody, at=models.DateTimeField())


def duty_of(role: Role) -> str:
    """What a role is for: in the organization's words, or else in those of the catalogue."""
    known = original().roles.get(role.key)
    if known is None or role.duty not in ("", known.duty):
        return role.duty
    return catalogue().roles[role.key].duty


def universal_of_requirements(
    catalogue: Catalogue, at: datetime, *, overdue: frozenset[str]
) -> Universal:
    """What the conditions on every requirement found; `overdue` names those where work is late."""
    return universal_of(catalogue, roles_held(at), overdue, clauses_audited(at))


def universal_of(
    catalogue: Catalogue, held: frozenset[str], overdue: frozenset[str], audited: frozenset[str]
) -> Universal:
    """The same of the roles somebody holds, where work is late, and the clauses audited."""
    return spread(
        catalogue,
        {
            OWNER_ASSIGNED: frozenset(
                r.id for r in catalogue.requirements.values() if r.owner_role not in held
            ),
            NO_OVERDUE: overdue,
            AUDITED: outside(catalogue, audited),
        },
    )


def spread(catalogue: Catalogue, failing: Mapping[str, frozenset[str]]) -> Universal:
    """From the requirements that fail each computed condition to what every requirement shows."""
    return {id: _outcomes(catalogue, id, failing) for id in catalogue.requirements}


def _outcomes(
    catalogue: Catalogue, id: str, failing: Mapping[str, frozenset[str]]
) -> dict[UniversalCheck, Outcome]:
    return {check: _outcome(check.key, id, failing) for check in catalogue.universal.values()}


def _outcome(key: str, id: str, failing: Mapping[str, frozenset[str]]) -> Outcome:
    if key not in failing:
        return Outcome.NOT_YET_COMPUTED
    return Outcome.FAILS if id in failing[key] else Outcome.HOLDS
