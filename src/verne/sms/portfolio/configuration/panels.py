"""What a record's page shows of impact: what it takes with it, and what it stands on."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from verne.engine.people import Person
from verne.engine.records import Record, Sheet
from verne.engine.register import Panel
from verne.engine.rights import scope

from .impact import Reached, affected_by, foundation_of

DEPTH = 6
SHOWN = 100


def what_it_takes_with_it(record: Record, person: Person) -> list[tuple[Any, ...]]:
    return _rows(affected_by(record.pk, depth=DEPTH, most=SHOWN), person)


def what_it_stands_on(record: Record, person: Person) -> list[tuple[Any, ...]]:
    return _rows(foundation_of(record.pk, depth=DEPTH, most=SHOWN), person)


def _rows(reached: dict[int, Reached], person: Person) -> list[tuple[Any, ...]]:
    """Those the person may see, nearest first, with the record through which each is reached."""
    sheets = Sheet.objects.filter(pk__in=reached)
    seen = {s.pk: s for s in sheets.filter(scope(person, Sheet))}
    rows: list[tuple[Any, ...]] = [
        (seen[key], hit.depth, seen.get(hit.through, "") if hit.depth > 1 else "")
        for key, hit in reached.items()
        if key in seen
    ]
    if len(reached) == SHOWN:
        rows.append((say("Only the %(number)d nearest are shown.") % {"number": SHOWN}, "", ""))
    return rows


HEADS = (_("Record"), _("Steps away"), _("By way of"))

TAKES_WITH_IT = Panel(_("It takes with it"), HEADS, what_it_takes_with_it)
STANDS_ON = Panel(_("It stands on"), HEADS, what_it_stands_on)
