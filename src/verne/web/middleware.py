"""For each request: who asks, in which language and time zone, and what a browser may load."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from verne.engine import acts
from verne.engine.people import Person

from . import limits
from .entrance import duties, sessions, whence

Answer = Callable[[HttpRequest], HttpResponse]

POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""Nothing inline, nothing from elsewhere: a text somebody typed can never run as a script."""


class PersonMiddleware:
    """Puts `request.user` there: the person comes with the session, in the same query."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.user = SimpleLazyObject(  # type: ignore[assignment]
            lambda: sessions.person_of(request) or AnonymousUser()
        )
        return self.get_response(request)


class TongueAndTimeMiddleware:
    """Answers in the language and time zone of whoever asks, and says they write by the web."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        person = request.user if request.user.is_authenticated else None
        request.person = person  # type: ignore[attr-defined]
        tongue = (person.language if person else "") or translation.get_language_from_request(
            request
        )
        token = acts.via.set("web")
        try:
            with translation.override(tongue), timezone.override(zone_of(person)):
                response = self.get_response(request)
                if hasattr(response, "render") and not getattr(response, "is_rendered", True):
                    response.render()
                response.headers.setdefault("Content-Language", tongue)
                return response
        finally:
            acts.via.reset(token)


class EntranceMiddleware:
    """Leads people to what they owe first, and those in too much of a hurry to wait."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        seen = getattr(request, "person", None) is not None and sessions.see(request)
        sessions.mark(request, response, anew=seen)
        return response

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        person: Person | None = getattr(request, "person", None)
        if person is not None and (answer := duties.stand_before(request)):
            return answer
        asker = ("person", person.pk) if person else ("address", whence.address_of(request))
        return limits.too_soon(request, asker)


def zone_of(person: Person | None) -> zoneinfo.ZoneInfo:
    """The time zone of a reader; UTC for a stranger."""
    name = person.time_zone if person else ""
    try:
        return zoneinfo.ZoneInfo(name or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("UTC")


class ContentSecurityMiddleware:
    """Tells the browser what it may load; an answer that is stricter keeps its own word."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"
        )
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        # Pages hold what only this person may see: nobody keeps them, not their browser either.
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response
