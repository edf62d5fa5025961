"""Recovery codes: ten codes on paper, each of which replaces the second step once."""

from __future__ import annotations

import hashlib
import secrets

from django.utils import timezone

from verne.engine.acts import act
from verne.engine.people import Person

from ..models import RecoveryCode

HOW_MANY = 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that are taken for one another on paper."""
LENGTH = 24
"""Nearly 119 random bits. Those made before have sixteen letters, and open as they did."""


def make(person: Person, *, by: Person) -> list[str]:
    """Ten new codes in place of the old ones, to be shown now and never again."""
    codes = ["".join(secrets.choice(LETTERS) for _n in range(LENGTH)) for _n in range(HOW_MANY)]
    with act("settle", by=by, name="make_recovery_codes", note=_about(person)):
        RecoveryCode.objects.filter(person=person).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(person=person, digest=_digest(person, code)) for code in codes
        )
    return ["-".join(code[n : n + 4] for n in range(0, LENGTH, 4)) for code in codes]


def use(person: Person, text: str) -> bool:
    """Whether this is an unused code of theirs; it is used up with that."""
    digest = _digest(person, text.replace("-", "").replace(" ", "").lower())
    unused = RecoveryCode.objects.filter(person=person, digest=digest, used_at=None)
    if not unused.exists():
        return False
    with act("settle", by=person, name="use_recovery_code", note=_about(person)):
        # Of two at the same moment, one finds it used.
        return unused.update(used_at=timezone.now()) == 1


def left(person: Person) -> int:
    return RecoveryCode.objects.filter(person=person, used_at=None).count()


def _digest(person: Person, code: str) -> str:
    """So many random bits need no slow hash: nobody can try them all."""
    return hashlib.sha256(f"{person.pk}\0{code}".encode()).hexdigest()


def _about(person: Person) -> str:
    return f"{person.username}"
