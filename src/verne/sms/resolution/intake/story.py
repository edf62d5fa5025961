"""The rows of one incident, told as a record with its past: facts, updates, clocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from itertools import pairwise
from typing import Any

from verne.engine.clock import ClockEvent

from ..classification.models import priority_of
from ..incident.models import PAUSES, Incident, Pending
from .log import Log, Row
from .mapping import Mapping
from .people import World

DONE = ("resolved", "closed")
MOVES = {"prioritized": "prioritize", "pending": "wait", "resolved": "resolve", "closed": "close"}
"""The move that leads into a state; into `in_progress` it depends on where from."""

HEADS = frozenset({"number", "updated_at", "updated_by", "update_number"})
"""Columns that an act says by itself: which record, when, by whom."""

PLACED = HEADS | {
    "state",
    "opened_at",
    "opened_by",
    "caller",
    "source",
    "category",
    "subcategory",
    "symptom",
    "component",
    "impact",
    "urgency",
    "priority",
    "team",
    "owner",
    "change",
    "reopened",
    "closed_code",
    "resolved_by",
    "resolved_at",
    "closed_at",
}
"""Words whose changes show as changes of the incident; those of all others go into a note."""


@dataclass
class Update:
    """One row as an act: when, by whom, which move, and the facts that stood after it.

    `note` tells what changed in columns that have no place in an incident.
    """

    at: datetime
    by: int | None
    move: str
    note: str
    facts: dict[str, Any]
    component: str


@dataclass
class Past:
    """An incident: how it stands, how it got there, and everything the log told of it."""

    number: str
    key: str
    opened_at: datetime
    opened_by: int | None
    updates: list[Update] = field(default_factory=list)
    problem: str = ""
    about: str = ""
    """What it is about, in the words of its last row: subcategory, else category."""
    made_sla: bool | None = None
    row: int = 0
    told: dict[str, str] = field(default_factory=dict)
    """The last row, by the heads of the columns."""
    earlier: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """The rows before it, first to last: the number of the row, and where it differs from the
    next.
    """

    @property
    def facts(self) -> dict[str, Any]:
        """How it stands after its last update."""
        return self.updates[-1].facts if self.updates else _BEFORE

    @property
    def component(self) -> str:
        return self.updates[-1].component


_BEFORE: dict[str, Any] = {
    "state": "prioritized",
    "pending_reason": "",
    "reopened": 0,
    "responded_at": None,
    "resolved_at": None,
    "resolved_by": None,
    "resolution": "",
    "resolution_code": "",
    "closed_at": None,
    "closed_by": None,
    "closure_code": "",
}
"""How an incident stands before its first update."""

_UNSOLVED = {
    "resolved_at": None,
    "resolved_by": None,
    "resolution": "",
    "resolution_code": "",
    "closed_at": None,
    "closed_by": None,
    "closure_code": "",
}


class Teller:
    """Tells the rows of incidents of one log. Flaws go into the log."""

    def __init__(self, log: Log, mapping: Mapping, world: World, zone: tzinfo) -> None:
        self.log, self.mapping, self.world, self.zone = log, mapping, world, zone
        quiet = {mapping.columns[name] for name in PLACED if name in mapping.columns}
        quiet |= mapping.bookkeeping
        self.loud = [(n, head) for n, head in enumerate(log.heads) if head not in quiet]

    def tell(self, number: str, rows: list[Row]) -> Past:
        """The rows of one incident, in their order."""
        first = self.log.said(rows[0])
        opened = self._told_instant(first, "opened_at")
        if opened is not None and opened > rows[0].at:
            column = self.mapping.columns["opened_at"]
            self._note(rows[0], number, column, first["opened_at"], "opened_late")
        people = self.world.people
        past = Past(
            number=number,
            key=f"{self.mapping.source}:{number}",
            opened_at=min(opened, rows[0].at) if opened else rows[0].at,
            opened_by=people.get(first.get("opened_by", ""))
            or people.get(first.get("updated_by", "")),
        )
        since, before = past.opened_at, rows[0]
        for row in rows:
            update = self._update(row, before, past, since=since)
            if past.facts["state"] in DONE and update.facts["state"] not in DONE:
                since = row.at
            past.updates.append(update)
            before = row
        last = self.log.said(rows[-1])
        past.problem = last.get("problem", "")
        past.about = last.get("subcategory") or last.get("category") or ""
        past.made_sla = self._word(last, rows[-1], "made_sla")
        past.row, past.told = rows[-1].line, self.log.told(rows[-1])
        past.earlier = self._earlier(rows)
        self._check_resolution(past, rows)
        return past

    def _update(self, row: Row, before: Row, past: Past, *, since: datetime) -> Update:
        """What a row made of the incident. `since` is when it was opened, or last reopened."""
        said, world, was = self.log.said(row), self.world, past.facts
        state, waits = self._state(said, row, was)
        facts = was | {
            "state": state,
            "pending_reason": waits,
            "category": world.categories.get(
                (said.get("category", ""), said.get("subcategory", ""))
            ),
            "symptom": said.get("symptom", ""),
            "team": world.teams.get(said.get("team", "")),
            "owner": world.people.get(said.get("owner", "")),
            "reporter": world.people.get(said.get("caller", "")),
            "source": self._word(said, row, "source") or Incident.Source.OTHER,
            "change_reference": said.get("change", ""),
        }
        self._prioritize(facts, said, row, past)
        by = world.people.get(said.get("updated_by", ""))
        self._stamp(facts, was, said, row, by=by, since=since)
        return Update(
            at=row.at,
            by=by if past.updates else past.opened_by or by,
            move=_move(was["state"], state) if past.updates else "",
            note=self._unplaced(before, row),
            facts=facts,
            component=said.get("component", ""),
        )

    def _prioritize(
        self, facts: dict[str, Any], said: dict[str, str], row: Row, past: Past
    ) -> None:
        """Impact, urgency and priority as told. A priority that is not the matrix's overrides it,
        without a reason, since the log gives none.
        """
        for name in ("impact", "urgency", "priority"):
            facts[name] = self._word(said, row, name)
        given = priority_of(facts["impact"], facts["urgency"], at=past.opened_at)
        told = facts["priority"]
        facts["priority"] = told or given
        facts["priority_override"] = told if told != given else None

    def _word(self, said: dict[str, str], row: Row, name: str) -> Any:
        text = said.get(name)
        if text is None:
            return None
        try:
            return self.mapping.value(name, text)
        except KeyError:
            self._note(row, said["number"], self.mapping.columns[name], text, "word")
            return None

    def _state(self, said: dict[str, str], row: Row, was: dict[str, Any]) -> tuple[str, str]:
        text = said.get("state", "")
        if text in self.mapping.states:
            return self.mapping.states[text]
        self._note(row, said["number"], self.mapping.columns["state"], text, "state")
        return was["state"], was["pending_reason"]

    def _stamp(
        self,
        facts: dict[str, Any],
        was: dict[str, Any],
        said: dict[str, str],
        row: Row,
        *,
        by: int | None,
        since: datetime,
    ) -> None:
        """Instants and people that follow from the state: responded, resolved, closed, reopened."""
        state = facts["state"]
        if state != "prioritized":
            facts["responded_at"] = was["responded_at"] or row.at
        if state in DONE:
            self._resolve(facts, was, said, row, by=by, since=since)
        elif was["state"] in DONE:
            facts |= _UNSOLVED | {"reopened": was["reopened"] + 1}
        if state == "closed":
            told = self._within(said, "closed_at", since, row.at)
            facts["closed_at"] = told or was["closed_at"] or row.at
            facts["closed_by"] = was["closed_by"] or by
        else:
            facts |= {"closed_at": None, "closed_by": None, "closure_code": ""}
        if times := said.get("reopened", ""):
            if times.isdecimal():
                facts["reopened"] = int(times)
            else:
                column = self.mapping.columns["reopened"]
                self._note(row, said["number"], column, times, "reopened")

    def _resolve(
        self,
        facts: dict[str, Any],
        was: dict[str, Any],
        said: dict[str, str],
        row: Row,
        *,
        by: int | None,
        since: datetime,
    ) -> None:
        """When and how it was solved. A log may repeat the final instant on every row, so one that
        lies outside the time in which this solution was found is taken at its update.
        """
        told = self._within(said, "resolved_at", since, row.at)
        facts["resolved_at"] = told or was["resolved_at"] or row.at
        if was["resolved_at"] is None:
            named = self.world.people.get(said.get("resolved_by", ""))
            facts["resolved_by"] = named or by
        if not (code := said.get("closed_code", "")):
            return
        solution, closure = self.mapping.closing.get(code, ("", ""))
        facts |= {"resolution": code, "resolution_code": solution}
        if facts["state"] == "closed":
            facts["closure_code"] = closure
            if not closure:
                column = self.mapping.columns["closed_code"]
                self._note(row, said["number"], column, code, "closing")

    def _check_resolution(self, past: Past, rows: list[Row]) -> None:
        """Say where the instant of the resolution is not simply the one that is told."""
        if "resolved_at" not in self.log.places or past.facts["state"] not in DONE:
            return
        column = self.mapping.columns["resolved_at"]
        at = past.facts["resolved_at"]
        if self._told_instant(self.log.said(rows[-1]), "resolved_at") is None:
            row = next(
                r for r, u in zip(rows, past.updates, strict=True) if u.facts["state"] in DONE
            )
            self._note(row, past.number, column, "", "not_resolved")
        elif past.updates[_begins(past)].facts["resolved_at"] != at:
            row = rows[_begins(past)]
            told = self.log.said(rows[-1])["resolved_at"]
            self._note(row, past.number, column, told, "resolved_again")

    def _within(
        self, said: dict[str, str], name: str, since: datetime, until: datetime
    ) -> datetime | None:
        """The instant told in a column, if it lies in a span of time."""
        at = self._told_instant(said, name)
        return at if at is not None and since <= at <= until else None

    def _told_instant(self, said: dict[str, str], name: str) -> datetime | None:
        text = said.get(name)
        if text is None:
            return None
        try:
            return self.mapping.instant(text, self.zone)
        except ValueError:  # noted when it was read
            return None

    def _unplaced(self, before: Row, row: Row) -> str:
        """What changed in columns that have no place in an incident."""
        if before is row:
            return ""
        return "\n".join(
            f"{head}: {before.cells[n] or '–'} → {row.cells[n] or '–'}"
            for n, head in self.loud
            if before.cells[n] != row.cells[n]
        )

    def _earlier(self, rows: list[Row]) -> list[tuple[int, dict[str, str]]]:
        heads = self.log.heads
        return [
            (
                row.line,
                {
                    head: mine
                    for head, mine, theirs in zip(heads, row.cells, after.cells, strict=True)
                    if mine != theirs
                },
            )
            for row, after in pairwise(rows)
        ]

    def _note(self, row: Row, number: str, column: str, value: str, kind: str) -> None:
        self.log.note(row.line, number, column, value, kind)


def _begins(past: Past) -> int:
    """The place of the update since which it has been resolved."""
    n = len(past.updates) - 1
    while n and past.updates[n - 1].facts["state"] in DONE:
        n -= 1
    return n


def _move(before: str, after: str) -> str:
    """The move that a change of state was; none where the state stayed."""
    if before == after:
        return ""
    if after == "in_progress":
        return {"pending": "resume", "resolved": "reopen", "closed": "reopen"}.get(before, "start")
    return MOVES[after]


# --- Clocks --------------------------------------------------------------------------------------


def clock_events(past: Past, measure: str) -> list[ClockEvent]:
    """What a clock of this measure went through."""
    return _EVENTS[measure](past)


def _response(past: Past) -> list[ClockEvent]:
    events = [ClockEvent(at=past.opened_at, kind="start")]
    if (at := past.facts["responded_at"]) is not None:
        events.append(ClockEvent(at=max(at, past.opened_at), kind="stop"))
    return events


def _resolution(past: Past) -> list[ClockEvent]:
    """Every wait is kept, with its reason. It stops when the state says resolved, as ours do: what
    is resolved again without being reopened was not worked on between.
    """
    events = [ClockEvent(at=past.opened_at, kind="start")]
    doing, waiting = "run", ""
    for update in past.updates:
        facts = update.facts
        at = max(update.at, events[-1].at)
        if facts["state"] in DONE:
            if doing != "stop":
                at = max(min(facts["resolved_at"], at), events[-1].at)
                events.append(ClockEvent(at=at, kind="stop"))
                doing, waiting = "stop", ""
        elif facts["state"] == "pending":
            if waiting != facts["pending_reason"]:
                if doing != "run":
                    events.append(ClockEvent(at=at, kind="resume"))
                waiting, doing = facts["pending_reason"], "pause"
                events.append(_pause(at, waiting))
        elif doing != "run":
            events.append(ClockEvent(at=at, kind="resume"))
            doing, waiting = "run", ""
    return events


def _pause(at: datetime, reason: str) -> ClockEvent:
    label = str(Pending(reason).label)
    return ClockEvent(at=at, kind="pause", why=label, reason=reason, usual=reason in PAUSES)


_EVENTS: dict[str, Callable[[Past], list[ClockEvent]]] = {
    "respond": _response,
    "resolve": _resolution,
}
