"""The whole standard as a tree of clauses, with its readiness and its course."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dates import MONTHS_3
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from verne.conformity import statement as statements
from verne.web.drawings import Line
from verne.web.drawn import once
from verne.web.parts import Action, PageHeader

from .branches import branches
from .shown import PHASES, sums_of
from .view import COMPUTE, View, kept_from_replica, open_view


@login_required
@kept_from_replica
def index(request: HttpRequest) -> HttpResponse:
    view = open_view(request)
    judgement = view.statement.judgement
    standard = view.catalogue.standard
    actions = []
    if view.person.may(COMPUTE) and not view.past:
        actions = [
            Action(label=_("Compute anew"), url=reverse("standard-compute"), method="post"),
            Action(label=_("Keep as snapshot"), url=reverse("standard-keep"), method="post"),
        ]
    actions.append(Action(label=_("Documented information"), url=reverse("standard-documented")))
    actions.append(Action(label=_("Values"), url=reverse("standard-values"), icon="settings"))
    return render(
        request,
        "standard/index.html",
        view.base
        | {
            "header": PageHeader(
                title=standard.designation,
                lead=_("What your records say about each clause, down to the record."),
                actions=actions,
            ),
            "whole": sums_of(judgement.whole),
            "sentences": sums_of(once(judgement, judgement.statements, "sentences")),
            "computed": view.statement.computed,
            "checks": len(view.statement.figures),
            "quarters": _quarters(view),
            "course": _course(view),
            "notice": view.catalogue.notice,
        },
    )


@dataclass(frozen=True)
class Quarter:
    """A quarter of the wheel with its chapters."""

    key: str
    label: Any
    numbers: str
    branches: SafeString


def _quarters(view: View) -> list[Quarter]:
    chapters = view.catalogue.children(None)
    found = []
    for key, label in PHASES.items():
        mine = [c for c in chapters if c.pdca == key]
        numbers = f"{mine[0].number}–{mine[-1].number}" if len(mine) > 1 else mine[0].number
        found.append(Quarter(key, label, numbers, branches(view, mine)))
    return found


def _course(view: View) -> Line | None:
    """Readiness over the last twelve months: the last snapshot of each month, and the present."""
    months = statements.by_month(view.statement.at - timedelta(days=365))
    if len(months) < 2:
        return None
    return Line(
        title=_("Readiness"),
        note=_("last snapshot of each month"),
        unit="%",
        high=100,
        labels=(_("Month"), _("Conforming")),
        points=[
            (
                MONTHS_3[timezone.localtime(s.at).month],
                None if s.whole.readiness is None else round(100 * s.whole.readiness),
            )
            for s in months
        ],
    )
