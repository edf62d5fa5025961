"""Which pages are costly, and how often one person may ask for them."""

from __future__ import annotations

from collections.abc import Hashable
from math import ceil

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from verne.engine.limits import Limit

SEARCHES = Limit(at_once=40, each_second=4)
"""Jump asks with every few letters typed."""
EXPORTS = Limit(at_once=15, each_second=0.25)
PAPERS = Limit(at_once=20, each_second=0.5)
PACKS = Limit(at_once=4, each_second=1 / 30)
CHALLENGES = Limit(at_once=30, each_second=1)

LIMITS: dict[str, Limit] = {
    "search": SEARCHES,
    "jump": SEARCHES,
    "suggest": SEARCHES,
    "export": EXPORTS,
    "library-export": EXPORTS,
    "record-print": PAPERS,
    "audit-report-pdf": PAPERS,
    "proof-pack": PACKS,
    "passkey-options": CHALLENGES,
}
"""By the name of the page."""


def too_soon(request: HttpRequest, asker: Hashable) -> HttpResponse | None:
    """The answer to somebody who asks for a costly page too often."""
    name = request.resolver_match.url_name if request.resolver_match else ""
    limit = LIMITS.get(name or "")
    if limit is None:
        return None
    wait = limit.take(asker)
    if not wait:
        return None
    seconds = max(1, ceil(wait))
    answer = render(request, "429.html", {"seconds": seconds}, status=429)
    answer["Retry-After"] = str(seconds)
    return answer
