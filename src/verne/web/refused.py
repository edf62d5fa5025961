"""What was refused, for the log: which request, by whom, from where, and of what kind.

    403 POST /r/INC-42/move/close by person 12 from 10.0.0.7
    422 POST /api/v1/incidents by token 3 of person 12 from 10.0.0.7: does-not-fit /impact

No word of what was sent or answered stands in it. A page that does not exist is the visitor's
affair; one that is not there *for somebody who is signed in* is somebody else's record, or looks
so, and is told. A form that a person filled in wrongly is no attempt on anything; a program that
sends the same is told, for it cannot have been led there by a page.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

from .entrance import whence

log = logging.getLogger("verne.refused")

ALWAYS = frozenset({400, 401, 403, 413, 415, 429})
OF_PROGRAMS = frozenset({405, 409, 422})
LONGEST = 200
"""Letters of an address that are written down."""

_softly: ContextVar[bool] = ContextVar("refused_softly", default=False)


def softly() -> None:
    """Somebody who may not do it is told so on a page that is itself no refusal."""
    _softly.set(True)


class RefusalMiddleware:
    """Writes down what the answer refuses; it stands where the visitor's address is known."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        before = _softly.set(False)
        try:
            response = self.get_response(request)
            if response.status_code >= 400 or _softly.get():
                _note(request, response.status_code, softly=_softly.get())
        finally:
            _softly.reset(before)
        return response


def _note(request: HttpRequest, status: int, *, softly: bool) -> None:
    asker = _asker(request)
    wanted = status in ALWAYS or softly
    wanted = wanted or (status == 404 and bool(asker) and request.resolver_match is not None)
    wanted = wanted or (status in OF_PROGRAMS and request.path.startswith("/api/"))
    if not wanted:
        return
    log.warning(
        "%d %s %s by %s from %s%s",
        403 if softly and status < 400 else status,
        request.method,
        request.path[:LONGEST],
        asker or "nobody known",
        whence.address_of(request) or "-",
        f": {why}" if (why := getattr(request, "refused_for", "")) else "",
    )


def _asker(request: HttpRequest) -> str:
    if asker := getattr(request, "asker", ""):
        return str(asker)
    person = getattr(request, "person", None)
    return f"person {person.pk}" if person else ""
