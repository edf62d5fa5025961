"""All rows of a list that somebody may see, and how many they are."""

from __future__ import annotations

from typing import Any

from django.db import connections, models
from django.utils.translation import gettext as _

from .. import past, search
from ..people import Person
from ..records import Sheet
from .filters import filter_of, standing
from .wanted import NotUnderstood, Wanted

COUNTED = 100
"""Rows that are counted; of more it is only said that there are more."""


def select(wanted: Wanted, person: Person) -> models.QuerySet[Any]:
    """All rows of the list that this person may see, in no order."""
    if wanted.at is not None and wanted.at != past.instant():
        # Answered with the present, somebody would take it for the past.
        raise NotUnderstood("at", _("Only the pages of a list tell of the past."))
    rows = rows_of(wanted, person)
    return search.narrow(rows, wanted.text) if wanted.text else rows


def rows_of(wanted: Wanted, person: Person) -> models.QuerySet[Any]:
    """The rows of the list, whatever words they hold."""
    model = wanted.register.model
    rows = model.objects.visible_to(person)
    if wanted.register.widen(person) is not None:
        # What widens may reach over a table of many: each record is listed once all the same.
        rows = model.objects.filter(pk__in=rows.values("pk"))
    # The kind is named though the table says it, for the indexes of the cover sheet begin with it.
    rows = rows.filter(standing(wanted), kind=model.kind_name())
    for name, values in wanted.filters.items():
        rows = rows.filter(filter_of(model, name, values, person))
    return rows


def bounded_count(rows: models.QuerySet[Any], limit: int = COUNTED) -> tuple[int, bool]:
    """How many rows there are up to a limit, and whether there are more; never a full count."""
    number = countable(rows)[: limit + 1].count()
    return min(number, limit), number > limit


def countable(rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """The rows in an order in which the first of them are found soonest.

    In no order PostgreSQL begins at the front of the table of cover sheets, where what was filed
    first lies: 200,000 configuration items before the first incident.
    """
    newest_first = connections[rows.db].vendor == "postgresql" and issubclass(rows.model, Sheet)
    return rows.order_by("-pk") if newest_first else rows.order_by()
