"""The delays, thresholds and planned intervals that the organization sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from verne.conformity.adjusting import RIGHT as ADJUST
from verne.conformity.adjusting import InForce, adjust
from verne.conformity.catalogue import Parameter, Requirement
from verne.conformity.duration import Duration
from verne.conformity.models import Adjustment
from verne.web.parts import Link, PageHeader, RecordForm

from .shown import cited, said
from .view import VIEW, require


@dataclass(frozen=True)
class ValueRow:
    """One value: what it is, what counts, what the default is, and who set it."""

    name: str
    what: str
    value: str
    default: str
    adjusted: Adjustment | None
    obligations: Sequence[Link]
    url: str = ""


@dataclass(frozen=True)
class ValueGroup:
    title: Any
    rows: Sequence[ValueRow] = field(default_factory=tuple)


@login_required
def values(request: HttpRequest) -> HttpResponse:
    person = require(request, VIEW)
    in_force = InForce.at(timezone.now())
    standard = in_force.catalogue
    may = person.may(ADJUST)
    return render(
        request,
        "standard/values.html",
        {
            "header": PageHeader(
                title=_("Values conformity is judged by"),
                lead=_("The standard leaves these to you. A default is customary, not required."),
                crumbs=[Link(label=standard.standard.designation, url=reverse("standard"))],
            ),
            "groups": [
                ValueGroup(
                    _("Delays and thresholds"),
                    [_parameter_row(in_force, p, may) for p in standard.parameters.values()],
                ),
                ValueGroup(
                    _("Planned intervals"),
                    [
                        _frequency_row(in_force, r, may)
                        for r in standard.requirements.values()
                        if r.frequency
                    ],
                ),
            ],
        },
    )


def _parameter_row(in_force: InForce, parameter: Parameter, may: bool) -> ValueRow:
    users = {
        r.id: r for key in parameter.checks for r in in_force.catalogue.requirements_using(key)
    }
    return ValueRow(
        name=parameter.key,
        what=parameter.what,
        value=said(in_force.parameter(parameter.key)),
        default=said(parameter.default),
        adjusted=in_force.adjustment(Adjustment.What.PARAMETER, parameter.key),
        obligations=[_obligation(r) for r in users.values()],
        url=reverse("standard-value", args=[Adjustment.What.PARAMETER, parameter.key])
        if may
        else "",
    )


def _frequency_row(in_force: InForce, requirement: Requirement, may: bool) -> ValueRow:
    interval = in_force.frequency(requirement)
    default = requirement.frequency.interval if requirement.frequency else Duration()
    return ValueRow(
        name=requirement.cite,
        what=requirement.text,
        value=interval.words if interval else "",
        default=default.words,
        adjusted=in_force.adjustment(Adjustment.What.FREQUENCY, requirement.id),
        obligations=[_obligation(requirement)],
        url=reverse("standard-value", args=[Adjustment.What.FREQUENCY, requirement.id])
        if may
        else "",
    )


def _obligation(requirement: Requirement) -> Link:
    url = reverse("standard-obligation", args=[requirement.id])
    return Link(label=cited(requirement), url=url)


class ValueForm(forms.Form):
    value = forms.CharField(
        label=_("Value"),
        required=False,
        max_length=30,
        help_text=_("P30D is 30 days, P3M three months, PT4H four hours; empty is the default."),
    )
    why = forms.CharField(label=_("Reason"), widget=forms.Textarea(attrs={"rows": 3}))


@login_required
def value(request: HttpRequest, what: str, key: str) -> HttpResponse:
    person = require(request, ADJUST)
    in_force = InForce.at(timezone.now())
    row = _value_row(in_force, what, key)
    adjusted = row.adjusted
    form = ValueForm(request.POST or None, initial={"value": adjusted.value if adjusted else ""})
    if request.method == "POST" and form.is_valid():
        try:
            adjust(what, key, form.cleaned_data["value"], by=person, why=form.cleaned_data["why"])
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, gettext("The value counts from now on."))
            return redirect("standard-values")
    return render(
        request,
        "standard/value.html",
        {
            "header": PageHeader(
                title=row.name,
                lead=row.what,
                crumbs=[
                    Link(label=in_force.catalogue.standard.designation, url=reverse("standard")),
                    Link(label=_("Values"), url=reverse("standard-values")),
                ],
            ),
            "row": row,
            "form": RecordForm(
                form=form,
                url=request.path,
                submit=_("Set the value"),
                cancel_url=reverse("standard-values"),
            ),
            "history": Adjustment.objects.filter(what=what, key=key).select_related("by"),
        },
        status=422 if form.errors else 200,
    )


def _value_row(in_force: InForce, what: str, key: str) -> ValueRow:
    standard = in_force.catalogue
    if what == Adjustment.What.PARAMETER and key in standard.parameters:
        return _parameter_row(in_force, standard.parameters[key], True)
    requirement = standard.requirements.get(key)
    if what == Adjustment.What.FREQUENCY and requirement and requirement.frequency:
        return _frequency_row(in_force, requirement, True)
    raise Http404
