"""The conditions on every obligation: somebody answers for it, nothing is late, it is audited."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from verne.engine.people import Assignment

from .auditing import AUDITED, not_audited
from .catalogue import Catalogue, UniversalCheck, catalogue, original
from .nonconforming import NO_OVERDUE
from .verdict import Outcome

if TYPE_CHECKING:
    from verne.engine.people import Person, Role

OWNER_ASSIGNED = "owner-assigned"

Universal = Mapping[str, Mapping[UniversalCheck, Outcome]]
"""By requirement: what its universal conditions found."""


def holders_by_role(at: datetime) -> dict[str, list[Person]]:
    """The active people who hold each role at an instant, in one query."""
    held: dict[str, list[Person]] = defaultdict(list)
    valid = Assignment.objects.valid(at).select_related("person", "role")
    for assignment in valid.order_by("person__name", "id"):
        if assignment.person not in held[assignment.role.key]:
            held[assignment.role.key].append(assignment.person)
    return dict(held)


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
    held = holders_by_role(at)
    return spread(
        catalogue,
        {
            OWNER_ASSIGNED: frozenset(
                r.id for r in catalogue.requirements.values() if not held.get(r.owner_role)
            ),
            NO_OVERDUE: overdue,
            AUDITED: not_audited(catalogue, at),
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
