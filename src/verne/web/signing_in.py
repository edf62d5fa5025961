"""Who may sign in, and how long somebody who guesses passwords has to wait."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from verne.engine.acts import act
from verne.engine.people import Person

from .models import SignInAttempt

FREE_FAILURES = 3
"""Failures in a row that cost nothing: people mistype."""
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)


class PersonBackend(ModelBackend):
    """Sign-in by name and password; the organization comes with the person in the same query."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> Person | None:
        if username is None or password is None:
            return None
        person = Person.objects.filter(username=username).select_related("organization").first()
        if person is None:
            # As much work as for a name that exists, so that the time taken tells nothing.
            make_password(password)
            return None

        def keep_stronger(raw: str) -> None:
            with act("settle", by=person, note="Password kept in a stronger form"):
                person.set_password(raw)
                person.save(update_fields=["password"])

        if check_password(password, person.password, keep_stronger) and person.active:
            return person
        return None

    def get_user(self, user_id: Any) -> Person | None:
        return Person.objects.filter(pk=user_id, active=True).select_related("organization").first()


def attempt_key(username: str, address: str) -> str:
    text = f"{username.strip().lower()}\0{address}"
    return hashlib.sha256(text.encode()).hexdigest()


def wait(key: str) -> timedelta:
    """How long this name and address still have to wait; nothing when they may try."""
    row = SignInAttempt.objects.filter(pk=key).first()
    now = timezone.now()
    if row is None or row.wait_until is None or row.wait_until <= now:
        return timedelta(0)
    return row.wait_until - now


def note_failure(key: str) -> None:
    """Count a failure; from the fourth on each doubles the wait. Kept in the database, so that a
    restart or a second server forgets nothing."""
    now = timezone.now()
    with transaction.atomic():
        row, _new = SignInAttempt.objects.select_for_update().get_or_create(pk=key)
        if row.last_at < now - FORGOTTEN_AFTER:
            row.failures = 0
        row.failures += 1
        row.last_at = now
        excess = row.failures - FREE_FAILURES
        row.wait_until = (
            now + min(FIRST_WAIT * 2 ** min(excess - 1, 20), LONGEST_WAIT) if excess > 0 else None
        )
        row.save()


def note_success(key: str) -> None:
    SignInAttempt.objects.filter(pk=key).delete()


def forget_old_failures() -> None:
    """Forget failures that are more than a day old."""
    SignInAttempt.objects.filter(last_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()
