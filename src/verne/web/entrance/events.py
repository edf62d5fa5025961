"""What happened to somebody's sign-in, kept for them to see and told when they next sign in."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from verne.engine.people import Person

from ..models import AccountEvent
from . import whence

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

log = logging.getLogger("verne.entrance")


@dataclass(frozen=True)
class What:
    """A kind of event. Those worth a word are `told` at the next sign-in."""

    words: StrOrPromise
    told: bool = True


KINDS: dict[str, What] = {
    "signed_in": What(_("Signed in"), told=False),
    "new_browser": What(_("Signed in with a browser not seen before"), told=False),
    "signed_out": What(_("Signed out"), told=False),
    "sessions_ended": What(_("Sessions were ended"), told=False),
    "password_changed": What(_("The password was changed")),
    "password_set": What(_("An administrator set a password")),
    "link_made": What(_("A link for a new password was made")),
    "link_used": What(_("The password was chosen anew by a link")),
    "app_added": What(_("An authenticator app was added")),
    "passkey_added": What(_("A passkey was added")),
    "factor_removed": What(_("A second step was removed")),
    "factors_reset": What(_("An administrator removed every second step")),
    "codes_made": What(_("New recovery codes were made")),
    "code_used": What(_("A recovery code was used")),
}


def note(
    person: Person,
    what: str,
    *,
    by: Person | None = None,
    request: HttpRequest | None = None,
    elsewhere: bool = False,
) -> None:
    """Keep an event. The person did it unless somebody else did; `elsewhere` is no page at all."""
    kind = KINDS[what]
    who = None if elsewhere else by or person
    agent = whence.agent_of(request) if request else ""
    address = whence.address_of(request) if request else ""
    AccountEvent.objects.create(
        person=person,
        what=what,
        by=who,
        agent=agent,
        address=address,
        told_at=None if kind.told else timezone.now(),
    )
    log.info("%s: person %d, by %s, from %s", what, person.pk, who and who.pk, address or "-")


def untold(person: Person) -> list[AccountEvent]:
    """What they have not been told yet; with this they have."""
    found = list(AccountEvent.objects.filter(person=person, told_at=None).select_related("by")[:20])
    if found:
        AccountEvent.objects.filter(person=person, told_at=None).update(told_at=timezone.now())
    return found


def latest(person: Person, number: int = 20) -> list[AccountEvent]:
    return list(AccountEvent.objects.filter(person=person).select_related("by")[:number])


def words(event: AccountEvent) -> StrOrPromise:
    return KINDS[event.what].words if event.what in KINDS else event.what


def forget(person: Person) -> None:
    """Where somebody signed in from is theirs: it goes when their data goes."""
    AccountEvent.objects.filter(person=person).delete()
