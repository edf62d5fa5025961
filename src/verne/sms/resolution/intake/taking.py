"""A log taken in: incidents in batches, each with its past, its clocks and what was told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Mapping as Facts
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from verne.engine import bulk, clock, moment
from verne.engine.once import asked_once
from verne.engine.records import Sheet, next_ids
from verne.engine.rows import insert

from ..incident.models import Incident
from ..problem.models import Problem
from . import log as logs
from .fact import ImportedIncident, ImportedLog
from .mapping import Mapping
from .people import World, rehearsal, settle, words
from .story import Past, Teller, clock_events

if TYPE_CHECKING:
    from verne.engine.people import Person
    from verne.sms.portfolio.service.models import Service

BATCH = 500
KEPT_FLAWS = 20_000
"""Flaws that are kept with the log; the report has them all."""
MEASURES = ("respond", "resolve")
COLUMNS = (
    "category",
    "symptom",
    "impact",
    "urgency",
    "priority",
    "priority_override",
    "team",
    "owner",
    "reporter",
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
    """What came of an import, in numbers; `flaws` says what was not taken as it is, row by row.

    `named` says how many people and things the rows name, by our words.
    """

    rows: int = 0
    incidents: int = 0
    new: int = 0
    there: int = 0
    refused: int = 0
    updates: int = 0
    closed: int = 0
    reopened: int = 0
    with_problem: int = 0
    with_change: int = 0
    with_component: int = 0
    missed: int = 0
    named: dict[str, int] = field(default_factory=dict)
    flaws: list[logs.Flaw] = field(default_factory=list)
    world: World | None = None
    """Whom and what it was about; nothing in a rehearsal."""

    @property
    def done(self) -> int:
        return self.new + self.there + self.refused

    def figures(self) -> dict[str, Any]:
        """The numbers alone."""
        plain = {k: v for k, v in vars(self).items() if isinstance(v, int)}
        return plain | {
            "named": self.named,
            "flaws": len(self.flaws),
            "flaws_by_kind": self.flaws_by_kind(),
        }

    def flaws_by_kind(self) -> dict[str, int]:
        """How often each occurred; one line about many incidents counts them."""
        found: dict[str, int] = {}
        for flaw in self.flaws:
            many = int(flaw.value) if flaw.kind == "gaps" else 1
            found[flaw.kind] = found.get(flaw.kind, 0) + many
        return dict(sorted(found.items(), key=lambda item: -item[1]))


def rehearse(path: Path, mapping: Mapping, *, zone: ZoneInfo, told: Told | None = None) -> Taken:
    """Read a log and say what would come in, and all its flaws; nothing is written."""
    tell_progress = told or _silent
    log = logs.read(path, mapping, zone, tell_progress)
    taken = _begin(log)
    with asked_once():
        for pasts in _pasts(log, mapping, rehearsal(log), zone):
            new = _not_there(pasts, log)
            _count(taken, pasts, new, new)
            tell_progress(taken.done, taken.incidents, "Incidents")
    taken.flaws = log.flaws
    return taken


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
    tell_progress = told or _silent
    log = logs.read(path, mapping, zone, tell_progress)
    tell_progress(0, len(log.incidents), "People, teams and categories")
    with transaction.atomic():
        world = settle(log, mapping, by=by, customer=customer, service=service)
        run = _open(path, mapping, world, by=by, zone=zone)
    taken = _begin(log)
    taken.world = world
    with asked_once():
        for pasts in _pasts(log, mapping, world, zone):
            new = filed = _not_there(pasts, log)
            if new:
                with transaction.atomic():
                    filed = _file(new, world, mapping, by=by, log=log, run=run)
            _count(taken, pasts, new, filed)
            tell_progress(taken.done, taken.incidents, "Incidents")
    taken.flaws = log.flaws
    _close(run, taken, by=by)
    return taken


def _silent(done: int, total: int, what: str) -> None:
    pass


def _open(path: Path, mapping: Mapping, world: World, *, by: Person, zone: ZoneInfo) -> ImportedLog:
    assert world.customer is not None  # only a rehearsal has none
    with bulk.umbrella(by=by, note=path.name):
        return ImportedLog.objects.create(
            source=mapping.source,
            file_name=path.name[:200],
            zone=zone.key,
            customer=world.customer,
            by=by,
            began_at=timezone.now(),
            columns=mapping.columns,
        )


def _close(run: ImportedLog, taken: Taken, *, by: Person) -> None:
    with bulk.umbrella(by=by, note=run.file_name):
        run.ended_at = timezone.now()
        run.figures = taken.figures()
        run.flaws = [
            [flaw.row, flaw.number, flaw.column, flaw.value, flaw.kind]
            for flaw in taken.flaws[:KEPT_FLAWS]
        ]
        run.save(update_fields=["ended_at", "figures", "flaws"])


def _begin(log: logs.Log) -> Taken:
    named = {name: len(found) for name, found in words(log).items()}
    return Taken(rows=log.rows, incidents=len(log.incidents), named=named)


def _pasts(log: logs.Log, mapping: Mapping, world: World, zone: ZoneInfo) -> Iterator[list[Past]]:
    """The incidents of a log told one batch after the other; their rows are let go."""
    teller = Teller(log, mapping, world, zone)
    for group in logs.chunks(log, BATCH):
        yield [teller.tell(number, rows) for number, rows in group]
        for number, _rows in group:
            log.incidents[number] = []


def _count(taken: Taken, pasts: list[Past], new: list[Past], filed: list[Past]) -> None:
    taken.new += len(filed)
    taken.updates += sum(len(past.updates) for past in filed)
    taken.there += len(pasts) - len(new)
    taken.refused += len(new) - len(filed)
    for past in pasts:
        taken.closed += past.facts["state"] == "closed"
        taken.reopened += past.facts["reopened"] > 0
        taken.with_problem += bool(past.problem)
        taken.with_change += bool(past.facts["change_reference"])
        taken.with_component += bool(past.component)
        taken.missed += past.made_sla is False


def _not_there(pasts: list[Past], log: logs.Log) -> list[Past]:
    """Those that are not on file yet. One that has grown since is not taken again: say so."""
    keys = [past.key for past in pasts]
    there = set(Sheet.objects.filter(source_key__in=keys).values_list("source_key", flat=True))
    kept = ImportedIncident.objects.filter(incident__source_key__in=keys)
    last = dict(kept.values_list("incident__source_key", "told"))
    for past in pasts:
        if past.key in last and past.told != last[past.key]:
            log.note(past.row, past.number, "", "", "grown")
    return [past for past in pasts if past.key not in there]


def _file(
    pasts: list[Past],
    world: World,
    mapping: Mapping,
    *,
    by: Person,
    log: logs.Log,
    run: ImportedLog,
) -> list[Past]:
    """One batch: records, their past, their clocks, their problems, and what the log told."""
    filed = bulk.bulk_file(
        Incident, [_row(past, world) for past in pasts], by=by, trail=False, note=mapping.source
    )
    for refused in filed.refused:
        past = pasts[refused.row]
        why = "; ".join(f"{k}: {' '.join(v)}" for k, v in refused.reasons.items())
        log.note(past.row, past.number, "", why, "refused")
    pairs = [(p, r) for p, r in zip(pasts, filed.records, strict=True) if r is not None]
    joined = _joined([record for past, record in pairs if past.component])
    bulk.bulk_history(
        (act for past, record in pairs for act in _acts(past, record, world, joined)),
        by=by,
        note=mapping.source,
    )
    with bulk.umbrella(by=by, note=mapping.source) as work:
        work.kinds.update({Incident.kind_name(), Problem.kind_name()})
        _write_clocks(pairs)
        insert(ImportedIncident, [_told(past, record, run) for past, record in pairs])
        through: Any = Problem.incidents.through
        insert(
            through,
            [
                through(problem_id=world.problems[past.problem], incident_id=record.pk)
                for past, record in pairs
                if past.problem
            ],
        )
    return [past for past, _record in pairs]


def _told(past: Past, record: Incident, run: ImportedLog) -> ImportedIncident:
    return ImportedIncident(
        incident=record,
        log=run,
        source=run.source,
        number=past.number,
        made_sla=past.made_sla,
        row=past.row,
        told=past.told,
        earlier=past.earlier,
    )


def _row(past: Past, world: World) -> dict[str, Any]:
    facts, told = past.facts, past.updates[-1]
    row = {name: facts[name] for name in COLUMNS if facts.get(name) is not None}
    if facts["state"] == "pending":
        row["resume_at"] = told.at + timedelta(days=7)
    return row | {
        "title": _title(past, facts),
        "description": past.number,
        "service": world.service,
        "components": [world.components[past.component]] if past.component else [],
        "customer": world.customer,
        "reporter": world.callers.get(facts["reporter"]),
        "major_answer": "",
        "source_key": past.key,
        "filed_at": past.opened_at,
        "filed_by": past.opened_by,
        "changed_at": told.at,
    }


def _title(past: Past, facts: Facts[str, Any]) -> str:
    """A log has no titles: what it is about and what was seen, else the number."""
    return (": ".join(filter(None, (past.about, facts["symptom"]))) or past.number)[:200]


# --- The past ------------------------------------------------------------------------------------


def _acts(
    past: Past, record: Incident, world: World, joined: dict[int, int]
) -> Iterator[bulk.PastAct]:
    """An act for each row of the log: the first files the incident, the others change it."""
    before: dict[str, Any] = {}
    component = ""
    for n, update in enumerate(past.updates):
        after = {name: update.facts[name] for name in COLUMNS}
        if n:
            changed = [name for name in COLUMNS if before[name] != after[name]]
            rows = bulk.as_changed(
                Incident,
                record.pk,
                {name: before[name] for name in changed} | {"changed_at": past.updates[n - 1].at},
                {name: after[name] for name in changed} | {"changed_at": update.at},
            )
            verb = "move" if update.move else "revise"
        else:
            rows, verb = (
                bulk.as_filed(record, changed_at=update.at, resume_at=None, **after),
                "file",
            )
        if update.component != component:
            rows += _component_rows(record, component, update.component, world, joined)
            component = update.component
        yield bulk.PastAct(
            update.at,
            verb,
            record.pk,
            by=update.by,
            name=update.move,
            note=update.note,
            rows=rows,
        )
        before = after


def _joined(records: list[Incident]) -> dict[int, int]:
    """The rows that tie these incidents to their configuration items, by the incident."""
    through: Any = Incident.components.through
    rows = through.objects.filter(incident__in=[record.pk for record in records])
    return dict(rows.values_list("incident_id", "pk"))


def _component_rows(
    record: Incident, before: str, after: str, world: World, joined: dict[int, int]
) -> list[bulk.PastRow]:
    """The configuration item that an update named, and the one it no longer named."""
    table = Incident.components.through._meta.db_table
    # One incident has one item at a time, so the row there now can stand for those before it.
    key = joined.get(record.pk) or -record.pk
    found = []
    for op, name in (("D", before), ("I", after)):
        if name:
            item = world.components[name]
            row = {"id": key, "incident_id": record.pk, "configurationitem_id": item}
            sides = (row, None) if op == "D" else (None, row)
            found.append(bulk.PastRow(table, key, op, *sides))
    return found


# --- Clocks --------------------------------------------------------------------------------------


def _write_clocks(pairs: list[tuple[Past, Incident]]) -> None:
    """The clocks of each incident, projected under the targets that applied when it came in."""
    clocks: list[clock.Clock] = []
    events: list[clock.ClockEvent] = []
    finders: dict[tuple[Any, ...], clock.Target | None] = {}
    due: list[Incident] = []
    for past, record in pairs:
        for measure in MEASURES:
            row = clock.Clock(record=record, measure=measure, started_at=past.opened_at)
            key = (measure, record.priority, record.filed_at.date())
            if key not in finders:
                with moment.at(record.filed_at):
                    finders[key] = clock.find_target(record, measure)
            clock.take_target(row, finders[key])
            story = clock_events(past, measure)
            clock.project(row, max(past.updates[-1].at, story[-1].at), events=story)
            row.waits_for = story[-1].reason if story[-1].kind == "pause" else ""
            clocks.append(row)
            events.extend(story)
            for event in story:
                event.clock = row
        if row.is_open and row.due_at is not None:
            record.due_at = row.due_at
            due.append(record)
    for row, number in zip(clocks, next_ids(clock.Clock, len(clocks)), strict=True):
        row.pk = number
    for event in events:
        event.clock_id = event.clock.pk
    insert(clock.Clock, clocks)
    insert(clock.ClockEvent, events)
    for record in due:
        Sheet.objects.filter(pk=record.pk).update(due_at=record.due_at)
