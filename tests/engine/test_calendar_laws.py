"""Business time against an oracle that walks second by second and knows no table."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.thorough import THOROUGH
from verne.engine.calendar import SHOWN_STEPS, Calendar, Reason

ZONES = ("Etc/UTC", "Europe/Berlin", "America/New_York", "Asia/Seoul", "Australia/Lord_Howe")
# Around clock changes of the zones above, and a week without any.
WEEKS = (
    date(2026, 3, 7),
    date(2026, 3, 27),
    date(2026, 4, 3),
    date(2026, 10, 23),
    date(2026, 6, 1),
)
NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
STEP = 300  # everything below happens in steps of five minutes, so that the oracle can walk them


class Walker:
    """The conventions of docs/calendar.md, taken literally: is this instant open, and the next?"""

    def __init__(self, spec, pauses=()):
        self.spec = spec
        self.zone = ZoneInfo(spec["tz"])
        self.pauses = pauses
        self.known = {}

    def is_open(self, at):
        day = at.astimezone(self.zone).date()
        return any(since <= at < until for since, until in self.spans(day))

    def counts(self, at):
        return self.is_open(at) and not any(since <= at < until for since, until in self.pauses)

    def spans(self, day):
        if day not in self.known:
            spans = [
                (self.instant(day, since), self.instant(day, until))
                for since, until in self.hours(day)
            ]
            self.known[day] = spans
        return self.known[day]

    def hours(self, day):
        text = day.isoformat()
        if text in self.spec["overrides"]:
            return self.spec["overrides"][text]
        if text in self.spec["holidays"] or text[5:] in self.spec["annual_holidays_mm_dd"]:
            return []
        return self.spec["weekly"][NAMES[day.weekday()]]

    def instant(self, day, clock):
        hour, minute = map(int, clock.split(":"))
        wall = datetime(day.year, day.month, day.day) + timedelta(hours=hour, minutes=minute)
        as_utc = wall.replace(tzinfo=UTC)
        # Only the way from UTC to local time is asked, which has neither gap nor fold.
        offsets = [
            (as_utc + timedelta(days=days)).astimezone(self.zone).utcoffset() for days in (-1, 1)
        ]
        fitting = [
            as_utc - offset
            for offset in offsets
            if (as_utc - offset).astimezone(self.zone).replace(tzinfo=None) == wall
        ]
        # Twice in autumn: the first. Never, in the gap of spring: forward by the gap.
        return min(fitting) if fitting else as_utc - offsets[0]

    def due(self, start, seconds):
        at = start
        while seconds > 0:
            if self.counts(at):
                seconds -= STEP
            at += timedelta(seconds=STEP)
        return at

    def due_back(self, start, seconds):
        at = start
        while seconds > 0:
            at -= timedelta(seconds=STEP)
            if self.counts(at):
                seconds -= STEP
        return at

    def elapsed(self, start, end):
        at, seconds = start, 0
        while at < end:
            seconds += STEP * self.counts(at)
            at += timedelta(seconds=STEP)
        return seconds


def clock(steps):
    return f"{steps * STEP // 3600:02}:{steps * STEP // 60 % 60:02}"


@st.composite
def day_hours(draw):
    """Up to three intervals that may touch, with some liking for whole days."""
    if draw(st.integers(0, 5)) == 0:
        return [["00:00", "24:00"]]
    marks = sorted(draw(st.lists(st.integers(0, 288), max_size=6, unique=True)))
    return [
        [clock(since), clock(until)] for since, until in zip(marks[::2], marks[1::2], strict=False)
    ]


@st.composite
def settings_of_time(draw):
    """A calendar, a week around a clock change, and an instant in it."""
    first = draw(st.sampled_from(WEEKS))
    near = st.integers(-3, 10).map(lambda days: (first + timedelta(days=days)).isoformat())
    spec = {
        "tz": draw(st.sampled_from(ZONES)),
        "weekly": {name: draw(day_hours()) for name in NAMES},
        "holidays": draw(st.lists(near, max_size=2)),
        "annual_holidays_mm_dd": [day[5:] for day in draw(st.lists(near, max_size=1))],
        "overrides": draw(st.dictionaries(near, day_hours(), max_size=2)),
    }
    return spec, draw(instants(first))


def instants(first):
    midnight = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return st.integers(0, 5 * 288).map(lambda steps: midnight + timedelta(seconds=STEP * steps))


@st.composite
def pauses_near(draw, start):
    """Up to three pauses, in any order, that may overlap and lie outside the hours."""
    pauses = []
    for _ in range(draw(st.integers(0, 3))):
        since = start + timedelta(seconds=STEP * draw(st.integers(-300, 1000)))
        pauses.append((since, since + timedelta(seconds=STEP * draw(st.integers(0, 400)))))
    return pauses


def opens_every_week(spec):
    """So often that neither the oracle nor the holidays of a week can run out of open time."""
    return sum(bool(hours) for hours in spec["weekly"].values()) >= 5


@settings(max_examples=300 if THOROUGH else 60, deadline=None)
@given(st.data())
def test_due_is_where_the_walker_arrives(data):
    spec, start = data.draw(settings_of_time())
    assume(opens_every_week(spec))
    pauses = data.draw(pauses_near(start))
    seconds = STEP * data.draw(st.integers(1, 400))
    calendar, walker = Calendar.from_dict(spec), Walker(spec, pauses)
    assert calendar.due(start, seconds, pauses) == walker.due(start, seconds)
    assert calendar.due(start, -seconds, pauses) == walker.due_back(start, seconds)


@settings(max_examples=300 if THOROUGH else 60, deadline=None)
@given(st.data())
def test_elapsed_is_what_the_walker_counts(data):
    spec, start = data.draw(settings_of_time())
    pauses = data.draw(pauses_near(start))
    end = start + timedelta(seconds=STEP * data.draw(st.integers(-10, 2000)))
    calendar, walker = Calendar.from_dict(spec), Walker(spec, pauses)
    assert calendar.elapsed(start, end, pauses) == walker.elapsed(start, end)


@settings(max_examples=300 if THOROUGH else 60, deadline=None)
@given(settings_of_time())
def test_the_next_and_previous_open_instants_are_those_the_walker_meets(setting):
    spec, at = setting
    assume(opens_every_week(spec))
    calendar, walker = Calendar.from_dict(spec), Walker(spec)
    after = before = at
    while not walker.is_open(after):
        after += timedelta(seconds=STEP)
    while not walker.is_open(before - timedelta(seconds=STEP)):
        before -= timedelta(seconds=STEP)
    assert calendar.next_open(at) == after
    assert calendar.previous_open(at) == before
    assert calendar.is_open(at) == walker.is_open(at)


@settings(max_examples=200 if THOROUGH else 40, deadline=None)
@given(st.data())
def test_a_target_in_days_is_the_same_wall_time_on_the_day_the_walker_counts_to(data):
    spec, start = data.draw(settings_of_time())
    assume(opens_every_week(spec))
    pauses = data.draw(pauses_near(start))
    calendar, walker = Calendar.from_dict(spec), Walker(spec, pauses)
    days = left = data.draw(st.integers(1, 6))
    local = start.astimezone(walker.zone)
    day = local.date()
    while left:
        day += timedelta(days=1)
        left -= any(since < until for since, until in walker.spans(day))
    wall = walker.instant(day, f"{local:%H:%M}")
    while not walker.is_open(wall):
        wall += timedelta(seconds=STEP)
    assert calendar.due_days(start, days) == wall
    assert calendar.due_days(start, days, end_of_day=True) == max(
        until for since, until in walker.spans(day) if since < until
    )
    # With pauses: as much counted time as there is without them.
    counted = Walker(spec).elapsed(start, wall)
    with_pauses = calendar.due_days(start, days, pauses=pauses)
    assert walker.elapsed(start, with_pauses) == counted
    end_of_day = calendar.due_days(start, days, end_of_day=True, pauses=pauses)
    assert walker.elapsed(start, end_of_day) >= counted
    assert not any(since < end_of_day < until for since, until in pauses)


@settings(max_examples=200 if THOROUGH else 40, deadline=None)
@given(st.data())
def test_going_there_and_back_and_in_two_legs_leads_to_the_same_place(data):
    spec, start = data.draw(settings_of_time())
    assume(opens_every_week(spec))
    start += timedelta(microseconds=data.draw(st.integers(0, 10**9)))
    one = data.draw(st.integers(1, 10**12)) / 10**6
    two = data.draw(st.integers(1, 10**12)) / 10**6
    calendar = Calendar.from_dict(spec)
    due = calendar.due(start, one)
    assert abs(calendar.elapsed(start, due) - one) < 1e-6
    assert calendar.next_open(calendar.due(due, -one)) == calendar.next_open(start)
    assert calendar.due(due, two) == calendar.due(start, round(one * 10**6 + two * 10**6) / 10**6)
    assert calendar.due_many([start, due], [one, two]) == [due, calendar.due(due, two)]
    assert calendar.elapsed_many([(start, due)]) == [calendar.elapsed(start, due)]


@settings(max_examples=200 if THOROUGH else 40, deadline=None)
@given(st.data())
def test_an_explanation_has_no_holes_and_adds_up(data):
    spec, start = data.draw(settings_of_time())
    assume(opens_every_week(spec))
    pauses = data.draw(pauses_near(start))
    seconds = STEP * data.draw(st.integers(1, 2000))
    calendar = Calendar.from_dict(spec)
    steps = calendar.explain(start, seconds, pauses)
    assert len(steps) <= SHOWN_STEPS
    assert sum(step.counted for step in steps) == seconds
    assert (steps[0].since, steps[-1].until) == (start, calendar.due(start, seconds, pauses))
    assert all(one.until == two.since for one, two in pairwise(steps))
    assert all(one.since < one.until for one in steps)
    for step in steps:
        if step.reason != Reason.SEVERAL:
            assert step.counted == calendar.elapsed(step.since, step.until, pauses)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_an_answer_does_not_depend_on_what_was_asked_before(data):
    spec, start = data.draw(settings_of_time())
    assume(opens_every_week(spec))
    years = data.draw(st.lists(st.integers(-200, 200), max_size=4))
    asked, fresh = Calendar.from_dict(spec), Calendar(Calendar.from_dict(spec)._hours)
    for year in years:
        asked.due(start + timedelta(days=365 * year), data.draw(st.integers(-(10**8), 10**8)))
    seconds = data.draw(st.integers(-(10**7), 10**7))
    assert asked.due(start, seconds) == fresh.due(start, seconds)
