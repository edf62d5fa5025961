"""A log taken in: incidents in batches, each with its past, its clocks and what was told of it."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Facts
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db import transaction

from verne.engine import bulk, clock, moment
from verne.engine.records import Sheet, next_ids

from ..incident.models import Incident
from ..problem.models import Problem
from . import log as logs
from .fact import ImportedIncident
from .mapping import Mapping
from .people import World, settle
from .story import Past, clock_events, tell

if TYPE_CHECKING:
    from verne.engine.people import Person
    from verne.sms.portfolio.service.models import Service

BATCH = 500
MEASURES = ("respond", "resolve")
COLUMNS = (
    "category",
    "symptom",
    "impact",
    "urgency",
    "priority",
    "team",
    "owner",
    "source",
    "state",
    "pending_reason",
    "change_reference",
    "responded_at",
    "resolved_at",
    "resolved_by",
    "resolution",
    "resolution_code",
    "closed_at",
    "closed_by",
    "closure_code",
    "reopened",
)
"""Facts of an update that have a column of the incident."""

Told = Callable[[int, int, str], None]


@dataclass
class Taken:
    """What came of an import, in numbers; `flaws` says what was not taken as it is, row by row."""

    rows: int = 0
    incidents: int = 0
    new: int = 0
    there: int = 0
    updates: int = 0
    closed: int = 0
    reopened: int = 0
    with_problem: int = 0
    with_change: int = 0
    with_component: int = 0
    flaws: list[logs.Flaw] = field(default_factory=list)

    def figures(self) -> dict[str, int]:
        """The numbers alone."""
        return {k: v for k, v in vars(self).items() if isinstance(v, int)} | {
            "flaws": len(self.flaws)
        }


def take(
    path: Path,
    mapping: Mapping,
    *,
    by: Person,
    zone: ZoneInfo,
    customer: str,
    service: Service | None = None,
    told: Told | None = None,
) -> Taken:
    """Take a log in. What is on file already is passed over, so a broken-off run can be repeated.

    Each batch of incidents is one transaction.
    """
    tell_progress = told or (lambda done, total, what: None)
    tell_progress(0, 1, "Reading the log")
    log = logs.read(path, mapping, zone)
    total = len(log.incidents)
    tell_progress(0, total, "People, teams and categories")
    with transaction.atomic():
        world = settle(log, mapping, by=by, customer=customer, service=service)
    taken = Taken(rows=log.rows, incidents=total)
    for group in logs.chunks(log, BATCH):
        pasts = [
            tell(number, rows, log=log, mapping=mapping, world=world, zone=zone)
            for number, rows in group
        ]
        _count(taken, pasts)
        new = _not_there(pasts)
        taken.there += len(pasts) - len(new)
        if new:
            with transaction.atomic():
                _file(new, world, mapping, by=by, log=log)
            taken.new += len(new)
            taken.updates += sum(len(past.updates) for past in new)
        for number, rows in group:
            log.incidents[number] = rows[:0]
        tell_progress(taken.new + taken.there, total, "Incidents")
    taken.flaws = log.flaws
    return taken


def _count(taken: Taken, pasts: list[Past]) -> None:
    for past in pasts:
        taken.closed += past.facts["state"] == "closed"
        taken.reopened += past.facts["reopened"] > 0
        taken.with_problem += bool(past.problem)
        taken.with_change += bool(past.facts.get("change_reference"))
        taken.with_component += bool(past.component)


def _not_there(pasts: list[Past]) -> list[Past]:
    keys = [past.key for past in pasts]
    there = set(Sheet.objects.filter(source_key__in=keys).values_list("source_key", flat=True))
    return [past for past in pasts if past.key not in there]


def _file(pasts: list[Past], world: World, mapping: Mapping, *, by: Person, log: logs.Log) -> None:
    """One batch: records, their past, their clocks, their problems, and the last row of each."""
    filed = bulk.bulk_file(
        Incident, [_row(past, world) for past in pasts], by=by, trail=False, note=mapping.source
    )
    for refused in filed.refused:
        past = pasts[refused.row]
        reasons = "; ".join(f"{k}: {' '.join(v)}" for k, v in refused.reasons.items())
        log.note(0, past.number, "", "", f"The incident could not be filed: {reasons}")
    pairs = [(p, r) for p, r in zip(pasts, filed.records, strict=True) if r is not None]
    bulk.bulk_history(
        (act for past, record in pairs for act in _acts(past, record)), by=by, note=mapping.source
    )
    with bulk.umbrella(by=by, note=mapping.source) as work:
        work.kinds.update({Incident.kind_name(), Problem.kind_name()})
        _write_clocks(pairs)
        bulk.insert(
            ImportedIncident,
            [
                ImportedIncident(
                    incident=record,
                    source=mapping.source,
                    number=past.number,
                    made_sla=past.made_sla,
                    told=past.told,
                )
                for past, record in pairs
            ],
        )
        through: Any = Problem.incidents.through
        bulk.insert(
            through,
            [
                through(problem_id=world.problems[past.problem], incident_id=record.pk)
                for past, record in pairs
                if past.problem
            ],
        )


def _row(past: Past, world: World) -> dict[str, Any]:
    facts = past.facts
    title = past.facts.get("symptom") or past.told.get("subcategory") or past.told.get("category")
    row = {name: facts[name] for name in COLUMNS if facts.get(name) is not None}
    if facts["state"] == "pending":
        row["resume_at"] = past.updates[-1].at + timedelta(days=7)
    return row | {
        "title": f"{title}" if title else past.number,
        "description": f"{past.number}, imported.",
        "service": world.service,
        "components": [world.components[past.component]] if past.component else [],
        "customer": world.customer,
        "reporter": world.people.get(past.told.get("caller", "")),
        "major_answer": "",
        "source_key": past.key,
        "filed_at": past.opened_at,
        "filed_by": past.opened_by,
        "changed_at": past.updates[-1].at,
    }


def _acts(past: Past, record: Incident) -> list[bulk.PastAct]:
    """An act for each row of the log: the first files the incident, the others change it."""
    first = past.updates[0].facts
    acts = [
        bulk.PastAct(
            past.opened_at or past.updates[0].at,
            "file",
            record.pk,
            by=past.opened_by,
            rows=bulk.as_filed(record, **{name: first.get(name) for name in COLUMNS}),
        )
    ]
    before = first
    for update in past.updates[1:]:
        after = update.facts
        changed = [n for n in COLUMNS if before.get(n) != after.get(n)]
        rows = bulk.as_changed(Incident, record.pk, _part(before, changed), _part(after, changed))
        verb = "move" if update.move else "revise"
        acts.append(
            bulk.PastAct(update.at, verb, record.pk, by=update.by, name=update.move, rows=rows)
        )
        before = after
    return acts


def _part(facts: Facts[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: facts.get(name) for name in names}


def _write_clocks(pairs: list[tuple[Past, Incident]]) -> None:
    """The clocks of each incident, projected under the targets that applied when it came in."""
    clocks: list[clock.Clock] = []
    events: list[clock.ClockEvent] = []
    finders: dict[tuple[Any, ...], clock.Target | None] = {}
    for past, record in pairs:
        for measure in MEASURES:
            row = clock.Clock(record=record, measure=measure, started_at=past.opened_at)
            key = (measure, record.priority, record.filed_at.date())
            if key not in finders:
                with moment.at(record.filed_at):
                    finders[key] = clock.find_target(record, measure)
            clock.take_target(row, finders[key])
            story = clock_events(past, measure)
            clock.project(row, story[-1].at, events=story)
            clocks.append(row)
            events.extend(story)
            for event in story:
                event.clock = row
    for row, number in zip(clocks, next_ids(clock.Clock, len(clocks)), strict=True):
        row.pk = number
    for event in events:
        event.clock_id = event.clock.pk
    bulk.insert(clock.Clock, clocks)
    bulk.insert(clock.ClockEvent, events)
