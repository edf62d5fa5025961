"""The coverage grid: areas by quarters of years; done, planned, overdue, never."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy

from verne.engine.people import Person
from verne.engine.rights import may
from verne.sms.evaluation.audit.coverage import (
    DONE,
    DUE,
    NEVER,
    OVERDUE,
    PLANNED,
    UNDER_WAY,
    Grid,
    Mark,
    Quarter,
    Row,
    grid,
)
from verne.sms.evaluation.audit.models import Audit
from verne.sms.evaluation.audit.programme import AuditProgramme
from verne.web import components, phrases
from verne.web.context import clause_url
from verne.web.parts import Action, Empty, Link, PageHeader
from verne.web.views.common import from_replica, person_of, staff

WORDS: dict[str, tuple[str, Any]] = {
    DONE: ("met", pgettext_lazy("of an audit", "Done")),
    UNDER_WAY: ("awaiting", pgettext_lazy("of an audit", "Under way")),
    PLANNED: ("not_yet_due", pgettext_lazy("of an audit", "Planned")),
    OVERDUE: ("gap", pgettext_lazy("of an audit", "Overdue")),
    DUE: ("partly", pgettext_lazy("of an audit", "Due, not planned")),
    NEVER: ("no_data", pgettext_lazy("of an audit", "Never")),
}
"""How the grid says each standing: a glyph and a word."""


@dataclass(frozen=True)
class Cell:
    """A quarter of an area."""

    verdict: str
    marks: list[dict[str, Any]]
    now: bool


@dataclass(frozen=True)
class Line:
    """An area as a row of the grid."""

    clause: Any
    name: str
    weight: int
    why: str
    every: int
    cells: list[Cell]
    due: date | None
    standing: Any
    plan_url: str


@staff
@from_replica
def page(request: HttpRequest) -> HttpResponse:
    """The grid of a programme: the one named, else the one in force, else the newest."""
    person = person_of(request)
    if not may(person, "view", AuditProgramme):
        raise PermissionDenied
    seen = AuditProgramme.objects.visible_to(person).standing()
    programmes = list(seen.order_by("-state", "-since", "-pk")[:20])
    wanted = request.GET.get("programme", "").upper()
    programme = next((p for p in programmes if p.ref == wanted), None)
    programme = programme or next((p for p in programmes if p.is_current), None)
    programme = programme or next(iter(programmes), None)
    context: dict[str, Any] = {
        "header": PageHeader(
            title=gettext("Coverage of audits"),
            lead=gettext("Which part of the management system was looked at, and when it is due."),
            quarter="check",
            crumbs=[Link(label=gettext("Audit programmes"), url="/audit-programmes/")],
            clauses=[components.clause("9.2.2", clause_url("9.2.2"), quarter="check")],
            actions=_actions(programme, person),
        ),
    }
    if programme is None or not programme.areas.exists():
        return render(
            request, "audits/coverage.html", context | {"empty": _empty(programme, person)}
        )
    found = grid(programme, person, today=timezone.localdate())
    context |= {
        "programme": programme,
        "others": _others(programmes, programme),
        "years": _years(found),
        "quarters": [(q.number, q == Quarter.of(found.today)) for q in found.quarters],
        "lines": [_line(row, found, person) for row in found.rows],
        "sums": [
            (components.verdict(*WORDS[standing]), sum(r.standing == standing for r in found.rows))
            for standing in (OVERDUE, NEVER, UNDER_WAY, PLANNED, DONE)
        ],
        "legend": [
            components.verdict(*WORDS[what]) for what in (DONE, UNDER_WAY, PLANNED, OVERDUE, DUE)
        ],
    }
    return render(request, "audits/coverage.html", context)


def _actions(programme: AuditProgramme | None, person: Person) -> list[Action]:
    if programme is None or not may(person, "file", Audit):
        return []
    url = f"/audits/new?programme={programme.pk}"
    return [Action(label=gettext("Plan an audit"), url=url, kind="primary", icon="add", key="n")]


def _empty(programme: AuditProgramme | None, person: Person) -> Empty:
    actions = []
    if programme is not None:
        link = Action(label=programme.ref, url=programme.get_absolute_url(), kind="primary")
        actions.append(link)
    elif may(person, "file", AuditProgramme):
        actions.append(
            Action(label=gettext("File a programme"), url="/audit-programmes/new", kind="primary")
        )
    return Empty(
        title=gettext("No programme lays out its areas yet"),
        text=gettext(
            "File a programme for three years, then “Lay out the areas”: each clause gets a weight "
            "from its importance, from changes and from what was found, and this grid shows when "
            "it is due."
        ),
        quarter="check",
        clauses=[components.clause("9.2.2", clause_url("9.2.2"), quarter="check")],
        actions=actions,
    )


def _others(programmes: list[AuditProgramme], shown: AuditProgramme) -> list[Link]:
    if len(programmes) < 2:
        return []
    return [
        Link(
            label=f"{p.ref} {p.title}",
            url=f"/audit/coverage/?programme={p.ref}",
            current=p.pk == shown.pk,
        )
        for p in programmes
    ]


def _years(found: Grid) -> list[tuple[int, int]]:
    """Each year with how many of its quarters are shown."""
    years = [quarter.year for quarter in found.quarters]
    return [(year, years.count(year)) for year in dict.fromkeys(years)]


def _line(row: Row, found: Grid, person: Person) -> Line:
    area = row.area
    now = Quarter.of(found.today)
    weighed = gettext("importance %(importance)s, change %(change)s, former results %(former)s") % {
        "importance": area.get_importance_display(),
        "change": area.get_change_display(),
        "former": area.get_former_display(),
    }
    plan = ""
    if may(person, "file", Audit):
        plan = f"/audits/new?programme={found.programme.pk}&clauses={area.clause}"
    return Line(
        clause=components.clause(area.clause, clause_url(area.clause), quarter=row.pdca),
        name=row.name,
        weight=area.weight,
        why=weighed,
        every=area.months,
        cells=[_cell(row.marks.get(q, []), now=q == now) for q in found.quarters],
        due=row.due,
        standing=components.verdict(*WORDS[row.standing]),
        plan_url=plan,
    )


def _cell(marks: list[Mark], *, now: bool) -> Cell:
    order = (OVERDUE, DUE, UNDER_WAY, PLANNED, DONE)
    worst = next((what for what in order if any(m.what == what for m in marks)), "")
    return Cell(
        verdict=WORDS[worst][0] if worst else "",
        marks=[
            {
                "ref": mark.ref,
                "title": f"{mark.title or WORDS[mark.what][1]}, {phrases.day(mark.day)}",
                "badge": components.verdict(*WORDS[mark.what], compact=True),
                "url": f"/r/{mark.ref}" if mark.ref else "",
            }
            for mark in marks
        ],
        now=now,
    )
