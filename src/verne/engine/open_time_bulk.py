"""Open time for a million instants at once, in plain Python.

Written for speed, so the loops carry no function calls of our own. An interval number of -1 means
"before the first opening"; the lists below get one more element at the end, which Python finds
under -1, so that this case needs no question in the loop.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from verne.engine.hours import DAY
from verne.engine.open_time import EPOCH, SECOND, OpenTime, Table, from_mark, to_amount, to_mark

# A plan of one target pays off when there are this many starts for each interval it looks at.
STARTS_PER_INTERVAL = 4
# Up to the year 2106 a float tells microseconds since 1970 apart.
EXACT_FLOATS = 2**32 * SECOND


def to_marks(instants: Iterable[datetime]) -> list[int]:
    try:
        return [
            (gap := at - EPOCH).days * (DAY * SECOND) + gap.seconds * SECOND + gap.microseconds
            for at in instants
        ]
    except TypeError:
        return [to_mark(at) for at in instants]  # which says what is wrong with the bad one


def dues(
    open_time: OpenTime, starts: Sequence[datetime], targets: Sequence[float]
) -> list[datetime]:
    """The instant at which each start has used up its target, in seconds, all above zero."""
    marks = to_marks(starts)
    last, longest = max(marks), to_amount(max(targets))
    table = open_time.around(min(marks), last)
    while table.passed(last) + longest > table.before[-1]:
        table = open_time.later(table)
    most = len(starts) // (len(table.opens) * STARTS_PER_INTERVAL)
    # A look at the first ones spares counting a million targets that are all different.
    if len(set(targets[: 2 * most])) <= most and len(kinds := set(targets)) <= most:
        return _by_plan(table, starts, marks, targets, kinds)
    return _by_search(table, marks, targets)


def elapsed(open_time: OpenTime, pairs: Sequence[tuple[datetime, datetime]]) -> list[float]:
    """The open seconds of each pair of start and end."""
    starts = to_marks(start for start, _ in pairs)
    ends = to_marks(end for _, end in pairs)
    table = open_time.around(min(min(starts), min(ends)), max(max(starts), max(ends)))
    opens, closes, counted = table.opens, _closes(table), _counted(table)

    def passed(marks: list[int]) -> list[int]:
        return [
            (mark if mark < (close := closes[(at := bisect_right(opens, mark) - 1)]) else close)
            + counted[at]
            for mark in marks
        ]

    return [
        (until - since) / SECOND if since < until else 0.0
        for since, until in zip(passed(starts), passed(ends), strict=True)
    ]


def _by_search(table: Table, marks: list[int], targets: Sequence[float]) -> list[datetime]:
    """Two searches for each start: up to it, and from there to the open time it needs."""
    opens, before, closes, counted = table.opens, table.before, _closes(table), _counted(table)
    goals = [
        (mark if mark < (close := closes[(at := bisect_right(opens, mark) - 1)]) else close)
        + counted[at]
        + round(target * SECOND)
        for mark, target in zip(marks, targets, strict=True)
    ]
    if table.since < -EXACT_FLOATS or table.until > EXACT_FLOATS:
        return [from_mark(goal - counted[bisect_left(before, goal) - 1]) for goal in goals]
    # Half the price of `from_mark`, and as exact: one rounding, by less than half a microsecond.
    moment = datetime.fromtimestamp
    return [moment((goal - counted[bisect_left(before, goal) - 1]) / SECOND, UTC) for goal in goals]


def _by_plan(
    table: Table,
    starts: Sequence[datetime],
    marks: list[int],
    targets: Sequence[float],
    kinds: Iterable[float],
) -> list[datetime]:
    """One search for each start, and a plan that says where each interval leads from there."""
    plans = {target: _plan(table, to_amount(target)) for target in kinds}
    opens, closes = table.opens, _closes(table)
    starts = [at if at.tzinfo is UTC else at.astimezone(UTC) for at in starts]
    found: list[datetime] = []
    add = found.append
    for start, mark, target in zip(starts, marks, targets, strict=True):
        limits, shifts, waits = plans[target]
        at = bisect_right(opens, mark) - 1
        if mark < closes[at]:
            add(start + shifts[at][bisect_left(limits[at], mark)])
        else:
            add(waits[at])
    return found


def _plan(
    table: Table, amount: int
) -> tuple[list[list[int]], list[list[timedelta]], list[datetime]]:
    """Where an amount of open time leads from every interval.

    Who starts in interval i up to `limits[i][k]` is due after `shifts[i][k]`, closed time included;
    who starts after it has closed is due at `waits[i]`.
    """
    before, counted = table.before, _counted(table)
    limits: list[list[int]] = []
    shifts: list[list[timedelta]] = []
    waits: list[datetime] = []
    for at in range(len(table.opens)):
        # What starts at the end of the last intervals is due after the table, and nobody does.
        goal = min(before[at + 1] + amount, before[-1])
        first = bisect_left(before, before[at] + amount) - 1
        last = bisect_left(before, goal) - 1
        landings = range(first, last + 1)
        limits.append([before[to + 1] - amount - counted[at] for to in landings])
        shifts.append(
            [timedelta(microseconds=amount + counted[at] - counted[to]) for to in landings]
        )
        waits.append(from_mark(table.earliest(goal)))
    waits.append(from_mark(table.earliest(before[0] + amount)))
    return limits, shifts, waits


def _closes(table: Table) -> list[int]:
    return [*table.closes, table.since]


def _counted(table: Table) -> list[int]:
    """What makes open time of a mark inside each interval when added to it."""
    each = [passed - opening for passed, opening in zip(table.before, table.opens, strict=False)]
    return [*each, table.before[0] - table.since]
