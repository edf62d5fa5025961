"""Records by number or reference, as far as somebody may see them; put into SQL once."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import models

from verne.engine.people import Person
from verne.engine.prepared import Numbers, listed
from verne.engine.records import Sheet
from verne.engine.rights import scope
from verne.engine.standpoint import PreparedFor


def sheets_of(person: Person, numbers: Collection[int]) -> dict[int, Sheet]:
    """Those of these records that a person may see, by number."""
    if not numbers:
        return {}
    return {sheet.pk: sheet for sheet in _by_numbers(person, numbers=numbers)}


def sheet_at(person: Person, ref: str) -> Sheet | None:
    """The record of this reference, if a person may see it."""
    found = _by_ref(person, ref=ref) if ref else []
    return found[0] if found else None


def _numbered(person: Person, numbers: Any) -> models.QuerySet[Any]:
    rows: models.QuerySet[Any] = Sheet.objects.filter(scope(person, Sheet))
    return rows.filter(pk__in=listed(numbers))


def _called(person: Person, ref: Any) -> models.QuerySet[Any]:
    rows: models.QuerySet[Any] = Sheet.objects.filter(scope(person, Sheet), ref=ref)
    return rows.order_by("pk")[:1]


_by_numbers = PreparedFor(_numbered, numbers=Numbers())
_by_ref = PreparedFor(_called, ref=models.CharField())
