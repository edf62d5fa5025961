"""The page of measures: how well nonconformities are dealt with, each figure with its list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from verne.engine.rights import may
from verne.sms.improvement.nonconformity.measures import AGES, STAGES, Measures, Share, measures
from verne.sms.improvement.nonconformity.models import Cause, Nonconformity
from verne.web import phrases
from verne.web.parts import Column, Link, PageHeader, Row, Table
from verne.web.views.common import person_of, staff

if TYPE_CHECKING:
    from django.utils.safestring import SafeString
    from django_stubs_ext import StrOrPromise

MONTHS = (3, 12, 36)
USUAL = 12


@dataclass(frozen=True)
class Figure:
    """A share with its words."""

    label: StrOrPromise
    share: str
    words: str


@staff
def page(request: HttpRequest) -> HttpResponse:
    """Measures of the last months, as far as this person sees the records."""
    person = person_of(request)
    if not may(person, "view", Nonconformity):
        raise PermissionDenied
    asked = request.GET.get("months", "")
    months = int(asked) if asked.isdecimal() and int(asked) in MONTHS else USUAL
    now = timezone.now()
    found = measures(person, now - timedelta(days=30.4375 * months), now)
    context = {
        "header": PageHeader(
            title=_("Measures of nonconformities"),
            quarter="act",
            crumbs=[Link(label=_("Nonconformities"), url="/nonconformities/")],
        ),
        "tabs": [_tab(each, chosen=each == months) for each in MONTHS],
        "figures": _figures(found),
        "open": _open(found),
        "stages": _stages(found),
        "causes": _causes(found),
    }
    return render(request, "nonconformities/measures.html", context)


def _tab(months: int, *, chosen: bool) -> Link:
    label = ngettext("%(n)d month", "%(n)d months", months) % {"n": months}
    return Link(label=label, url=f"?months={months}", current=chosen)


def _figures(found: Measures) -> list[Figure]:
    return [
        _figure(_("Actions done in time"), found.actions_in_time),
        _figure(_("Closed in time"), found.closed_in_time),
        _figure(_("Helped at the first attempt"), found.helped_at_once),
        _figure(_("Came back or happened before"), found.came_back),
    ]


def _figure(label: StrOrPromise, share: Share) -> Figure:
    if share.value is None:
        return Figure(label, "–", _("nothing to count"))
    words = _("%(part)s of %(whole)s") % {
        "part": phrases.number(share.part),
        "whole": phrases.number(share.whole),
    }
    return Figure(label, phrases.percent(share.value), words)


def _open(found: Measures) -> Table:
    young, older = AGES
    heads = (
        _("Up to %(n)d days") % {"n": young},
        _("%(from)d to %(to)d days") % {"from": young, "to": older},
        _("Over %(n)d days") % {"n": older},
    )
    grades: dict[str, StrOrPromise] = {"": _("Not graded yet")}
    grades |= dict(Nonconformity.Grade.choices)
    return Table(
        caption=_("Open by grade and age"),
        columns=[
            Column(label=_("Grade"), wide=True),
            *(Column(label=head, numeric=True) for head in heads),
            Column(label=_("All"), numeric=True),
        ],
        rows=[
            Row(
                cells=[
                    _grade(grade, grades[grade]),
                    *(phrases.number(number) for number in numbers),
                    phrases.number(sum(numbers)),
                ],
                title=str(grades[grade]),
            )
            for grade, numbers in found.open_by_age.items()
        ],
    )


def _grade(grade: str, label: StrOrPromise) -> SafeString | StrOrPromise:
    if not grade:
        return label
    url = f"/nonconformities/?standing=open&grade={grade}"
    return format_html('<a href="{}">{}</a>', url, label)


def _stages(found: Measures) -> Table:
    states = Nonconformity.lifecycle.states
    return Table(
        caption=_("Mean time in each state"),
        columns=[Column(label=_("State"), wide=True), Column(label=_("Mean"), numeric=True)],
        rows=[
            Row(
                cells=[states[name].label, _days(found.days_by_stage[name])],
                title=str(states[name].label),
            )
            for name in STAGES
        ],
    )


def _days(days: float | None) -> str:
    if days is None:
        return "–"
    whole = round(days)
    return ngettext("%(n)d day", "%(n)d days", whole) % {"n": whole}


def _causes(found: Measures) -> Table:
    labels = dict(Cause.Category.choices)
    return Table(
        caption=_("Causes that are removed, by kind"),
        columns=[Column(label=_("Kind"), wide=True), Column(label=_("Causes"), numeric=True)],
        rows=[
            Row(
                cells=[labels.get(name, name), phrases.number(times)],
                title=str(labels.get(name, name)),
            )
            for name, times in found.causes.items()
        ],
    )
