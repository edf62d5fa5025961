"""What the letter of the day tells: the lists of Today, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils.html import strip_tags
from django.utils.text import normalize_newlines
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verne.engine import guests
from verne.engine.mail import Line, section
from verne.engine.people import Assignment, Person
from verne.engine.roles import label as role_label
from verne.sms.evaluation.room.models import AuditRoom
from verne.sms.leadership.role.models import Appointment

from . import phrases, work
from .parts import Hit

MOST = 50
"""Looked up for a heading; the letter shows a dozen and says how many more there are."""

SOON = timedelta(days=7)
"""Work that is due later than this waits for a later letter."""

ENDING = timedelta(days=14)
"""How long before it ends somebody is told that their access does."""


@section(gettext_lazy("Your approval is asked for"))
def approvals(person: Person, at: datetime) -> Sequence[Line]:
    return [_line(hit, noted=True) for hit in work.awaiting(person, MOST)] if _staff(person) else []


@section(gettext_lazy("Appointments to accept"))
def appointments(person: Person, at: datetime) -> Sequence[Line]:
    if not _staff(person):
        return []
    rows = Appointment.objects.visible_to(person).standing().in_state("awaiting")
    return [
        Line(row.ref, row.title, row.get_absolute_url())
        for row in rows.filter(person=person).order_by("pk")[:MOST]
    ]


@section(gettext_lazy("To read and understand"))
def to_read(person: Person, at: datetime) -> Sequence[Line]:
    return [_line(hit) for hit in work.to_read(person, MOST)] if _staff(person) else []


@section(gettext_lazy("Late, or due within a week"))
def due(person: Person, at: datetime) -> Sequence[Line]:
    """Work of theirs with a day: reviews of documents, actions, missed targets, audits."""
    if not _staff(person):
        return []
    return [
        Line(sheet.ref, sheet.title, sheet.get_absolute_url(), _when(sheet.due_at, at))
        for sheet in work.owned(person)
        .filter(due_at__lte=at + SOON)
        .order_by("due_at", "pk")[:MOST]
    ]


@section(gettext_lazy("Ends soon"))
def ending(person: Person, at: datetime) -> Sequence[Line]:
    """Roles of theirs, and for a guest the rooms they are in."""
    until = at + ENDING
    if guests.is_guest(person):
        rooms = AuditRoom.objects.open_for(person, at).filter(expires_at__lte=until)
        return [
            Line(room.ref, room.title, "/room/", _when(room.expires_at, at))
            for room in rooms.order_by("expires_at")
        ]
    held = Assignment.objects.valid(at).filter(person=person, until__lte=until)
    return [
        Line("", str(role_label(row.role.key)), "/profile/", _when(row.until, at))
        for row in held.select_related("role").order_by("until")
    ]


def _staff(person: Person) -> bool:
    """Customers and guests have other pages; Today is for those who work here."""
    return not person.is_customer and not guests.is_guest(person)


def _line(hit: Hit, *, noted: bool = False) -> Line:
    said = str(hit.note) if noted else strip_tags(str(hit.state))
    return Line(hit.ref, str(hit.title), hit.url, " ".join(normalize_newlines(said).split()))


def _when(due: datetime | None, at: datetime) -> str:
    if due is None:
        return ""
    day = phrases.day(due)
    return _("late since %(day)s") % {"day": day} if due < at else _("by %(day)s") % {"day": day}
