"""Lengths of time as the catalogue writes them: P12M, P30D, PT4H."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.utils.translation import ngettext

PATTERN = re.compile(
    r"P(?=.)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)


@dataclass(frozen=True, order=True)
class Duration:
    """Months and an exact length beside them, because a month is not a number of days."""

    months: int = 0
    exact: timedelta = timedelta()

    @classmethod
    def parse(cls, text: str) -> Self:
        match = PATTERN.fullmatch(text)
        if not match:
            raise ValueError(f"{text!r} is not a duration: write one such as P12M, P30D or PT4H.")
        part = {name: int(number or 0) for name, number in match.groupdict().items()}
        return cls(
            months=part["years"] * 12 + part["months"],
            exact=timedelta(
                weeks=part["weeks"],
                days=part["days"],
                hours=part["hours"],
                minutes=part["minutes"],
                seconds=part["seconds"],
            ),
        )

    def before(self, at: datetime) -> datetime:
        """The instant this long before `at`; 31 March less a month is the last of February."""
        year, month = divmod(at.year * 12 + at.month - 1 - self.months, 12)
        day = min(at.day, calendar.monthrange(year, month + 1)[1])
        return at.replace(year=year, month=month + 1, day=day) - self.exact

    def until(self, at: datetime) -> timedelta:
        """How long it is when it ends at `at`."""
        return at - self.before(at)

    def __str__(self) -> str:
        days, rest = self.exact.days, self.exact.seconds
        date = (f"{self.months}M" if self.months else "") + (f"{days}D" if days else "")
        hours, rest = divmod(rest, 3600)
        minutes, seconds = divmod(rest, 60)
        time = "".join(
            f"{number}{letter}"
            for number, letter in ((hours, "H"), (minutes, "M"), (seconds, "S"))
            if number
        )
        return "P" + date + (f"T{time}" if time else "") if date or time else "PT0S"

    @property
    def words(self) -> str:
        """As people say it: 12 months, 30 days."""
        hours, rest = divmod(self.exact.seconds, 3600)
        minutes = rest // 60
        parts = [
            ngettext("%(n)s month", "%(n)s months", self.months) % {"n": self.months}
            if self.months
            else "",
            ngettext("%(n)s day", "%(n)s days", self.exact.days) % {"n": self.exact.days}
            if self.exact.days
            else "",
            ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours} if hours else "",
            ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes} if minutes else "",
        ]
        return " ".join(part for part in parts if part)
