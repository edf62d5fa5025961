"""Service hours: named calendars in versions, shown to people before they count."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from verne.engine import clock
from verne.engine.acts import act
from verne.engine.calendar import Calendar, CalendarError, public_holidays
from verne.engine.calendars import CalendarVersion, ServiceCalendar
from verne.engine.clock import Clock
from verne.engine.hours import WEEKDAYS as DAYS
from verne.engine.hours import read
from verne.engine.jobs import later
from verne.engine.listing import bounded_count
from verne.engine.people import Person

from ... import phrases
from ...jobs import count_clocks_anew
from ...parts import Action, RecordForm
from ...zones import ZoneField
from ..common import person_of
from .common import header, needs

AT_ONCE = 100
"""Open clocks that are computed anew while somebody waits; more than that in the background."""

PREVIEWED = 7
"""Days shown before a version counts."""

EXAMPLE = "09:00-12:00, 13:00-17:30"


# --- Reading what people write -------------------------------------------------------------------


def read_hours(text: str) -> list[list[str]]:
    """`09:00-12:00, 13:00-17:30` as a specification has it; empty is closed."""
    spans = []
    for piece in re.split(r"[,;]", text):
        if not piece.strip():
            continue
        match = re.fullmatch(r"\s*(\d{1,2}:\d\d)\s*(?:-|–|to)\s*(\d{1,2}:\d\d)\s*", piece)
        if match is None:
            raise ValidationError(
                _("“%(text)s” is not a span of hours: write it like %(example)s.")
                % {"text": piece.strip(), "example": EXAMPLE}
            )
        spans.append([match[1], match[2]])
    return spans


def write_hours(spans: Iterable[Iterable[str]]) -> str:
    return ", ".join("-".join(span) for span in spans)


def read_days(text: str) -> list[str]:
    """Dates, one a line; what follows a date on its line is a remark."""
    days = []
    for line in text.splitlines():
        if line.strip():
            day, _space, _remark = line.strip().partition(" ")
            days.append(day)
    return days


def read_special(text: str) -> dict[str, list[list[str]]]:
    """`2026-12-24 09:00-12:00`, a line each; a date alone is closed."""
    special: dict[str, list[list[str]]] = {}
    for line in text.splitlines():
        if line.strip():
            day, _space, hours = line.strip().partition(" ")
            special[day] = read_hours(hours)
    return special


class VersionForm(forms.Form):
    """The hours of a week, and the days that differ."""

    tz = ZoneField(label=gettext_lazy("Time zone"))
    valid_from = forms.DateTimeField(
        label=gettext_lazy("Valid from"),
        help_text=gettext_lazy("Versions before this one keep counting for what was due then."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    holidays = forms.CharField(
        label=gettext_lazy("Holidays"),
        required=False,
        help_text=gettext_lazy("Closed on these dates, one a line: 2026-12-25 Christmas"),
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    yearly = forms.CharField(
        label=gettext_lazy("Holidays of every year"),
        required=False,
        help_text=gettext_lazy("Month and day, one a line: 12-25"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    special = forms.CharField(
        label=gettext_lazy("Special days"),
        required=False,
        help_text=gettext_lazy(
            "Days with hours of their own, one a line: 2026-12-24 09:00-12:00. A date alone is "
            "closed. They outrank holidays."
        ),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    country = forms.CharField(
        label=gettext_lazy("Add public holidays of"),
        required=False,
        max_length=10,
        help_text=gettext_lazy(
            "A country or a part of it, such as KR, DE or DE-BY. They are added to the holidays "
            "above, this year and the next two, for you to check."
        ),
    )
    reproject = forms.BooleanField(
        label=gettext_lazy("Compute the due times of open clocks anew"),
        required=False,
        initial=True,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        week = {
            f"day_{key}": forms.CharField(
                label=capfirst(str(WEEKDAYS[number])),
                required=False,
                max_length=120,
                widget=forms.TextInput(attrs={"placeholder": pgettext("hours", "closed")}),
            )
            for number, key in enumerate(DAYS)
        }
        week["day_mon"].help_text = _("Such as %(example)s; 24:00 is the end of the day.") % {
            "example": EXAMPLE
        }
        rest = dict(self.fields)
        self.fields.clear()
        for name in ("tz", "valid_from"):
            self.fields[name] = rest.pop(name)
        self.fields.update(week)
        self.fields.update(rest)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        weekly: dict[str, list[list[str]]] = {}
        for key in DAYS:
            try:
                weekly[key] = read_hours(said.get(f"day_{key}") or "")
            except ValidationError as error:
                self.add_error(f"day_{key}", error)
        try:
            special = read_special(said.get("special") or "")
        except ValidationError as error:
            self.add_error("special", error)
            special = {}
        if self.errors:
            return said
        spec = {
            "tz": said["tz"],
            "weekly": weekly,
            "holidays": read_days(said.get("holidays") or ""),
            "annual_holidays_mm_dd": read_days(said.get("yearly") or ""),
            "overrides": special,
        }
        try:
            said["spec"] = Calendar.from_dict(spec).spec
        except CalendarError as error:
            raise ValidationError(_(error.template) % error.facts) from error
        return said


def initial_of(version: CalendarVersion | None) -> dict[str, Any]:
    """A version as the form shows it; without one, usual office hours."""
    spec: dict[str, Any] = {
        "tz": timezone.get_current_timezone_name(),
        "weekly": {day: [["09:00", "17:00"]] for day in DAYS[:5]},
    }
    if version is not None:
        spec = version.hours.spec
    start = timezone.localtime().replace(second=0, microsecond=0)
    return {
        "tz": spec["tz"],
        "valid_from": start,
        "holidays": "\n".join(spec.get("holidays", ())),
        "yearly": "\n".join(spec.get("annual_holidays_mm_dd", ())),
        "special": "\n".join(
            f"{day} {write_hours(spans)}".strip()
            for day, spans in sorted(spec.get("overrides", {}).items())
        ),
        **{f"day_{day}": write_hours(spec["weekly"].get(day, ())) for day in DAYS},
    }


# --- Showing -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DayShown:
    """One day of the preview: its date, its hours, and why there are none."""

    label: str
    hours: str
    why: str


WHY = {
    "holiday": gettext_lazy("holiday"),
    "special": gettext_lazy("special day"),
    "weekly": "",
}


def preview(
    calendar: Calendar, *, days: int = PREVIEWED, first: date | None = None
) -> list[DayShown]:
    """The open hours of the next days, in the calendar's own time zone."""
    hours = read(calendar.spec)
    start = first or datetime.now(UTC).astimezone(hours.zone).date()
    shown = []
    for offset in range(days):
        day = start + timedelta(days=offset)
        kind, spans = hours.on(day)
        said = ", ".join(f"{_clock(since)}–{_clock(until)}" for since, until in spans)
        why = WHY[kind.value]
        said = said or pgettext("hours", "closed")
        shown.append(DayShown(label=phrases.weekday(day), hours=said, why=str(why)))
    return shown


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds % 3600 // 60:02}"


# --- Pages ---------------------------------------------------------------------------------------


@needs("calendars")
def calendars(request: HttpRequest) -> HttpResponse:
    new = Action(
        label=_("New calendar"),
        url="/settings/calendars/new",
        kind="primary",
        icon="add",
        key="n",
    )
    now = timezone.now()
    rows = []
    for row in ServiceCalendar.objects.prefetch_related("versions"):
        versions = sorted(row.versions.all(), key=lambda v: (v.valid_from, v.pk))
        past = [version for version in versions if version.valid_from <= now]
        version = past[-1] if past else (versions[0] if versions else None)
        rows.append((row, version, version.hours.is_open(now) if version else None))
    context = {"header": header(request, "calendars", actions=[new]), "rows": rows}
    return render(request, "settings/calendars.html", context)


class NameForm(forms.ModelForm[ServiceCalendar]):
    class Meta:
        model = ServiceCalendar
        fields = ("name", "active")


@needs("calendars")
def calendar(request: HttpRequest, number: int) -> HttpResponse:
    """A calendar: the hours of now, the next days, its versions."""
    row = get_object_or_404(ServiceCalendar, pk=number)
    form = NameForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        with act("settle", by=person_of(request), note="Service calendar"):
            form.save()
        messages.success(request, _("%(name)s is saved.") % {"name": row.name})
        return redirect(f"/settings/calendars/{row.pk}/")
    version = row.version_at(timezone.now())
    new = Action(
        label=_("New version"), url=f"/settings/calendars/{row.pk}/new", kind="primary", icon="add"
    )
    context = {
        "header": header(request, "calendars", row.name, actions=[new]),
        "row": row,
        "version": version,
        "preview": preview(version.hours) if version else [],
        "spec": version.hours.spec if version else {},
        "versions": row.versions.order_by("-valid_from", "-id"),
        "open_clocks": Clock.objects.filter(calendar__of=row, stopped_at=None).count(),
        "entry": RecordForm(
            form=form,  # type: ignore[arg-type]
            url=request.path,
            submit=_("Save"),
        ),
    }
    return render(request, "settings/calendar.html", context, status=422 if form.errors else 200)


@needs("calendars")
def new_version(request: HttpRequest, number: int | None = None) -> HttpResponse:
    """Write the hours, look at the next days, then let them count."""
    row = get_object_or_404(ServiceCalendar, pk=number) if number else None
    latest = row.version_at(timezone.now()) if row else None
    data = request.POST.copy() if request.method == "POST" else None
    looks_first = data is not None and bool(data.get("country"))
    if data is not None and looks_first:
        _add_holidays(request, data)
    form = VersionForm(data, initial=initial_of(latest))
    name = row.name if row else (data.get("name", "") if data else "")
    shown: list[DayShown] = []
    problem = ""
    if data is not None and form.is_valid():
        spec = form.cleaned_data["spec"]
        first = timezone.localtime(form.cleaned_data["valid_from"]).date()
        shown = preview(Calendar.from_dict(spec), first=max(first, timezone.localdate()))
        if "save" in data and not looks_first:
            problem = _save(request, row, name, form)
            if not problem:
                return redirect("/settings/calendars/" + (f"{row.pk}/" if row else ""))
    title = _("New version of %(name)s") % {"name": row.name} if row else _("New calendar")
    context = {
        "header": header(request, "calendars", title),
        "form": form,
        "row": row,
        "name": name,
        "preview": shown,
        "problem": problem,
        "url": request.path,
        "cancel_url": f"/settings/calendars/{row.pk}/" if row else "/settings/calendars/",
    }
    status = 422 if form.errors or problem else 200
    return render(request, "settings/calendar_version.html", context, status=status)


def _add_holidays(request: HttpRequest, data: Any) -> None:
    """Put the public holidays of a place among the holidays of the form, for people to check."""
    country, _dash, part = data["country"].strip().upper().partition("-")
    this_year = timezone.localdate().year
    try:
        found = public_holidays(country, part or None, range(this_year, this_year + 3))
    except CalendarError as error:
        messages.error(request, _(error.template) % error.facts)
        data["country"] = ""
        return
    known = set(read_days(data.get("holidays", "")))
    lines = [line for line in data.get("holidays", "").splitlines() if line.strip()]
    dated = {day.isoformat(): name for day, name in found.items()}
    fresh = [f"{day} {name}" for day, name in dated.items() if day not in known]
    data["holidays"] = "\n".join(sorted([*lines, *fresh]))
    data["country"] = ""
    messages.info(
        request,
        ngettext(
            "%(number)d public holiday is added: look it over, then save.",
            "%(number)d public holidays are added: look them over, then save.",
            len(fresh),
        )
        % {"number": len(fresh)},
    )


def _save(request: HttpRequest, row: ServiceCalendar | None, name: str, form: VersionForm) -> str:
    """Let the version count; gives back why not, if not."""
    said, by = form.cleaned_data, person_of(request)
    try:
        with act("settle", by=by, note="Service calendar"):
            if row is None:
                row = ServiceCalendar(name=name.strip())
                row.full_clean()
                row.save()
            version = CalendarVersion(of=row, valid_from=said["valid_from"], spec=said["spec"])
            version.full_clean()
            version.save()
    except ValidationError as error:
        return " ".join(str(message) for message in error.messages)
    messages.success(request, _("The hours are saved."))
    if said["reproject"] and version.valid_from <= timezone.now():
        _count_anew(request, row, by)
    return ""


def _count_anew(request: HttpRequest, row: ServiceCalendar, by: Person) -> None:
    """Compute open clocks anew; a few at once, many in the background."""
    note = _("New service hours: %(name)s") % {"name": row.name}
    open_clocks = Clock.objects.filter(calendar__of=row, stopped_at=None)
    number, more = bounded_count(open_clocks, AT_ONCE)
    if more:
        later(count_clocks_anew, row.pk, by.pk, note)
        messages.info(request, _("Open clocks are computed anew in the background."))
        return
    changed = clock.reproject(open_clocks, by=by, note=note) if number else 0
    if changed:
        messages.info(
            request,
            ngettext(
                "%(number)d open clock is due at another time now.",
                "%(number)d open clocks are due at another time now.",
                changed,
            )
            % {"number": changed},
        )
