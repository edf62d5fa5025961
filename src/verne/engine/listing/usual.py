"""Lists that are asked for all the time: their questions are prepared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import models

from .. import past
from ..people import Person
from ..register import Column, Register
from ..standpoint import PreparedFor
from .furnishing import furnished, needs_of
from .keyset import Cursor, along, halves, order_of
from .selection import COUNTED, countable, rows_of
from .wanted import Wanted


class _OfFew(PreparedFor):
    """There are as many of these as lists: each is kept for no more people than use it."""

    most = 8


@dataclass(frozen=True)
class Usual:
    """What the words of a list follow from, besides where its reader stands."""

    register: type[Register]
    filters: tuple[tuple[str, tuple[str, ...]], ...]
    standing: str
    sort: str = ""
    columns: tuple[str | Column, ...] = ()
    size: int = 0

    @classmethod
    def of(cls, wanted: Wanted, *, furnished: bool = False) -> Usual:
        filters = tuple(wanted.filters.items())
        if not furnished:
            return cls(wanted.register, filters, wanted.standing)
        of_rows = (wanted.sort, wanted.columns, wanted.size)
        return cls(wanted.register, filters, wanted.standing, *of_rows)

    def wanted(self) -> Wanted:
        return Wanted(
            register=self.register,
            filters=dict(self.filters),
            standing=self.standing,
            sort=self.sort,
            columns=self.columns,
            size=self.size,
        )


def is_usual(wanted: Wanted) -> bool:
    """Whether a list is one of a few, that many ask for: then its questions are prepared.

    Not so what somebody types: words, texts, and times, which mean something else the next day.
    """
    if wanted.text or wanted.at is not None or past.instant() is not None:
        return False
    model = wanted.register.model
    if any(not _is_one_of_few(model._meta.get_field(name)) for name in wanted.filters):
        return False
    return not needs_of(model, wanted.columns).many


def _is_one_of_few(found: Any) -> bool:
    return bool(
        found.name == "state"
        or found.is_relation
        or found.choices
        or isinstance(found, models.BooleanField)
    )


def walk_as_usual(
    wanted: Wanted, person: Person, cursor: Cursor | None, *, back: bool
) -> list[Any]:
    """As `walk`."""
    room = wanted.size + 1
    usual = Usual.of(wanted, furnished=True)
    found: list[Any] = []
    for half, start in halves(wanted, cursor, back=back):
        known: dict[str, Any] = {}
        if start is not None:
            known["number"] = start.number
            if start.value is not None and order_of(wanted)[0] != "id":
                known["value"] = start.value
        found += _usual_rows(usual, half, tuple(known), back)(person, **known)
        if len(found) >= room:
            break
    return found[:room]


@lru_cache(maxsize=60)
def _usual_rows(usual: Usual, half: bool | None, known: tuple[str, ...], back: bool) -> PreparedFor:
    """The rows of a half of a list, with places for what is known of the cursor."""
    wanted = usual.wanted()
    name, _down = order_of(wanted)
    places: dict[str, Any] = {
        "number": models.BigIntegerField(),
        "value": wanted.register.model._meta.get_field(name),
    }

    def build(person: Person, number: Any = None, value: Any = None) -> models.QuerySet[Any]:
        rows = furnished(rows_of(wanted, person), wanted)
        start = Cursor(value, number) if known else None
        return along(rows, wanted, half, start, back=back)[: wanted.size + 1]

    return _OfFew(build, **{each: places[each] for each in known})


@lru_cache(maxsize=60)
def usual_numbers(usual: Usual) -> PreparedFor:
    """As many rows of a list as are counted, and one more."""
    wanted = usual.wanted()

    def build(person: Person) -> models.QuerySet[Any]:
        return countable(rows_of(wanted, person)).values_list("pk")[: COUNTED + 1]

    return _OfFew(build)
