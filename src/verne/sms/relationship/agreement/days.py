"""What the days do to agreements: they come into force, run out, and hand their clocks on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy, override

from verne.engine.acts import move
from verne.engine.clock import Clock, reproject
from verne.engine.jobs import job
from verne.engine.rights import may, people_who_may, right

from .models import Agreement

if TYPE_CHECKING:
    from verne.engine.people import Person

log = logging.getLogger("verne.agreement")


@job(
    title=gettext_lazy("Put agreements in force and let them expire on their days"),
    schedule="5 0 * * *",
)
def turn_agreements() -> None:
    """Every night: put in force what begins today, let expire what ended yesterday."""
    today = timezone.now().date()
    standing = Agreement.objects.standing()
    beginning = standing.in_state("agreed").filter(
        Q(valid_until=None) | Q(valid_until__gte=today), valid_from__lte=today
    )
    ended = standing.in_state("agreed", "in_force", "under_review").filter(valid_until__lt=today)
    # History keeps its words; English is its language wherever nobody in particular is acting.
    with override("en"):
        _make("activate", beginning, say("The day from which it is valid has come."))
        _make("expire", ended, say("The day until which it was valid has passed."))


def _make(name: str, agreements: Any, note: str) -> None:
    for agreement in agreements.select_related("owner").order_by("valid_from", "pk"):
        person = _who_answers_for(agreement, name)
        if person is None:
            log.warning("%s: nobody may make the move %s.", agreement.ref, name)
            continue
        try:
            move(agreement, name, by=person, note=note)
        except ValidationError as why:
            log.warning("%s: %s not made: %s", agreement.ref, name, why)


def _who_answers_for(agreement: Agreement, name: str) -> Person | None:
    """Its owner, else the first of those whose roles include the step."""
    owner = agreement.owner
    if owner is not None and owner.active and may(owner, name, Agreement):
        return owner
    found: Person | None = people_who_may(right(name, Agreement)).order_by("pk").first()
    return found


@job(title=gettext_lazy("Give open clocks the targets of a changed agreement"))
def hand_clocks_on(agreement: int) -> int:
    """Give open clocks the targets that apply now that an agreement has begun or ended."""
    row = Agreement.objects.get(pk=agreement)
    clocks = Clock.objects.filter(
        stopped_at=None, record__kind__in=("resolution.incident", "resolution.servicerequest")
    )
    if row.customer_id is not None:
        clocks = clocks.filter(record__customer=row.customer_id)
    with override("en"):
        note = say("%(ref)s: the service levels have changed.") % {"ref": row.ref}
        return reproject(clocks, by=None, note=note)
