"""The small things a page repeats: badges, people, times, references. Also usable from Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import phrases
from .icons import icon, priority_icon, progress_icon
from .markup import html

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

TONES = ("new", "active", "waiting", "done", "closed", "stopped", "alert")
"""What a state can mean to the eye; the word beside it says which state it is."""

VERDICTS: dict[str, StrOrPromise] = {
    "met": gettext_lazy("Conforming"),
    "partly": gettext_lazy("Partly conforming"),
    "gap": gettext_lazy("Nonconforming"),
    "not_yet_due": gettext_lazy("Not yet due"),
    "no_occurrence": gettext_lazy("Not exercised"),
    "no_data": gettext_lazy("No data"),
    "awaiting": gettext_lazy("Awaiting judgement"),
    "not_computed": gettext_lazy("Not yet computed"),
}

RESULTS = {
    "conforming": "met",
    "partly_conforming": "partly",
    "nonconforming": "gap",
    "not_exercised": "no_occurrence",
    "awaiting_judgement": "awaiting",
    "not_yet_computed": "not_computed",
}
"""Results in the words of the statement, and the verdict each is shown as."""

NOTHING = mark_safe('<span class="faint">–</span>')
"""Shown where there is no value; a dash says that none was forgotten."""


@dataclass(frozen=True, kw_only=True)
class Clock:
    """A clock as a chip shows it. `share` is the part of the target used up, from 0 to 1."""

    label: StrOrPromise
    standing: Literal["running", "soon", "late", "paused", "met", "missed"]
    seconds: float
    """What is left while it runs, what was used when met, by how much when late or missed."""
    target: float = 0
    due: datetime | None = None
    share: float = 0
    url: str = ""


def state(label: StrOrPromise, tone: str = "", share: float | None = None) -> SafeString:
    """The state of a record: a round glyph and its word. `share` tells how far along it is."""
    tone = tone or "active"
    if tone not in TONES:
        raise LookupError(f"There is no tone {tone!r}: use one of {', '.join(TONES)}.")
    if share is not None and tone == "active":
        return html(STATE, tone, progress_icon(share), label)
    return _state(str(label), tone)


STATE = '<span class="state" data-tone="{}">{}<span>{}</span></span>'


# Typed, for a text that is marked up equals the same one that is not, and only one is escaped.
@lru_cache(maxsize=1024, typed=True)
def _state(label: str, tone: str) -> SafeString:
    """Kept: there are few, and each is shown in row after row."""
    return html(STATE, tone, icon("state-" + tone), label)


def verdict_key(result: str) -> str:
    """The verdict that a result of the statement is shown as."""
    key = result.replace(" ", "_")
    key = RESULTS.get(key, key)
    if key not in VERDICTS:
        raise LookupError(f"There is no verdict {result!r}: use one of {', '.join(VERDICTS)}.")
    return key


def verdict(
    result: str, label: StrOrPromise = "", *, pill: bool = False, compact: bool = False
) -> SafeString:
    """A verdict: a square glyph and its word. Compact leaves the word to readers of the screen."""
    key = verdict_key(result)
    word = label or VERDICTS[key]
    if compact:
        return html(
            '<span class="verdict compact" data-verdict="{}" title="{}">{}</span>',
            key,
            word,
            icon("verdict-" + key, str(word)),
        )
    return html(
        '<span class="verdict{}" data-verdict="{}">{}<span>{}</span></span>',
        " pill" if pill else "",
        key,
        icon("verdict-" + key),
        word,
    )


def initials(name: str) -> str:
    """Two letters for a name written in letters, the first sign for one that is not."""
    words = [word for word in name.replace(".", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    if ord(words[0][0]) > 0x2E80:
        return words[0][0]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def person(who: Any, url: str = "", *, face: bool = False) -> SafeString:
    """Somebody by name; nobody is said in words."""
    if not who:
        return html('<span class="person faint">{}</span>', _("Nobody yet"))
    name = str(who)
    sign = (
        html('<span class="initials" aria-hidden="true">{}</span>', initials(name)) if face else ""
    )
    if url:
        return html('<a class="person" href="{}">{}{}</a>', url, sign, name)
    return html('<span class="person">{}{}</span>', sign, name)


RELATIVE, NO_MARK = mark_safe(' class="relative"'), mark_safe("")
_FORMS: dict[str, Callable[[datetime], str]] = {
    "exact": phrases.exact,
    "both": phrases.exact,
    "day": phrases.day,
    "hour": phrases.hour,
}


def moment(
    at: date | None, form: str = "relative", now: datetime | None = None, *, empty: str = "–"
) -> SafeString:
    """A time: relative, exact, both, day, or hour. The exact instant is always in the title."""
    if at is None:
        return html('<span class="faint">{}</span>', empty)
    if not isinstance(at, datetime):
        return html('<time datetime="{}">{}</time>', phrases.machine(at), phrases.day(at))
    if form == "relative":
        # What is relative on the screen is printed as the exact instant; paper does not move on.
        kind, said = RELATIVE, phrases.relative(at, now or timezone.now())
    elif form in _FORMS:
        kind, said = NO_MARK, _FORMS[form](at)
    else:
        forms = ", ".join(("relative", *_FORMS))
        raise LookupError(f"There is no form {form!r} of a time: use one of {forms}.")
    tag = html(
        '<time{} datetime="{}" title="{}">{}</time>',
        kind,
        phrases.machine(at),
        phrases.exact(at, zone=True),
        said,
    )
    if form == "both":
        ago = phrases.relative(at, now or timezone.now())
        if ago == phrases.day(at):
            return tag
        return html('{} <span class="faint">({})</span>', tag, ago)
    return tag


def duration(seconds: Any) -> str:
    """A length of time in its two largest units."""
    return phrases.duration(seconds)


_CLOCK_WORDS = {
    "running": gettext_lazy("%(clock)s in %(time)s"),
    "soon": gettext_lazy("%(clock)s in %(time)s"),
    "late": gettext_lazy("%(clock)s late by %(time)s"),
    "paused": gettext_lazy("%(clock)s paused, %(time)s left"),
    "met": gettext_lazy("%(clock)s met, %(time)s of %(target)s"),
    "missed": gettext_lazy("%(clock)s missed by %(time)s"),
}
_CLOCK_BRIEF = {
    "running": gettext_lazy("in %(time)s"),
    "soon": gettext_lazy("in %(time)s"),
    "late": gettext_lazy("late by %(time)s"),
    "paused": gettext_lazy("paused, %(time)s left"),
    "met": gettext_lazy("met"),
    "missed": gettext_lazy("missed by %(time)s"),
}
_DUE_WORDS = {
    "running": gettext_lazy("Due in %(time)s"),
    "soon": gettext_lazy("Due in %(time)s"),
    "late": gettext_lazy("Late by %(time)s"),
    "paused": gettext_lazy("Paused, %(time)s left"),
    "met": gettext_lazy("Met, %(time)s of %(target)s"),
    "missed": gettext_lazy("Missed by %(time)s"),
}
_CLOCK_ICONS = {"late": "alert", "paused": "state-waiting", "met": "tick", "missed": "close"}


def clock(
    chip: Clock | None, *, with_due: bool = False, brief: bool = False, now: datetime | None = None
) -> SafeString:
    """A clock: what is due, how long is left, and a ring that closes as the time is used up.

    Brief leaves out which clock it is, for a column that says so; a clock without a label is what
    the record itself is due by.
    """
    if chip is None:
        return NOTHING
    said = _CLOCK_BRIEF if brief else _CLOCK_WORDS if chip.label else _DUE_WORDS
    words = str(said[chip.standing]) % {
        "clock": chip.label,
        "time": phrases.duration(chip.seconds),
        "target": phrases.duration(chip.target),
    }
    sign = icon(_CLOCK_ICONS[chip.standing]) if chip.standing in _CLOCK_ICONS else ring(chip.share)
    due: str | SafeString = ""
    if with_due and chip.due:
        # A due time of today needs no date.
        today = timezone.localdate(chip.due) == timezone.localdate(now)
        due = html(
            ' <span class="faint">{}</span>',
            _("(due %(when)s)")
            % {"when": phrases.hour(chip.due) if today else phrases.exact(chip.due)},
        )
    title = phrases.exact(chip.due, zone=True) if chip.due else ""
    body = html("{}<span>{}{}</span>", sign, words, due)
    if chip.url:
        return html(
            '<a class="clock" data-clock="{}" href="{}" title="{}">{}</a>',
            chip.standing,
            chip.url,
            title,
            body,
        )
    return html(
        '<span class="clock" data-clock="{}" title="{}">{}</span>', chip.standing, title, body
    )


def ring(share: float) -> SafeString:
    """A ring of which `share` is closed."""
    round_ = 2 * 3.14159 * 5.5
    used = round_ * min(max(share, 0.0), 1.0)
    return html(
        '<svg class="ring" viewBox="0 0 14 14" aria-hidden="true">'
        '<circle class="track" cx="7" cy="7" r="5.5"/>'
        '<circle class="used" cx="7" cy="7" r="5.5" transform="rotate(-90 7 7)"'
        ' stroke-dasharray="{} {}"/></svg>',
        f"{used:.1f}",
        f"{round_:.1f}",
    )


def ref(number: str, url: str = "", title: StrOrPromise = "") -> SafeString:
    """The reference of a record, as a link that works for ever."""
    address = url or f"/r/{number}"
    if title:
        return html('<a class="ref" href="{}" title="{}">{}</a>', address, title, number)
    return html('<a class="ref" href="{}">{}</a>', address, number)


def clause(
    number: str, url: str = "", title: StrOrPromise = "", quarter: str = "", result: str = ""
) -> SafeString:
    """A clause of the standard by its number, with its verdict where one is known."""
    key = verdict_key(result) if result else ""
    inside = html(
        "{}<span>{}</span>{}",
        icon("verdict-" + key) if key else "",
        number,
        html('<span class="unseen">{}</span>', VERDICTS[key]) if key else "",
    )
    marks = html(
        "{}{}{}",
        html(' data-quarter="{}"', quarter) if quarter else "",
        html(' data-verdict="{}"', key) if key else "",
        html(' title="{}"', title) if title else "",
    )
    if url:
        return html('<a class="clause" href="{}"{}>{}</a>', url, marks, inside)
    return html('<span class="clause"{}>{}</span>', marks, inside)


def priority(level: int | None, label: StrOrPromise = "") -> SafeString:
    """A priority from 1, the most urgent, to 4: bars and a word."""
    if not level:
        return NOTHING
    word = label or _("P%(level)d") % {"level": level}
    return html(
        '<span class="priority" data-level="{}">{}<span>{}</span></span>',
        level,
        priority_icon(min(level, 5)),
        word,
    )


def yes_no(value: bool | None) -> SafeString:
    """An answer in words; a missing one is not a no."""
    if value is None:
        return NOTHING
    return mark_safe(str(_("Yes")) if value else str(_("No")))
