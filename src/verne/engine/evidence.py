"""What live records say about an obligation: functions that answer check keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class Asked:
    """The question put to a check: the instant judged, the planned interval, the parameters."""

    at: datetime
    interval: timedelta | None = None
    parameters: dict[str, timedelta | Decimal] = field(default_factory=dict)

    @property
    def since(self) -> datetime:
        """The start of the planned interval; a year where the obligation names none."""
        return self.at - (self.interval or timedelta(days=365))

    def delay(self, key: str) -> timedelta:
        """A parameter that is a duration; an unknown one is a slip in the code."""
        value = self.parameters[key]
        if not isinstance(value, timedelta):
            raise TypeError(f"{key} is not a duration.")
        return value

    def share(self, key: str) -> Decimal:
        """A parameter that is a share from 0 to 1."""
        value = self.parameters[key]
        if not isinstance(value, Decimal):
            raise TypeError(f"{key} is not a share.")
        return value


@dataclass(frozen=True)
class Evidence:
    """The records a condition speaks of, and those among them that break it.

    `note` says what the figures cannot (why an exception is one). `arose` is False when the
    situation of the obligation has not come up, so that an empty population is no failure.
    """

    population: QuerySet[Any]
    exceptions: QuerySet[Any]
    note: StrOrPromise = ""
    arose: bool = True


def every(population: QuerySet[Any], *holds: Q, note: StrOrPromise = "", **also: Any) -> Evidence:
    """Evidence that each record of the population satisfies all of `holds`.

    Exceptions are found by key: excluding across a many-to-many relation would count rows, and a
    null would make the condition neither true nor false. They are asked for one by one: of a list
    that is too long for its memory PostgreSQL would read all for each record.
    """
    good = population.filter(*holds, **also).order_by()
    return Evidence(population, population.exclude(Exists(good.filter(pk=OuterRef("pk")))), note)


def some(population: QuerySet[Any], *, note: StrOrPromise = "") -> Evidence:
    """Evidence that at least one such record exists."""
    return Evidence(population, population.none(), note)


def none_of(
    population: QuerySet[Any], *breaks: Q, note: StrOrPromise = "", **also: Any
) -> Evidence:
    """Evidence that no record of the population satisfies `breaks`."""
    return Evidence(population, population.filter(*breaks, **also).distinct(), note)


EvidenceFunction = Callable[[Asked], Evidence]


@dataclass(frozen=True)
class Answer:
    """A function that answers a check key, and the types whose change calls for asking anew."""

    key: str
    function: EvidenceFunction
    reads: tuple[type[Model], ...]
    each: type[Model] | None = None
    """The type of record that is judged one by one: see `evidence`."""

    def __call__(self, asked: Asked) -> Evidence:
        return self.function(asked)

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(model._meta.label_lower for model in self.reads)


answers: dict[str, Answer] = {}
"""Every answered check key."""


def evidence(
    key: str, *, reads: Iterable[type[Model]], each: type[Model] | None = None
) -> Callable[[EvidenceFunction], EvidenceFunction]:
    """Enrol a function as the answer to a check key of the catalogue.

    `each` promises that records of this type are judged one by one: whether one belongs to the
    population, and whether it breaks the condition, hangs on that record, on what the engine keeps
    for it (its acts, clocks, links, comments) and on the other types named, never on another record
    of its own type. When one of a million has changed, few need then be looked at again.
    """

    def enrol(function: EvidenceFunction) -> EvidenceFunction:
        if key in answers:
            raise ValueError(f"{key} is answered twice: {answers[key].function} and {function}.")
        answers[key] = Answer(key, function, tuple(reads), each)
        return function

    return enrol
