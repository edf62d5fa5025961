"""Another standard beside our own: its clauses, and what our evidence says of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from verne.conformity.catalogue import crosswalk, predecessor
from verne.conformity.library.covering import Place, counted, former_places, places
from verne.conformity.verdict import RollUp
from verne.web import components
from verne.web.pages.standard.view import View, open_view, result_badge
from verne.web.parts import Link, PageHeader

from .common import coverage_badge, home, sums_of_coverage, viewer
from .index import FORMER

RELATIONS: Final = {
    "equal": gettext_lazy("asks for the same"),
    "superset": gettext_lazy("asks for all of it, and more"),
    "subset": gettext_lazy("asks for a part of it"),
    "intersects": gettext_lazy("overlaps"),
}
"""How a clause of ours reads towards the place."""


@dataclass(frozen=True)
class Speaker:
    """A clause of ours that speaks for a place, with its own result."""

    chip: SafeString
    name: str
    relation: Any
    result: SafeString
    note: str


@dataclass(frozen=True)
class Shown:
    ref: str
    title: str
    badge: SafeString
    speakers: Sequence[Speaker]


@viewer
@require_GET
def standard(request: HttpRequest, target: str) -> HttpResponse:
    view = open_view(request)
    clauses = view.statement.judgement.clauses()
    if target == FORMER:
        found = former_places(clauses)
        title, note = predecessor().standard.designation, predecessor().standard.status
        notice, missing, practices = predecessor().notice, [], set()
    elif target in crosswalk().targets:
        known = crosswalk()
        found = places(target, clauses)
        title, note = known.targets[target].designation, known.targets[target].note
        notice = known.notice
        practices = set(known.targets[target].groups)
        missing = [n for n in known.no_counterpart if n.target == target]
    else:
        raise Http404
    return render(
        request,
        "libraries/beside.html",
        view.base
        | {
            "header": PageHeader(
                title=title,
                lead=_("What your evidence for %(standard)s says of it.")
                % {"standard": view.catalogue.standard.designation},
                quarter="check",
                crumbs=[home()],
            ),
            "sums": sums_of_coverage(counted(found)),
            "places": [
                _shown(view, place, clauses, practice=place.ref in practices) for place in found
            ],
            "missing": [
                (
                    [_clause_link(view, number) for number in none.clauses],
                    none.note,
                )
                for none in missing
            ],
            "note": note,
            "notice": notice,
            "ours": view.catalogue.standard.designation,
        },
    )


def _clause_link(view: View, number: str) -> Link:
    return Link(label=number, url=view.clause_url(number))


def _shown(view: View, place: Place, clauses: Mapping[str, RollUp], *, practice: bool) -> Shown:
    return Shown(
        ref="" if practice else place.ref,
        title=place.title,
        badge=coverage_badge(place.coverage),
        speakers=[
            Speaker(
                chip=components.clause(
                    speaks.clause,
                    view.clause_url(speaks.clause),
                    title=view.catalogue.clauses[speaks.clause].title,
                ),
                name=view.catalogue.clauses[speaks.clause].title,
                relation=RELATIONS[speaks.relation],
                result=result_badge(clauses[speaks.clause].worst),
                note=speaks.note,
            )
            for speaks in place.speaks
        ],
    )
