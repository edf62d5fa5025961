"""What others point at: a record that somebody may not see is not named to them either.

`unseen` finds, in one query, which of the records that a page or a file would name are out of
somebody's sight; inside `sparing` these are left blank wherever they would be shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db import models

from .prepared import Numbers, listed
from .records import Sheet
from .rights import scope_among
from .standpoint import PreparedFor

if TYPE_CHECKING:
    from .people import Person
    from .records import Record

_spared: ContextVar[frozenset[int]] = ContextVar("spared", default=frozenset())


def unseen(records: Iterable[Any], names: Iterable[str], person: Person) -> frozenset[int]:
    """The cover sheets these fields point at that this person may not see.

    `names` are fields, relations to many, parts, or the beginnings of longer paths.
    """
    wanted = list(dict.fromkeys(name.partition("__")[0] for name in names))
    return unseen_among((s for r in records for name in wanted for s in _at(r, name)), person)


def unseen_among(things: Iterable[Any], person: Person) -> frozenset[int]:
    """Of some things, the records that this person may not see."""
    kinds = {thing.pk: thing.kind for thing in things if isinstance(thing, Sheet)}
    if not kinds:
        return frozenset()
    seen = _seen_among(frozenset(kinds.values()))(person, numbers=list(kinds))
    return frozenset(kinds.keys() - {number for (number,) in seen})


@lru_cache(maxsize=100)
def _seen_among(kinds: frozenset[str]) -> PreparedFor:
    """Which of some records of these types somebody sees, put into SQL once for all alike."""

    def build(person: Person, numbers: Any) -> models.QuerySet[Any, Any]:
        reach = scope_among(person, kinds)
        seen: models.QuerySet[Any, Any] = Sheet.objects.filter(reach, pk__in=listed(numbers))
        return seen.values_list("pk")

    return PreparedFor(build, numbers=Numbers())


def leads_to(record: Record, name: str, numbers: frozenset[int]) -> bool:
    """Whether a field points at one of these records."""
    return any(other.pk in numbers for other in _at(record, name))


@contextmanager
def sparing(numbers: frozenset[int]) -> Iterator[None]:
    """Leave these records blank until the end of the block."""
    token = _spared.set(_spared.get() | numbers)
    try:
        yield
    finally:
        _spared.reset(token)


def is_spared(thing: Any) -> bool:
    """Whether this is a record that must not be named."""
    return isinstance(thing, Sheet) and thing.pk in _spared.get()


def points_at_spared(record: Record, paths: Iterable[str]) -> bool:
    """Whether one of these relations leads to a record that must not be named."""
    if not _spared.get():
        return False
    return any(is_spared(s) for path in paths for s in _at(record, path.partition("__")[0]))


def _at(record: Any, name: str) -> Iterator[Sheet]:
    """The records a field leads to; of a part, those its rows point at."""
    field: Any = record._meta.get_field(name)
    if not field.is_relation or (field.concrete and field.remote_field.parent_link):
        return
    if field.one_to_many:
        for row in getattr(record, name).all():
            for each in getattr(row, "part_fields", ()):
                yield from _at(row, each)
    elif not issubclass(field.related_model, Sheet):
        return
    elif field.many_to_many:
        yield from getattr(record, name).all()
    elif (other := getattr(record, name)) is not None:
        yield other
