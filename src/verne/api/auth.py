"""Who calls: a program with a token, or a person signed in on the same site."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from math import ceil

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from verne.engine import guests
from verne.engine.limits import Limit
from verne.engine.people import Person

from .models import PREFIX, Token
from .problem import Problem

SAFE = ("GET", "HEAD", "OPTIONS")
OURS = ("same-origin", "none")
"""Where a browser says a request comes from: one of our pages, or the address bar."""


REQUESTS = Limit(at_once=10 * settings.API_RATE, each_second=settings.API_RATE)
"""What one token may send, or one person from our pages."""
OWES = "owes"
"""Where the session says that something is asked of its person first; the pages keep it."""


@dataclass(frozen=True)
class Caller:
    """The person a request is made for, with the rights it may use, and the token if it has one."""

    person: Person
    token: Token | None = None


class TokenAuth(HttpBearer):
    """`Authorization: Bearer vrn_…`"""

    def __call__(self, request: HttpRequest) -> Caller | None:
        by_http = settings.HTTPS and not request.is_secure()
        if "Authorization" not in request.headers:
            if by_http:
                raise Problem(403, "by-http")
            return None
        # Whoever sends a token means it: a wrong one is refused, though a session might do.
        scheme, _space, secret = request.headers["Authorization"].partition(" ")
        # For the log: which one, as far as those who manage tokens see it themselves.
        shown = secret.strip()[:8] if secret.strip().startswith(PREFIX) else "of no kind of ours"
        request.asker = f"token {shown}"  # type: ignore[attr-defined]
        if by_http:
            # Not even whether it was a good one is said to whoever listens.
            raise Problem(403, "by-http")
        caller = self.authenticate(request, secret.strip()) if scheme.lower() == "bearer" else None
        if caller is None:
            raise Problem(401, "no-token")
        assert caller.token is not None
        _require_patience(REQUESTS, ("token", caller.token.pk))
        return caller

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        now = timezone.now()
        found = Token.of(token, at=now)
        if found is None:
            return None
        request.asker = f"token {found.pk} of person {found.person_id}"  # type: ignore[attr-defined]
        if guests.is_guest(found.person):
            # What a guest looks at is noted page by page; a program would go around that.
            return None
        if found.only_reads and request.method not in SAFE:
            raise PermissionDenied(_("This token may only read: make one with the scope “write”."))
        found.seen(now)
        return Caller(found.narrowed(), found)


class SessionAuth(APIKeyCookie):
    """The session of a person signed in; writing asks for the CSRF token of our pages."""

    param_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> Caller | None:
        if not request.user.is_authenticated:
            return None
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in OURS:
            return None
        if request.method not in SAFE and check_csrf(request) is not None:
            raise PermissionDenied(_("Send the CSRF token in X-CSRFToken, or use an API token."))
        if request.session.get(OWES):
            raise PermissionDenied(
                _("Open the pages first: a password or a second step is asked of you there.")
            )
        _require_patience(REQUESTS, ("person", request.user.pk))
        return Caller(request.user)

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:
        return self(request)


def _require_patience(limit: Limit, asker: Hashable) -> None:
    if wait := limit.take(asker):
        raise Problem(429, "too-many", retry_after=max(1, ceil(wait)))
