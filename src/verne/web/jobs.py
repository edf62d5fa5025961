"""What the pages have done in the background."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext_lazy

from verne.engine import clock
from verne.engine.clock import Clock
from verne.engine.jobs import job
from verne.engine.people import Person

from .entrance import attempts, factors


@job(title=gettext_lazy("Clear away old failed sign-ins"), schedule="47 3 * * *")
def forget_failed_sign_ins() -> None:
    """Clear away failed sign-ins once a day."""
    attempts.forget_old()


@job(title=gettext_lazy("Seal secrets under the new key"), schedule="53 3 * * *")
def seal_secrets_anew() -> None:
    """After SECRET_KEY was changed: seal under the new one what the old one sealed."""
    if settings.SECRET_KEY_FALLBACKS:
        factors.seal_anew()


@job(title=gettext_lazy("Count clocks anew after service hours have changed"))
def count_clocks_anew(calendar: int, by: int, note: str) -> None:
    """Compute the open clocks of a calendar anew, after its hours have changed."""
    clocks = Clock.objects.filter(calendar__of=calendar)
    clock.reproject(clocks, by=Person.objects.get(pk=by), note=note)
