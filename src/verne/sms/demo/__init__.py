"""The demonstration organization: Meridian, a managed-service provider with a year behind it.

Everything is made through the verbs, at the instants it is said to have happened. It has gaps on
purpose, so that the statement has something to say; `docs/demonstration.md` lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

Told = Callable[[int, int, str], None]


def load(
    progress: Told, each_month: Callable[[datetime], None] | None = None
) -> list[tuple[str, str]]:
    """Tell the whole story; gives back sign-in names and passwords of the people to try it as.

    `each_month` is told the end of each month while the story stands there.
    """
    from .story import Story

    return Story(progress, each_month or (lambda at: None)).tell()
