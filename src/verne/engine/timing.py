"""A clock as its events tell it: how long it ran, whether it kept its promise, when it is due.

Pure: events, a calendar and a target go in, figures come out. Another target or calendar over the
same events gives other figures and loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .calendar import Calendar, Reason, Step

__all__ = ["ALWAYS", "Event", "Reading", "Segment", "State", "Step", "Target", "explain", "read"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALWAYS = Calendar.from_dict({"tz": "UTC", "weekly": {day: [["00:00", "24:00"]] for day in _DAYS}})
"""Every hour of every day: the calendar where none is agreed."""


class State(StrEnum):
    """How a clock stands. Paused says nothing about a breach: `breached_at` does."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"
    CANCELLED = "cancelled"


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
class Segment:
    """A stretch in which a clock was running, paused or resolved; `until` is None while it lasts.

    Waiting for a customer and having been resolved for a while are different things, although
    neither counts: people ask how long each of them took.
    """

    kind: str
    since: datetime
    until: datetime | None
    why: str = ""


@dataclass(frozen=True)
class Reading:
    """A clock at an instant.

    `due` of a paused clock is where it would be if it were resumed at that instant. `segments` has
    the whole story; what counts began at `started_at`, which a reset moves.
    """

    state: State
    elapsed: float
    started_at: datetime
    stopped_at: datetime | None = None
    paused: bool = False
    due: datetime | None = None
    breached_at: datetime | None = None
    allowed: float | None = None
    segments: tuple[Segment, ...] = ()
    calendar: Calendar = ALWAYS
    target: Target | None = None
    _stops: tuple[tuple[datetime, datetime], ...] = field(default=(), repr=False)

    @property
    def ticking(self) -> bool:
        """Whether time is being used up, or would be in open hours."""
        return not self.paused and self.stopped_at is None

    @property
    def remaining(self) -> float | None:
        """The business seconds left, below zero after a breach; None without a target."""
        return None if self.allowed is None else self.allowed - self.elapsed

    @property
    def share(self) -> float | None:
        """The part of the target used up; None without a target."""
        if self.allowed is None:
            return None
        return self.elapsed / self.allowed if self.allowed else 1.0

    @property
    def pauses(self) -> tuple[tuple[datetime, datetime | None], ...]:
        """When it waited, since it started to count."""
        return tuple(
            (segment.since, segment.until)
            for segment in self.segments
            if segment.kind == "paused" and segment.since >= self.started_at
        )

    def thresholds(self, marks: Iterable[int]) -> dict[int, datetime]:
        """The instants at which the given percents of the target are used up.

        Those a stopped clock never reached are left out; those of a paused one move on with `due`.
        """
        if self.allowed is None or self.due is None:
            return {}
        instants = {
            mark: self.due if mark == 100 else self._after(self.allowed * mark / 100)
            for mark in marks
        }
        end = self.stopped_at
        return {mark: at for mark, at in instants.items() if end is None or at <= end}

    def _after(self, seconds: float) -> datetime:
        return self.calendar.due(self.started_at, seconds, self._stops)


def read(
    events: Sequence[Event], calendar: Calendar, target: Target | None, at: datetime
) -> Reading:
    """The clock at an instant."""
    course = _course(events, at)
    end = course.stopped_at or at
    elapsed = calendar.elapsed(course.started_at, end, course.pairs)
    due, allowed = _due(course, calendar, target)
    breached_at = None if due is None or course.cancelled else course.first_running_after(due, end)
    return Reading(
        state=_state(course, breached_at),
        elapsed=elapsed,
        started_at=course.started_at,
        stopped_at=course.stopped_at,
        paused=course.paused,
        due=due,
        breached_at=breached_at,
        allowed=allowed,
        segments=course.segments,
        calendar=calendar,
        target=target,
        _stops=course.pairs,
    )


def explain(
    events: Sequence[Event], calendar: Calendar, target: Target | None, at: datetime
) -> list[Step]:
    """Why it is due then: the stretches that count and those that do not, in order."""
    course = _course(events, at)
    due, _allowed = _due(course, calendar, target)
    end = due if due is not None else (course.stopped_at or at)
    return calendar.steps(course.started_at, end, course.stops)


@dataclass(frozen=True)
class _Course:
    """What the events up to an instant say; `stops` are the stretches that do not count."""

    started_at: datetime
    stopped_at: datetime | None
    paused: bool
    cancelled: bool
    segments: tuple[Segment, ...]
    stops: tuple[tuple[datetime, datetime, Reason], ...]

    @property
    def pairs(self) -> tuple[tuple[datetime, datetime], ...]:
        return tuple((since, until) for since, until, _reason in self.stops)

    def first_running_after(self, due: datetime, end: datetime) -> datetime | None:
        """The instant from which it ran although it was due: only running time breaches."""
        for segment in self.segments:
            late = max(segment.since, due)
            runs = segment.kind == "running" and segment.since >= self.started_at
            if runs and (segment.until or end) > late:
                return late
        return None


# What each event makes of a clock. An event that is not here changes nothing: a log may be told
# twice, by an import or by two people, and must still be read.
_MOVES = {
    ("running", "pause"): "paused",
    ("running", "stop"): "resolved",
    ("running", "cancel"): "cancelled",
    ("running", "reset"): "running",
    ("paused", "resume"): "running",
    ("paused", "stop"): "resolved",
    ("paused", "cancel"): "cancelled",
    ("paused", "reset"): "paused",
    ("resolved", "resume"): "running",
    ("resolved", "reset"): "running",
    ("resolved", "cancel"): "cancelled",
}
_REASONS = {"paused": Reason.PAUSED, "resolved": Reason.RESOLVED}


def _course(events: Sequence[Event], at: datetime) -> _Course:
    """Before its first event a clock reads as it did when it started."""
    story = sorted(events, key=lambda event: event.at)
    told = [event for event in story if event.at <= at] or story[:1]
    now, started_at = "running", told[0].at
    since, why = told[0].at, told[0].why
    segments: list[Segment] = []
    for event in told:
        then = _MOVES.get((now, event.kind))
        if then is None:
            continue
        if since < event.at:
            segments.append(Segment(now, since, event.at, why))
        if event.kind == "reset":
            started_at = event.at
        now, since, why = then, event.at, event.why
    if now != "cancelled":
        segments.append(Segment(now, since, None, why))
    ended = now in ("resolved", "cancelled")
    return _Course(
        started_at=started_at,
        stopped_at=since if ended else None,
        paused=now == "paused",
        cancelled=now == "cancelled",
        segments=tuple(segments),
        stops=tuple(
            (segment.since, segment.until or max(at, segment.since), _REASONS[segment.kind])
            for segment in segments
            if segment.kind in _REASONS and not (ended and segment.until is None)
        ),
    )


def _due(
    course: _Course, calendar: Calendar, target: Target | None
) -> tuple[datetime | None, float | None]:
    """When it is due, and how many business seconds that allows."""
    if target is None:
        return None, None
    if target.seconds is not None:
        return calendar.due(course.started_at, target.seconds, course.pairs), target.seconds
    due = calendar.due_days(
        course.started_at, target.days or 0, end_of_day=target.end_of_day, pauses=course.pairs
    )
    return due, calendar.elapsed(course.started_at, due, course.pairs)


def _state(course: _Course, breached_at: datetime | None) -> State:
    if course.cancelled:
        return State.CANCELLED
    if course.paused:
        return State.PAUSED
    if breached_at:
        return State.BREACHED
    return State.MET if course.stopped_at else State.RUNNING
