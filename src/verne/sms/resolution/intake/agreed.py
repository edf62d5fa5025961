"""Imported incidents under an agreement of one's choosing: the same events, other targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import prefetch_related_objects

from verne.engine import bulk, clock
from verne.engine.clock import Clock
from verne.sms.relationship.agreement.targets import target_under

from ..incident.models import Incident
from .fact import ImportedIncident

if TYPE_CHECKING:
    from verne.engine.people import Person
    from verne.sms.relationship.agreement.models import Agreement

BATCH = 1000
KEPT = (
    "name",
    "calendar_id",
    "seconds",
    "days",
    "end_of_day",
    "thresholds",
    "pauses",
    "agreement_id",
    "target_id",
    "state",
    "stopped_at",
    "due_at",
    "breached_at",
    "elapsed",
    "next_threshold_at",
)
"""Columns of a clock that follow from its target."""


def apply(
    agreement: Agreement, *, by: Person, told: Callable[[int, int], None] | None = None
) -> int:
    """Give the clocks of all imported incidents the targets of an agreement; how many changed.

    Nothing is lost: the events stay, and another agreement can be applied afterwards.
    """
    keys = list(ImportedIncident.objects.order_by("incident").values_list("incident", flat=True))
    changed = 0
    for done, group in enumerate(_groups(keys)):
        changed += _apply(agreement, group, by=by)
        if told is not None:
            told(min((done + 1) * BATCH, len(keys)), len(keys))
    return changed


def _groups(keys: list[int]) -> Iterator[list[int]]:
    stream = iter(keys)
    while group := list(islice(stream, BATCH)):
        yield group


def _apply(agreement: Agreement, keys: list[int], *, by: Person) -> int:
    incidents = Incident.objects.in_bulk(keys)
    clocks = list(Clock.objects.filter(record__in=keys).select_related("calendar"))
    prefetch_related_objects(clocks, "events")
    changed = []
    for row in clocks:
        incident = incidents[row.record_id]
        before = [getattr(row, name) for name in KEPT]
        clock.take_target(row, target_under(agreement, incident, row.measure))
        events = sorted(row.events.all(), key=lambda e: (e.at, e.pk))
        clock.project(row, events[-1].at)
        if [getattr(row, name) for name in KEPT] != before:
            changed.append(row)
    if changed:
        with bulk.umbrella(by=by, note=agreement.ref) as work:
            work.kinds.add(Incident.kind_name())
            _write(changed)
    return len(changed)


def _write(clocks: list[Clock]) -> None:
    """One prepared statement run many times; Django's own bulk update is ten times slower."""
    fields = [f for f in Clock._meta.concrete_fields if f.attname in KEPT]
    quote = connection.ops.quote_name
    sets = ", ".join(f"{quote(f.column)} = %s" for f in fields)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {quote(Clock._meta.db_table)} SET {sets} WHERE id = %s",
            [
                [*(f.get_db_prep_save(getattr(row, f.attname), connection) for f in fields), row.pk]
                for row in clocks
            ],
        )


@dataclass(frozen=True)
class Comparison:
    """What the other tool said of an incident's target, against what we compute."""

    said: bool | None
    ours: str
    count: int


def compare(person: Person) -> list[Comparison]:
    """How many incidents there are for each pair of its word and ours, as this person sees them."""
    from django.db.models import Count, F

    seen = Incident.objects.visible_to(person)
    rows = (
        ImportedIncident.objects.filter(incident__in=seen, incident__clock_rows__measure="resolve")
        .values("made_sla", ours=F("incident__clock_rows__state"))
        .annotate(count=Count("pk"))
        .order_by("made_sla", "ours")
    )
    return [Comparison(r["made_sla"], r["ours"], r["count"]) for r in rows]
