"""The table of open intervals: a clock that ticks only while a calendar is open.

`before[i]` is the open time that has passed when interval `i` opens. With it, two searches answer
everything: how much open time lies before an instant, and at which instant so much has passed.
All numbers are whole microseconds since 1970 in UTC, so clock changes are settled when the table
is built and nothing is ever rounded.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from threading import Lock

from verne.engine.hours import DAY, CalendarError, Hours, gettext_noop

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
# Python knows the years 1 to 9999; one at each end is left for local time to differ from UTC.
FIRST_YEAR, LAST_YEAR = 2, 9998
# Weekdays and dates meet in the same way again after 28 years, or 40 across a skipped leap year.
SILENT_YEARS = 41
# A table grows to the years asked for, but not over a gap wider than this: a mistyped year would
# fill the memory with centuries nobody needs.
WIDEST_GAP = 60
LONGEST_DAYS = 36_525  # a hundred years; more is a mistaken unit


def to_mark(at: datetime) -> int:
    """An aware datetime as microseconds since 1970."""
    try:
        gap = at - EPOCH
    except TypeError:
        raise CalendarError(
            gettext_noop(
                "“%(at)s” says no time zone. Give an aware datetime, for example with tzinfo=UTC."
            ),
            at=at,
        ) from None
    return (gap.days * DAY + gap.seconds) * SECOND + gap.microseconds


def from_mark(mark: int) -> datetime:
    """The aware UTC datetime of so many microseconds since 1970."""
    return EPOCH + timedelta(microseconds=mark)


def to_amount(seconds: float) -> int:
    """A target as whole microseconds."""
    if (
        not abs(seconds) <= LONGEST_DAYS * DAY
    ):  # put this way, because nan is never more than a limit
        raise CalendarError(
            gettext_noop(
                "A target of %(seconds)s seconds is more than a hundred years. Check the unit."
            ),
            seconds=seconds,
        )
    return round(seconds * SECOND)


@dataclass(frozen=True, slots=True)
class Table:
    """Open intervals of whole local years; never changed, only replaced by a larger one."""

    first: int
    last: int
    since: int
    until: int
    opens: list[int]
    closes: list[int]
    before: list[int]  # one more than intervals: the last is the open time of the whole table

    @classmethod
    def of_years(cls, hours: Hours, first: int, last: int) -> Table:
        opens: list[int] = []
        closes: list[int] = []
        before = [0]
        total = 0
        day = date(first, 1, 1)
        since = midnight = hours.instant(day, 0)
        for ordinal in range(day.toordinal() + 1, date(last + 1, 1, 1).toordinal() + 1):
            next_day = date.fromordinal(ordinal)
            tomorrow = hours.instant(next_day, 0)
            for opening, closing in hours.spans_within(day, midnight, tomorrow):
                opens.append(opening * SECOND)
                closes.append(closing * SECOND)
                total += (closing - opening) * SECOND
                before.append(total)
            day, midnight = next_day, tomorrow
        return cls(first, last, since * SECOND, midnight * SECOND, opens, closes, before)

    def followed_by(self, later: Table) -> Table:
        shift = later.before[0] - self.before[-1]
        return Table(
            first=self.first,
            last=later.last,
            since=self.since,
            until=later.until,
            opens=self.opens + later.opens,
            closes=self.closes + later.closes,
            before=[passed + shift for passed in self.before] + later.before[1:],
        )

    def passed(self, mark: int) -> int:
        """The open time before a mark, counted from wherever the table begins to count."""
        at = bisect_right(self.opens, mark) - 1
        if at < 0:
            return self.before[0]
        return self.before[at] + min(mark, self.closes[at]) - self.opens[at]

    def earliest(self, passed: int) -> int:
        """The first mark at which so much open time has passed: never after a closing."""
        at = bisect_left(self.before, passed) - 1
        return self.opens[at] + passed - self.before[at]

    def latest(self, passed: int) -> int:
        """The last mark at which no more open time has passed: never before an opening."""
        at = bisect_right(self.before, passed) - 1
        return self.opens[at] + passed - self.before[at]

    def opening(self, mark: int) -> int | None:
        """The mark itself while open, otherwise the next opening, if the table reaches so far."""
        at = bisect_right(self.opens, mark)
        if at and mark < self.closes[at - 1]:
            return mark
        return self.opens[at] if at < len(self.opens) else None

    def closing(self, mark: int) -> int | None:
        """The mark itself while open, otherwise the closing before it: `opening` in a mirror."""
        at = bisect_left(self.closes, mark)
        if at < len(self.closes) and self.opens[at] < mark:
            return mark
        return self.closes[at - 1] if at else None


class OpenTime:
    """The open time of a calendar, over as many years as anybody has asked for."""

    def __init__(self, hours: Hours) -> None:
        self.hours = hours
        self._table: Table | None = None
        self._lock = Lock()

    def around(self, low: int, high: int) -> Table:
        """A table that reaches from one mark to another."""
        table = self._table
        if table is not None and table.since <= low and high < table.until:
            return table
        table = self._reach(_year(low) - 1, _year(high) + 1)
        if not (table.since <= low and high < table.until):
            raise _out_of_range()
        return table

    def passed(self, low: int, high: int) -> int:
        """The open time between two marks."""
        table = self.around(low, high)
        return table.passed(high) - table.passed(low)

    def opening(self, mark: int) -> int:
        table = self.around(mark, mark)
        while (found := table.opening(mark)) is None:
            table = self.later(table)
        return found

    def closing(self, mark: int) -> int:
        table = self.around(mark, mark)
        while (found := table.closing(mark)) is None:
            table = self.earlier(table)
        return found

    def forward(self, mark: int, amount: int) -> int:
        """The first mark at which this amount of open time has passed since a mark."""
        table = self.around(mark, mark)
        # Not remembered as a number: a larger table may begin to count elsewhere.
        while (goal := table.passed(mark) + amount) > table.before[-1]:
            table = self.later(table)
        return table.earliest(goal)

    def backward(self, mark: int, amount: int) -> int:
        """The last mark from which this amount of open time has passed until a mark."""
        table = self.around(mark, mark)
        while (goal := table.passed(mark) - amount) < table.before[0]:
            table = self.earlier(table)
        return table.latest(goal)

    def later(self, table: Table) -> Table:
        """The same table and as many years again, unless nothing will ever open in them."""
        opened = _year(table.closes[-1]) if table.closes else table.first
        dated = self.hours.dated_years
        if table.last - max(opened, dated[1] if dated else opened) > SILENT_YEARS:
            self._refuse_if_never_open()
            raise CalendarError(
                gettext_noop(
                    "This calendar has no open time after %(day)s. Add weekly hours or special "
                    "days to it."
                ),
                day=from_mark(table.closes[-1] if table.closes else table.since).date(),
            )
        if table.last >= LAST_YEAR:
            raise _out_of_range()
        return self._reach(table.first, table.last + _growth(table))

    def earlier(self, table: Table) -> Table:
        """The mirror of `later`."""
        opened = _year(table.opens[0]) if table.opens else table.last
        dated = self.hours.dated_years
        if min(opened, dated[0] if dated else opened) - table.first > SILENT_YEARS:
            self._refuse_if_never_open()
            raise CalendarError(
                gettext_noop(
                    "This calendar has no open time before %(day)s. Add weekly hours or special "
                    "days to it."
                ),
                day=from_mark(table.opens[0] if table.opens else table.until).date(),
            )
        if table.first <= FIRST_YEAR:
            raise _out_of_range()
        return self._reach(table.first - _growth(table), table.last)

    def _refuse_if_never_open(self) -> None:
        if not any((*self.hours.weekly, *self.hours.special.values())):
            raise CalendarError(
                gettext_noop("This calendar is never open. Add weekly hours or special days to it.")
            )

    def _reach(self, first: int, last: int) -> Table:
        first, last = max(first, FIRST_YEAR), min(last, LAST_YEAR)
        with self._lock:
            table = self._table
            if table is None or first - table.last > WIDEST_GAP or table.first - last > WIDEST_GAP:
                table = Table.of_years(self.hours, first, last)
            if first < table.first:
                table = Table.of_years(self.hours, first, table.first - 1).followed_by(table)
            if last > table.last:
                table = table.followed_by(Table.of_years(self.hours, table.last + 1, last))
            self._table = table
            return table


def _growth(table: Table) -> int:
    return table.last - table.first + 1


def _year(mark: int) -> int:
    return from_mark(mark).year


def _out_of_range() -> CalendarError:
    return CalendarError(
        gettext_noop("Calendars count in the years %(first)s to %(last)s. Check the date."),
        first=FIRST_YEAR,
        last=LAST_YEAR,
    )
