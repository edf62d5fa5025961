"""The one way to a grant: an appointment writes the row from which the engine reads the rights."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from verne.engine import moment
from verne.engine.people import Assignment
from verne.engine.rights import bundles

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.people import Person, Role

    from .models import Absence, Appointment

APPOINT = "leadership.file_appointment"
"""The right to give roles: whoever has it can come by any other."""

INSTANT = timedelta(microseconds=1)


def write_grant(appointment: Appointment) -> bool:
    """Make the grant say what the appointment says; whether it is a new row."""
    return _write(
        appointment,
        role_id=appointment.role_id,
        person_id=appointment.person_id,
        since=appointment.since,
        until=_until(appointment),
        communicated_at=appointment.communicated_at,
        acknowledged_at=appointment.accepted_at or _taken_as_read(appointment),
        reviewed_at=appointment.reviewed_at,
    )


def write_deputy_grant(absence: Absence) -> bool:
    """The same for a deputy, for as long as the appointment itself runs."""
    end = _until(absence.of)
    until = absence.until if end is None else min(absence.until, end)
    return _write(
        absence,
        role_id=absence.of.role_id,
        person_id=absence.deputy_id,
        since=absence.since,
        until=max(until, absence.since + INSTANT),
    )


def _write(holder: Any, **facts: Any) -> bool:
    grant: Assignment | None = holder.grant
    if grant is None:
        holder.grant = Assignment.objects.create(**facts)
        return True
    if changed := [name for name, value in facts.items() if getattr(grant, name) != value]:
        for name in changed:
            setattr(grant, name, facts[name])
        grant.save(update_fields=changed)
    return False


def _until(appointment: Appointment) -> datetime | None:
    """One that was withdrawn gives nothing from then on."""
    if appointment.withdrawn_at is None:
        return appointment.until
    return the_end(appointment.since, appointment.until, appointment.withdrawn_at)


def _taken_as_read(appointment: Appointment) -> datetime | None:
    """Access alone is accepted by using it."""
    return appointment.since if appointment.state == "in_force" else None


def the_end(since: datetime, until: datetime | None, at: datetime) -> datetime:
    """When something ends that is ended at an instant: then, or before it ever counts."""
    earliest = max(at, since + INSTANT)
    return earliest if until is None else min(until, earliest)


def never_counts(grant: Assignment) -> None:
    grant.until = grant.since + INSTANT
    grant.save(update_fields=["until"])


def end_bare_grant(grant: Assignment) -> None:
    """End a grant that no appointment stands behind; call it in an act."""
    grant.until = the_end(grant.since, grant.until, moment.now())
    grant.save(update_fields=["until"])


def somebody_else_may_appoint(grant: Assignment | None) -> bool:
    """Whether roles can still be given once this grant is no more."""
    keys = [key for key, rights in bundles().items() if APPOINT in rights]
    if grant is None or grant.role.key not in keys:
        return True
    now = moment.now()
    lasting = Assignment.objects.valid(now).filter(role__key__in=keys).exclude(pk=grant.pk)
    if not Assignment.objects.valid(now).filter(pk=grant.pk).exists():
        return True
    # Somebody who only stands in for a while leaves nobody behind.
    return bool(lasting.filter(Q(absence=None)).exists())


def wrong_side(role: Role, person: Person) -> StrOrPromise | None:
    """Roles of customers are for their people, all others for ours: rights reach no further."""
    if role.key.startswith("customer_") == person.is_customer:
        return None
    if person.is_customer:
        return _("People of a customer hold roles of customers only.")
    return _("This role is for people of a customer.")
