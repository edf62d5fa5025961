"""The seats: every role with who holds it, who stands in, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from verne.engine.people import Person
from verne.engine.register import register_of
from verne.engine.rights import may
from verne.engine.roles import label as role_label
from verne.sms.leadership.role.models import Appointment, RoleDefinition
from verne.sms.leadership.role.seats import Finding, Flaw, Seat, counted, seats
from verne.sms.leadership.role.starters import begin_with_starters, starters, undescribed
from verne.web import components
from verne.web.context import clause_url
from verne.web.parts import Action, Link, PageHeader
from verne.web.views.common import from_replica, person_of, register_at, staff

TONES = {
    Flaw.VACANT: "alert",
    Flaw.EXPIRED: "alert",
    Flaw.LEFT: "alert",
    Flaw.CONFLICT: "alert",
    Flaw.UNACCEPTED: "waiting",
    Flaw.BARE: "waiting",
    Flaw.BY_THEMSELVES: "waiting",
    Flaw.UNDESCRIBED: "new",
    Flaw.ENDS_SOON: "waiting",
}


@dataclass(frozen=True)
class Holder:
    """One who holds a role, in words."""

    name: str
    note: str = ""
    url: str = ""


@dataclass(frozen=True)
class Said:
    """A finding in words, with where it is mended."""

    word: Any
    about: Any
    url: str = ""


@dataclass(frozen=True)
class SeatRow:
    label: Any
    url: str
    held: Sequence[Holder]
    said: Sequence[Said]
    of_the_standard: bool


@staff
@from_replica
def page(request: HttpRequest) -> HttpResponse:
    """Everybody who may see the roles sees the seats."""
    person = person_of(request)
    register_at("roles", person)
    now = timezone.now()
    everything = seats(now)
    whose = request.GET.get("person", "")
    only = next((f for f in Flaw if f.value == request.GET.get("finding", "")), None)
    appoints = person.may("engine.manage_roles") and may(person, "file", Appointment)
    shown = [
        _row(seat, appoints=appoints)
        for seat in everything
        if (not whose or any(str(held.person.pk) == whose for held in seat.held))
        and (only is None or any(f.flaw is only for f in seat.findings))
    ]
    context = {
        "header": PageHeader(
            title=_("Seats"),
            lead=_("Who holds which role today. Rights follow from appointments alone."),
            quarter="plan",
            crumbs=[Link(label=_("Roles"), url="/roles/")],
            clauses=_clauses(person),
            actions=_actions(person, appoints=appoints),
        ),
        "rows": shown,
        "person": Person.objects.filter(pk=whose).first() if whose.isdecimal() else None,
        "tabs": _tabs(counted(everything), only, whose),
        "undescribed": len(undescribed()) if may(person, "file", RoleDefinition) else 0,
        "of_the_standard": len(starters()),
    }
    return render(request, "people/seats.html", context)


def _row(seat: Seat, *, appoints: bool) -> SeatRow:
    url = seat.definition.get_absolute_url() if seat.definition else ""
    if appoints:
        url = f"/settings/roles/{seat.role.key}/"
    return SeatRow(
        label=role_label(seat.role.key),
        url=url,
        held=[
            Holder(
                held.person.name,
                _("stands in for %(name)s") % {"name": held.stands_in_for}
                if held.stands_in_for
                else "",
                held.appointment.get_absolute_url() if held.appointment else "",
            )
            for held in seat.held
        ],
        said=[_said(finding) for finding in seat.findings],
        of_the_standard=seat.of_the_standard,
    )


def _said(finding: Finding) -> Said:
    about = (
        _("%(person)s: %(what)s") % {"person": finding.person, "what": finding.about}
        if finding.person
        else finding.about
    )
    return Said(
        word=components.state(finding.flaw.label, TONES[finding.flaw]),
        about=about,
        url=finding.appointment.get_absolute_url() if finding.appointment else "",
    )


def _tabs(counts: dict[Flaw, int], only: Flaw | None, whose: str) -> list[Link]:
    if not counts:
        return []
    every = Link(label=_("All roles"), url="/roles/seats/", current=only is None and not whose)
    return [every] + [
        Link(
            label=flaw.label,
            url=f"/roles/seats/?finding={flaw.value.replace(' ', '+')}",
            count=number,
            current=flaw is only,
        )
        for flaw, number in counts.items()
    ]


def _clauses(person: Person) -> list[Any]:
    seen = person.may("conformity.view_statement")
    numbers = register_of(RoleDefinition.kind_name()).clauses
    return [components.clause(n, clause_url(n) if seen else "") for n in numbers]


def _actions(person: Person, *, appoints: bool) -> list[Action]:
    if not appoints:
        return []
    return [
        Action(
            label=_("Appoint somebody"),
            url="/appointments/new",
            kind="primary",
            icon="add",
            key="n",
        )
    ]


@require_POST
@staff
def begin(request: HttpRequest) -> HttpResponse:
    """A first description of each role that has none."""
    person = person_of(request)
    register_at("roles", person, "file")
    if not may(person, "revise", RoleDefinition):
        raise PermissionDenied
    filed = begin_with_starters(person)
    messages.success(
        request,
        ngettext(
            "%(number)d role is described in a draft: read it, tick it here, and put it in force.",
            "%(number)d roles are described in drafts: read them, tick those that fit, and put "
            "them in force together.",
            len(filed),
        )
        % {"number": len(filed)},
    )
    return redirect("/roles/")
