"""Questions whose conditions follow from who asks, put into SQL once for all who stand alike.

    awaiting = PreparedFor(lambda person: Approval.objects.filter(seen_by(person), standing="open"))
    awaiting(person)

What a person may see takes Django longer to put into words than the database needs to answer. Two
agents with the same rights ask in the same words but for their own number. So the question is made
once for a stand-in, who has nothing but what the words may follow from, and the number goes in
when somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import models

from . import guests, past
from .people import Person
from .prepared import Place, Prepared

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

FIELDS = ("active", "organization_id", "sms_relevant")
FACTS = ("roles", "rights", "team_ids", "kind_of_party")
"""What the words of a question may follow from, besides the number of the person."""

NOBODY = -2_000_000_011
"""The number of the stand-in: one that no person has and every database takes."""

MOST = 60
"""Standpoints kept of a question: what an organization has of different sets of roles and teams."""


class PreparedFor:
    """A question asked by people, with places for values as in `Prepared`.

    What it asks may follow from the columns in `FIELDS` and from `FACTS`, nothing else: the
    stand-in has no other, and building the question with one fails. It reads no records on the
    way, for what they say changes.
    """

    most: int | None = None
    """Standpoints kept of this one, if not `MOST`."""

    def __init__(
        self, build: Callable[..., models.QuerySet[Any]], **places: models.Field[Any, Any]
    ) -> None:
        self.build, self.places = build, places
        self._made: dict[Hashable, Prepared] = {}

    def __call__(self, person: Person, **values: Any) -> list[Any]:
        # What a guest sees is written in a room, and the past in tables of the moment.
        if guests.is_guest(person) or past.instant() is not None:
            return list(self.build(person, **values))
        key = standpoint(person)
        prepared = self._made.get(key)
        if prepared is None:
            prepared = self._made[key] = _ByStandIn(self.build, stand_in(person), self.places)
            while len(self._made) > (self.most or MOST):
                self._made.pop(next(iter(self._made)), None)
        return prepared(person=person.pk, **values)


class _ByStandIn(Prepared):
    """A question of a stand-in, whose number is a place for that of whoever asks."""

    def __init__(
        self,
        build: Callable[..., models.QuerySet[Any]],
        other: Person,
        places: dict[str, models.Field[Any, Any]],
    ) -> None:
        whose = models.BigIntegerField()
        super().__init__(lambda person, **more: build(other, **more), person=whose, **places)
        self.number = Place("person", whose)

    def composed(self, compiler: Any) -> tuple[str, Sequence[Any]]:
        sql, wanted = super().composed(compiler)
        return sql, [self.number if each == NOBODY else each for each in wanted]


def standpoint(person: Person) -> Hashable:
    """All that the words of a question may follow from."""
    return tuple(getattr(person, name) for name in (*FIELDS, *FACTS))


def stand_in(person: Person) -> Person:
    """Somebody who stands where this person does, and of whom nothing else is known."""
    names = [f.attname for f in Person._meta.concrete_fields if f.attname in FIELDS]
    # Django looks for a column that was left out, and finds that there is nobody.
    values = [getattr(person, name) for name in names]
    other = Person.from_db(person._state.db or "default", ["id", *names], [NOBODY, *values])
    other.__dict__ |= {name: getattr(person, name) for name in FACTS}
    return other
