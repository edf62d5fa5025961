"""What the pages have done in the background."""

from verne.engine.jobs import job

from .pages.incoming import clear_away
from .signing_in import forget_old_failures


@job(schedule="47 3 * * *")
def forget_failed_sign_ins() -> None:
    """Clear away failed sign-ins once a day."""
    forget_old_failures()


@job(schedule="53 3 * * *")
def clear_away_imports() -> None:
    """Remove files that were sent in and that nobody has come back to, once a day."""
    clear_away()
