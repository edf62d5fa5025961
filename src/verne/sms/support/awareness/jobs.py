"""Reminds those who have not signed yet."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from verne.engine import moment
from verne.engine.jobs import job

from .signing import remind


@job(title=gettext_lazy("Remind people of what they have not signed yet"), schedule="25 6 * * *")
def remind_of_campaigns() -> int:
    """Every morning: whoever should have signed by now, at most once a week; how many."""
    return remind(moment.now())
