"""A clock as its events tell it: how long it ran, whether it kept its promise, when it is due.

Pure: events, a calendar and a target go in, figures come out. Another target over the same events
gives other figures and loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from .calendar import Calendar, Reason, Step

__all__ = ["ALWAYS", "Event", "Reading", "Step", "Target", "explain", "read"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALWAYS = Calendar.from_dict({"tz": "UTC", "weekly": {day: [["00:00", "24:00"]] for day in _DAYS}})
"""Every hour of every day: the calendar where none is agreed."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a clock: start, pause, resume, stop, cancel or reset."""

    at: datetime
    kind: str
    why: str = ""


@dataclass(frozen=True)
class Target:
    """What was promised: business seconds, or working days."""

    seconds: float | None = None
    days: int | None = None
    end_of_day: bool = False


@dataclass(frozen=True)
class Reading:
    """A clock at an instant. `state` is running, paused, met, breached or cancelled.

    While it is paused, `due` is where it would be if it were resumed at that instant.
    """

    state: str
    elapsed: float
    started_at: datetime
    stopped_at: datetime | None = None
    paused: bool = False
    due: datetime | None = None
    breached_at: datetime | None = None
    remaining: float | None = None
    pauses: tuple[tuple[datetime, datetime], ...] = ()
    calendar: Calendar = ALWAYS
    target: Target | None = None
    _budget: float | None = field(default=None, repr=False)

    @property
    def share(self) -> float | None:
        """The part of the target used up; None without a target."""
        if not self._budget:
            return None
        return self.elapsed / self._budget

    def thresholds(self, marks: Sequence[int]) -> dict[int, datetime]:
        """The instants at which the given percents of the target are used up."""
        if self._budget is None:
            return {}
        return {
            mark: self.calendar.due(self.started_at, self._budget * mark / 100, self.pauses)
            for mark in marks
        }


@dataclass(frozen=True)
class _Course:
    """The events of a clock from its last start on, as stretches."""

    started_at: datetime
    still: tuple[tuple[datetime, datetime, Reason], ...]
    stopped_at: datetime | None
    paused: bool
    cancelled: bool

    @property
    def pauses(self) -> tuple[tuple[datetime, datetime], ...]:
        return tuple((since, until) for since, until, _why in self.still)


def _course(events: Sequence[Event], at: datetime) -> _Course:
    """What the events up to an instant say; a stretch still open ends at that instant."""
    told = sorted((e for e in events if e.at <= at), key=lambda e: e.at) or list(events[:1])
    started = told[0].at
    still: list[tuple[datetime, datetime, Reason]] = []
    halted: tuple[datetime, Reason] | None = None
    stopped: datetime | None = None
    cancelled = False
    for event in told:
        if event.kind in ("start", "reset"):
            started, still, stopped = event.at, [], None
            halted = (event.at, halted[1]) if halted and event.kind == "reset" else None
        elif event.kind == "pause" and halted is None:
            halted = (event.at, Reason.PAUSED)
        elif event.kind == "resume" and halted is not None:
            still.append((halted[0], event.at, halted[1]))
            halted, stopped = None, None
        elif event.kind in ("stop", "cancel"):
            if halted is not None and stopped is None:
                still.append((halted[0], event.at, halted[1]))
            halted, stopped = (event.at, Reason.RESOLVED), event.at
            cancelled = event.kind == "cancel"
    paused = halted is not None and stopped is None
    if halted is not None and paused:
        still.append((halted[0], max(at, halted[0]), halted[1]))
    return _Course(started, tuple(still), stopped, paused, cancelled)


def read(
    events: Sequence[Event], calendar: Calendar, target: Target | None, at: datetime
) -> Reading:
    """The clock at an instant."""
    course = _course(events, at)
    end = course.stopped_at or at
    elapsed = calendar.elapsed(course.started_at, end, course.pauses)
    due, budget = _due(course, calendar, target)
    breached = due if due is not None and end > due and not course.paused else None
    if course.paused and budget is not None and elapsed > budget:
        breached = calendar.due(course.started_at, budget, course.pauses)
    if course.cancelled:
        state = "cancelled"
    elif course.stopped_at:
        state = "breached" if breached else "met"
    elif course.paused:
        state = "paused"
    else:
        state = "breached" if breached else "running"
    return Reading(
        state=state,
        elapsed=elapsed,
        started_at=course.started_at,
        stopped_at=course.stopped_at,
        paused=course.paused,
        due=due,
        breached_at=None if course.cancelled else breached,
        remaining=None if budget is None else budget - elapsed,
        pauses=course.pauses,
        calendar=calendar,
        target=target,
        _budget=budget,
    )


def _due(
    course: _Course, calendar: Calendar, target: Target | None
) -> tuple[datetime | None, float | None]:
    """When it is due, and how many business seconds that allows."""
    if target is None:
        return None, None
    if target.seconds is not None:
        return calendar.due(course.started_at, target.seconds, course.pauses), target.seconds
    due = calendar.due_days(
        course.started_at, target.days or 0, end_of_day=target.end_of_day, pauses=course.pauses
    )
    return due, calendar.elapsed(course.started_at, due, course.pauses)


def explain(
    events: Sequence[Event], calendar: Calendar, target: Target | None, at: datetime
) -> list[Step]:
    """Why it is due then: the stretches that count and those that do not, in order."""
    course = _course(events, at)
    due, _budget = _due(course, calendar, target)
    end = due if due is not None else (course.stopped_at or at)
    return list(calendar.steps(course.started_at, end, course.still))
