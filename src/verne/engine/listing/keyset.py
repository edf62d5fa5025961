"""Walking through a list: its order, and pages that begin after a row, however deep they lie."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.db.models.lookups import GreaterThan, LessThan
from django.utils.translation import gettext as _

from ..records import Sheet
from .wanted import NotUnderstood, Wanted


@dataclass(frozen=True)
class Cursor:
    """The row a page begins after: its value in the sorted column, and its number."""

    value: Any
    number: int


def order_of(wanted: Wanted) -> tuple[str, bool]:
    """The column sorted by, and whether downwards. References are sorted by number."""
    name = wanted.order.lstrip("-")
    return ("id" if name == "ref" else name), wanted.order.startswith("-")


def ordered(wanted: Wanted, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """The rows in the order of the list, for whoever takes all of them (an export)."""
    name, down = order_of(wanted)
    number = _number().desc() if down else _number().asc()
    if name == "id":
        return rows.order_by(number)
    column = F(name).desc(nulls_last=True) if down else F(name).asc(nulls_last=True)
    return rows.order_by(column, number)


def walk(
    rows: models.QuerySet[Any], wanted: Wanted, cursor: Cursor | None, *, back: bool
) -> list[Any]:
    """One row more than a page holds, from the cursor on; backwards they come in reverse.

    Empty values come last in both directions. Rows with a value and rows without are two
    queries: so each is a range of an index, however deep the page lies.
    """
    room = wanted.size + 1
    found: list[Any] = []
    for half, start in halves(wanted, cursor, back=back):
        found += along(rows, wanted, half, start, back=back)[: room - len(found)]
        if len(found) >= room:
            break
    return found


def halves(
    wanted: Wanted, cursor: Cursor | None, *, back: bool
) -> Iterator[tuple[bool | None, Cursor | None]]:
    """What is walked through, in turn: with a value, without; and where it begins.

    None is both at once, in an order in which every row has a value.
    """
    name, _down = order_of(wanted)
    if name == "id" or not wanted.register.model._meta.get_field(name).null:
        yield None, cursor
        return
    first = not back
    for filled in (first, not first):
        if cursor is None or (cursor.value is not None) == filled:
            yield filled, cursor
        elif filled != first:
            yield filled, None
        # Else the cursor lies in the other half: this one was passed already.


def along(
    rows: models.QuerySet[Any],
    wanted: Wanted,
    half: bool | None,
    start: Cursor | None,
    *,
    back: bool,
) -> models.QuerySet[Any]:
    """One half of a list, from the cursor on."""
    name, down = order_of(wanted)
    ascending = down == back
    if start is not None:
        rows = rows.filter(_beyond(name, start, ascending))
    if half is not None:
        rows = rows.filter(**{f"{name}__isnull": not half})
    number = _number().asc() if ascending else _number().desc()
    column = F(name).asc() if ascending else F(name).desc()
    keys = [number] if name == "id" or half is False else [column, number]
    return rows.order_by(*keys)


def _number() -> RawSQL:
    """The number of a record as the cover sheet holds it.

    Django names the same number by the type's own table, where no index of the cover sheet leads:
    each page would then sort all records of the type.
    """
    table = connection.ops.quote_name(Sheet._meta.db_table)
    return RawSQL(f"{table}.id", (), output_field=models.BigIntegerField())


def _beyond(name: str, cursor: Cursor, ascending: bool) -> Q:
    than = "gt" if ascending else "lt"
    compare: Any = GreaterThan if ascending else LessThan
    further = Q(compare(_number(), cursor.number))
    if name == "id" or cursor.value is None:
        return further
    # The first half alone is what an index can seek; the second settles equal values.
    return Q(**{f"{name}__{than}e": cursor.value}) & (
        Q(**{f"{name}__{than}": cursor.value}) | further
    )


def cursor_of(wanted: Wanted, row: Any) -> str:
    name, _down = order_of(wanted)
    value = row.pk if name == "id" else getattr(row, name)
    said = value.isoformat() if hasattr(value, "isoformat") else value
    if said is not None and not isinstance(said, str | int | bool):
        said = str(said)
    text = json.dumps([wanted.order, said, row.pk], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(wanted: Wanted) -> Cursor | None:
    text = wanted.before or wanted.after
    if not text:
        return None
    try:
        said = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        order, value, number = said
        if order != wanted.order or isinstance(number, bool) or not isinstance(number, int):
            raise ValueError(order)
        name, _down = order_of(wanted)
        if value is not None and name != "id":
            field: Any = wanted.register.model._meta.get_field(name)
            value = field.to_python(value)
    except (ValueError, TypeError, ValidationError) as error:
        raise NotUnderstood(
            "before" if wanted.before else "after",
            _("This place in the list does not exist in this order: begin at the first page."),
        ) from error
    return Cursor(value, number)
