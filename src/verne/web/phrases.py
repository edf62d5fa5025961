"""Times, durations and numbers, said in the reader's language and time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from django.utils import dateformat, formats, timezone
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

MINUTE, HOUR, DAY = 60, 3600, 86400


def exact(at: datetime, *, zone: bool = False) -> str:
    """The instant as the reader's wall clock shows it."""
    minute = at.replace(second=0, microsecond=0)
    return _exact(minute, zone, timezone.get_current_timezone_name(), get_language())


@lru_cache(maxsize=8192)
def _exact(at: datetime, zone: bool, time_zone: str, language: str | None) -> str:
    """Kept, because a list says many instants, of which many lie in the same minutes."""
    local = timezone.localtime(at)
    pattern = (
        pgettext("date, time and zone, in Django's date format", "j M Y, H:i T")
        if zone
        else pgettext("date and time, in Django's date format", "j M Y, H:i")
    )
    return dateformat.format(local, pattern)


def day(at: date) -> str:
    """The date alone."""
    local = timezone.localtime(at).date() if isinstance(at, datetime) else at
    return _day(local, get_language())


@lru_cache(maxsize=4096)
def _day(local: date, language: str | None) -> str:
    return dateformat.format(local, pgettext("date, in Django's date format", "j M Y"))


def weekday(at: date) -> str:
    """The date with its day of the week, as the heading of a day in a timeline."""
    local = timezone.localtime(at) if isinstance(at, datetime) else at
    return dateformat.format(local, pgettext("day of a timeline, in Django's format", "l, j M Y"))


def hour(at: datetime) -> str:
    """The time of day alone."""
    return dateformat.format(timezone.localtime(at), pgettext("time of day", "H:i"))


def relative(at: datetime, now: datetime) -> str:
    """How long ago or how soon; beyond two weeks people think in dates."""
    seconds = (at - now).total_seconds()
    ahead, away = seconds > 0, abs(seconds)
    if away < 45:
        return _("just now") if not ahead else _("in a moment")
    if away < HOUR - 30:
        number = max(1, round(away / MINUTE))
        return (_("in %(number)d min") if ahead else _("%(number)d min ago")) % {"number": number}
    if away < DAY:
        number = max(1, round(away / HOUR))
        return (_("in %(number)d h") if ahead else _("%(number)d h ago")) % {"number": number}
    number = max(1, round(away / DAY))
    if number > 14:
        return day(at)
    if ahead:
        return ngettext("in %(number)d day", "in %(number)d days", number) % {"number": number}
    return ngettext("%(number)d day ago", "%(number)d days ago", number) % {"number": number}


def duration(length: float | timedelta) -> str:
    """The two largest units, which is as much as anybody acts on."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    whole = abs(int(seconds))
    if whole < MINUTE:
        return _("%(seconds)d s") % {"seconds": whole}
    if whole < HOUR:
        return _("%(minutes)d m") % {"minutes": whole // MINUTE}
    hours, minutes = whole // HOUR, whole % HOUR // MINUTE
    if hours < 48:
        if not minutes:
            return _("%(hours)d h") % {"hours": hours}
        return _("%(hours)d h %(minutes)d m") % {"hours": hours, "minutes": minutes}
    days, hours = divmod(hours, 24)
    if not hours:
        return _("%(days)d d") % {"days": days}
    return _("%(days)d d %(hours)d h") % {"days": days, "hours": hours}


def number(value: float, places: int | None = None) -> str:
    """A number with the separators of the reader's language."""
    return formats.number_format(value, decimal_pos=places, use_l10n=True, force_grouping=True)


def percent(share: float) -> str:
    """A share between 0 and 1 as a percentage. Only the whole is called 100 %."""
    whole = int(share * 100) if share > 0.99 else round(share * 100)
    return _("%(number)s %%") % {"number": number(whole)}


def machine(at: date) -> str:
    """The instant for programs, in UTC."""
    if isinstance(at, datetime):
        return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return at.isoformat()
