"""What the API has done in the background."""

from django.utils import timezone
from django.utils.translation import gettext_lazy

from verne.engine.jobs import job

from .once import forget


@job(
    title=gettext_lazy("Clear away answers of the API that are not asked for again"),
    schedule="23 * * * *",
)
def forget_answers() -> None:
    """Clear away answers that are not repeated any more."""
    forget(timezone.now())
