"""Clocks as people complain about them elsewhere, and what they do here."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verne.engine.calendar import Calendar
from verne.engine.timing import ALWAYS, Event, State, Target, explain, read

HOUR = 3600
DESK = Calendar.from_dict(
    {
        "tz": "Etc/UTC",
        "weekly": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    }
)
FOUR_HOURS = Target(seconds=4 * HOUR)
EIGHT_HOURS = Target(seconds=8 * HOUR)
MONDAY = "2026-03-02"


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def on_monday(clock):
    return utc(f"{MONDAY}T{clock}")


def story(*told):
    """Events of a Monday by the clock, or of any day by date: ("10:00", "pause", "why")."""
    return [Event(utc(at) if "T" in at else on_monday(at), kind, *why) for at, kind, *why in told]


MAIL_IS_DOWN = story(("10:00", "start", "Mail stops every Monday at nine"))
WAITING = story(
    ("10:00", "start"),
    ("11:00", "pause", "Awaiting the customer"),
    ("14:00", "resume", "The customer answered"),
)


def test_a_running_clock_says_how_much_is_used_and_left():
    reading = read(MAIL_IS_DOWN, DESK, FOUR_HOURS, on_monday("11:00"))
    assert reading.state == State.RUNNING
    assert reading.ticking
    assert (reading.elapsed, reading.remaining, reading.share) == (HOUR, 3 * HOUR, 0.25)
    assert reading.due == on_monday("14:00")
    assert reading.breached_at is None


# 1. Pause time lost when priority or category changes the agreement.


def test_another_priority_keeps_the_pause():
    at = on_monday("15:00")
    assert read(WAITING, DESK, FOUR_HOURS, at).due == on_monday("17:00")
    urgent = read(WAITING, DESK, Target(seconds=2 * HOUR), at)
    assert urgent.due == on_monday("15:00")
    assert urgent.elapsed == 2 * HOUR


def test_another_calendar_and_back_loses_nothing():
    at = on_monday("15:00")
    before = read(WAITING, DESK, FOUR_HOURS, at)
    around_the_clock = read(WAITING, ALWAYS, FOUR_HOURS, at)
    assert around_the_clock.due == on_monday("17:00")
    assert around_the_clock.segments == before.segments
    assert read(WAITING, DESK, FOUR_HOURS, at) == before


# 2. A target in days with a pause over a weekend or outside hours.


def test_a_pause_over_the_weekend_adds_the_hours_worked_and_not_the_weekend():
    events = story(
        ("2026-03-06T10:00", "start"),
        ("2026-03-06T15:00", "pause", "Awaiting a part"),
        ("2026-03-09T11:00", "resume"),
    )
    reading = read(events, DESK, Target(days=1), utc("2026-03-09T12:00"))
    assert reading.due == utc("2026-03-09T14:00")
    assert reading.allowed == 8 * HOUR
    assert reading.remaining == 2 * HOUR


def test_a_pause_outside_the_hours_does_not_move_a_target_in_days():
    events = story(("16:00", "start"), ("18:00", "pause"), ("22:00", "resume"))
    reading = read(events, DESK, Target(days=2), utc("2026-03-03T10:00"))
    assert reading.due == utc("2026-03-04T16:00")


def test_a_target_to_the_end_of_the_day_is_due_at_closing():
    target = Target(days=1, end_of_day=True)
    reading = read(WAITING, DESK, target, on_monday("15:00"))
    assert reading.due == utc("2026-03-03T17:00")
    assert reading.share == 2 * HOUR / reading.allowed


# 3. Breached while pending; figures as old as the last change of state.


def test_a_paused_clock_never_breaches_and_its_due_instant_moves_on():
    events = WAITING[:2]
    early = read(events, DESK, FOUR_HOURS, on_monday("12:00"))
    late = read(events, DESK, FOUR_HOURS, utc("2026-03-20T12:00"))
    assert early.state == late.state == State.PAUSED
    assert not late.ticking
    assert early.due == on_monday("15:00")
    assert late.due == utc("2026-03-20T15:00")
    assert late.breached_at is None
    assert early.elapsed == late.elapsed == HOUR


def test_figures_are_of_the_instant_asked_for():
    shares = [
        read(MAIL_IS_DOWN, DESK, FOUR_HOURS, on_monday(at)).share for at in ("10:00", "12:00")
    ]
    assert shares == [0, 0.5]
    over = read(MAIL_IS_DOWN, DESK, FOUR_HOURS, on_monday("16:00"))
    assert (over.state, over.breached_at) == (State.BREACHED, on_monday("14:00"))
    assert (over.remaining, over.share) == (-2 * HOUR, 1.5)


def test_at_the_due_instant_itself_the_promise_is_kept():
    assert read(MAIL_IS_DOWN, DESK, FOUR_HOURS, on_monday("14:00")).state == State.RUNNING
    stopped = [*MAIL_IS_DOWN, *story(("14:00", "stop"))]
    assert read(stopped, DESK, FOUR_HOURS, on_monday("20:00")).state == State.MET
    too_late = [*MAIL_IS_DOWN, *story(("14:00:01", "stop"))]
    reading = read(too_late, DESK, FOUR_HOURS, on_monday("20:00"))
    assert (reading.state, reading.breached_at) == (State.BREACHED, on_monday("14:00"))


def test_a_clock_paused_exactly_when_due_breaches_when_it_runs_again():
    events = [*MAIL_IS_DOWN, *story(("14:00", "pause"))]
    assert read(events, DESK, FOUR_HOURS, on_monday("16:00")).breached_at is None
    events += story(("16:00", "resume"))
    assert read(events, DESK, FOUR_HOURS, on_monday("16:30")).breached_at == on_monday("16:00")


def test_a_breach_stays_whatever_happens_afterwards():
    afterwards = story(
        ("15:00", "pause"), ("15:30", "resume"), ("16:00", "stop"), ("16:30", "resume")
    )
    for told in range(len(afterwards) + 1):
        events = [*MAIL_IS_DOWN, *afterwards[:told]]
        reading = read(events, DESK, FOUR_HOURS, utc("2026-03-05T12:00"))
        assert reading.breached_at == reading.due == on_monday("14:00")


def test_a_breach_overnight_stays_when_the_clock_is_paused_before_opening():
    events = story(("13:00", "start"), ("2026-03-03T08:00", "pause"))
    reading = read(events, DESK, FOUR_HOURS, utc("2026-03-03T10:00"))
    assert (reading.state, reading.breached_at) == (State.PAUSED, on_monday("17:00"))


# 4. Hold time counted twice, pauses that tick, resolved time counted as pending.


def test_pending_resolved_and_running_are_different_segments():
    events = [*WAITING, *story(("15:00", "stop", "Restarted"), ("2026-03-03T10:00", "resume"))]
    reading = read(events, DESK, FOUR_HOURS, utc("2026-03-03T11:00"))
    assert [(s.kind, s.since, s.until, s.why) for s in reading.segments] == [
        ("running", on_monday("10:00"), on_monday("11:00"), ""),
        ("paused", on_monday("11:00"), on_monday("14:00"), "Awaiting the customer"),
        ("running", on_monday("14:00"), on_monday("15:00"), "The customer answered"),
        ("resolved", on_monday("15:00"), utc("2026-03-03T10:00"), "Restarted"),
        ("running", utc("2026-03-03T10:00"), None, ""),
    ]
    assert reading.pauses == ((on_monday("11:00"), on_monday("14:00")),)


def test_time_between_resolving_and_reopening_does_not_count():
    events = [*MAIL_IS_DOWN, *story(("12:00", "stop"))]
    assert read(events, DESK, FOUR_HOURS, utc("2026-03-04T10:00")).state == State.MET
    events += story(("2026-03-04T10:00", "resume", "It stopped again"))
    reopened = read(events, DESK, FOUR_HOURS, utc("2026-03-04T11:00"))
    assert reopened.state == State.RUNNING
    assert reopened.elapsed == 3 * HOUR
    assert reopened.due == utc("2026-03-04T12:00")
    assert reopened.stopped_at is None


def test_a_clock_resolved_while_paused_was_met_without_the_pause():
    events = [*WAITING[:2], *story(("16:00", "stop"))]
    reading = read(events, DESK, Target(seconds=HOUR), utc("2026-03-05T10:00"))
    assert (reading.state, reading.elapsed) == (State.MET, HOUR)
    assert reading.stopped_at == on_monday("16:00")


def test_the_start_is_not_moved_by_a_pause():
    assert read(WAITING, DESK, FOUR_HOURS, on_monday("16:00")).started_at == on_monday("10:00")


# 5. First response and next update confused.


def test_first_response_and_next_update_are_two_clocks_over_the_same_afternoon():
    respond = story(("10:00", "start"), ("10:20", "stop", "First reply"))
    update = story(
        ("10:00", "start"), ("10:20", "reset", "First reply"), ("14:20", "reset", "News")
    )
    at = on_monday("15:00")
    response = read(respond, DESK, Target(seconds=HOUR / 2), at)
    assert (response.state, response.elapsed) == (State.MET, 20 * 60)
    next_update = read(update, DESK, FOUR_HOURS, at)
    assert next_update.started_at == on_monday("14:20")
    assert next_update.due == utc("2026-03-03T10:20")
    assert next_update.elapsed == 40 * 60
    assert [segment.since for segment in next_update.segments] == [
        on_monday("10:00"),
        on_monday("10:20"),
        on_monday("14:20"),
    ]


def test_an_update_that_came_too_late_shows_as_a_breach_until_it_comes():
    late = story(("10:00", "start"))
    assert read(late, DESK, FOUR_HOURS, on_monday("15:00")).state == State.BREACHED
    late += story(("15:30", "reset"))
    assert read(late, DESK, FOUR_HOURS, on_monday("16:00")).state == State.RUNNING


def test_a_reset_of_a_paused_clock_starts_it_over_and_leaves_it_paused():
    events = [*WAITING[:2], *story(("12:00", "reset"))]
    reading = read(events, DESK, FOUR_HOURS, on_monday("13:00"))
    assert (reading.state, reading.elapsed) == (State.PAUSED, 0)
    events += story(("14:00", "resume"))
    assert read(events, DESK, FOUR_HOURS, on_monday("15:00")).elapsed == HOUR


def test_a_reset_after_resolving_starts_a_new_round():
    events = story(("10:00", "start"), ("11:00", "stop"), ("13:00", "reset"))
    reading = read(events, DESK, FOUR_HOURS, on_monday("14:00"))
    assert (reading.state, reading.elapsed, reading.stopped_at) == (State.RUNNING, HOUR, None)


# What else is asked of a clock.


def test_thresholds_are_instants():
    reading = read(WAITING, DESK, FOUR_HOURS, on_monday("15:00"))
    assert reading.thresholds((25, 50, 75, 100, 125)) == {
        25: on_monday("11:00"),
        50: on_monday("15:00"),
        75: on_monday("16:00"),
        100: on_monday("17:00"),
        125: utc("2026-03-03T10:00"),
    }


def test_thresholds_of_a_paused_clock_move_on_but_those_reached_stay():
    reading = read(WAITING[:2], DESK, FOUR_HOURS, on_monday("13:00"))
    assert reading.thresholds((25, 50)) == {25: on_monday("11:00"), 50: on_monday("14:00")}


def test_the_due_instant_of_a_met_clock_stays_where_it_was():
    events = [*MAIL_IS_DOWN, *story(("12:30", "stop"))]
    assert read(events, DESK, FOUR_HOURS, utc("2026-03-05T10:00")).due == on_monday("14:00")


def test_a_stopped_clock_reaches_no_more_thresholds():
    events = [*MAIL_IS_DOWN, *story(("12:30", "stop"))]
    reading = read(events, DESK, FOUR_HOURS, utc("2026-03-05T10:00"))
    assert list(reading.thresholds((50, 75, 100))) == [50]


def test_the_last_threshold_of_a_target_in_days_is_its_due_instant():
    friday_after_closing = story(("2026-03-06T18:00", "start"))
    reading = read(friday_after_closing, DESK, Target(days=1), utc("2026-03-07T10:00"))
    assert reading.due == utc("2026-03-10T09:00")
    assert reading.thresholds((100,)) == {100: utc("2026-03-10T09:00")}


def test_the_explanation_names_what_did_not_count():
    events = [*WAITING, *story(("15:00", "stop"), ("16:00", "resume"))]
    steps = explain(events, DESK, FOUR_HOURS, on_monday("16:30"))
    assert [
        (f"{step.since:%a %H:%M}", step.counted / HOUR, str(step.reason)) for step in steps
    ] == [
        ("Mon 10:00", 1, "open hours"),
        ("Mon 11:00", 0, "paused"),
        ("Mon 14:00", 1, "open hours"),
        ("Mon 15:00", 0, "resolved"),
        ("Mon 16:00", 1, "open hours"),
        ("Mon 17:00", 0, "closed"),
        ("Tue 09:00", 1, "open hours"),
    ]


def test_without_a_target_a_clock_still_measures():
    reading = read(WAITING, DESK, None, on_monday("15:00"))
    assert (reading.state, reading.elapsed) == (State.RUNNING, 2 * HOUR)
    assert reading.due is reading.share is reading.remaining is None
    assert reading.thresholds((50,)) == {}
    assert explain(WAITING, DESK, None, on_monday("15:00"))[-1].until == on_monday("15:00")


def test_a_cancelled_clock_promises_nothing_and_cannot_be_revived():
    events = [*MAIL_IS_DOWN, *story(("11:00", "cancel"), ("12:00", "resume"), ("13:00", "start"))]
    reading = read(events, DESK, Target(seconds=HOUR / 2), on_monday("16:00"))
    assert reading.state == State.CANCELLED
    assert (reading.breached_at, reading.stopped_at) == (None, on_monday("11:00"))
    assert not reading.ticking


def test_an_event_told_twice_changes_nothing():
    twice = sorted([*WAITING, *WAITING], key=lambda event: event.at)
    twice += story(("16:00", "stop"), ("16:30", "stop"))
    reading = read(twice, DESK, FOUR_HOURS, utc("2026-03-05T10:00"))
    assert reading.stopped_at == on_monday("16:00")
    assert reading.elapsed == 3 * HOUR


def test_a_clock_can_be_read_as_it_was():
    events = [*WAITING, *story(("15:00", "stop"))]
    assert read(events, DESK, FOUR_HOURS, on_monday("10:30")).state == State.RUNNING
    assert read(events, DESK, FOUR_HOURS, on_monday("12:00")).state == State.PAUSED
    assert read(events, DESK, FOUR_HOURS, on_monday("08:00")).elapsed == 0


def test_nothing_promised_is_used_up_at_once():
    assert read(MAIL_IS_DOWN, DESK, Target(seconds=0), on_monday("10:00")).share == 1.0


KINDS = ("pause", "resume", "stop", "reset", "cancel")
STORIES = st.lists(st.tuples(st.integers(0, 6000), st.sampled_from(KINDS), st.just("")), max_size=8)


@settings(max_examples=300, deadline=None)
@given(STORIES, st.integers(0, 9000), st.integers(1, 3000), st.integers(1, 9))
def test_whatever_happens_the_figures_agree_with_one_another(told, minutes, promised, days):
    first = on_monday("09:30")
    events = [Event(first, "start")]
    events += [Event(first + timedelta(minutes=at), kind, why) for at, kind, why in told]
    at = first + timedelta(minutes=minutes)
    for target in (Target(seconds=promised * 60), Target(days=days), Target(None, days, True)):
        reading = read(events, DESK, target, at)
        counted = sum(
            DESK.elapsed(segment.since, segment.until or at)
            for segment in reading.segments
            if segment.kind == "running" and segment.since >= reading.started_at
        )
        assert reading.elapsed == pytest.approx(counted)
        assert all(one.until == two.since for one, two in pairwise(reading.segments))
        if reading.breached_at:
            assert reading.due <= reading.breached_at < (reading.stopped_at or at)
            assert reading.elapsed >= reading.allowed - 1e-6
        elif reading.state != State.CANCELLED:
            assert reading.elapsed <= reading.allowed + 1e-6
        steps = explain(events, DESK, target, at)
        assert sum(step.counted for step in steps) == pytest.approx(reading.allowed)


@settings(max_examples=200, deadline=None)
@given(STORIES, st.lists(st.integers(0, 9000), min_size=2, max_size=2))
def test_a_breach_seen_once_is_seen_ever_after_in_the_same_round(told, minutes):
    first = on_monday("09:30")
    events = [Event(first, "start")]
    events += [Event(first + timedelta(minutes=at), kind, why) for at, kind, why in told]
    earlier, later = sorted(minutes)
    one = read(events, DESK, EIGHT_HOURS, first + timedelta(minutes=earlier))
    two = read(events, DESK, EIGHT_HOURS, first + timedelta(minutes=later))
    if one.started_at == two.started_at and two.state != State.CANCELLED and one.breached_at:
        assert two.breached_at == one.breached_at
