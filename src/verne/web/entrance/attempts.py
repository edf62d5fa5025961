"""How long somebody who guesses has to wait.

An attempt counts as failed until it proves right, so guesses sent all at once gain nothing. Three
counts are kept: for a name from one address, for all names from one address (one password tried on
many), and for a name from everywhere (many machines on one name). The last is mild, or a stranger
could lock somebody out; and a browser in which the person has signed in before is counted by
itself alone. Everything is kept in the database: a restart or a second server forgets nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from ..models import SignInAttempt, Spent

FORGOTTEN_AFTER = timedelta(days=1)
FIRST_WAIT = timedelta(seconds=2)


@dataclass(frozen=True)
class Guard:
    """What failures cost: so many are free, then each doubles the wait up to the longest.

    With `forgives`, one failure is forgotten each time so much has passed.
    """

    free: int
    longest: timedelta
    forgives: timedelta | None = None


PAIR = Guard(free=3, longest=timedelta(minutes=15))
"""People mistype: three in a row cost nothing."""
ADDRESS = Guard(free=20, longest=timedelta(minutes=15), forgives=timedelta(minutes=2))
NAME = Guard(free=30, longest=timedelta(minutes=1), forgives=timedelta(minutes=2))

Key = tuple[str, Guard]


def key_of(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


def keys_for(username: str, address: str, *, known: bool = False) -> list[Key]:
    """What an attempt under a name is counted by; `known`: this browser was let in before."""
    name = username.strip().lower()
    if known:
        return [(key_of("known", name, address), PAIR)]
    return [
        (attempt_key(name, address), PAIR),
        (key_of("address", address), ADDRESS),
        (key_of("name", name), NAME),
    ]


def attempt_key(username: str, address: str) -> str:
    return key_of(username.strip().lower(), address)


def begin(keys: Sequence[Key]) -> timedelta:
    """Count an attempt as failed for now; or say how long to wait, and count nothing."""
    now = timezone.now()
    with transaction.atomic():
        SignInAttempt.objects.bulk_create(
            [SignInAttempt(key=key, last_at=now) for key, _guard in keys], ignore_conflicts=True
        )
        # In one order everywhere, so that two attempts never wait for each other.
        found = SignInAttempt.objects.select_for_update().order_by("key")
        rows = {row.key: row for row in found.filter(key__in=[key for key, _guard in keys])}
        left = max((_left(row) for row in rows.values()), default=timedelta(0))
        if left:
            return left
        for key, guard in keys:
            _count(rows[key], guard)
    return timedelta(0)


def succeeded(keys: Sequence[Key]) -> None:
    """It was right: the slips of this name here are forgotten, the wider counts get theirs back."""
    now = timezone.now()
    with transaction.atomic():
        found = SignInAttempt.objects.select_for_update().order_by("key")
        rows = {row.key: row for row in found.filter(key__in=[key for key, _guard in keys])}
        for key, guard in keys:
            row = rows.get(key)
            if row is None:
                continue
            if guard.forgives is None or row.failures <= 1:
                row.delete()
                continue
            row.failures -= 1
            row.wait_until = _until(row.failures, guard, now)
            row.save()


def wait(key: str) -> timedelta:
    """How long this key still has to wait; nothing when it may try."""
    row = SignInAttempt.objects.filter(pk=key).first()
    return _left(row) if row else timedelta(0)


def note_failure(key: str) -> None:
    """Count a failure; from the fourth on each doubles the wait."""
    with transaction.atomic():
        row, _new = SignInAttempt.objects.select_for_update().get_or_create(pk=key)
        _count(row, PAIR)


def note_success(key: str) -> None:
    SignInAttempt.objects.filter(pk=key).delete()


def forget_old() -> None:
    """Forget failures that are more than a day old, and challenges nobody could use any more."""
    SignInAttempt.objects.filter(last_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()
    Spent.objects.filter(until__lt=timezone.now()).delete()


def _left(row: SignInAttempt) -> timedelta:
    now = timezone.now()
    until: datetime | None = row.wait_until
    return until - now if until and until > now else timedelta(0)


def _count(row: SignInAttempt, guard: Guard) -> None:
    now = timezone.now()
    if row.last_at < now - FORGOTTEN_AFTER:
        row.failures = 0
    if guard.forgives is not None:
        row.failures = max(0, row.failures - int((now - row.last_at) / guard.forgives))
    row.failures += 1
    row.last_at = now
    row.wait_until = _until(row.failures, guard, now)
    row.save()


def _until(failures: int, guard: Guard, now: datetime) -> datetime | None:
    excess = failures - guard.free
    if excess <= 0:
        return None
    wait: timedelta = min(FIRST_WAIT * 2 ** min(excess - 1, 20), guard.longest)
    return now + wait
