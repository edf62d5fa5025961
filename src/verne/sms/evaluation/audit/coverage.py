"""The coverage grid: each area of a programme by quarters of years, with its audits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from verne.engine.requirements import library

from .clauses import covers, read
from .models import Audit
from .programme import AuditArea, AuditProgramme

if TYPE_CHECKING:
    from verne.engine.people import Person

DONE, UNDER_WAY, PLANNED, OVERDUE, DUE, NEVER = (
    "done",
    "under_way",
    "planned",
    "overdue",
    "due",
    "never",
)
"""What a place in the grid says: DUE asks for an audit that nobody planned."""


@dataclass(frozen=True)
class Quarter:
    """Three months of a year."""

    year: int
    number: int

    @property
    def begins(self) -> date:
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def ends(self) -> date:
        """Its last day."""
        return self.after.begins - timedelta(days=1)

    @property
    def after(self) -> Quarter:
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    @classmethod
    def of(cls, day: date) -> Quarter:
        return cls(day.year, (day.month + 2) // 3)


@dataclass(frozen=True)
class Mark:
    """An audit that touches an area, as a quarter shows it."""

    ref: str
    title: str
    what: str
    day: date


@dataclass
class Row:
    """An area with its marks by quarter, when it was last looked at and when it is due."""

    area: AuditArea
    name: str
    pdca: str
    marks: dict[Quarter, list[Mark]] = field(default_factory=dict)
    last: date | None = None
    due: date | None = None
    standing: str = NEVER


@dataclass(frozen=True)
class Grid:
    """A programme as its page shows it."""

    programme: AuditProgramme
    quarters: Sequence[Quarter]
    rows: Sequence[Row]
    today: date


def grid(programme: AuditProgramme, person: Person, *, today: date) -> Grid:
    """The programme with every audit this person may see; the same few queries for any size."""
    quarters = quarters_between(programme.since, programme.until)
    known = library().clauses()
    audits = _audits(person)
    rows = []
    for area in programme.areas.all():
        clause = known.get(area.clause)
        row = Row(area, clause.name if clause else area.clause, clause.pdca if clause else "")
        for audit, clauses in audits:
            if covers(clauses, area.clause):
                _mark(row, audit, today)
        _judge(row, programme, today)
        rows.append(row)
    rows.sort(key=lambda row: known[row.area.clause].order if row.area.clause in known else (99,))
    return Grid(programme, quarters, rows, today)


def quarters_between(first: date, last: date) -> list[Quarter]:
    found = [Quarter.of(first)]
    while found[-1].ends < last:
        found.append(found[-1].after)
    return found


def _audits(person: Person) -> list[tuple[dict[str, Any], tuple[str, ...]]]:
    rows = (
        Audit.objects.visible_to(person)
        .standing()
        .filter(type__in=Audit.OURS)
        .exclude(state="called_off")
        .order_by("planned_for", "pk")
        .values("ref", "title", "state", "clauses", "planned_for", "completed_at")
    )
    return [(row, read(row["clauses"])) for row in rows if row["clauses"]]


def _mark(row: Row, audit: dict[str, Any], today: date) -> None:
    done = audit["completed_at"]
    day = done.date() if done else audit["planned_for"]
    if day is None:
        return
    what = DONE if done else UNDER_WAY if audit["state"] == "under_way" else PLANNED
    if what == PLANNED and day < today:
        what = OVERDUE
    mark = Mark(audit["ref"], audit["title"], what, day)
    row.marks.setdefault(Quarter.of(day), []).append(mark)
    if done and (row.last is None or day > row.last):
        row.last = day


def _judge(row: Row, programme: AuditProgramme, today: date) -> None:
    """When the area is due next, and how it stands today."""
    begun = row.last or programme.since
    row.due = later(begun, row.area.months)
    marks = [mark for there in row.marks.values() for mark in there]
    said = {mark.what for mark in marks}
    if UNDER_WAY in said:
        row.standing = UNDER_WAY
    elif OVERDUE in said or (row.last and row.due < today):
        row.standing = OVERDUE
    elif PLANNED in said:
        row.standing = PLANNED
    else:
        row.standing = DONE if row.last else NEVER
    planned_in_time = any(mark.what == PLANNED and mark.day <= row.due for mark in marks)
    if (
        UNDER_WAY not in said
        and not planned_in_time
        and programme.since <= row.due <= programme.until
    ):
        quarter = Quarter.of(row.due)
        what = OVERDUE if row.due < today else DUE
        row.marks.setdefault(quarter, []).append(Mark("", "", what, row.due))


def later(day: date, months: int) -> date:
    """The same day some months later, or the last of that month."""
    number = day.month - 1 + months
    year, month = day.year + number // 12, number % 12 + 1
    first_of_next = date(year + month // 12, month % 12 + 1, 1)
    return min(
        date(year, month, 1) + timedelta(days=day.day - 1), first_of_next - timedelta(days=1)
    )
