"""Opening hours as an organization writes them down: read, checked and put into one form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KEYS = ("tz", "weekly", "holidays", "annual_holidays_mm_dd", "overrides")
DAY = 86_400

# Seconds since local midnight, from and to: [("09:00", "17:00")] is ((32400, 61200),).
Spans = tuple[tuple[int, int], ...]


def gettext_noop(text: str) -> str:
    """Mark a text for translation; translating is left to whoever shows it."""
    return text


class CalendarError(ValueError):
    """A refusal that says what to do; `template` and `facts` are there for translating it."""

    def __init__(self, template: str, **facts: object) -> None:
        super().__init__(template % facts)
        self.template = template
        self.facts = facts


class DayKind(StrEnum):
    """Why a day has the hours it has."""

    WEEKLY = "weekly"
    HOLIDAY = "holiday"
    SPECIAL = "special"


@dataclass(frozen=True)
class Hours:
    """The hours of every day there is, in local time; equal when they say the same."""

    canonical: str
    zone: ZoneInfo = field(compare=False)
    weekly: tuple[Spans, ...] = field(compare=False)
    holidays: frozenset[date] = field(compare=False)
    yearly: frozenset[tuple[int, int]] = field(compare=False)
    special: Mapping[date, Spans] = field(compare=False)

    def on(self, day: date) -> tuple[DayKind, Spans]:
        """The local hours of a day; a special day outranks a holiday, a holiday the week."""
        if day in self.special:
            return DayKind.SPECIAL, self.special[day]
        if day in self.holidays or (day.month, day.day) in self.yearly:
            return DayKind.HOLIDAY, ()
        return DayKind.WEEKLY, self.weekly[day.weekday()]

    def spans(self, day: date) -> Spans:
        """The hours of a day as seconds since 1970 in UTC."""
        return self.spans_within(day, self.instant(day, 0), self.instant(day, DAY))

    def spans_within(self, day: date, midnight: int, tomorrow: int) -> Spans:
        """The same for somebody who already knows when the day begins and ends."""
        _, local = self.on(day)
        if not local:
            return ()
        if tomorrow - midnight == DAY:
            return tuple((midnight + opening, midnight + closing) for opening, closing in local)
        spans: list[tuple[int, int]] = []
        past = midnight
        for opening, closing in local:
            # In the hours around a clock change two spans may meet, or one may vanish.
            since = max(past, self.instant(day, opening))
            until = min(tomorrow, self.instant(day, closing))
            if since < until:
                spans.append((since, until))
                past = until
        return tuple(spans)

    def instant(self, day: date, seconds: int) -> int:
        """A local time as seconds since 1970 in UTC.

        A time inside the gap of spring moves forward by the gap; of a time that comes twice in
        autumn the first one counts. Both are what the standard library does with fold=0.
        """
        if seconds == DAY:
            day, seconds = day + timedelta(days=1), 0
        minutes, second = divmod(seconds, 60)
        hour, minute = divmod(minutes, 60)
        moment = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=self.zone)
        return int(moment.timestamp())

    @property
    def dated_years(self) -> tuple[int, int] | None:
        """The first and last year named by a date; outside them the years repeat themselves."""
        years = [day.year for day in (*self.holidays, *self.special)]
        return (min(years), max(years)) if years else None


def read(spec: object) -> Hours:
    """Read a specification, or refuse it with a sentence that says what to write instead."""
    if not isinstance(spec, Mapping):
        raise CalendarError(
            gettext_noop("A calendar is a mapping with the keys %(keys)s."), keys=", ".join(KEYS)
        )
    for key in spec:
        if key not in KEYS:
            raise CalendarError(
                gettext_noop("A calendar has no key “%(key)s”. It may have %(keys)s."),
                key=key,
                keys=", ".join(KEYS),
            )
    weekly = _read_week(spec.get("weekly", {}))
    holidays = frozenset(_read_date(text, "holidays") for text in _list(spec, "holidays"))
    yearly = frozenset(_read_yearly(text) for text in _list(spec, "annual_holidays_mm_dd"))
    overrides = spec.get("overrides", {})
    if not isinstance(overrides, Mapping):
        raise CalendarError(
            gettext_noop("“overrides” maps dates to hours, for example %(example)s."),
            example='{"2026-12-24": [["09:00", "12:00"]], "2026-12-31": []}',
        )
    special = {
        _read_date(text, "overrides"): _read_spans(spans, f"overrides.{text}")
        for text, spans in overrides.items()
    }
    zone = _read_zone(spec.get("tz"))
    return Hours(
        canonical=_canonical(zone, weekly, holidays, yearly, special),
        zone=zone,
        weekly=weekly,
        holidays=holidays,
        yearly=yearly,
        special=special,
    )


def _canonical(
    zone: ZoneInfo,
    weekly: tuple[Spans, ...],
    holidays: frozenset[date],
    yearly: frozenset[tuple[int, int]],
    special: Mapping[date, Spans],
) -> str:
    return json.dumps(
        {
            "tz": zone.key,
            "weekly": {
                name: _write_spans(spans) for name, spans in zip(WEEKDAYS, weekly, strict=True)
            },
            "holidays": sorted(day.isoformat() for day in holidays),
            "annual_holidays_mm_dd": sorted(f"{month:02}-{day:02}" for month, day in yearly),
            "overrides": {
                day.isoformat(): _write_spans(spans) for day, spans in sorted(special.items())
            },
        }
    )


def _read_zone(name: object) -> ZoneInfo:
    if not isinstance(name, str) or not name:
        raise CalendarError(
            gettext_noop("A calendar needs “tz”, the name of its time zone, like “Europe/Berlin”.")
        )
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    guesses = get_close_matches(name, available_timezones(), n=1)
    raise CalendarError(
        gettext_noop("There is no time zone “%(name)s”. Write a name like “%(guess)s”."),
        name=name,
        guess=guesses[0] if guesses else "Europe/Berlin",
    )


def _read_week(weekly: object) -> tuple[Spans, ...]:
    if not isinstance(weekly, Mapping):
        raise CalendarError(
            gettext_noop("“weekly” maps weekdays to hours, for example %(example)s."),
            example='{"mon": [["09:00", "17:00"]]}',
        )
    for name in weekly:
        if name not in WEEKDAYS:
            raise CalendarError(
                gettext_noop("“%(name)s” is not a weekday. Write one of %(names)s."),
                name=name,
                names=", ".join(WEEKDAYS),
            )
    return tuple(_read_spans(weekly.get(name, []), f"weekly.{name}") for name in WEEKDAYS)


def _read_spans(spans: object, where: str) -> Spans:
    if not isinstance(spans, list | tuple):
        raise CalendarError(
            gettext_noop("%(where)s needs a list of hours: %(example)s, or [] for closed."),
            where=where,
            example='[["09:00", "17:00"]]',
        )
    merged: list[tuple[int, int]] = []
    for since, until in sorted(_read_span(span, where) for span in spans):
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until))
        else:
            merged.append((since, until))
    return tuple(merged)


def _read_span(span: object, where: str) -> tuple[int, int]:
    if not isinstance(span, list | tuple) or len(span) != 2:
        raise CalendarError(
            gettext_noop("%(where)s: “%(span)s” is not a pair of times. Write %(example)s."),
            where=where,
            span=span,
            example='["09:00", "17:00"]',
        )
    since, until = (_read_time(text, where) for text in span)
    if since < until:
        return since, until
    facts = {"where": where, "since": span[0], "until": span[1]}
    if since == until:
        raise CalendarError(
            gettext_noop(
                "%(where)s: %(since)s to %(until)s has no length. Leave it out for closed, "
                "or write 00:00 to 24:00 for the whole day."
            ),
            **facts,
        )
    if until == 0:
        raise CalendarError(
            gettext_noop(
                "%(where)s: %(since)s to %(until)s ends before it starts. "
                "Write 24:00 for the end of the day."
            ),
            **facts,
        )
    raise CalendarError(
        gettext_noop(
            "%(where)s: %(since)s to %(until)s ends before it starts. Hours do not run over "
            "midnight, so use two intervals: %(since)s to 24:00 on this day and 00:00 to %(until)s "
            "on the next."
        ),
        **facts,
    )


def _read_time(text: object, where: str) -> int:
    match = isinstance(text, str) and re.fullmatch(r"(\d{1,2}):(\d\d)(?::(\d\d))?", text)
    if match:
        hour, minute, second = (int(part or 0) for part in match.groups())
        seconds = hour * 3600 + minute * 60 + second
        if minute < 60 and second < 60 and seconds <= DAY:
            return seconds
    raise CalendarError(
        gettext_noop(
            "%(where)s: “%(text)s” is not a time of day. Write it as text between 00:00 and 24:00, "
            "for example “08:30”."
        ),
        where=where,
        text=text,
    )


def _write_spans(spans: Spans) -> list[list[str]]:
    return [[_write_time(since), _write_time(until)] for since, until in spans]


def _write_time(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{second:02}" if second else text


def _list(spec: Mapping[Any, object], key: str) -> list[object]:
    value = spec.get(key, [])
    if not isinstance(value, list | tuple):
        raise CalendarError(gettext_noop("“%(key)s” is a list of dates, or [] for none."), key=key)
    return list(value)


def _read_date(text: object, where: str) -> date:
    try:
        if isinstance(text, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise CalendarError(
        gettext_noop("%(where)s: “%(text)s” is not a date. Write it like “2026-12-24”."),
        where=where,
        text=text,
    )


def _read_yearly(text: object) -> tuple[int, int]:
    try:
        if isinstance(text, str) and re.fullmatch(r"\d\d-\d\d", text):
            day = date.fromisoformat(f"2000-{text}")  # a leap year, so that 02-29 may be named
            return day.month, day.day
    except ValueError:
        pass
    raise CalendarError(
        gettext_noop(
            "annual_holidays_mm_dd: “%(text)s” is not a day of the year. "
            "Write month and day like “12-25”."
        ),
        text=text,
    )
