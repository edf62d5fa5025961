"""What a guest files belongs to the room they are in, whatever the form said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verne.engine import guests

if TYPE_CHECKING:
    from verne.engine.people import Person

    from ..room.models import AuditRoom


def room_of(person: Person | None) -> AuditRoom | None:
    """The newest open room of a guest; None for our own people."""
    if person is None or not guests.is_guest(person):
        return None
    from ..room.admission import rooms_of

    return next(iter(rooms_of(person)), None)
