"""Judging one node: what it asks, what speaks for it, and who said what about it when."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from verne.conformity import statement as statements
from verne.conformity.library import assessing
from verne.conformity.library.assessing import Sheetful, visible_sheets
from verne.conformity.library.covering import (
    Coverage,
    Standing,
    covered,
    neighbours,
    reached,
    standings,
)
from verne.conformity.library.models import Assessed, Assessment, Framework, FrameworkNode
from verne.conformity.library.questions import asked_now, given_to, suggestion
from verne.conformity.library.shape import Question
from verne.engine.people import Person
from verne.engine.records import Sheet
from verne.web import show
from verne.web.forms import add_errors
from verne.web.pages.standard.view import READING
from verne.web.parts import Fact, Hit, Link, PageHeader
from verne.web.views.common import person_of, tell_refusal

from .assessment import assessment_at
from .common import (
    Result,
    coverage_badge,
    home,
    in_tree_order,
    may_assess,
    named,
    require,
    result_badge,
    viewer,
)
from .framework import can_stand, clause_url, is_ours, standing_badge


class JudgeForm(forms.Form):
    """Result, score, note and evidence, after the questions of the node."""

    result = forms.ChoiceField(
        label=gettext_lazy("Result"), required=False, widget=forms.RadioSelect
    )
    score = forms.FloatField(label=gettext_lazy("Score"), required=False)
    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("What was seen, and what is missing."),
    )
    evidence = forms.CharField(
        label=gettext_lazy("Evidence"),
        required=False,
        help_text=gettext_lazy("References of records or documents, such as INC-42, SVC-3."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, node: FrameworkNode, judged: Assessed | None, by: Person, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.node, self.person = node, by
        results: Any = self.fields["result"]
        results.choices = Result.choices
        self._offer_scores()
        answers = judged.answers if judged else {}
        self.questions = self._asked(answers)
        for n, question in enumerate(self.questions):
            self.fields[f"q{n}"] = _question_field(question)
            self.initial[f"q{n}"] = _initial(question, answers)

    def _asked(self, answers: dict[str, Any]) -> list[Question]:
        """The questions to show: those due by what is stored, and by what is being sent."""
        return asked_now(self.node.asked, answers)

    def _offer_scores(self) -> None:
        low, high = self.node.bounds()
        steps = self.node.steps()
        said = "; ".join(f"{step.score:g} {step.name}" for step in steps)
        scale = _("From %(low)d to %(high)d.") % {"low": low, "high": high}
        self.fields["score"].help_text = f"{scale} {said}".strip()
        self.fields["score"].widget.attrs |= {"min": low, "max": high, "step": "any"}

    def question_fields(self) -> list[Any]:
        return [self[f"q{n}"] for n in range(len(self.questions))]

    @property
    def answers(self) -> dict[str, Any]:
        given = {q.key: self.cleaned_data[f"q{n}"] for n, q in enumerate(self.questions)}
        return {key: value for key, value in given.items() if value not in ("", [], None)}

    def clean_evidence(self) -> list[Sheet]:
        """The records meant; one that this person may not see is as good as none."""
        refs = [r.upper() for r in re.split(r"[\s,;]+", self.cleaned_data["evidence"]) if r]
        found = {s.ref: s for s in visible_sheets(self.person).filter(ref__in=refs)}
        if lost := [ref for ref in refs if ref not in found]:
            raise ValidationError(
                _("There is no record %(ref)s that you can see.") % {"ref": lost[0]}
            )
        return list(found.values())


def _question_field(question: Question) -> forms.Field:
    choices = [(choice.key, choice.text) for choice in question.choices]
    how: dict[str, Any] = {"label": question.text, "required": False}
    if question.type == "multiple_choice":
        return forms.MultipleChoiceField(
            choices=choices, widget=forms.CheckboxSelectMultiple, **how
        )
    if question.type == "boolean" and not choices:
        choices = [("true", _("Yes")), ("false", _("No"))]
    if choices:
        return forms.ChoiceField(
            choices=[("", _("No answer")), *choices], widget=forms.RadioSelect, **how
        )
    if question.type == "number":
        return forms.FloatField(**how)
    if question.type == "date":
        return forms.CharField(widget=forms.DateInput(attrs={"type": "date"}), **how)
    return forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), **how)


def _initial(question: Question, answers: dict[str, Any]) -> Any:
    if question.type == "multiple_choice":
        return given_to(question, answers)
    if question.choices or question.type == "boolean":
        return next(iter(given_to(question, answers)), "")
    return answers.get(question.key, "")


@dataclass(frozen=True)
class Before:
    """What somebody said of it at some time."""

    at: datetime
    by: str
    badge: Any
    score: str
    note: str


@dataclass(frozen=True)
class Speaking:
    """Another framework, and what is shown for it says of this node."""

    name: str
    badge: Any
    sources: Sequence[tuple[str, str, str, Any]]
    """Number, name, address and standing of each node that speaks for it."""


@viewer
def node(request: HttpRequest, number: int, node: int) -> HttpResponse:
    assessment = assessment_at(number)
    found = _node(assessment, node)
    person = person_of(request)
    judged = _judged(assessment, found)
    works = may_assess(person) and assessment.finished_at is None and found.retired_at is None
    seen = _seen(judged, person)
    first = {
        "result": judged.result if judged else "",
        "score": judged.score if judged else None,
        "note": judged.note if judged else "",
        "evidence": ", ".join(sheet.ref for sheet in seen),
        "version": judged.version if judged else 0,
    }
    form = JudgeForm(request.POST or None, node=found, judged=judged, by=person, initial=first)
    if request.method == "POST":
        require(request, may_assess)
        if form.is_valid() and _save(assessment, found, form, judged):
            messages.success(request, _("Your judgement is kept."))
            there = _next(assessment, found) if "next" in request.POST else found
            return redirect("assessment-node", number, (there or found).pk)
    above = found.parent
    return render(
        request,
        "libraries/node.html",
        {
            "header": PageHeader(
                title=f"{found.ref} {named(found)}".strip(),
                crumbs=_crumbs(assessment, above),
                quarter="check",
            ),
            "node": found,
            "description": found.told("description") if found.told("name") else "",
            "annotation": found.told("annotation"),
            "typical_evidence": found.told("typical_evidence"),
            "judged": judged,
            "badge": result_badge(judged.result if judged else ""),
            "form": form if works else None,
            "suggested": _suggested(found, judged),
            "url": request.path,
            "back_url": reverse("assessment", args=[number]),
            "facts": _facts(found),
            "evidence": [
                Hit(title=s.title, url=s.get_absolute_url(), ref=s.ref, state=show.sheet_state(s))
                for s in seen
            ],
            "unseen": (judged.evidence.count() - len(seen)) if judged else 0,
            "history": [_before(entry) for entry in assessing.history(judged)] if judged else [],
            "speaking": _speaking(found),
            "carry": _carry_to(assessment, found, judged)
            if may_assess(person) and assessment.finished_at is None
            else None,
            "former": _predecessors(assessment, found),
        },
        status=422 if form.errors else 200,
    )


def _node(assessment: Assessment, number: int) -> FrameworkNode:
    nodes = FrameworkNode.objects.select_related("framework__library", "parent", "successor")
    found: FrameworkNode = get_object_or_404(
        nodes, pk=number, framework=assessment.framework, assessable=True
    )
    return found


def _judged(assessment: Assessment, node: FrameworkNode) -> Assessed | None:
    rows = Assessed.objects.select_related("by", "carried_from__node")
    found: Assessed | None = rows.filter(assessment=assessment, node=node).first()
    return found


def _seen(judged: Assessed | None, person: Person) -> list[Sheet]:
    if judged is None:
        return []
    return list(visible_sheets(person).filter(pk__in=judged.evidence.values("pk")).order_by("ref"))


def _save(
    assessment: Assessment, node: FrameworkNode, form: JudgeForm, judged: Assessed | None
) -> bool:
    values = form.cleaned_data
    answers = form.answers
    # What speaks from the answers counts where the person has left the result alone.
    untouched = answers != (judged.answers if judged else {}) and "result" not in form.changed_data
    try:
        assessing.judge(
            assessment,
            node,
            by=form.person,
            result="" if untouched else values["result"],
            score=None if untouched and "score" not in form.changed_data else values["score"],
            note=values["note"],
            answers=answers,
            evidence=values["evidence"],
            version=values["version"],
        )
    except ValidationError as refusal:
        add_errors(form, refusal)
        if refusal_is_conflict(refusal) and (there := _judged(assessment, node)):
            # Sent once more it counts, for now the person has seen what the other one said.
            sent: Any = form.data
            form.data = sent.copy()
            form.data["version"] = str(there.version)  # type: ignore[index]
        return False
    return True


def refusal_is_conflict(refusal: ValidationError) -> bool:
    return getattr(refusal, "code", "") == "conflict"


def _suggested(node: FrameworkNode, judged: Assessed | None) -> Any:
    """What the answers speak for, where people said otherwise."""
    if judged is None or not node.questions:
        return None
    proposed = suggestion(node.asked, judged.answers)
    if not proposed.result or proposed.result == judged.result:
        return None
    return result_badge(proposed.result)


def _next(assessment: Assessment, node: FrameworkNode) -> FrameworkNode | None:
    """The next node that nobody has assessed yet, from here on and then from the beginning."""
    sheet = Sheetful.of(assessment)
    asked = {n.pk for n in sheet.asked}
    ordered = [n for n in in_tree_order(sheet.nodes) if n.pk in asked]
    here = next((i for i, n in enumerate(ordered) if n.pk == node.pk), -1)
    still = [n for n in (*ordered[here + 1 :], *ordered[: here + 1]) if not sheet.result(n)]
    return next((n for n in still if n.pk != node.pk), None)


def _crumbs(assessment: Assessment, above: FrameworkNode | None) -> list[Link]:
    url = reverse("assessment", args=[assessment.pk])
    trail = [home(), Link(label=assessment.title, url=url)]
    if above is not None:
        trail.append(Link(label=f"{above.ref} {named(above)}".strip(), url=url))
    return trail


def _facts(node: FrameworkNode) -> list[Fact]:
    facts = []
    if node.groups:
        names = {g["ref"]: g["name"] for g in node.framework.groups}
        groups = ", ".join(names.get(ref, ref) for ref in node.groups)
        facts.append(Fact(label=_("Implementation groups"), value=groups))
    if node.importance:
        facts.append(Fact(label=_("Importance"), value=node.importance.replace("_", " ")))
    if node.weight != 1:
        facts.append(Fact(label=_("Weight"), value=f"{node.weight:g}"))
    return facts


def _before(entry: Any) -> Before:
    said = entry.after or {}
    return Before(
        at=entry.act.at,
        by=str(entry.act.by or ""),
        badge=result_badge(said["result"]) if said.get("result") in Result.values else "",
        score=f"{said['score']:g}" if said.get("score") is not None else "",
        note=said.get("note", ""),
    )


def _speaking(node: FrameworkNode) -> list[Speaking]:
    """What is shown for the frameworks next to this one says of this node."""
    near = [key for key, steps in neighbours(node.framework.key).items() if steps == 1]
    found = []
    for other in Framework.objects.filter(key__in=near, retired_at=None).select_related("library"):
        if not can_stand(other):
            continue
        reaches = reached(other.key, node.framework.key).get(node.key, ())
        if not reaches:
            continue
        statement = statements.current(budget=READING) if is_ours(other) else None
        stand = standings(other, statement)
        sources = {n.key: n for n in other.nodes.filter(key__in=[r.source for r in reaches])}
        said = covered([r for r in reaches if r.source in sources], stand)
        if said is Coverage.NO_COUNTERPART:
            continue
        found.append(
            Speaking(
                str(other),
                coverage_badge(said),
                [
                    (
                        n.ref,
                        named(n),
                        clause_url(other, n),
                        standing_badge(stand.get(n.key, Standing.UNKNOWN)),
                    )
                    for n in sources.values()
                ],
            )
        )
    return found


# --- What was judged of a retired node ------------------------------------------------------------


def _predecessors(assessment: Assessment, node: FrameworkNode) -> list[tuple[str, str]]:
    """Retired nodes that this one succeeds and that were assessed in this round."""
    rows = Assessed.objects.filter(assessment=assessment, node__successor=node)
    return [
        (str(row.node), reverse("assessment-node", args=[assessment.pk, row.node_id]))
        for row in rows.select_related("node")
    ]


class CarryForm(forms.Form):
    to = forms.ModelChoiceField(
        label=gettext_lazy("Take over for"), queryset=FrameworkNode.objects.none()
    )


def _carry_to(
    assessment: Assessment, node: FrameworkNode, judged: Assessed | None
) -> CarryForm | None:
    """Where the judgement of a retired node may go: nodes nobody has assessed."""
    if judged is None or node.retired_at is None:
        return None
    return _carry_form(assessment, node)


def _carry_form(assessment: Assessment, node: FrameworkNode, data: Any = None) -> CarryForm:
    form = CarryForm(data, initial={"to": node.successor_id})
    taken = Assessed.objects.filter(assessment=assessment).exclude(result="").values("node")
    field: Any = form.fields["to"]
    field.queryset = FrameworkNode.objects.filter(
        framework=assessment.framework, assessable=True, retired_at=None
    ).exclude(pk__in=taken)
    return form


@viewer
@require_POST
def carry(request: HttpRequest, number: int, node: int) -> HttpResponse:
    """Take over for a node of now what was judged of a retired one."""
    person = require(request, may_assess)
    assessment = assessment_at(number)
    found = _node(assessment, node)
    judged = _judged(assessment, found)
    form = _carry_form(assessment, found, request.POST)
    if judged is None:
        raise Http404
    if not form.is_valid():
        messages.error(request, _("Choose a node that nobody has assessed yet."))
        return redirect("assessment-node", number, node)
    to = form.cleaned_data["to"]
    try:
        assessing.carry_over(judged, to, by=person)
    except ValidationError as refusal:
        tell_refusal(request, refusal)
        return redirect("assessment-node", number, node)
    messages.success(request, _("The judgement is taken over. Look whether it still holds."))
    return redirect("assessment-node", number, to.pk)
