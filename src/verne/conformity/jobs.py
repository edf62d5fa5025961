"""What conformity does by itself: follow the changes, and keep the statement of each day."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy

from verne.engine.acts import move_by_rule
from verne.engine.jobs import job

from .attesting.models import WARNING, Attestation
from .models import Run, Snapshot
from .statement import refresh, take_snapshot

KEEP_RUNS = timedelta(days=90)


@job(title=gettext_lazy("Compute the checks whose records have changed"), schedule="*/5 * * * *")
def follow_changes() -> None:
    """Compute the checks whose records have changed."""
    refresh()


@job(
    title=gettext_lazy("Compute all checks and keep the statement of the day"),
    schedule="5 0 * * *",
)
def keep_the_day() -> None:
    """Compute everything, for time alone changes what is overdue, and keep it: once a day."""
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    if not Snapshot.objects.filter(why=Snapshot.Why.DAILY, at__gte=today).exists():
        take_snapshot(why=Snapshot.Why.DAILY)


@job(title=gettext_lazy("Clear away old computations that nothing rests on"), schedule="47 3 * * *")
def forget_runs() -> None:
    """Clear away old runs that no result and no snapshot rests on."""
    old = Run.objects.filter(started_at__lt=timezone.now() - KEEP_RUNS)
    old.filter(results=None, snapshots=None).delete()


@job(title=gettext_lazy("Take in the libraries that come with this version"))
def take_in_libraries() -> None:
    """Have the catalogues that come with this version of the program among the libraries."""
    from .library import ours

    ours.take_in()


@job(title=gettext_lazy("Say which attestations end soon or have ended"), schedule="11 0 * * *")
def watch_attestations() -> None:
    """Ask for the next judgement a month before one ends, and let it expire on its day."""
    now = timezone.now()
    standing = Attestation.objects.standing()
    over = standing.in_state("signed", "expiring").filter(valid_until__lte=now.date())
    near = standing.in_state("signed").filter(
        valid_until__gt=now.date(), valid_until__lte=(now + WARNING).date()
    )
    for rows, step, note in (
        (over, "expire", "Its end has come."),
        (near, "warn", "It ends within a month."),
    ):
        for row in rows:
            # Somebody may have revoked it in the same moment.
            with suppress(ValidationError), transaction.atomic():
                move_by_rule(row, step, by=None, note=note)
