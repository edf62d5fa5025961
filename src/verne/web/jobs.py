"""What the pages have done in the background."""

from verne.engine.jobs import job

from .signing_in import forget_old_failures


@job(schedule="47 3 * * *")
def forget_failed_sign_ins() -> None:
    """Clear away failed sign-ins once a day."""
    forget_old_failures()
