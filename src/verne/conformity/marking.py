"""Marks the checks that a change makes worth asking anew: a row in the transaction of the act."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Model

from verne.engine.calendars import CalendarVersion, ServiceCalendar
from verne.engine.evidence import Answer, answers
from verne.engine.people import Assignment, Organization, Person, Role, Team
from verne.engine.records import Part, Record
from verne.engine.rows import insert

from .models import CheckResult, Touched

ENGINE = "engine"
"""Stands for what an act changes that names no record type."""

OF_THE_ENGINE = (
    Organization,
    Person,
    Team,
    Role,
    Assignment,
    ServiceCalendar,
    CalendarVersion,
)

JUDGEMENT = "conformity.attestation"
"""The kind of a signed judgement."""

ANY = "*"
"""Among what a check reads: every act concerns it."""


def mark(kinds: set[str]) -> None:
    """Called with every verb, in its transaction."""
    if not _table_exists():
        return
    named = {ENGINE if kind.startswith("engine.") else kind for kind in kinds} or {ENGINE}
    insert(Touched, [Touched(kind=kind) for kind in sorted(named)])


def mark_checks(keys: Iterable[str]) -> None:
    """Have these checks computed anew at the next occasion."""
    CheckResult.objects.filter(key__in=list(keys)).update(
        stale=True, generation=F("generation") + 1
    )


def settle_marks() -> set[str]:
    """Turn the kinds that were touched into stale checks; returns the kinds."""
    if not Touched.objects.exists():
        return set()
    with transaction.atomic():
        kinds = _taken()
        mark_checks(key for key, a in answers.items() if reads(a) & {*kinds, ANY})
    return kinds


def reads(answer: Answer) -> frozenset[str]:
    """The kinds whose change makes a check stale.

    A part counts as its record. What the engine keeps for records (comments, links, clocks) changes
    under the kind of the record, so a check that reads no record type is stale after any act.
    """
    kinds: set[str] = set()
    for model in answer.reads:
        if issubclass(model, Record):
            kinds.add(model._meta.label_lower)
        elif issubclass(model, Part):
            kinds.add(_record_of(model)._meta.label_lower)
        elif model in OF_THE_ENGINE:
            kinds.add(ENGINE)
    if answer.key in _judged():
        # Whoever answers it reads the records; the judgement is added to what it says.
        return frozenset({*(kinds or {ANY}), JUDGEMENT})
    return frozenset(kinds or {ANY})


@cache
def _judged() -> frozenset[str]:
    """Checks that hold only with a signed judgement."""
    from .attesting.judging import asks_for_judgement
    from .catalogue import catalogue

    return frozenset(key for key, c in catalogue().checks.items() if asks_for_judgement(c))


def _record_of(part: type[Part]) -> type[Model]:
    field: Any = part._meta.get_field(part.history_record)
    record: type[Model] = field.related_model
    return record


def _taken() -> set[str]:
    """Take the marks away and say what they were, in one statement: none is lost in between."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {Touched._meta.db_table} RETURNING kind")
        return {kind for (kind,) in cursor.fetchall()}


_seen: list[bool] = []


def _table_exists() -> bool:
    """The engine acts while migrations run, when the table of marks may not be there yet."""
    if not _seen and Touched._meta.db_table in connection.introspection.table_names():
        _seen.append(True)
    return bool(_seen)
