"""What is asked of people before anything else: a password of their own, a second step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from verne.engine.people import Person

from ..models import PasswordDue
from . import factors, policy

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

OWES = "owes"
"""Where the session keeps it: found once, when somebody signs in."""


@dataclass(frozen=True)
class Duty:
    """What has to be done, where, and which pages are open until it is."""

    page: str
    words: StrOrPromise
    open_to: frozenset[str]


ALWAYS = frozenset({"sign-in", "sign-out", "preferences"})

DUTIES = {
    "password": Duty(
        "password",
        _("Your password was chosen by somebody else. Choose one of your own to go on."),
        ALWAYS | {"password"},
    ),
    "second-step": Duty(
        "security",
        _("Your role needs a second step when signing in. Add an authenticator app or a passkey."),
        ALWAYS
        | {
            "password",
            "security",
            "security-app",
            "security-passkey",
            "security-codes",
            "passkey-options",
        },
    ),
}


def of(person: Person) -> list[str]:
    """What somebody owes, in the order in which it is asked."""
    owed = []
    if PasswordDue.objects.filter(person=person).exists():
        owed.append("password")
    if policy.asks_second_step(person) and not factors.has_any(person):
        owed.append("second-step")
    return owed


def done(request: HttpRequest, name: str) -> bool:
    """It is done; whether it had been asked for."""
    before = request.session.get(OWES, [])
    owed = [each for each in before if each != name]
    if owed:
        request.session[OWES] = owed
    else:
        request.session.pop(OWES, None)
    return name in before


def stand_before(request: HttpRequest) -> HttpResponse | None:
    """The way to what is owed first, unless this page is open meanwhile."""
    owed = request.session.get(OWES)
    if not owed or request.path.startswith("/api/"):
        # The API says no by itself, in its own way.
        return None
    duty = DUTIES[owed[0]]
    name = request.resolver_match.url_name if request.resolver_match else ""
    if name in duty.open_to:
        return None
    messages.info(request, duty.words)
    return redirect(duty.page)
