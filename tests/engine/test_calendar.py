"""Business time as people meet it: hours, holidays, clock changes, pauses, working days."""

import json
import pickle
import threading
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from verne.engine.calendar import SHOWN_STEPS, Calendar, CalendarError, Reason, public_holidays

CASES = json.loads((Path(__file__).parent.parent / "data" / "sla_cases.json").read_text())
HOUR = 3600
DAY = 24 * HOUR
OFFICE = ("mon", "tue", "wed", "thu", "fri")
BERLIN = ZoneInfo("Europe/Berlin")

# Two conventions on which tools differ; ours are decided and stand in docs/calendar.md.
DUE_AT_THE_CLOSING = {"biz-011": "2006-01-08T12:00:00Z"}
REAL_SECONDS_COUNT = {"working_hours-099": 25 * HOUR}


def desk(tz="Etc/UTC", hours=(("09:00", "17:00"),), days=OFFICE, **facts):
    return Calendar.from_dict({"tz": tz, "weekly": {day: list(hours) for day in days}, **facts})


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def berlin(text):
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def paused(*pairs):
    return [(utc(since), utc(until)) for since, until in pairs]


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["id"])
def test_a_case_taken_as_fact_comes_out_as_it_should(case):
    calendar = Calendar.from_dict(case["calendar"])
    start = datetime.fromisoformat(case["start"])
    pauses = [tuple(map(datetime.fromisoformat, pause)) for pause in case["pauses"]]
    match case["kind"]:
        case "elapsed":
            end = datetime.fromisoformat(case["end"])
            expected = REAL_SECONDS_COUNT.get(case["id"], case["expected_elapsed_seconds"])
            assert calendar.elapsed(start, end, pauses) == expected
            return
        case "first_open":
            found = calendar.next_open(start)
            assert calendar.due(start, 0, pauses) == found
        case "last_open":
            found = calendar.previous_open(start)
        case "due_backward":
            found = calendar.due(start, -case["target_seconds"], pauses)
        case "due":
            found = calendar.due(start, case["target_seconds"], pauses)
    expected = DUE_AT_THE_CLOSING.get(case["id"], case["expected_due"])
    assert found == datetime.fromisoformat(expected)
    assert found.tzinfo is UTC


def test_due_at_the_closing_is_the_same_business_instant_as_the_next_opening():
    (case,) = [case for case in CASES["cases"] if case["id"] in DUE_AT_THE_CLOSING]
    calendar = Calendar.from_dict(case["calendar"])
    due = calendar.due(datetime.fromisoformat(case["start"]), case["target_seconds"])
    assert calendar.next_open(due) == datetime.fromisoformat(case["expected_due"])


@pytest.mark.parametrize("case", CASES["day_targets"], ids=lambda case: case["id"])
def test_a_target_in_days_taken_as_fact_comes_out_as_it_should(case):
    calendar = Calendar.from_dict(case["calendar"])
    pauses = [tuple(map(datetime.fromisoformat, pause)) for pause in case["pauses"]]
    due = calendar.due_days(
        datetime.fromisoformat(case["start"]),
        case["target_business_days"],
        case["end_of_working_day"],
        pauses,
    )
    assert due == datetime.fromisoformat(case["expected_due"])


# Opening, closing and the edges between them.


def test_a_target_used_up_at_closing_is_due_at_closing():
    assert desk().due(utc("2026-03-02T13:00"), 4 * HOUR) == utc("2026-03-02T17:00")


def test_a_second_more_is_due_the_next_morning():
    assert desk().due(utc("2026-03-02T13:00"), 4 * HOUR + 1) == utc("2026-03-03T09:00:01")


def test_going_backwards_a_target_used_up_at_opening_is_due_at_opening():
    assert desk().due(utc("2026-03-02T13:00"), -4 * HOUR) == utc("2026-03-02T09:00")


def test_seconds_and_their_parts_are_kept():
    start = utc("2026-03-02T16:59:59.25")
    assert desk().due(start, 1.5) == utc("2026-03-03T09:00:00.75")
    assert desk().elapsed(start, utc("2026-03-03T09:00:00.75")) == 1.5


def test_at_the_closing_instant_the_desk_is_closed_and_at_the_opening_instant_open():
    assert desk().next_open(utc("2026-03-02T17:00")) == utc("2026-03-03T09:00")
    assert desk().next_open(utc("2026-03-02T09:00")) == utc("2026-03-02T09:00")
    assert desk().is_open(utc("2026-03-02T09:00"))
    assert not desk().is_open(utc("2026-03-02T17:00"))


def test_the_previous_open_instant_is_the_mirror_of_the_next():
    assert desk().previous_open(utc("2026-03-02T17:00")) == utc("2026-03-02T17:00")
    assert desk().previous_open(utc("2026-03-02T09:00")) == utc("2026-02-27T17:00")
    assert desk().previous_open(utc("2026-03-02T12:00")) == utc("2026-03-02T12:00")
    assert desk().previous_open(utc("2026-03-01T12:00")) == utc("2026-02-27T17:00")


def test_an_end_before_the_start_has_taken_no_time():
    assert desk().elapsed(utc("2026-03-03T10:00"), utc("2026-03-02T10:00")) == 0
    assert desk().elapsed_many([(utc("2026-03-03T10:00"), utc("2026-03-02T10:00"))]) == [0.0]


def test_instants_of_any_zone_go_in_and_utc_comes_out():
    due = desk("Europe/Berlin").due(datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Asia/Seoul")), HOUR)
    assert due == utc("2026-07-01T08:00")
    assert due.tzinfo is UTC


def test_several_intervals_a_day_leave_out_the_lunch_break():
    calendar = desk(hours=[["13:00", "17:00"], ["08:00", "12:00"]])
    assert calendar.due(utc("2026-03-02T11:00"), 2 * HOUR) == utc("2026-03-02T14:00")
    assert calendar.due(utc("2026-03-02T12:30"), HOUR) == utc("2026-03-02T14:00")
    assert calendar.elapsed(utc("2026-03-02T00:00"), utc("2026-03-03T00:00")) == 8 * HOUR


def test_intervals_that_touch_or_overlap_are_one():
    calendar = desk(hours=[["09:00", "13:00"], ["12:00", "15:00"], ["15:00", "17:00"]])
    assert calendar == desk()


def test_a_desk_that_never_closes_counts_every_second():
    always = desk(hours=[["00:00", "24:00"]], days=(*OFFICE, "sat", "sun"))
    start = utc("2025-12-31T23:59:30")
    assert always.due(start, 60) == utc("2026-01-01T00:00:30")
    assert always.due(start, -400 * DAY) == start - timedelta(days=400)
    assert always.next_open(utc("2026-01-01T00:00")) == utc("2026-01-01T00:00")
    assert always.previous_open(utc("2026-01-01T00:00")) == utc("2026-01-01T00:00")
    assert always.elapsed(start, start + timedelta(days=4000)) == 4000 * DAY


def test_a_night_shift_is_two_intervals_that_meet_at_midnight():
    night = Calendar.from_dict(
        {"tz": "Etc/UTC", "weekly": {"mon": [["22:00", "24:00"]], "tue": [["00:00", "06:00"]]}}
    )
    assert night.due(utc("2026-03-02T23:00"), 3 * HOUR) == utc("2026-03-03T02:00")
    assert night.next_open(utc("2026-03-03T00:00")) == utc("2026-03-03T00:00")


# Holidays and special days.


def test_a_holiday_does_not_count():
    calendar = desk(holidays=["2026-05-01"])
    assert calendar.due(utc("2026-04-30T16:00"), 2 * HOUR) == utc("2026-05-04T10:00")


def test_a_yearly_holiday_comes_every_year():
    calendar = desk(annual_holidays_mm_dd=["12-25"])
    assert calendar.next_open(utc("2025-12-25T10:00")) == utc("2025-12-26T09:00")
    assert calendar.next_open(utc("2031-12-25T10:00")) == utc("2031-12-26T09:00")


def test_the_twenty_ninth_of_february_is_a_holiday_only_when_there_is_one():
    calendar = desk(annual_holidays_mm_dd=["02-29"])
    assert calendar.next_open(utc("2028-02-29T10:00")) == utc("2028-03-01T09:00")
    assert calendar.due(utc("2027-02-26T16:30"), HOUR) == utc("2027-03-01T09:30")


def test_special_days_open_shorten_split_and_close():
    calendar = desk(
        overrides={
            "2026-03-07": [["10:00", "12:00"]],
            "2026-03-09": [["09:00", "12:00"]],
            "2026-03-10": [["09:00", "10:00"], ["16:00", "17:00"]],
            "2026-03-11": [],
        }
    )
    hours_of = {
        day: calendar.elapsed(utc(f"2026-03-{day:02}T00:00"), utc(f"2026-03-{day + 1:02}T00:00"))
        for day in range(7, 13)
    }
    assert {day: seconds / HOUR for day, seconds in hours_of.items()} == {
        7: 2,
        8: 0,
        9: 3,
        10: 2,
        11: 0,
        12: 8,
    }


def test_a_special_day_outranks_a_holiday():
    calendar = desk(
        holidays=["2026-05-01"],
        annual_holidays_mm_dd=["05-01"],
        overrides={"2026-05-01": [["10:00", "12:00"]]},
    )
    assert calendar.next_open(utc("2026-05-01T00:00")) == utc("2026-05-01T10:00")


# Clock changes: real seconds count.


def test_the_short_night_of_spring_has_an_hour_less():
    night = desk("Europe/Berlin", hours=[["00:00", "24:00"]], days=["sun"])
    assert night.elapsed(berlin("2026-03-29T00:00"), berlin("2026-03-30T00:00")) == 23 * HOUR


def test_the_long_night_of_autumn_has_an_hour_more():
    night = desk("Europe/Berlin", hours=[["00:00", "24:00"]], days=["sun"])
    assert night.elapsed(berlin("2026-10-25T00:00"), berlin("2026-10-26T00:00")) == 25 * HOUR
    assert night.due(berlin("2026-10-25T00:00"), 25 * HOUR) == utc("2026-10-25T23:00")


def test_an_opening_inside_the_gap_of_spring_moves_forward_by_the_gap():
    night = desk("Europe/Berlin", hours=[["02:30", "06:00"]], days=["sun"])
    assert night.next_open(berlin("2026-03-29T00:00")) == berlin("2026-03-29T03:30")


def test_hours_wholly_inside_the_gap_may_vanish_or_meet_what_follows():
    vanished = desk("Europe/Berlin", hours=[["02:30", "03:15"]], days=["sun"])
    assert vanished.elapsed(berlin("2026-03-29T00:00"), berlin("2026-03-30T00:00")) == 0
    met = desk("Europe/Berlin", hours=[["01:00", "02:30"], ["03:00", "05:00"]], days=["sun"])
    assert met.elapsed(berlin("2026-03-29T00:00"), berlin("2026-03-30T00:00")) == 3 * HOUR


def test_of_a_time_that_comes_twice_in_autumn_the_first_one_counts():
    night = desk("Europe/Berlin", hours=[["02:30", "04:00"]], days=["sun"])
    assert night.next_open(berlin("2026-10-25T00:00")) == utc("2026-10-25T00:30")
    assert night.elapsed(berlin("2026-10-25T00:00"), berlin("2026-10-26T00:00")) == 2.5 * HOUR


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/Havana", "2024-11-03", 25),  # 01:00 becomes 00:00
        ("America/Sao_Paulo", "2018-02-17", 25),  # 24:00 becomes 23:00
        ("America/Sao_Paulo", "2018-11-04", 23),  # there is no midnight
        ("Australia/Lord_Howe", "2026-04-05", 24.5),  # half an hour
        ("Pacific/Apia", "2011-12-30", 0),  # a date that was left out
        ("Asia/Kathmandu", "2026-03-29", 24),  # a zone with 45 minutes and no changes
    ],
)
def test_zones_that_change_at_odd_times_count_real_hours(zone, day, hours):
    always = desk(zone, hours=[["00:00", "24:00"]], days=(*OFFICE, "sat", "sun"))
    only_that_day = desk(zone, hours=[], overrides={day: [["00:00", "24:00"]]})
    around = [datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=n) for n in (-3, 4)]
    assert only_that_day.elapsed(*around) == hours * HOUR
    assert always.elapsed(*around) == 7 * DAY


def test_the_hours_of_a_skipped_date_do_not_fall_on_the_next_one():
    samoa = desk("Pacific/Apia")
    seconds = samoa.elapsed(utc("2011-12-30T03:00"), utc("2011-12-31T10:00"))
    assert (
        seconds == 0
    )  # after closing on Thursday: Friday the 30th never came, and the 31st is a Saturday


# Pauses.


def test_a_pause_adds_its_open_time_and_nothing_else():
    pauses = paused(("2026-03-02T16:00", "2026-03-03T10:00"))
    assert desk().due(utc("2026-03-02T15:00"), 2 * HOUR, pauses) == utc("2026-03-03T11:00")
    assert desk().elapsed(utc("2026-03-02T15:00"), utc("2026-03-03T11:00"), pauses) == 2 * HOUR


def test_a_pause_outside_the_hours_changes_nothing():
    pauses = paused(("2026-03-06T17:00", "2026-03-09T09:00"))
    assert desk().due(utc("2026-03-06T16:00"), 2 * HOUR, pauses) == utc("2026-03-09T10:00")


def test_pauses_may_overlap_touch_and_come_in_any_order():
    pauses = paused(
        ("2026-03-02T11:00", "2026-03-02T13:00"),
        ("2026-03-02T10:00", "2026-03-02T12:00"),
        ("2026-03-02T13:00", "2026-03-02T14:00"),
        ("2026-03-02T10:30", "2026-03-02T10:30"),
    )
    assert desk().due(utc("2026-03-02T09:00"), 2 * HOUR, pauses) == utc("2026-03-02T15:00")
    assert desk().elapsed(utc("2026-03-02T09:00"), utc("2026-03-02T15:00"), pauses) == 2 * HOUR


def test_a_pause_before_the_start_or_after_the_due_instant_does_not_matter():
    pauses = paused(
        ("2026-03-01T00:00", "2026-03-02T09:30"),
        ("2026-03-02T11:00", "2026-03-02T12:00"),
        ("2027-03-02T11:00", "2027-03-02T12:00"),
    )
    assert desk().due(utc("2026-03-02T10:00"), HOUR, pauses) == utc("2026-03-02T11:00")


def test_a_start_within_a_pause_counts_from_its_end():
    pauses = paused(("2026-03-02T09:00", "2026-03-02T12:00"))
    assert desk().due(utc("2026-03-02T10:00"), HOUR, pauses) == utc("2026-03-02T13:00")
    assert desk().due(utc("2026-03-02T10:00"), 0, pauses) == utc("2026-03-02T12:00")


def test_pauses_count_backwards_too():
    pauses = paused(("2026-03-02T11:00", "2026-03-02T12:00"))
    assert desk().due(utc("2026-03-02T13:00"), -3 * HOUR, pauses) == utc("2026-03-02T09:00")
    assert desk().due(utc("2026-03-02T13:00"), -HOUR, pauses) == utc("2026-03-02T12:00")


def test_a_pause_that_ends_before_it_begins_is_refused():
    with pytest.raises(CalendarError, match="ends before it begins"):
        desk().due(utc("2026-03-02T13:00"), HOUR, paused(("2026-03-02T12:00", "2026-03-02T11:00")))


# Working days.


def test_a_target_in_days_skips_weekend_and_holiday():
    calendar = desk(holidays=["2026-03-09"])
    assert calendar.due_days(utc("2026-03-06T11:30:15"), 1) == utc("2026-03-10T11:30:15")
    assert calendar.due_days(utc("2026-03-10T11:30:15"), -1) == utc("2026-03-06T11:30:15")


def test_a_special_day_with_hours_is_a_working_day():
    calendar = desk(overrides={"2026-03-07": [["10:00", "14:00"]]})
    assert calendar.due_days(utc("2026-03-06T11:00"), 1) == utc("2026-03-07T11:00")


def test_the_end_of_the_working_day_is_its_last_closing():
    calendar = desk(hours=[["08:00", "12:00"], ["13:00", "18:00"]])
    friday = utc("2026-03-06T11:00")
    assert calendar.due_days(friday, 1, end_of_day=True) == utc("2026-03-09T18:00")
    assert calendar.due_days(friday, 0, end_of_day=True) == utc("2026-03-06T18:00")
    after_closing = utc("2026-03-06T19:00")
    assert calendar.due_days(after_closing, 0, end_of_day=True) == utc("2026-03-09T18:00")
    assert calendar.due_days(after_closing, 1, end_of_day=True) == utc("2026-03-09T18:00")


def test_no_days_at_all_is_the_next_open_instant():
    assert desk().due_days(utc("2026-03-07T11:00"), 0) == utc("2026-03-09T09:00")


def test_from_a_closed_day_the_same_wall_time_counts_on_working_days():
    assert desk().due_days(utc("2026-03-07T11:00"), 1) == utc("2026-03-09T11:00")


def test_wall_time_is_kept_across_a_clock_change_and_moves_out_of_the_gap():
    calendar = desk("Europe/Berlin", [["00:00", "24:00"]], days=(*OFFICE, "sat", "sun"))
    assert calendar.due_days(berlin("2026-03-27T10:00"), 3) == berlin("2026-03-30T10:00")
    assert calendar.due_days(berlin("2026-03-28T02:30"), 1) == berlin("2026-03-29T03:30")


def test_a_pause_over_the_weekend_adds_only_its_working_hours_to_a_target_in_days():
    pauses = paused(("2026-03-06T15:00", "2026-03-09T11:00"))
    assert desk().due_days(utc("2026-03-06T10:00"), 1, pauses=pauses) == utc("2026-03-09T14:00")


def test_pauses_push_a_target_in_days_one_after_the_other_and_only_before_it_is_due():
    pauses = paused(
        ("2026-03-02T12:00", "2026-03-02T14:00"),
        ("2026-03-03T11:00", "2026-03-03T13:00"),
        ("2026-03-03T16:00", "2026-03-03T17:00"),
    )
    assert desk().due_days(utc("2026-03-02T10:00"), 1, pauses=pauses) == utc("2026-03-03T14:00")


def test_a_short_pause_does_not_move_the_end_of_the_working_day():
    pauses = paused(("2026-03-02T12:00", "2026-03-02T14:00"))
    due = desk().due_days(utc("2026-03-02T10:00"), 1, end_of_day=True, pauses=pauses)
    assert due == utc("2026-03-03T17:00")


def test_a_pause_that_reaches_into_another_day_moves_the_end_of_the_working_day():
    pauses = paused(("2026-03-02T12:00", "2026-03-03T13:00"))
    due = desk().due_days(utc("2026-03-02T10:00"), 1, end_of_day=True, pauses=pauses)
    assert due == utc("2026-03-04T17:00")


def test_the_end_of_the_working_day_never_falls_into_a_pause():
    pauses = paused(("2026-03-03T15:00", "2026-03-04T10:00"))
    due = desk().due_days(utc("2026-03-02T10:00"), 1, end_of_day=True, pauses=pauses)
    assert due == utc("2026-03-04T17:00")


def test_a_pause_that_leads_to_midnight_ends_on_the_day_before():
    always = desk(hours=[["00:00", "24:00"]])
    pauses = paused(("2026-03-05T11:00", "2026-03-06T00:00"))
    due = always.due_days(utc("2026-03-05T11:00"), 1, end_of_day=True, pauses=pauses)
    assert due == utc("2026-03-07T00:00")  # 24:00 on Friday, and not on Monday


def test_pauses_are_taken_off_when_days_are_counted_backwards():
    pauses = paused(("2026-03-03T12:00", "2026-03-03T14:00"))
    assert desk().due_days(utc("2026-03-04T10:00"), -1, pauses=pauses) == utc("2026-03-02T16:00")
    pauses = paused(("2026-03-03T12:00", "2026-03-03T16:00"))
    assert desk().due_days(utc("2026-03-04T10:00"), -1, pauses=pauses) == utc("2026-03-02T14:00")
    end_of_day = desk().due_days(utc("2026-03-04T10:00"), -1, end_of_day=True, pauses=pauses)
    assert end_of_day == utc("2026-03-03T17:00")


def test_half_a_day_is_refused():
    with pytest.raises(CalendarError, match="whole days"):
        desk().due_days(utc("2026-03-02T10:00"), 1.5)


# The table grows by itself, and a calendar that never opens says so.


def test_far_dates_are_reached_in_both_directions():
    assert desk().due(utc("2150-03-02T10:00"), HOUR) == utc("2150-03-02T11:00")
    assert desk().due(utc("1850-03-04T10:00"), HOUR) == utc("1850-03-04T11:00")
    assert desk().due(utc("2026-03-02T10:00"), 100_000 * HOUR) > utc("2073-01-01T00:00")
    assert desk().next_open(utc("9997-12-27T10:00")).year == 9997


def test_a_mistyped_year_does_not_fill_the_memory():
    calendar = desk(holidays=["2026-03-02"])
    calendar.next_open(utc("2026-03-02T10:00"))
    calendar.next_open(utc("8026-03-02T10:00"))
    assert len(calendar._open._table.opens) < 1000
    assert calendar.next_open(utc("2026-03-02T10:00")) == utc("2026-03-03T09:00")


def test_years_python_does_not_know_are_refused():
    for year in (1, 9999):
        with pytest.raises(CalendarError, match="years 2 to 9998"):
            desk().next_open(datetime(year, 6, 1, tzinfo=UTC))
    with pytest.raises(CalendarError, match="years 2 to 9998"):
        desk().due(utc("9998-12-01T00:00"), 1000 * HOUR)


def test_a_calendar_without_any_hours_says_that_it_never_opens():
    closed = Calendar.from_dict({"tz": "Etc/UTC", "weekly": {}})
    at = utc("2026-03-02T10:00")
    for ask in (
        lambda: closed.due(at, HOUR),
        lambda: closed.due(at, -HOUR),
        lambda: closed.due(at, 0),
        lambda: closed.next_open(at),
        lambda: closed.previous_open(at),
        lambda: closed.due_days(at, 2),
        lambda: closed.due_days(at, -2),
        lambda: closed.due_many([at], HOUR),
        lambda: closed.explain(at, HOUR),
    ):
        with pytest.raises(CalendarError, match="never open"):
            ask()
    assert closed.elapsed(at, utc("2027-03-02T10:00")) == 0
    assert closed.elapsed_many([(at, utc("2027-03-02T10:00"))]) == [0.0]
    assert not closed.is_open(at)


def test_a_calendar_of_a_few_special_days_says_when_it_has_no_time_left():
    stocktaking = Calendar.from_dict(
        {"tz": "Etc/UTC", "overrides": {"2026-06-30": [["08:00", "20:00"]], "2026-12-31": []}}
    )
    assert stocktaking.due(utc("1999-01-01T00:00"), HOUR) == utc("2026-06-30T09:00")
    assert stocktaking.due(utc("2088-01-01T00:00"), -HOUR) == utc("2026-06-30T19:00")
    with pytest.raises(CalendarError, match="no open time after 2026-06-30"):
        stocktaking.due(utc("2026-06-30T08:00"), 13 * HOUR)
    with pytest.raises(CalendarError, match="no open time before 2026-06-30"):
        stocktaking.due(utc("2026-06-30T20:00"), -13 * HOUR)


def test_a_calendar_open_only_on_leap_sundays_is_still_found():
    months = {1: 31, 2: 28, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}
    rare = desk(
        days=["sun"],
        annual_holidays_mm_dd=[
            f"{month:02}-{day:02}" for month, last in months.items() for day in range(1, last + 1)
        ],
    )
    assert rare.next_open(utc("2076-01-01T00:00")) == utc("2088-02-29T09:00")
    assert rare.next_open(utc("2088-03-01T00:00")) == utc("2128-02-29T09:00")
    assert rare.previous_open(utc("2128-02-01T00:00")) == utc("2088-02-29T17:00")


def test_a_naive_instant_is_refused():
    with pytest.raises(CalendarError, match="says no time zone"):
        desk().due(datetime(2026, 3, 2, 10), HOUR)
    with pytest.raises(CalendarError, match="says no time zone"):
        desk().due_many([utc("2026-03-02T10:00"), datetime(2026, 3, 2, 10)], HOUR)


@pytest.mark.parametrize("seconds", [1e12, -1e12, float("nan"), float("inf")])
def test_a_target_of_more_than_a_hundred_years_is_a_mistaken_unit(seconds):
    with pytest.raises(CalendarError, match="Check the unit"):
        desk().due(utc("2026-03-02T10:00"), seconds)


# Many at once.


def test_many_due_dates_are_the_same_as_one_by_one():
    calendar = desk(
        "Europe/Berlin", [["08:00", "12:00"], ["13:00", "17:30"]], days=(*OFFICE, "sun")
    )
    first = datetime(2026, 1, 1, 0, 0, 0, 250_000, tzinfo=BERLIN)
    starts = [first + timedelta(minutes=37 * n) for n in range(30_000)]
    few = [(HOUR, 8 * HOUR, 40 * HOUR + 0.5)[n % 3] for n in range(len(starts))]
    many = [n + 0.5 for n in range(len(starts))]
    for targets in (few, many):
        one_by_one = [calendar.due(at, target) for at, target in zip(starts, targets, strict=True)]
        found = calendar.due_many(starts, targets)
        assert found == one_by_one
        assert all(due.tzinfo is UTC for due in found)
    assert calendar.due_many(starts, HOUR) == [calendar.due(at, HOUR) for at in starts]


def test_many_due_dates_before_the_first_opening_and_after_2106():
    once = Calendar.from_dict({"tz": "Etc/UTC", "overrides": {"2026-06-30": [["08:00", "20:00"]]}})
    early = [utc("2025-01-01T00:00")] * 1000
    assert once.due_many(early, 12 * HOUR) == [utc("2026-06-30T20:00")] * 1000
    assert once.due_many(early[:2], [1, 2.5]) == [
        utc("2026-06-30T08:00:01"),
        utc("2026-06-30T08:00:02.5"),
    ]
    late = utc("2400-03-02T10:00:00.000001")
    assert desk().due_many([late], [HOUR]) == [late + timedelta(hours=1)]


def test_many_due_dates_with_zero_and_negative_targets():
    starts = [utc("2026-03-02T18:00")] * 3
    assert desk().due_many(starts, [0, -HOUR, HOUR]) == [
        utc("2026-03-03T09:00"),
        utc("2026-03-02T16:00"),
        utc("2026-03-03T10:00"),
    ]


def test_many_that_use_their_target_up_exactly_at_closing_are_due_at_closing():
    starts = [utc("2026-03-02T13:00")] * 10_000
    assert set(desk().due_many(starts, 4 * HOUR)) == {utc("2026-03-02T17:00")}
    assert set(desk().due_many(starts, 12 * HOUR)) == {utc("2026-03-03T17:00")}


def test_nothing_to_do_is_done_at_once():
    assert desk().due_many([], HOUR) == []
    assert desk().elapsed_many([]) == []


def test_each_start_needs_its_target():
    with pytest.raises(CalendarError, match="2 starts and 1 targets"):
        desk().due_many([utc("2026-03-02T10:00")] * 2, [HOUR])


# Why is it due then?


def test_the_explanation_reads_like_a_timetable():
    calendar = desk(holidays=["2026-03-09"], overrides={"2026-03-10": [["09:00", "10:00"]]})
    steps = calendar.explain(
        utc("2026-03-06T15:00"),
        3 * HOUR,
        paused(("2026-03-06T16:00", "2026-03-06T16:30")),
    )
    assert [(str(step.since)[5:16], step.counted / HOUR, step.reason.value) for step in steps] == [
        ("03-06 15:00", 1.0, "open hours"),
        ("03-06 16:00", 0.0, "paused"),
        ("03-06 16:30", 0.5, "open hours"),
        ("03-06 17:00", 0.0, "closed"),
        ("03-09 00:00", 0.0, "holiday"),
        ("03-10 00:00", 0.0, "closed on a special day"),
        ("03-10 09:00", 1.0, "open hours"),
        ("03-10 10:00", 0.0, "closed on a special day"),
        ("03-11 00:00", 0.0, "closed"),
        ("03-11 09:00", 0.5, "open hours"),
    ]
    assert steps[-1].until == utc("2026-03-11T09:30")


def test_the_explanation_is_never_long_and_always_adds_up():
    steps = desk().explain(utc("2026-03-02T10:00"), 2000 * HOUR)
    assert len(steps) == SHOWN_STEPS
    assert sum(step.counted for step in steps) == 2000 * HOUR
    assert all(one.until == two.since for one, two in pairwise(steps))
    assert [step.reason for step in steps].count(Reason.SEVERAL) == 1


def test_the_explanation_of_a_target_backwards_ends_at_the_start():
    steps = desk().explain(utc("2026-03-03T10:00"), -2 * HOUR)
    assert [step.counted for step in steps] == [HOUR, 0, HOUR]
    assert steps[-1].until == utc("2026-03-03T10:00")


def test_nothing_needs_no_explanation():
    assert desk().explain(utc("2026-03-03T10:00"), 0) == []


# One specification, one calendar.


def test_the_same_specification_is_the_same_calendar():
    spec = {"tz": "Etc/UTC", "weekly": {"mon": [["9:00", "17:00"]]}}
    longer = {
        "overrides": {},
        "weekly": {"tue": [], "mon": [("09:00", "17:00:00")]},
        "holidays": [],
        "tz": "Etc/UTC",
    }
    assert Calendar.from_dict(spec) is Calendar.from_dict(dict(spec))
    assert Calendar.from_dict(spec) is Calendar.from_dict(longer)
    assert Calendar.from_dict(spec) != desk()
    assert len({Calendar.from_dict(spec), Calendar.from_dict(longer), desk()}) == 2


def test_a_calendar_gives_its_specification_back_and_survives_a_pickle():
    calendar = desk("Asia/Seoul", holidays=["2026-02-17"], overrides={"2026-02-18": []})
    assert Calendar.from_dict(calendar.spec) is calendar
    assert pickle.loads(pickle.dumps(calendar)) is calendar
    assert "Asia/Seoul" in repr(calendar)
    calendar.spec["holidays"].append("2026-02-19")
    assert calendar.spec["holidays"] == ["2026-02-17"]


def test_threads_may_grow_the_same_table():
    calendar = desk(holidays=["2026-01-01"])
    starts = [utc(f"{year}-03-02T10:00") for year in range(1990, 2060)]
    found = {}

    def ask(shift):
        for start in starts[shift:] + starts[:shift]:
            found[shift, start] = calendar.elapsed(start, start + timedelta(days=3000))

    threads = [threading.Thread(target=ask, args=(shift,)) for shift in range(0, 70, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 7 * 70
    assert all(found[shift, at] == found[0, at] for shift, at in found)


@pytest.mark.parametrize(
    ("spec", "advice"),
    [
        ([], "A calendar is a mapping"),
        ({}, "needs “tz”"),
        ({"tz": "Europe/Berln"}, "like “Europe/Berlin”"),
        ({"tz": "Europe"}, "no time zone “Europe”"),
        ({"tz": "../etc/passwd"}, "no time zone"),
        ({"tz": "Etc/UTC", "holliday": []}, "no key “holliday”.*holidays"),
        ({"tz": "Etc/UTC", "weekly": []}, "maps weekdays to hours"),
        ({"tz": "Etc/UTC", "weekly": {"monday": []}}, "mon, tue, wed"),
        ({"tz": "Etc/UTC", "weekly": {"mon": None}}, "weekly.mon needs a list"),
        ({"tz": "Etc/UTC", "weekly": {"mon": ["09:00", "17:00"]}}, "not a pair of times"),
        ({"tz": "Etc/UTC", "weekly": {"mon": [["22:00", "06:00"]]}}, "use two intervals"),
        ({"tz": "Etc/UTC", "weekly": {"mon": [["22:00", "00:00"]]}}, "Write 24:00"),
        ({"tz": "Etc/UTC", "weekly": {"mon": [["09:00", "09:00"]]}}, "00:00 to 24:00"),
        ({"tz": "Etc/UTC", "weekly": {"mon": [["09:00", "25:00"]]}}, "between 00:00 and 24:00"),
        ({"tz": "Etc/UTC", "weekly": {"mon": [["09:61", "17:00"]]}}, "between 00:00 and 24:00"),
        ({"tz": "Etc/UTC", "weekly": {"mon": [[540, 1020]]}}, "Write it as text"),
        ({"tz": "Etc/UTC", "holidays": "2026-12-24"}, "is a list of dates"),
        ({"tz": "Etc/UTC", "holidays": ["24.12.2026"]}, "Write it like “2026-12-24”"),
        ({"tz": "Etc/UTC", "holidays": ["2026-02-30"]}, "is not a date"),
        ({"tz": "Etc/UTC", "holidays": [date(2026, 12, 24)]}, "Write it like"),
        ({"tz": "Etc/UTC", "annual_holidays_mm_dd": ["02-30"]}, "like “12-25”"),
        ({"tz": "Etc/UTC", "annual_holidays_mm_dd": ["2026-12-25"]}, "like “12-25”"),
        ({"tz": "Etc/UTC", "overrides": []}, "maps dates to hours"),
        ({"tz": "Etc/UTC", "overrides": {"2026-12-24": "closed"}}, "overrides.2026-12-24 needs"),
    ],
)
def test_a_malformed_specification_is_refused_with_advice(spec, advice):
    with pytest.raises(CalendarError, match=advice):
        Calendar.from_dict(spec)


def test_a_refusal_can_be_translated():
    with pytest.raises(CalendarError) as refusal:
        Calendar.from_dict({"tz": "Etc/UTC", "weekly": {"mon": [["22:00", "06:00"]]}})
    assert refusal.value.template % refusal.value.facts == str(refusal.value)
    assert refusal.value.facts["since"] == "22:00"


def test_public_holidays_fill_a_calendar():
    bavaria = public_holidays("de", "BY", range(2026, 2028))
    assert date(2026, 1, 6) in bavaria
    assert date(2026, 1, 6) not in public_holidays("DE", None, [2026])
    calendar = desk("Europe/Berlin", holidays=[str(day) for day in bavaria])
    assert calendar.next_open(berlin("2026-01-06T10:00")) == berlin("2026-01-07T09:00")


def test_an_unknown_country_is_refused():
    with pytest.raises(CalendarError, match="no list of public holidays for “XX-Y”"):
        public_holidays("XX", "Y", [2026])
