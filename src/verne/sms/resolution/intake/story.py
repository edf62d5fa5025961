"""The rows of one incident, told as a record with its past: facts, updates, clocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from verne.engine.clock import ClockEvent

from ..incident.models import PAUSES, Incident, Pending
from .log import Log, Row
from .mapping import Mapping
from .people import World

MOVES = {
    ("prioritized", "in_progress"): "start",
    ("in_progress", "pending"): "wait",
    ("prioritized", "pending"): "wait",
    ("pending", "in_progress"): "resume",
    ("pending", "prioritized"): "resume",
    ("resolved", "in_progress"): "reopen",
    ("resolved", "pending"): "reopen",
    ("resolved", "prioritized"): "reopen",
    ("closed", "in_progress"): "reopen",
    ("closed", "pending"): "reopen",
    ("closed", "prioritized"): "reopen",
    ("closed", "resolved"): "reopen",
}
"""Which move a change of state was; into `resolved` and `closed` it is `resolve` and `close`."""

FIELDS = ("category", "symptom", "impact", "urgency", "priority", "team", "owner", "source")


@dataclass
class Update:
    """One row as an act: when, by whom, which move, and the facts that stood after it."""

    at: datetime
    by: int | None
    move: str
    facts: dict[str, Any]


@dataclass
class Past:
    """An incident: how it stands, how it got there, and what its clocks went through."""

    number: str
    key: str
    facts: dict[str, Any] = field(default_factory=dict)
    opened_at: datetime | None = None
    opened_by: int | None = None
    updates: list[Update] = field(default_factory=list)
    problem: str = ""
    component: str = ""
    made_sla: bool | None = None
    told: dict[str, str] = field(default_factory=dict)


def tell(
    number: str, rows: list[Row], *, log: Log, mapping: Mapping, world: World, zone: tzinfo
) -> Past:
    """Read the rows of one incident. Flaws go into the log."""
    past = Past(number, f"{mapping.source}:{number}")
    first, last = rows[0].said, rows[-1].said
    opened = first.get("opened_at")
    past.opened_at = min(mapping.instant(opened, zone), rows[0].at) if opened else rows[0].at
    past.opened_by = world.people.get(first.get("opened_by", "")) or world.people.get(
        first.get("updated_by", "")
    )
    if opened and mapping.instant(opened, zone) > rows[0].at:
        log.note(
            rows[0].line,
            number,
            "opened_at",
            opened,
            "After the first update: taken as of that update.",
        )
    facts: dict[str, Any] = {"state": "prioritized", "reopened": 0}
    for row in rows:
        facts = _after(row, facts, past, log=log, mapping=mapping, world=world, zone=zone)
    past.facts = facts
    past.problem, past.component = last.get("problem", ""), last.get("component", "")
    past.made_sla = _word(log, rows[-1], mapping, "made_sla")
    past.told = {k: v for k, v in last.items() if k not in ("number", "state")}
    return past


def _after(
    row: Row,
    before: dict[str, Any],
    past: Past,
    *,
    log: Log,
    mapping: Mapping,
    world: World,
    zone: tzinfo,
) -> dict[str, Any]:
    """The facts after a row, noted as an update of the past."""
    said = row.said
    facts = before | {
        "category": world.categories.get((said.get("category", ""), said.get("subcategory", ""))),
        "symptom": said.get("symptom", ""),
        "team": world.teams.get(said.get("team", "")),
        "owner": world.people.get(said.get("owner", "")),
        "change_reference": said.get("change", ""),
    }
    for name in ("impact", "urgency", "priority"):
        facts[name] = _word(log, row, mapping, name)
    facts["source"] = _word(log, row, mapping, "source") or Incident.Source.OTHER
    state, waits = _state(log, row, mapping, before)
    facts |= {"state": state, "pending_reason": waits}
    _stamp(row, before, facts, past, log=log, mapping=mapping, world=world, zone=zone)
    by = world.people.get(said.get("updated_by", ""))
    at = row.at if past.updates else past.opened_at or row.at
    past.updates.append(
        Update(at, by if past.updates else past.opened_by, _move(before, facts, past), facts)
    )
    return facts


def _word(log: Log, row: Row, mapping: Mapping, name: str) -> Any:
    text = row.said.get(name)
    if text is None:
        return None
    try:
        return mapping.value(name, text)
    except KeyError:
        column = mapping.columns[name]
        number = row.said.get("number", "")
        log.note(row.line, number, column, text, "The mapping has no word for it: left empty.")
        return None


def _state(log: Log, row: Row, mapping: Mapping, before: dict[str, Any]) -> tuple[str, str]:
    text = row.said.get("state", "")
    if text in mapping.states:
        return mapping.states[text]
    log.note(
        row.line,
        row.said.get("number", ""),
        mapping.columns["state"],
        text,
        "The mapping has no such state: the one before it is kept.",
    )
    return before["state"], before.get("pending_reason", "")


def _move(before: dict[str, Any], after: dict[str, Any], past: Past) -> str:
    if not past.updates or before["state"] == after["state"]:
        return ""
    if after["state"] == "resolved":
        return "resolve" if before["state"] != "closed" else "reopen"
    if after["state"] == "closed":
        return "close"
    return MOVES.get((before["state"], after["state"]), "")


def _stamp(
    row: Row,
    before: dict[str, Any],
    facts: dict[str, Any],
    past: Past,
    *,
    log: Log,
    mapping: Mapping,
    world: World,
    zone: tzinfo,
) -> None:
    """Instants and people that follow from the state: responded, resolved, closed, reopened."""
    said, state, was = row.said, facts["state"], before["state"]
    if state != "prioritized":
        facts["responded_at"] = before.get("responded_at") or row.at
    if state in ("resolved", "closed") and not before.get("resolved_at"):
        facts |= _resolution(row, log=log, mapping=mapping, world=world, zone=zone, past=past)
    if state == "closed" and was != "closed":
        told = said.get("closed_at")
        facts["closed_at"] = mapping.instant(told, zone) if told else row.at
        facts["closed_by"] = world.people.get(said.get("updated_by", ""))
        facts["closure_code"] = Incident.Closure.SOLVED if said.get("closed_code") else ""
    if was in ("resolved", "closed") and state not in ("resolved", "closed"):
        facts |= {
            "reopened": before["reopened"] + 1,
            "resolved_at": None,
            "resolved_by": None,
            "closed_at": None,
            "closed_by": None,
            "closure_code": "",
            "resolution": "",
            "resolution_code": "",
        }
    told_reopened = said.get("reopened", "")
    if told_reopened.isdigit():
        facts["reopened"] = int(told_reopened)


def _resolution(
    row: Row, *, log: Log, mapping: Mapping, world: World, zone: tzinfo, past: Past
) -> dict[str, Any]:
    """How it was solved. The log repeats the final instant on every row, so an earlier resolving,
    undone later, is taken at its update.
    """
    said = row.said
    told = said.get("resolved_at")
    at = mapping.instant(told, zone) if told else None
    if at is None:
        log.note(
            row.line,
            past.number,
            mapping.columns.get("resolved_at", "resolved_at"),
            "",
            "No instant is told: taken as of the update that resolved it.",
        )
    elif at > row.at or (past.opened_at and at < past.opened_at):
        at = None
    code = said.get("closed_code", "")
    return {
        "resolved_at": at or row.at,
        "resolved_by": world.people.get(said.get("resolved_by", ""))
        or world.people.get(said.get("updated_by", "")),
        "resolution": f"Closed with {code}." if code else "",
        "resolution_code": Incident.Resolution.FIXED if code else "",
    }


def clock_events(past: Past, measure: str) -> list[ClockEvent]:
    """What a clock of this measure went through. Every wait is kept, with its reason."""
    assert past.opened_at is not None
    events = [ClockEvent(at=past.opened_at, kind="start")]
    doing, waiting, latest = "run", "", past.opened_at
    for update in past.updates:
        facts = update.facts
        at = max(update.at, latest)
        if measure == "respond":
            if facts.get("responded_at") and doing == "run":
                events.append(ClockEvent(at=at, kind="stop"))
                doing = "stop"
            continue
        if facts["state"] in ("resolved", "closed"):
            if doing != "stop":
                when = min(max(facts["resolved_at"], latest), at)
                events.append(ClockEvent(at=when, kind="stop"))
                doing, waiting, at = "stop", "", when
        elif facts["state"] == "pending":
            if waiting != facts["pending_reason"]:
                if doing in ("stop", "pause"):
                    events.append(ClockEvent(at=at, kind="resume"))
                waiting, doing = facts["pending_reason"], "pause"
                events.append(
                    ClockEvent(
                        at=at,
                        kind="pause",
                        why=str(Pending(waiting).label),
                        reason=waiting,
                        usual=waiting in PAUSES,
                    )
                )
        elif doing != "run":
            events.append(ClockEvent(at=at, kind="resume"))
            doing, waiting = "run", ""
        latest = max(latest, at)
    return events
