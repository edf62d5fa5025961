"""Judging many requirements by what another framework shows: looked at, taken, taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from verne.conformity import statement as statements
from verne.conformity.library import taking_over
from verne.conformity.library.covering import neighbours
from verne.conformity.library.models import Assessment, Framework, FrameworkNode
from verne.conformity.library.taking_over import Proposal
from verne.conformity.statement import Statement
from verne.engine.history import Act
from verne.web import components
from verne.web.pages.standard.view import READING
from verne.web.parts import Link, PageHeader
from verne.web.views.common import tell_refusal

from .assessment import assessment_at
from .common import coverage_badge, home, may_assess, named, require, result_badge, viewer
from .framework import can_stand, clause_url, is_ours


@dataclass(frozen=True)
class Offered:
    """A line of the preview: a requirement, what it would be judged, what it rests on."""

    number: int
    ref: str
    name: str
    result: SafeString
    coverage: SafeString
    sources: Sequence[Link]
    evidence: Sequence[SafeString]


@viewer
def page(request: HttpRequest, number: int) -> HttpResponse:
    """Choose a framework, look at what it covers, and take it over."""
    person = require(request, may_assess)
    assessment = assessment_at(number)
    sources = _sources(assessment)
    wanted = (request.POST or request.GET).get("from", "")
    source = next((f for f in sources if str(f.pk) == wanted), sources[0] if sources else None)
    statement = _statement(source)
    if request.method == "POST" and source is not None:
        chosen = FrameworkNode.objects.filter(
            framework=assessment.framework,
            pk__in=[n for n in request.POST.getlist("node") if n.isdecimal()],
        )
        try:
            taken = taking_over.take_over(
                assessment, source, chosen, by=person, statement=statement
            )
        except ValidationError as refusal:
            tell_refusal(request, refusal)
        else:
            said = ngettext(
                "%(n)d requirement is judged by what %(framework)s shows. Look whether it holds.",
                "%(n)d requirements are judged by what %(framework)s shows. Look whether it holds.",
                len(taken),
            )
            messages.success(request, said % {"n": len(taken), "framework": source})
            return redirect("assessment", number)
    offered = (
        taking_over.proposals(assessment, source, by=person, statement=statement) if source else []
    )
    here = reverse("assessment-take-over", args=[number])
    context: dict[str, Any] = {
        "header": PageHeader(
            title=_("Take over what is covered"),
            lead=_("Nobody has judged these yet, and what another framework shows covers them."),
            crumbs=[
                home(),
                Link(label=assessment.title, url=reverse("assessment", args=[number])),
            ],
            quarter="check",
        ),
        "tabs": [
            Link(label=str(f), url=f"{here}?from={f.pk}", current=source == f) for f in sources
        ],
        "source": source,
        "url": here,
        "cancel_url": reverse("assessment", args=[number]),
        "rows": [_offered(source, proposal) for proposal in offered if source],
        "finished": assessment.finished_at is not None,
    }
    return render(request, "libraries/take_over.html", context)


@viewer
@require_POST
def back(request: HttpRequest, number: int, act: int) -> HttpResponse:
    """Leave open again what was taken over and nobody has touched since."""
    person = require(request, may_assess)
    assessment = assessment_at(number)
    taken = Act.objects.filter(pk=act, verb="assess", name=taking_over.TAKE).first()
    if taken is None:
        raise Http404
    try:
        count = taking_over.take_back(assessment, taken, by=person)
    except ValidationError as refusal:
        tell_refusal(request, refusal)
    else:
        said = ngettext("%(n)d judgement is taken back.", "%(n)d judgements are taken back.", count)
        messages.success(request, said % {"n": count})
    return redirect("assessment", number)


def _sources(assessment: Assessment) -> list[Framework]:
    """Frameworks that mappings lead from, the nearest first."""
    steps = neighbours(assessment.framework.key)
    rows = Framework.objects.filter(key__in=steps, retired_at=None).select_related("library")
    found = [framework for framework in rows if can_stand(framework)]
    return sorted(found, key=lambda framework: (steps[framework.key], str(framework)))


def _statement(source: Framework | None) -> Statement | None:
    return statements.current(budget=READING) if source is not None and is_ours(source) else None


def _offered(source: Framework, proposal: Proposal) -> Offered:
    node = proposal.node
    return Offered(
        number=node.pk,
        ref=node.ref,
        name=named(node),
        result=result_badge(proposal.result),
        coverage=coverage_badge(proposal.coverage),
        sources=[
            Link(label=f"{n.ref} {named(n)}".strip(), url=clause_url(source, n))
            for n in proposal.sources
        ],
        evidence=[components.ref(s.ref, title=s.title) for s in proposal.evidence],
    )
