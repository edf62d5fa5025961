"""Marks the checks that a change makes worth asking anew: a row in the transaction of the act."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Model

from verne.engine import acts
from verne.engine.calendars import CalendarVersion, ServiceCalendar
from verne.engine.evidence import Answer, answers
from verne.engine.people import Assignment, Organization, Person, Role, Team
from verne.engine.records import Part, Record
from verne.engine.rows import insert

from .counting import mark_blocks
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


ONE_BY_ONE = 500
"""If one verb changed more records of a kind than this, the kind is marked, not each of them."""


def mark(touched: acts.Touched) -> None:
    """Called with every verb, in its transaction."""
    if not _table_exists():
        return
    kinds = {ENGINE if kind.startswith("engine.") else kind for kind in touched.kinds}
    many = Counter(kind for kind, _number in touched.records)
    kinds |= {kind for kind, times in many.items() if times > ONE_BY_ONE}
    rows = [Touched(kind=kind) for kind in sorted(kinds)]
    rows += [Touched(kind=k, record=n) for k, n in sorted(touched.records) if k not in kinds]
    insert(Touched, rows or [Touched(kind=ENGINE)])


def mark_checks(keys: Iterable[str]) -> None:
    """Have these checks computed anew at the next occasion, over all records."""
    CheckResult.objects.filter(key__in=list(keys)).update(
        stale=True, generation=F("generation") + 1, counted_whole_at=None
    )


def settle_marks() -> set[str]:
    """Turn what was touched into stale checks; returns the kinds."""
    if not Touched.objects.exists():
        return set()
    with transaction.atomic():
        touched = _taken()
        stale = [a for a in answers.values() if reads(a) & {*touched, ANY}]
        some = [a for a in stale if _only_its_own(a, touched)]
        mark_checks(a.key for a in stale if a not in some)
        for kind in {_kind(a) for a in some}:
            keys = [a.key for a in some if _kind(a) == kind]
            # The row of a check first: whoever stores a figure locks it, too.
            CheckResult.objects.filter(key__in=keys).update(
                stale=True, generation=F("generation") + 1
            )
            mark_blocks(keys, (number for number in touched[kind] if number is not None))
    return set(touched)


def _only_its_own(answer: Answer, touched: Mapping[str, set[int | None]]) -> bool:
    """Nothing but single records of the type that it judges one by one has changed."""
    kind = _kind(answer)
    return reads(answer) & {*touched, ANY} == {kind} and None not in touched[kind]


def _kind(answer: Answer) -> str:
    return answer.each._meta.label_lower if answer.each else ""


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


def _taken() -> dict[str, set[int | None]]:
    """Take the marks away and say what they were, in one statement: none is lost in between."""
    found: defaultdict[str, set[int | None]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {Touched._meta.db_table} RETURNING kind, record")
        for kind, record in cursor.fetchall():
            found[kind].add(record)
    return dict(found)


_seen: list[bool] = []


def _table_exists() -> bool:
    """The engine acts while migrations run, when the table of marks may not be there yet."""
    if not _seen and Touched._meta.db_table in connection.introspection.table_names():
        _seen.append(True)
    return bool(_seen)
