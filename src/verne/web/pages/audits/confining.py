"""Keeps guests in their room: the pages they may open, noted one by one; all else is not there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from verne.engine import guests
from verne.sms.evaluation.room.admission import note_view

ROOM = frozenset(
    {"room", "room-obligation", "room-check", "room-draw", "room-ask", "room-note", "audit-bench"}
)
"""Pages of the room itself, where a guest may also send something."""

LOOKING = frozenset(
    {"list", "record", "record-timeline", "record-panels", "record-file", "record-as-it-was"}
)
"""Pages all records share; what is on them follows from what the guest is admitted to."""

DECIDING = frozenset({"record-move"})
"""Whether an answer is enough, and what a sample comes to; the rights say which."""

OF_ONES_OWN = frozenset(
    {
        "sign-in",
        "sign-out",
        "profile",
        "password",
        "preferences",
        "passkey-options",
        "security",
        "security-app",
        "security-passkey",
        "security-codes",
        "security-remove",
        "session-end",
        "sessions-end",
    }
)
"""Pages about oneself: not noted, for they show nothing of ours."""

SAFE = ("GET", "HEAD")


class GuestMiddleware:
    """For everybody but guests it does nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        person = getattr(request, "person", None)
        if person is None or not guests.is_guest(person):
            return None
        name = request.resolver_match.url_name if request.resolver_match else ""
        if name == "today":
            return redirect("room")
        if name in OF_ONES_OWN:
            return None
        looks = name in LOOKING and request.method in SAFE
        if not looks and name not in ROOM | DECIDING:
            raise Http404
        if _is_a_page(request):
            note_view(person, request.get_full_path(), str(kwargs.get("ref", "")))
        return None


def _is_a_page(request: HttpRequest) -> bool:
    """A part that a page fetches by itself right after it was opened is not another view."""
    name = request.resolver_match.url_name if request.resolver_match else ""
    return request.method in SAFE and not (
        name == "record-panels" and "HX-Request" in request.headers
    )
