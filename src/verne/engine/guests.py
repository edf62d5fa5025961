"""Guests: people from outside who see no more than what a room admits them to, while it is open.

A guest belongs to another organization and holds the role `external_auditor`, which grants nothing
by itself. Whoever keeps rooms says with `admit_by` what a guest may see; rights and scope ask here,
so every face follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q

from .people import Assignment, Organization, Person

ROLE = "external_auditor"

CACHE = "_admission"


@dataclass(frozen=True)
class Admission:
    """What a guest sees: by kind of record which ones, as a filter over cover sheets.

    `rights` are those beyond looking: to file a request, say.
    """

    records: Mapping[str, Q]
    rights: frozenset[str] = field(default_factory=frozenset)


NOWHERE = Admission({})
"""No room is open: a guest sees nothing at all."""

Admit = Callable[[Person], "Admission | None"]

_admits: list[Admit] = []


def admit_by(admit: Admit) -> None:
    """Ask this, too, what a guest is admitted to."""
    if admit not in _admits:
        _admits.append(admit)


def is_guest(person: Person) -> bool:
    return person.kind_of_party != Organization.Kind.OWN and ROLE in person.roles


def guests_at(at: datetime) -> models.QuerySet[Person]:
    """The active people who are guests at an instant."""
    held = Assignment.objects.valid(at).filter(role__key=ROLE).values("person")
    outside = Person.objects.exclude(organization=None)
    outside = outside.exclude(organization__kind=Organization.Kind.OWN)
    return outside.filter(pk__in=held, active=True)


def admission(person: Person) -> Admission:
    """What a guest is admitted to now; found once for each request."""
    known = person.__dict__.get(CACHE)
    if known is None:
        found = (admit(person) for admit in _admits)
        known = next((a for a in found if a is not None), NOWHERE)
        person.__dict__[CACHE] = known
    return known


def rights_of(person: Person) -> frozenset[str]:
    """The rights of a guest: to look at what they are admitted to, and what the room lets them do.

    What other roles would grant does not count: a guest is a guest.
    """
    from .register import registers
    from .rights import known, right

    admitted = admission(person)
    look = {right("view", registers[kind].model) for kind in admitted.records if kind in registers}
    return frozenset(look | {known(name) for name in admitted.rights})


def scope(person: Person, model: type[Any]) -> Q:
    """Which records of a type a guest may see; over cover sheets, of every type."""
    from .records import Sheet

    admitted = admission(person).records
    if model is not Sheet:
        return admitted.get(model._meta.label_lower, Q(pk__in=[]))
    seen = Q(pk__in=[])
    for kind, reach in admitted.items():
        seen |= Q(kind=kind) & reach
    return seen
