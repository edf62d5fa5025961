"""The page when something failed: on our side, or because the machine cannot just now."""

from __future__ import annotations

import logging
import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from verne.engine.trouble import RETRY_AFTER, Trouble, behind

log = logging.getLogger("django.request")

PAGES = {Trouble.NO_ROOM: ("507.html", 507), Trouble.AWAY: ("503.html", 503)}


def failed(request: HttpRequest) -> HttpResponse:
    """Called while the error is being handled. It asks the database for nothing."""
    trouble = behind(sys.exc_info()[1])
    if trouble is None:
        return HttpResponse(render_to_string("500.html"), status=500)
    name, status = PAGES[trouble]
    answer = HttpResponse(render_to_string(name), status=status)
    answer["Retry-After"] = str(RETRY_AFTER[trouble])
    return answer
