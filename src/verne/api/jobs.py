"""What the API has done in the background."""

from django.utils import timezone

from verne.engine.jobs import job

from .once import forget


@job(schedule="23 * * * *")
def forget_answers() -> None:
    """Clear away answers that are not repeated any more."""
    forget(timezone.now())
