"""How audit rooms are listed, filed and shown."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from verne.engine import guests
from verne.engine.moment import now
from verne.engine.people import Person
from verne.engine.register import Panel, Register, Section
from verne.engine.rights import ALL, READ

from ..readers import READERS
from .models import AuditRoom

NEWEST = 200
"""Views shown on the page of a room; all of them are in its history."""


def what_they_looked_at(room: AuditRoom, person: Person) -> list[tuple[Any, ...]]:
    rows = room.views.select_related("guest").order_by("-at", "-pk")[:NEWEST]
    return [(view.at, view.guest, view.ref or view.path) for view in rows]


class AuditRoomRegister(Register):
    model = AuditRoom
    prefix = "ROOM"
    slug = "audit-rooms"
    clauses = ("9.2",)
    purpose = _("What an auditor from outside sees, until when, and what they looked at.")
    first_step = _("Prepare one before the certification body comes: clauses, guests, an end.")
    columns = ("ref", "title", "body", "clauses", "state", "expires_at", "owner")
    filters = ("state", "owner")
    search = ("title", "body", "clauses")
    sections = (
        Section(_("Room"), "title", "body", "audit", "guests", "owner"),
        Section(_("What they see"), "clauses", "since", "until", "expires_at"),
        Section(_("What they may do"), "may_sample", "may_ask", "may_note"),
    )
    panels = (
        Panel(
            _("What the guests looked at"), (_("When"), _("Who"), _("What")), what_they_looked_at
        ),
    )
    roles = {
        **READERS,
        "audit_manager": ALL,
        "sms_manager": (*READ, "comment", "close"),
    }

    @classmethod
    def allowed(cls, person: Person, field: str) -> Any | None:
        if field != "guests":
            return None
        return guests.guests_at(now())
