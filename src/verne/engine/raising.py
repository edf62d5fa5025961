"""Raising a record from anywhere: filed, and tied in the same moment to what gave rise to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from .acts import file, link
from .register import Register, register_of, registers
from .rights import may

if TYPE_CHECKING:
    from .people import Person
    from .records import Record


def raisable_anywhere(person: Person) -> list[type[Register]]:
    """The registers whose records this person may raise from whatever they are looking at."""
    return [
        r for r in registers.values() if r.anywhere is not None and may(person, "file", r.model)
    ]


def raise_from(
    kind: type[Record],
    values: Mapping[str, Any],
    sources: Iterable[Record],
    *,
    by: Person,
    note: str = "",
    at: datetime | None = None,
) -> Any:
    """File a record and tie it to each of the records it came from; all of it or nothing."""
    anywhere = register_of(kind.kind_name()).anywhere
    with transaction.atomic():
        record = file(kind, values, by=by, note=note, at=at)
        if anywhere is not None:
            for source in sources:
                link(record, anywhere.link, source, by=by, at=at)
    return record
