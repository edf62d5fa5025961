"""Business time: when is it due, how long did it take, when does it open again, and why.

    calendar = Calendar.from_dict({"tz": "Europe/Berlin", "weekly": {"mon": [["09:00", "17:00"]]}})
    calendar.due(reported_at, 4 * 3600)

Every answer is read from a table of open intervals (`open_time`), which grows by itself. Instants
go in as aware datetimes of any zone and come out as UTC. `docs/calendar.md` has the conventions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from verne.engine import open_time_bulk as bulk
from verne.engine.hours import DAY, CalendarError, DayKind, Hours, gettext_noop, read
from verne.engine.open_time import LONGEST_DAYS, SECOND, OpenTime, from_mark, to_amount, to_mark

__all__ = ["Calendar", "CalendarError", "Pauses", "Reason", "Step", "public_holidays"]

Pauses = Iterable[tuple[datetime, datetime]]
# The same in microseconds: in order, without overlap.
_Stretches = list[tuple[int, int]]

SHOWN_STEPS = 24


class Reason(StrEnum):
    """Why time counts or does not count."""

    OPEN = gettext_noop("open hours")
    CLOSED = gettext_noop("closed")
    HOLIDAY = gettext_noop("holiday")
    SPECIAL = gettext_noop("closed on a special day")
    PAUSED = gettext_noop("paused")
    RESOLVED = gettext_noop("resolved")
    SEVERAL = gettext_noop("several stretches")


class Step(NamedTuple):
    """One line of the answer to “why is it due then?”."""

    since: datetime
    until: datetime
    counted: float
    reason: Reason


class Calendar:
    """Opening hours in a time zone; equal and hashable by what they say."""

    __slots__ = ("_hours", "_open")

    def __init__(self, hours: Hours) -> None:
        self._hours = hours
        self._open = OpenTime(hours)

    @classmethod
    def from_dict(cls, spec: Mapping[str, Any]) -> Calendar:
        """The calendar of a specification; the same one for everybody who asks for the same."""
        try:
            text = json.dumps(spec, sort_keys=True)
        except TypeError:
            # Something JSON does not know, such as a date: `read` says what to write instead.
            return _shared(read(spec))
        return _from_text(text)

    @property
    def spec(self) -> dict[str, Any]:
        """The specification in its one complete form, as `from_dict` takes it."""
        spec: dict[str, Any] = json.loads(self._hours.canonical)
        return spec

    def due(self, start: datetime, seconds: float, pauses: Pauses = ()) -> datetime:
        """The instant at which so many open seconds are used up; before the start if negative."""
        mark, amount, stretches = to_mark(start), to_amount(seconds), _merged(pauses)
        if amount > 0:
            return from_mark(self._forward(mark, amount, stretches))
        if amount < 0:
            return from_mark(self._backward(mark, -amount, stretches))
        return from_mark(self._running(mark, stretches))

    def elapsed(self, start: datetime, end: datetime, pauses: Pauses = ()) -> float:
        """The open seconds between two instants, 0 when the end precedes the start."""
        return self._elapsed(to_mark(start), to_mark(end), _merged(pauses)) / SECOND

    def next_open(self, at: datetime) -> datetime:
        """The instant itself while open, otherwise the next opening."""
        return from_mark(self._open.opening(to_mark(at)))

    def previous_open(self, at: datetime) -> datetime:
        """The instant itself while open, otherwise the closing before it."""
        return from_mark(self._open.closing(to_mark(at)))

    def is_open(self, at: datetime) -> bool:
        mark = to_mark(at)
        return self._open.around(mark, mark).opening(mark) == mark

    def due_days(
        self, start: datetime, days: int, end_of_day: bool = False, pauses: Pauses = ()
    ) -> datetime:
        """The same wall time so many working days later, or the closing of that day.

        A working day is one with open time. Closed at that time means the next opening (going
        backwards: the closing before). Pauses add their open seconds.
        """
        if not isinstance(days, int) or abs(days) > LONGEST_DAYS:
            raise CalendarError(
                gettext_noop(
                    "A target of %(days)s days does not work. Give whole days, "
                    "not more than %(limit)s."
                ),
                days=days,
                limit=LONGEST_DAYS,
            )
        mark, stretches = to_mark(start), _merged(pauses)
        if days < 0:
            return from_mark(self._days_before(mark, -days, end_of_day, stretches))
        return from_mark(self._days_after(mark, days, end_of_day, stretches))

    def due_many(
        self, starts: Iterable[datetime], seconds: float | Iterable[float]
    ) -> list[datetime]:
        """`due` for many starts at once, under one target or one for each; ten times as fast."""
        starts = list(starts)
        targets = [seconds] * len(starts) if isinstance(seconds, int | float) else list(seconds)
        if len(targets) != len(starts):
            raise CalendarError(
                gettext_noop("%(starts)s starts and %(targets)s targets. Give one for each."),
                starts=len(starts),
                targets=len(targets),
            )
        if not starts or to_amount(min(targets)) <= 0:
            return [self.due(start, target) for start, target in zip(starts, targets, strict=True)]
        return bulk.dues(self._open, starts, targets)

    def elapsed_many(self, pairs: Iterable[tuple[datetime, datetime]]) -> list[float]:
        """`elapsed` for many pairs of start and end at once."""
        pairs = list(pairs)
        return bulk.elapsed(self._open, pairs) if pairs else []

    def explain(self, start: datetime, seconds: float, pauses: Pauses = ()) -> list[Step]:
        """The steps between start and due instant; what they count adds up to the target."""
        pauses = list(pauses)
        due = self.due(start, seconds, pauses)
        first, last = min(start, due), max(start, due)
        return self.steps(first, last, [(*pause, Reason.PAUSED) for pause in pauses])

    def steps(
        self,
        start: datetime,
        end: datetime,
        stops: Iterable[tuple[datetime, datetime, Reason]] = (),
    ) -> list[Step]:
        """What counted and what did not between two instants, in at most `SHOWN_STEPS` steps.

        `stops` are stretches that did not count for a reason of their own.
        """
        at, last = to_mark(start), to_mark(end)
        pieces: list[_Piece] = []
        for since, until, reason in sorted((to_mark(a), to_mark(b), r) for a, b, r in stops):
            since, until = max(since, at), min(until, last)
            if since < until:
                pieces += self._pieces(at, since)
                pieces.append((since, until, reason))
                at = until
        pieces += self._pieces(at, last)
        return _folded([_step(piece) for piece in _joined(pieces)])

    def _pieces(self, at: int, last: int) -> Iterator[_Piece]:
        day = self._day_of(at)
        while at < last:
            kind, _ = self._hours.on(day)
            closed = _CLOSED_BECAUSE[kind]
            for opening, closing in self._hours.spans(day):
                opening, closing = max(opening * SECOND, at), min(closing * SECOND, last)
                if opening < closing:
                    yield at, opening, closed
                    yield opening, closing, Reason.OPEN
                    at = closing
            midnight = min(self._hours.instant(day, DAY) * SECOND, last)
            if at < midnight:
                yield at, midnight, closed
                at = midnight
            day += timedelta(days=1)

    def _forward(self, mark: int, amount: int, stretches: _Stretches) -> int:
        for since, until in stretches:
            since = max(since, mark)
            if until <= mark:
                continue
            counted = self._open.passed(mark, since)
            if amount <= counted:
                break
            mark, amount = until, amount - counted
        return self._open.forward(mark, amount)

    def _backward(self, mark: int, amount: int, stretches: _Stretches) -> int:
        for since, until in reversed(stretches):
            until = min(until, mark)
            if mark <= since:
                continue
            counted = self._open.passed(until, mark)
            if amount <= counted:
                break
            mark, amount = since, amount - counted
        return self._open.backward(mark, amount)

    def _running(self, mark: int, stretches: _Stretches) -> int:
        """The first mark at which time counts."""
        mark = self._open.opening(mark)
        for since, until in stretches:
            if since <= mark < until:
                mark = self._open.opening(until)
        return mark

    def _elapsed(self, start: int, end: int, stretches: _Stretches) -> int:
        if end <= start:
            return 0
        paused = sum(
            self._open.passed(max(since, start), min(until, end))
            for since, until in stretches
            if since < end and start < until
        )
        return self._open.passed(start, end) - paused

    def _days_after(self, start: int, days: int, end_of_day: bool, stretches: _Stretches) -> int:
        if not days and not end_of_day:
            return self._running(start, stretches)
        if days:
            day, wall = self._working_day(start, days)
        else:
            wall = self._open.opening(start)
            day = self._day_of(wall)
        due = self._closing_of(day) if end_of_day else self._open.opening(wall)
        for since, until in stretches:
            since = max(since, start)
            if due <= since:
                break
            paused = self._open.passed(since, until) if since < until else 0
            if not paused:
                continue
            wall = due = self._open.forward(wall, paused)
            if end_of_day:
                due = self._closing_of(self._day_of(wall - 1))
                if since < due <= until:
                    # Nobody may work at that closing: it is the one after the pause instead.
                    wall = self._open.opening(until)
                    due = self._closing_of(self._day_of(wall))
        return due

    def _days_before(self, start: int, days: int, end_of_day: bool, stretches: _Stretches) -> int:
        day, wall = self._working_day(start, -days)
        due = self._closing_of(day) if end_of_day else self._open.closing(wall)
        for since, until in reversed(stretches):
            until = min(until, start)
            if until <= due:
                break
            paused = self._open.passed(since, until) if since < until else 0
            if paused:
                wall = due = self._open.backward(wall, paused)
                if end_of_day:
                    due = self._closing_of(self._day_of(wall))
        return due

    def _working_day(self, start: int, days: int) -> tuple[date, int]:
        """The date so many working days away, and the mark of the same wall time on it."""
        local = from_mark(start).astimezone(self._hours.zone)
        day = local.date()
        for _ in range(days):
            day = self._day_of(self._open.opening(self._hours.instant(day, DAY) * SECOND))
        for _ in range(-days):
            day = self._day_of(self._open.closing(self._hours.instant(day, 0) * SECOND) - 1)
        wall = self._hours.instant(day, local.hour * 3600 + local.minute * 60 + local.second)
        return day, wall * SECOND + local.microsecond

    def _day_of(self, mark: int) -> date:
        return from_mark(mark).astimezone(self._hours.zone).date()

    def _closing_of(self, day: date) -> int:
        return self._hours.spans(day)[-1][1] * SECOND

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Calendar) and self._hours == other._hours

    def __hash__(self) -> int:
        return hash(self._hours)

    def __repr__(self) -> str:
        return f"Calendar.from_dict({self._hours.canonical})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Calendar.from_dict, (self.spec,)


def public_holidays(country: str, subdivision: str | None, years: Iterable[int]) -> dict[date, str]:
    """The public holidays of a country, or of a part of it, with their names.

    For filling the holidays of a calendar, which people then edit: lists go stale, and a due date
    must not move because a library was upgraded.
    """
    return dict(_public_holidays(country.upper(), subdivision, tuple(years)))


@lru_cache(maxsize=64)
def _public_holidays(
    country: str, subdivision: str | None, years: tuple[int, ...]
) -> tuple[tuple[date, str], ...]:
    # Imported here because it takes a fifth of a second that most processes need not spend.
    import holidays

    try:
        found = holidays.country_holidays(country, subdiv=subdivision, years=years)
    except RuntimeError:  # the library's way of saying that it has no such place
        raise CalendarError(
            gettext_noop(
                "There is no list of public holidays for “%(place)s”. Use codes like DE and "
                "DE-BY, or enter the dates yourself."
            ),
            place=f"{country}-{subdivision}" if subdivision else country,
        ) from None
    return tuple(sorted(found.items()))


@lru_cache(maxsize=256)
def _from_text(text: str) -> Calendar:
    return _shared(read(json.loads(text)))


@lru_cache(maxsize=256)
def _shared(hours: Hours) -> Calendar:
    return Calendar(hours)


def _merged(pauses: Pauses) -> _Stretches:
    """Pauses in order, those that meet or overlap as one."""
    merged: _Stretches = []
    for since, until in sorted((to_mark(since), to_mark(until)) for since, until in pauses):
        if until < since:
            raise CalendarError(
                gettext_noop("A pause from %(since)s to %(until)s ends before it begins."),
                since=from_mark(since),
                until=from_mark(until),
            )
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until))
        else:
            merged.append((since, until))
    return merged


_Piece = tuple[int, int, Reason]
_CLOSED_BECAUSE = {
    DayKind.WEEKLY: Reason.CLOSED,
    DayKind.HOLIDAY: Reason.HOLIDAY,
    DayKind.SPECIAL: Reason.SPECIAL,
}


def _joined(pieces: Iterable[_Piece]) -> list[_Piece]:
    """Neighbours with the same reason as one, and nothing that has no length."""
    joined: list[_Piece] = []
    for since, until, reason in pieces:
        if since == until:
            continue
        if joined and joined[-1][2] == reason:
            joined[-1] = (joined[-1][0], until, reason)
        else:
            joined.append((since, until, reason))
    return joined


def _step(piece: _Piece) -> Step:
    since, until, reason = piece
    counted = (until - since) / SECOND if reason == Reason.OPEN else 0.0
    return Step(from_mark(since), from_mark(until), counted, reason)


def _folded(steps: list[Step]) -> list[Step]:
    """At most `SHOWN_STEPS`: the first and the last as they are, what lies between as one."""
    if len(steps) <= SHOWN_STEPS:
        return steps
    head, tail = steps[: SHOWN_STEPS // 2], steps[-(SHOWN_STEPS // 2 - 1) :]
    middle = steps[len(head) : -len(tail)]
    counted = sum(step.counted for step in middle)
    return [*head, Step(middle[0].since, middle[-1].until, counted, Reason.SEVERAL), *tail]
