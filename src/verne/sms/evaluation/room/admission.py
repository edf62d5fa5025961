"""What the open rooms admit a guest to: which records, and what may be done there."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from verne.engine import guests
from verne.engine.acts import act
from verne.engine.guests import Admission
from verne.engine.people import Person
from verne.engine.register import registers
from verne.engine.rights import right

from ..audit.clauses import kinds_within
from ..audit.finding import AuditFinding
from ..audit.request import EvidenceRequest
from ..sampling.models import AuditSample
from .models import AuditRoom, RoomView

DOCUMENTS = {"support.document": "in_force", "support.revision": "in_force"}
"""Kinds that hold documents, and the state in which a guest reads them."""

SAMPLES = ("view", "file", "revise", "evaluate", "look_again")
REQUESTS = ("view", "file", "accept", "reject", "drop")
FINDINGS = ("view", "file", "revise")
"""What a guest does with their own, where the room allows it."""


def rooms_of(person: Person) -> list[AuditRoom]:
    """The rooms a guest may enter now, the newest first."""
    return list(AuditRoom.objects.open_for(person, timezone.now()).order_by("-pk"))


def admission(person: Person) -> Admission | None:
    """What all rooms together admit a guest to; None when none is open."""
    rooms = rooms_of(person)
    if not rooms:
        return None
    records: dict[str, Q] = {}
    rights: set[str] = set()
    for room in rooms:
        for kind, reach in _records(room).items():
            records[kind] = records[kind] | reach if kind in records else reach
    numbers = [room.pk for room in rooms]
    for model, verbs, allowed in (
        (AuditSample, SAMPLES, any(room.may_sample for room in rooms)),
        (EvidenceRequest, REQUESTS, any(room.may_ask for room in rooms)),
        (AuditFinding, FINDINGS, any(room.may_note for room in rooms)),
    ):
        own: Any = model._default_manager.filter(Q(filed_by=person) | Q(room__in=numbers))
        records[model.kind_name()] = Q(pk__in=own.values("pk"))
        if allowed:
            rights |= {right(verb, model) for verb in verbs}
    return Admission(records, frozenset(rights))


def _records(room: AuditRoom) -> dict[str, Q]:
    """Records of the clauses of a room and its period; never restricted ones, nor other rooms."""
    usual = Q(restricted=False, withdrawn_at=None)
    if room.until:
        usual &= Q(filed_at__lt=_midnight(room.until + timedelta(days=1)))
    found: dict[str, Q] = {}
    for kind in kinds_within(room.numbers):
        if kind == AuditRoom.kind_name():
            continue
        found[kind] = usual
        if room.since:
            # What is still open or in force belongs to the period, however long it has stood.
            standing = registers[kind].model.lifecycle.open_states()
            found[kind] &= Q(changed_at__gte=_midnight(room.since)) | Q(state__in=standing)
    for kind, state in DOCUMENTS.items():
        if kind in registers:
            found[kind] = Q(restricted=False, withdrawn_at=None, state=state)
    return found


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def note_view(person: Person, path: str, ref: str = "") -> None:
    """Note a page that a guest opened, in the newest of the rooms they are in."""
    rooms = rooms_of(person)
    if not rooms or not guests.is_guest(person):
        return
    room = rooms[0]
    with act(
        "view", by=person, record=room.pk, name=(ref or path)[:60], kind=room.kind_name()
    ) as work:
        RoomView.objects.create(
            room=room, guest=person, at=work.act.at, path=path[:500], ref=ref[:20]
        )
