"""A round in which a framework is assessed by hand: what is judged, what is open, what was left."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from verne.conformity.library import assessing
from verne.conformity.library.assessing import RIGHT as ASSESS
from verne.conformity.library.assessing import Sheetful
from verne.conformity.library.models import Assessment, Framework, FrameworkNode
from verne.conformity.library.taking_over import takings
from verne.engine.people import Person
from verne.engine.rights import people_who_may
from verne.web import phrases
from verne.web.forms import add_errors
from verne.web.parts import Action, Fact, Link, PageHeader, RecordForm
from verne.web.views.common import person_of

from .common import (
    NodeRow,
    home,
    in_tree_order,
    may_assess,
    named,
    parts,
    require,
    result_badge,
    said,
    sums_of_results,
    viewer,
)
from .framework import framework_at


class AssessmentForm(forms.Form):
    """What is assessed, by whom, and how much of it."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=200)
    scope = forms.CharField(
        label=gettext_lazy("Scope"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Which part of the organization or which service is looked at."),
    )
    owner = forms.ModelChoiceField(label=gettext_lazy("Owner"), queryset=Person.objects.none())
    groups = forms.MultipleChoiceField(
        label=gettext_lazy("Implementation groups"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Everything is assessed when none is chosen."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, framework: Framework, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owner: Any = self.fields["owner"]
        owner.queryset = people_who_may(ASSESS).order_by("name")
        choices: Any = self.fields["groups"]
        choices.choices = [(g["ref"], g["name"]) for g in framework.groups]
        if not framework.groups:
            del self.fields["groups"]


@viewer
def begin(request: HttpRequest, number: int) -> HttpResponse:
    person = require(request, may_assess)
    framework = framework_at(number)
    usual = [g["ref"] for g in framework.groups if g["default"]]
    first = {"owner": person.pk, "groups": usual, "title": str(framework)[:200]}
    form = AssessmentForm(request.POST or None, framework=framework, initial=first)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            assessment = assessing.begin(
                framework,
                by=person,
                title=values["title"],
                scope=values["scope"],
                groups=values.get("groups", ()),
                owner=values["owner"],
            )
        except ValidationError as refusal:
            add_errors(form, refusal)
        else:
            return redirect("assessment", assessment.pk)
    url = reverse("framework", args=[number])
    return _form(request, form, _("Begin an assessment"), Link(label=str(framework), url=url))


@viewer
def change(request: HttpRequest, number: int) -> HttpResponse:
    person = require(request, may_assess)
    assessment = assessment_at(number)
    first = {
        "title": assessment.title,
        "scope": assessment.scope,
        "owner": assessment.owner_id,
        "groups": assessment.groups,
        "version": assessment.version,
    }
    form = AssessmentForm(request.POST or None, framework=assessment.framework, initial=first)
    if request.method == "POST" and form.is_valid():
        values = {"groups": []} | form.cleaned_data
        try:
            assessing.change(assessment, values, by=person, version=values["version"] or 0)
        except ValidationError as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, _("The assessment is changed."))
            return redirect("assessment", number)
    url = reverse("assessment", args=[number])
    return _form(request, form, _("Change the assessment"), Link(label=str(assessment), url=url))


def _form(request: HttpRequest, form: forms.Form, title: str, back: Link) -> HttpResponse:
    page = {
        "header": PageHeader(title=title, crumbs=[home(), back], quarter="check"),
        "entry": RecordForm(form=form, url=request.path, submit=_("Save"), cancel_url=back.url),
    }
    return render(request, "libraries/form.html", page, status=422 if form.errors else 200)


def assessment_at(number: int) -> Assessment:
    found: Assessment = get_object_or_404(
        Assessment.objects.select_related("framework__library__current", "owner"), pk=number
    )
    return found


@viewer
@require_GET
def page(request: HttpRequest, number: int) -> HttpResponse:
    assessment = assessment_at(number)
    person = person_of(request)
    sheet = Sheetful.of(assessment)
    asked = {node.pk for node in sheet.asked}
    above = _above(sheet)
    current = in_tree_order([n for n in sheet.nodes if n.pk in asked or n.pk in above])
    shown, tabs = parts(request, current)
    works = may_assess(person)
    framework = assessment.framework
    return render(
        request,
        "libraries/assessment.html",
        {
            "header": PageHeader(
                title=assessment.title,
                lead=assessment.scope,
                crumbs=[
                    home(),
                    Link(label=str(framework), url=reverse("framework", args=[framework.pk])),
                ],
                quarter="check",
                actions=_actions(assessment) if works else [],
            ),
            "assessment": assessment,
            "takings": takings(assessment) if works and not assessment.finished_at else [],
            "sums": sums_of_results(sheet.counts()),
            "done": sheet.done,
            "all": len(sheet.asked),
            "share": sheet.score,
            "facts": _facts(assessment, sheet),
            "copyright": framework.library.current.copyright if framework.library.current else "",
            "tabs": tabs,
            "rows": [_row(sheet, node, asks=node.pk in asked) for node in shown],
            "left": [_row(sheet, node, asks=True) for node in sheet.left_behind],
        },
    )


def _above(sheet: Sheetful) -> set[int]:
    """Chapters that something to be assessed lies under."""
    parent = {node.pk: node.parent_id for node in sheet.nodes}
    found: set[int] = set()
    for node in sheet.asked:
        here = parent[node.pk]
        while here is not None and here not in found:
            found.add(here)
            here = parent[here]
    return found


def _actions(assessment: Assessment) -> list[Action]:
    number = assessment.pk
    if assessment.finished_at:
        return [Action(label=_("Take it up again"), url=reverse("assessment-again", args=[number]))]
    return [
        Action(label=_("Change"), url=reverse("assessment-change", args=[number]), key="e"),
        Action(label=_("Take over"), url=reverse("assessment-take-over", args=[number])),
        Action(label=_("Finish"), url=reverse("assessment-finish", args=[number]), kind="primary"),
    ]


def _facts(assessment: Assessment, sheet: Sheetful) -> list[Fact]:
    names = {g["ref"]: g["name"] for g in assessment.framework.groups}
    groups = ", ".join(names.get(ref, ref) for ref in sorted(sheet.groups))
    facts = [
        Fact(label=_("Owner"), value=str(assessment.owner)),
        Fact(label=_("Begun"), value=phrases.day(assessment.started_at)),
    ]
    if assessment.finished_at:
        facts.append(Fact(label=_("Finished"), value=phrases.day(assessment.finished_at)))
    if names:
        facts.append(Fact(label=_("Implementation groups"), value=groups or _("all")))
    return facts


def _row(sheet: Sheetful, node: FrameworkNode, *, asks: bool) -> NodeRow:
    judged = sheet.judged.get(node.pk)
    if not asks:
        return NodeRow(node, ref=node.ref, name=named(node), text=said(node))
    return NodeRow(
        node,
        ref=node.ref,
        name=named(node),
        text=said(node),
        url=reverse("assessment-node", args=[sheet.assessment.pk, node.pk]),
        badge=result_badge(judged.result if judged else ""),
        score=f"{judged.score:g}" if judged and judged.score is not None else "",
        evidence=len(judged.evidence.all()) if judged else 0,
        by=str(judged.by) if judged else "",
        at=judged.at if judged else None,
    )


class NoteForm(forms.Form):
    note = forms.CharField(
        label=gettext_lazy("Note"), required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


@viewer
def finish(request: HttpRequest, number: int) -> HttpResponse:
    """Close the round; the page says first how much of it is open."""
    person = require(request, may_assess)
    assessment = assessment_at(number)
    form = NoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            assessing.finish(assessment, by=person, note=form.cleaned_data["note"])
        except ValidationError as refusal:
            add_errors(form, refusal)
        else:
            messages.success(request, _("The assessment is finished."))
            return redirect("assessment", number)
    sheet = Sheetful.of(assessment)
    still = len(sheet.asked) - sheet.done
    lead = (
        _("%(count)d of %(all)d are not assessed yet; they stay so.")
        % {"count": still, "all": len(sheet.asked)}
        if still
        else _("Everything is assessed. What was judged stands until it is taken up again.")
    )
    return _noted(request, assessment, form, title=_("Finish"), lead=lead)


@viewer
def again(request: HttpRequest, number: int) -> HttpResponse:
    person = require(request, may_assess)
    assessment = assessment_at(number)
    form = NoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            assessing.take_up_again(assessment, by=person, note=form.cleaned_data["note"])
        except ValidationError as refusal:
            add_errors(form, refusal)
        else:
            return redirect("assessment", number)
    lead = _("Say why it is taken up again; the reason is kept in the history.")
    return _noted(request, assessment, form, title=_("Take it up again"), lead=lead)


def _noted(
    request: HttpRequest, assessment: Assessment, form: forms.Form, *, title: str, lead: str
) -> HttpResponse:
    url = reverse("assessment", args=[assessment.pk])
    page = {
        "header": PageHeader(
            title=title,
            lead=lead,
            crumbs=[home(), Link(label=str(assessment), url=url)],
            quarter="check",
        ),
        "entry": RecordForm(form=form, url=request.path, submit=title, cancel_url=url),
    }
    return render(request, "libraries/form.html", page, status=422 if form.errors else 200)
