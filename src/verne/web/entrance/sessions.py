"""Who is signed in where: sessions that know their person, and of whose key only a hash is kept.

Django's session with our own table. The person comes with the session in one query, so a page asks
one less than it would; that somebody was seen is written once a minute at most.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, models, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from verne.engine.people import Person
from verne.engine.prepared import Prepared

from ..models import Session, SignInPolicy
from . import policy, whence

SEEN_EVERY = timedelta(minutes=1)
HALF_WAY = timedelta(minutes=10)
"""How long somebody may take between the password and the second step."""


class SessionStore(SessionBase):
    """The session of one browser; `row` is what the table holds of it."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self.row: Session | None = None
        self.agent = ""
        self.address = ""

    def load(self) -> dict[str, Any]:
        found = _open_session(digest=digest(self.session_key or ""), now=timezone.now())
        self.row = found[0] if found else None
        if self.row is None:
            self._session_key = None
            return {}
        return self.decode(self.row.data)

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(digest=digest(session_key)).exists()

    def create(self) -> None:
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        if must_create:
            self._insert(data)
        else:
            self._update(data)

    def _insert(self, data: dict[str, Any]) -> None:
        before = self.row
        row = Session(
            digest=digest(self.session_key or ""),
            agent=self.agent or (before.agent if before else ""),
            address=self.address or (before.address if before else ""),
        )
        self._fill(row, data)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as taken:
            raise CreateError from taken
        self.row = row

    def _update(self, data: dict[str, Any]) -> None:
        row = self.row
        if row is None:
            row = Session.objects.filter(digest=digest(self.session_key or "")).first()
        if row is None:
            raise UpdateError
        self._fill(row, data)
        changed = Session.objects.filter(pk=row.pk).update(
            data=row.data, person=row.person_id, way=row.way, expires_at=row.expires_at
        )
        if not changed:
            # Ended meanwhile by its person or an administrator: it does not come back.
            raise UpdateError
        self.row = row

    def _fill(self, row: Session, data: dict[str, Any]) -> None:
        row.data = self.encode(data)
        row.way = data.get("way", "")
        person = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        if person is None:
            row.expires_at = row.began_at + HALF_WAY
        elif row.person_id != person:
            row.expires_at = ends(row.began_at, timezone.now(), policy.rules())
        row.person_id = person

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            Session.objects.filter(digest=digest(key)).delete()

    @classmethod
    def clear_expired(cls) -> None:
        Session.objects.filter(expires_at__lt=timezone.now()).delete()


_open_session = Prepared(
    lambda digest, now: Session.objects.filter(digest=digest, expires_at__gt=now).select_related(
        "person__organization"
    ),
    digest=models.CharField(),
    now=models.DateTimeField(),
)


def digest(key: str) -> str:
    """A key of 160 random bits needs no slow hash."""
    return hashlib.sha256(key.encode()).hexdigest()


def ends(began: datetime, seen: datetime, rules: SignInPolicy) -> datetime:
    """When a session ends if nothing more is done in it."""
    return min(began + policy.longest(rules), seen + policy.idle(rules) + SEEN_EVERY)


def person_of(request: HttpRequest) -> Person | None:
    """Who is signed in: somebody active whose password is still the one they came with."""
    session: Any = request.session
    if SESSION_KEY not in session or BACKEND_SESSION_KEY not in session:
        return None
    person: Person | None = session.row.person if session.row else None
    if person is None:
        return None
    if not person.active:
        session.flush()
        return None
    shown, now = session.get(HASH_SESSION_KEY, ""), person.get_session_auth_hash()
    if constant_time_compare(shown, now):
        return person
    if any(constant_time_compare(shown, old) for old in person.get_session_auth_fallback_hash()):
        # SECRET_KEY was changed; those who are signed in stay so.
        session.cycle_key()
        session[HASH_SESSION_KEY] = now
        return person
    session.flush()
    return None


def see(request: HttpRequest) -> bool:
    """Note that somebody was here, once a minute at most; it puts off the end for idleness."""
    row: Session | None = getattr(request.session, "row", None)
    now = timezone.now()
    if row is None or row.person_id is None or now - row.last_at < SEEN_EVERY:
        return False
    row.expires_at = ends(row.began_at, now, policy.rules())
    Session.objects.filter(pk=row.pk).update(
        last_at=now, address=whence.address_of(request), expires_at=row.expires_at
    )
    return True


def mark(request: HttpRequest, response: HttpResponse, *, anew: bool) -> None:
    """A cookie that lives exactly as long as the session, for the script of the pages.

    It says nothing and opens nothing: when it is gone, they show no more of what they showed.
    """
    row: Session | None = getattr(request.session, "row", None)
    marked = settings.HERE_COOKIE_NAME in request.COOKIES
    if row is None or row.person_id is None or SESSION_KEY not in request.session:
        if marked:
            response.delete_cookie(settings.HERE_COOKIE_NAME, samesite="Lax")
        return
    if anew or not marked:
        response.set_cookie(
            settings.HERE_COOKIE_NAME,
            "1",
            max_age=max(1, int((row.expires_at - timezone.now()).total_seconds())),
            secure=settings.SESSION_COOKIE_SECURE,
            samesite="Lax",
        )


def open_ones(person: Person) -> list[Session]:
    """Where somebody is signed in, the latest first."""
    return list(Session.objects.filter(person=person, expires_at__gt=timezone.now()))


def end(person: Person, number: int) -> bool:
    """Sign somebody out in one browser; whether there was such a session."""
    return Session.objects.filter(person=person, pk=number).delete()[0] > 0


def end_all(person: Person, *, but: HttpRequest | None = None) -> int:
    """Sign somebody out everywhere, or everywhere else; in how many browsers that was."""
    rows = Session.objects.filter(person=person)
    kept: Session | None = getattr(but.session, "row", None) if but else None
    if kept is not None:
        rows = rows.exclude(pk=kept.pk)
    return rows.delete()[0]
