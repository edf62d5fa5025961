"""Reminds those who have not signed yet."""

from __future__ import annotations

from verne.engine import moment
from verne.engine.jobs import job

from .signing import remind


@job(schedule="25 6 * * *")
def remind_of_campaigns() -> int:
    """Every morning: whoever should have signed by now, at most once a week; how many."""
    return remind(moment.now())
