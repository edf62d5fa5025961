"""Pages of a list: what one shows, and how it is fetched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db import connections, models
from django.db.models import Q

from .. import past
from ..people import Person
from ..postgresql.plans import none_kept
from ..register import Register
from .furnishing import furnished
from .keyset import cursor_of, read_cursor, walk
from .selection import COUNTED, bounded_count, select
from .usual import Usual, is_usual, usual_numbers, walk_as_usual
from .wanted import Wanted, understand
from .words import found_on_the_way

if TYPE_CHECKING:
    from .wanted import Params


@dataclass(frozen=True)
class Page:
    """Some rows of a list, and the cursors that lead on and back (None where nothing follows)."""

    wanted: Wanted
    rows: list[Any]
    next: str | None
    previous: str | None
    person: Person
    only: Q | None = None
    some: models.QuerySet[Any] | None = None
    """Some of the rows of the list, where it takes long to find all."""

    @cached_property
    def selection(self) -> models.QuerySet[Any]:
        """All rows of the list, on every page of it, in no order."""
        return _chosen(self.wanted, self.person, self.only)

    @cached_property
    def count(self) -> tuple[int, bool]:
        """How many there are, counted to a hundred; and whether there are more than that."""
        if self.only is None and is_usual(self.wanted):
            number = len(usual_numbers(Usual.of(self.wanted))(self.person))
            return min(number, COUNTED), number > COUNTED
        if self.some is not None and (found := bounded_count(self.some))[1]:
            return found
        with none_kept(connections[self.selection.db]):
            return bounded_count(self.selection)


def page(
    register: type[Register],
    person: Person,
    params: Params,
    size: int | None = None,
    *,
    only: Q | None = None,
) -> Page:
    """One page of a register as this person may see it. `only` narrows it beyond the parameters."""
    wanted = understand(register, params)
    if size is not None:
        wanted = replace(wanted, size=size)
    return fetch(wanted, person, only=only)


def fetch(wanted: Wanted, person: Person, *, only: Q | None = None) -> Page:
    """The page that is wanted."""
    if wanted.at is not None and past.instant() != wanted.at:
        with past.reading(wanted.at, person=person):
            found = fetch(wanted, person, only=only)
            assert found.count  # counted while the past can be read
            return found
    back = bool(wanted.before)
    cursor = read_cursor(wanted)
    rows: list[Any] | None
    if only is None and is_usual(wanted):
        rows, common = walk_as_usual(wanted, person, cursor, back=back), None
    else:
        chosen = _chosen(wanted, person, only)
        # By what somebody typed there may be one record or a million.
        with none_kept(connections[chosen.db]):
            rows, common = found_on_the_way(wanted, person, only, cursor, back=back)
            if rows is None:
                rows = walk(furnished(chosen, wanted), wanted, cursor, back=back)
    more, rows = len(rows) > wanted.size, rows[: wanted.size]
    if back:
        rows.reverse()
    first = cursor_of(wanted, rows[0]) if rows else None
    last = cursor_of(wanted, rows[-1]) if rows else None
    return Page(
        wanted=wanted,
        rows=rows,
        next=last if (more or back) else None,
        previous=first if (more if back else bool(wanted.after)) else None,
        person=person,
        only=only,
        some=common,
    )


def _chosen(wanted: Wanted, person: Person, only: Q | None) -> models.QuerySet[Any]:
    rows = select(wanted, person)
    return rows if only is None else rows.filter(only)
