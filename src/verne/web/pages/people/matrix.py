"""The competence matrix: people by competences, and what one person must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from verne.engine.people import Assignment, Organization, Person, Role, Team
from verne.engine.rights import may
from verne.engine.roles import label as role_label
from verne.sms.support.competence.matrix import Cell, Cover, Line, matrix, our_people
from verne.sms.support.competence.models import (
    Competence,
    CompetenceAction,
    CompetenceNeed,
    CompetenceRecord,
    Level,
)
from verne.sms.support.competence.register import SEE_ALL
from verne.sms.support.competence.starters import begin_with_starters, starters
from verne.web import components
from verne.web.context import clause_url
from verne.web.icons import icon
from verne.web.parts import Action, Choice, Link, PageHeader
from verne.web.views.common import from_replica, person_of, register_at, staff

MOST = 120
"""People on one page; of more than that one chooses a team or a role."""

TONES = {
    Cover.GAP: "gap",
    Cover.EXPIRED: "awaiting",
    Cover.IN_HAND: "partly",
    Cover.COVERED: "met",
    Cover.EXTRA: "no_occurrence",
    Cover.NOTHING: "no_data",
}
"""The colours of verdicts, which say the same."""

SIGNS = {
    Cover.GAP: "verdict-gap",
    Cover.EXPIRED: "clock",
    Cover.IN_HAND: "verdict-partly",
    Cover.COVERED: "verdict-met",
    Cover.EXTRA: "verdict-met",
    Cover.NOTHING: "verdict-no_occurrence",
}


@dataclass(frozen=True)
class Square:
    """A cell as it is drawn: two levels, a sign, and in words for those who do not see it."""

    cover: str
    text: str
    sign: SafeString
    words: str
    url: str


@dataclass(frozen=True)
class PersonLine:
    name: str
    url: str
    open: int
    squares: Sequence[Square]


@staff
@from_replica
def page(request: HttpRequest) -> HttpResponse:
    viewer = person_of(request)
    register_at("competences", viewer)
    role, team = request.GET.get("role", ""), request.GET.get("team", "")
    gaps_only = request.GET.get("gaps") == "1"
    people = _people(viewer, role, team)
    many = people.count()
    shown = matrix(people[:MOST], timezone.now(), role=role, viewer=viewer)
    lines = [line for line in shown.lines if not gaps_only or line.open]
    context = {
        "header": PageHeader(
            title=_("Competence matrix"),
            lead=_("What people must be able to do for their roles, and whether they can."),
            quarter="plan",
            crumbs=[Link(label=_("Competences"), url="/competences/")],
            clauses=_clauses(viewer),
            actions=_actions(viewer),
        ),
        "columns": shown.competences,
        "lines": [_person_line(line) for line in lines],
        "legend": [
            (TONES[cover], icon(SIGNS[cover]), cover.label, number)
            for cover, number in shown.counted().items()
        ],
        "roles": [Choice(value="", label=_("All roles"), chosen=not role), *_roles(role)],
        "teams": [Choice(value="", label=_("All teams"), chosen=not team), *_teams(team)],
        "gaps_only": gaps_only,
        "hidden": max(many - MOST, 0),
        "all_seen": _sees_all(viewer),
        "starters": len(starters())
        if may(viewer, "file", Competence) and not Competence.objects.standing().exists()
        else 0,
    }
    return render(request, "people/matrix.html", context)


def _sees_all(viewer: Person) -> bool:
    """Whether what everybody can do is theirs to look at; never to somebody from outside."""
    return bool(viewer.roles & SEE_ALL) and viewer.kind_of_party == Organization.Kind.OWN


def _people(viewer: Person, role: str, team: str) -> Any:
    """Whom this viewer sees in the matrix, as far as they asked for."""
    rows = Person.objects.filter(our_people())
    if not _sees_all(viewer):
        rows = rows.filter(pk=viewer.pk)
    if role:
        held = Assignment.objects.valid(timezone.now()).filter(role__key=role)
        rows = rows.filter(pk__in=held.values("person"))
    if team.isdecimal():
        rows = rows.filter(teams=int(team))
    return rows.order_by("name", "pk")


def _roles(chosen: str) -> list[Choice]:
    """Roles that need a competence."""
    needed = CompetenceNeed.objects.filter(of__withdrawn_at=None, of__state="in_use")
    keys = Role.objects.filter(pk__in=needed.values("role")).values_list("key", flat=True)
    choices = [Choice(value=key, label=role_label(key), chosen=key == chosen) for key in keys]
    return sorted(choices, key=lambda choice: str(choice.label))


def _teams(chosen: str) -> list[Choice]:
    teams = Team.objects.filter(active=True)
    return [Choice(value=str(t.pk), label=t.name, chosen=str(t.pk) == chosen) for t in teams]


def _person_line(line: Line) -> PersonLine:
    url = f"/competences/people/{line.person.pk}/"
    return PersonLine(
        name=line.person.name,
        url=url,
        open=line.open,
        squares=[_square(cell, url, line.person) for cell in line.cells],
    )


def _square(cell: Cell, url: str, person: Person) -> Square:
    cover = cell.cover
    if cover is Cover.NOTHING:
        return Square("", "", SafeString(""), "", "")
    text = f"{cell.level}/{cell.needed}" if cell.needed else str(cell.level)
    words = _("%(person)s, %(competence)s: %(cover)s, %(held)d held, %(needed)d needed") % {
        "person": person.name,
        "competence": cell.competence.title,
        "cover": cover.label,
        "held": cell.level,
        "needed": cell.needed,
    }
    return Square(
        TONES[cover],
        text,
        icon(SIGNS[cover]),
        words,
        f"{url}#c{cell.competence.pk}",
    )


def _clauses(viewer: Person) -> list[Any]:
    seen = viewer.may("conformity.view_statement")
    return [components.clause("7.2", clause_url("7.2") if seen else "")]


def _actions(viewer: Person) -> list[Action]:
    if not may(viewer, "file", Competence):
        return []
    return [Action(label=_("New competence"), url="/competences/new", icon="add", key="n")]


@require_POST
@staff
def begin(request: HttpRequest) -> HttpResponse:
    """The usual competences of the roles of the standard."""
    viewer = person_of(request)
    register_at("competences", viewer, "file")
    filed = begin_with_starters(viewer)
    messages.success(
        request,
        ngettext(
            "%(number)d competence is on file now.",
            "%(number)d competences are on file now.",
            len(filed),
        )
        % {"number": len(filed)},
    )
    return redirect("/competences/matrix/")


# --- One person -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class NeedRow:
    """One competence of a person: what is needed and why, what is held, what to do."""

    number: int
    title: str
    url: str
    needed: str
    roles: str
    held: str
    sign: SafeString
    cover: str
    word: Any
    record: CompetenceRecord | None
    action: CompetenceAction | None
    steps: Sequence[Link]


@staff
def person(request: HttpRequest, number: int) -> HttpResponse:
    """What one person must be able to do, with the steps that close a gap."""
    viewer = person_of(request)
    register_at("competences", viewer)
    whose = get_object_or_404(Person.objects.filter(our_people()), pk=number)
    if whose.pk != viewer.pk and not _sees_all(viewer):
        raise Http404
    line = matrix([whose], timezone.now(), viewer=viewer).lines[0]
    rows = [cell for cell in line.cells if cell.cover is not Cover.NOTHING]
    rows.sort(key=lambda cell: (list(Cover).index(cell.cover), cell.competence.title))
    context = {
        "header": PageHeader(
            title=whose.name,
            lead=_("Roles: %(roles)s.")
            % {"roles": ", ".join(str(role_label(k)) for k in line.roles)}
            if line.roles
            else _("Holds no role today."),
            quarter="plan",
            crumbs=[
                Link(label=_("Competences"), url="/competences/"),
                Link(label=_("Matrix"), url="/competences/matrix/"),
            ],
            clauses=_clauses(viewer),
        ),
        "rows": [_need_row(cell, whose, viewer) for cell in rows],
        "history": CompetenceRecord.objects.visible_to(viewer)
        .standing()
        .filter(person=whose)
        .exclude(state="planned")
        .select_related("competence", "assessed_by")
        .order_by("-assessed_at")[:50],
    }
    return render(request, "people/person.html", context)


def _need_row(cell: Cell, whose: Person, viewer: Person) -> NeedRow:
    return NeedRow(
        number=cell.competence.pk,
        title=cell.competence.title,
        url=cell.competence.get_absolute_url(),
        needed=str(Level(cell.needed).label) if cell.needed else "",
        roles=", ".join(str(role_label(key)) for key in cell.for_roles),
        held=str(Level(cell.level).label) if cell.level else "",
        sign=icon(SIGNS[cell.cover]),
        cover=TONES[cell.cover],
        word=cell.cover.label,
        record=cell.record,
        action=cell.action,
        steps=_steps(cell, whose, viewer),
    )


def _steps(cell: Cell, whose: Person, viewer: Person) -> list[Link]:
    """What this viewer can do about it; nobody assesses themselves."""
    given = {"person": str(whose.pk), "competence": cell.competence.ref}
    steps = []
    if whose.pk != viewer.pk and may(viewer, "assess", CompetenceRecord):
        url = f"/competence-records/new?{urlencode(given)}"
        if cell.record is not None:
            url = f"{cell.record.get_absolute_url()}#lifecycle"
        steps.append(Link(label=_("Assess anew") if cell.record else _("Assess"), url=url))
    if cell.cover in (Cover.GAP, Cover.EXPIRED) and may(viewer, "file", CompetenceAction):
        query = urlencode(given | {"target_level": str(cell.needed)})
        steps.append(Link(label=_("Plan an action"), url=f"/competence-actions/new?{query}"))
    return steps
