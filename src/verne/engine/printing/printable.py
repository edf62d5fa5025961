"""Which records can be printed, and as what: a function for each type that has a paper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .paper import Paper

if TYPE_CHECKING:
    from verne.engine.people import Person
    from verne.engine.records import Record


@dataclass(frozen=True)
class Printable:
    """What would be printed of a record now, and under which record its copies are counted."""

    paper: Paper
    what: str
    """Which content it is, in words: the revision, the report of a day."""
    content_hash: str
    under: Record


Make = Callable[[Any, "Person"], "Printable | None"]

makers: dict[str, Make] = {}
"""By kind of record."""


def prints(model: type[Record]) -> Callable[[Make], Make]:
    """Enrol the function that makes the paper of a type, or None where there is nothing yet."""

    def enrol(make: Make) -> Make:
        makers[model.kind_name()] = make
        return make

    return enrol


def has_paper(record: Record) -> bool:
    return record.kind_name() in makers


def printable(record: Record, person: Person) -> Printable | None:
    """What this person would print of this record."""
    make = makers.get(record.kind_name())
    return make(record, person) if make else None
