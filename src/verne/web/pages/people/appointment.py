"""An appointment on its page: what the role is that one accepts, and the word given on it."""

from __future__ import annotations

from verne.engine.people import Person
from verne.engine.signing import is_still_true, signatures_of
from verne.sms.leadership.role.models import Appointment, RoleDefinition
from verne.web.own import Context, shown_on


@shown_on("leadership.appointment", "people/accepted.html")
def the_role_and_the_word(appointment: Appointment, viewer: Person) -> Context | None:
    """The role as it is described now; nothing while nobody has described it or signed."""
    seen = RoleDefinition.objects.visible_to(viewer).standing()
    definition = seen.filter(role=appointment.role_id).first()
    signature = signatures_of(appointment, meaning="acceptance").last()
    if definition is None and signature is None:
        return None
    return {
        "definition": definition,
        "signature": signature,
        "outdated": signature is not None and not is_still_true(signature),
        "awaited": appointment.state == "awaiting",
    }
