"""What the pages have done in the background."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from verne.engine import clock
from verne.engine.clock import Clock
from verne.engine.jobs import job
from verne.engine.people import Person

from .signing_in import forget_old_failures


@job(title=gettext_lazy("Clear away old failed sign-ins"), schedule="47 3 * * *")
def forget_failed_sign_ins() -> None:
    """Clear away failed sign-ins once a day."""
    forget_old_failures()


@job(title=gettext_lazy("Count clocks anew after service hours have changed"))
def count_clocks_anew(calendar: int, by: int, note: str) -> None:
    """Compute the open clocks of a calendar anew, after its hours have changed."""
    clocks = Clock.objects.filter(calendar__of=calendar)
    clock.reproject(clocks, by=Person.objects.get(pk=by), note=note)
