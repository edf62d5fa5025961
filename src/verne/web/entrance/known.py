"""Browsers in which somebody has signed in before: a cookie that says so, under our signature.

It opens nothing. It keeps a stranger who guesses from locking out the person, whose own browser is
counted by itself, and tells a browser not seen before from the usual one.
"""

from __future__ import annotations

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from .attempts import key_of

DAYS = 365
SALT = "verne.known"
MOST = 8
"""People who share a browser."""


def is_known(request: HttpRequest, username: str) -> bool:
    return _mark(username) in _marks(request)


def remember(request: HttpRequest, response: HttpResponse, username: str) -> None:
    marks = [_mark(username), *(m for m in _marks(request) if m != _mark(username))][:MOST]
    response.set_cookie(
        settings.KNOWN_COOKIE_NAME,
        signing.dumps(marks, salt=SALT),
        max_age=DAYS * 24 * 3600,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def _marks(request: HttpRequest) -> list[str]:
    try:
        marks: list[str] = signing.loads(
            request.COOKIES.get(settings.KNOWN_COOKIE_NAME, ""),
            salt=SALT,
            max_age=DAYS * 24 * 3600,
        )
    except signing.BadSignature:
        return []
    return marks


def _mark(username: str) -> str:
    return key_of("known", username.strip().lower())[:16]
