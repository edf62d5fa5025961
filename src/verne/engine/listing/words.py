"""Lists of what holds a common word: found on the way along the list, not sorted first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import connection, models
from django.db.models import Q

from .. import past, search
from ..people import Person
from ..prepared import listed
from ..records import Sheet
from .furnishing import furnished
from .keyset import Cursor, order_of, walk
from .selection import rows_of
from .wanted import SIZE, Wanted

MANY = 5_000
"""Hits that are sorted without anybody noticing."""
GROUPS = (1_000, 5_000)
"""Records that are asked whether they hold the words, one group after the other."""
LED = frozenset(index.fields[1] for index in Sheet._meta.indexes if index.fields[0] == "kind")
"""Columns in whose order an index leads through the records of a type."""
SCATTERED = 100
"""Times as many numbers as rows, in a group that lies all over the index."""


def found_on_the_way(
    wanted: Wanted, person: Person, only: Q | None, cursor: Cursor | None, *, back: bool
) -> tuple[list[Any] | None, models.QuerySet[Any] | None]:
    """As `walk`, where many records hold the words; None where few do, or it is not the way.

    SQLite sorts all hits for a page of fifty: of a common word half a second at a million. Then it
    is quicker to go along the list and to ask, group by group, who holds the words. Also gives
    the newest hits among the rows, to count. PostgreSQL knows how common words are, and goes the
    better way by itself.
    """
    if not wanted.text or connection.vendor == "postgresql" or past.instant() is not None:
        return None, None
    name, _down = order_of(wanted)
    if name not in LED:
        return None, None
    kind = wanted.register.model.kind_name()
    newest = search.newest(wanted.text, connection, MANY, kind=kind)
    if len(newest) < MANY:
        return None, None
    rows = rows_of(wanted, person)
    rows = rows if only is None else rows.filter(only)
    some = rows.filter(pk__in=listed(newest[: 10 * SIZE]))
    held: list[int] = []
    for size in GROUPS:
        # Whatever the filters leave, no more is read of the index than a group.
        group = walk(
            Sheet.objects.filter(kind=kind).values_list("pk", name),
            replace(wanted, size=size),
            cursor,
            back=back,
        )
        keys = [number for number, _value in group]
        if keys and max(keys) - min(keys) > SCATTERED * len(keys):
            break
        there = search.holding(keys, wanted.text, connection, kind=kind)
        there &= set(rows.filter(pk__in=listed(list(there))).values_list("pk", flat=True))
        held += [number for number in keys if number in there]
        if len(held) > wanted.size or len(keys) <= size:
            found = rows.filter(pk__in=listed(held[: wanted.size + 1]))
            return walk(furnished(found, wanted), wanted, None, back=back), some
        number, value = group[-1]
        cursor = Cursor(value, number)
    return None, some
