"""Who holds which role now, and what is wrong with it: vacant, expired, unaccepted, in conflict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from verne.engine.people import Assignment, Person, Role
from verne.engine.roles import OF_THE_PROGRAM

from .models import Absence, Appointment, Conflict, RoleDefinition

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

TOP = "top_management"

ENDS_SOON = timedelta(days=60)


class Flaw(StrEnum):
    """What can be wrong with a seat, worst first."""

    VACANT = "vacant"
    EXPIRED = "expired"
    LEFT = "left"
    CONFLICT = "conflict"
    UNACCEPTED = "unaccepted"
    BARE = "bare"
    BY_THEMSELVES = "by themselves"
    UNDESCRIBED = "undescribed"
    ENDS_SOON = "ends soon"

    @property
    def label(self) -> StrOrPromise:
        return LABELS[self]


LABELS: dict[Flaw, StrOrPromise] = {
    Flaw.VACANT: _("Vacant"),
    Flaw.EXPIRED: _("Expired"),
    Flaw.LEFT: _("Holder left"),
    Flaw.CONFLICT: _("Conflict of duty"),
    Flaw.UNACCEPTED: _("Not accepted"),
    Flaw.BARE: _("Without an appointment"),
    Flaw.BY_THEMSELVES: _("Appointed by themselves"),
    Flaw.UNDESCRIBED: _("Not described"),
    Flaw.ENDS_SOON: _("Ends soon"),
}


@dataclass(frozen=True)
class Finding:
    """One thing wrong with a seat: whom it concerns, and where to mend it."""

    flaw: Flaw
    about: StrOrPromise
    person: Person | None = None
    appointment: Appointment | None = None


@dataclass
class Held:
    """One person holding a role now: by appointment, by standing in, or by a bare grant."""

    grant: Assignment
    person: Person
    appointment: Appointment | None = None
    stands_in_for: Person | None = None


@dataclass
class Seat:
    """A role with everybody who holds it, and its findings."""

    role: Role
    definition: RoleDefinition | None
    of_the_standard: bool
    held: list[Held] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def needed(self) -> int:
        return self.definition.least_holders if self.definition else 1

    @property
    def lasting(self) -> list[Held]:
        """Those who hold it themselves, not in somebody's place."""
        return [held for held in self.held if held.stands_in_for is None]


def seats(at: datetime) -> list[Seat]:
    """Every role with its holders and findings; as many queries however many people there are."""
    described = RoleDefinition.objects.standing().exclude(state="retired")
    definitions = {d.role_id: d for d in described}
    found = {
        role.pk: Seat(role, definitions.get(role.pk), role.key not in OF_THE_PROGRAM)
        for role in Role.objects.all()
    }
    _seat_the_holders(found, at)
    _look_at_appointments(found, at)
    _look_for_conflicts(found)
    for seat in found.values():
        _look_at_the_seat(seat)
        seat.findings.sort(key=lambda finding: list(Flaw).index(finding.flaw))
    return sorted(found.values(), key=lambda seat: (not seat.of_the_standard, seat.role.name))


def _seat_the_holders(found: dict[int, Seat], at: datetime) -> None:
    grants = Assignment.objects.valid(at).select_related("person", "role")
    appointments = {
        a.grant_id: a for a in Appointment.objects.running(at).select_related("person", "deputy")
    }
    absences = {
        a.grant_id: a
        for a in Absence.objects.filter(since__lte=at, until__gt=at).select_related("of__person")
    }
    for grant in grants.order_by("person__name", "pk"):
        absence = absences.get(grant.pk)
        held = Held(grant, grant.person, appointments.get(grant.pk))
        if absence is not None:
            held.stands_in_for = absence.of.person
        found[grant.role_id].held.append(held)


def _look_at_appointments(found: dict[int, Seat], at: datetime) -> None:
    rows = list(Appointment.objects.standing().open().select_related("person", "role"))
    last = {a.role_id for a in rows if a.until is None or a.until > at + ENDS_SOON}
    for appointment in rows:
        seat = found[appointment.role_id]
        for flaw, about in _flaws(appointment, at):
            if flaw is Flaw.ENDS_SOON and appointment.role_id in last:
                continue
            seat.findings.append(Finding(flaw, about, appointment.person, appointment))


def _flaws(appointment: Appointment, at: datetime) -> Iterable[tuple[Flaw, StrOrPromise]]:
    if appointment.until is not None and appointment.until <= at:
        yield Flaw.EXPIRED, _("It has run out: appoint somebody anew, or end it.")
        return
    if appointment.since > at:
        return
    if not appointment.person.active:
        yield Flaw.LEFT, _("The person is no longer active: end it and appoint somebody else.")
    if appointment.state == "awaiting":
        yield Flaw.UNACCEPTED, _("The person has not accepted it yet.")
    # Above top management is nobody who could.
    own = appointment.filed_by_id == appointment.person_id
    if own and appointment.role.key != TOP:
        yield Flaw.BY_THEMSELVES, _("The holder made the appointment; somebody else should.")
    if appointment.until is not None and appointment.until <= at + ENDS_SOON:
        yield Flaw.ENDS_SOON, _("Nobody is appointed for the time after it.")


def _look_for_conflicts(found: dict[int, Seat]) -> None:
    holding: dict[int, dict[int, Held]] = defaultdict(dict)
    for seat in found.values():
        for held in seat.held:
            holding[held.person.pk][seat.role.pk] = held
    pairs = Conflict.objects.filter(of__withdrawn_at=None).exclude(of__state="retired")
    for conflict in pairs.select_related("of", "role"):
        for roles in holding.values():
            both = roles.get(conflict.of.role_id), roles.get(conflict.role_id)
            if both[0] is None or both[1] is None:
                continue
            if any(h and h.appointment and h.appointment.conflict_reason for h in both):
                continue
            about = _("Also %(role)s. %(why)s") % {"role": conflict.role, "why": conflict.why}
            seat = found[conflict.of.role_id]
            seat.findings.append(Finding(Flaw.CONFLICT, about, both[0].person, both[0].appointment))


def _look_at_the_seat(seat: Seat) -> None:
    if not seat.of_the_standard:
        seat.findings = [f for f in seat.findings if f.flaw in (Flaw.LEFT, Flaw.EXPIRED)]
        return
    if len(seat.lasting) < seat.needed:
        about = (
            _("Nobody holds it: its obligations have no owner.")
            if not seat.held
            else _("Fewer hold it than the role needs.")
        )
        seat.findings.append(Finding(Flaw.VACANT, about))
    for held in seat.lasting:
        if held.appointment is None:
            about = _("The rights were given without an appointment: appoint the person.")
            seat.findings.append(Finding(Flaw.BARE, about, held.person))
    if seat.definition is None or seat.definition.state != "in_force":
        seat.findings.append(
            Finding(Flaw.UNDESCRIBED, _("Its duties and authorities are not in force."))
        )


def counted(found: Iterable[Seat]) -> dict[Flaw, int]:
    """How many findings of each sort there are, worst first."""
    counts: dict[Flaw, int] = {}
    for flaw in Flaw:
        if number := sum(f.flaw is flaw for seat in found for f in seat.findings):
            counts[flaw] = number
    return counts
