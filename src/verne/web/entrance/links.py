"""A link for a new password: handed over by an administrator, good once and not for long."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from verne.engine.acts import act
from verne.engine.people import Person

from ..models import PasswordDue, PasswordLink
from . import policy


def make(person: Person, *, by: Person | None) -> str:
    """The secret of a new link; those made before are worth nothing any more."""
    if not person.active:
        raise ValidationError(
            _("%(name)s is not active, and could not sign in.") % {"name": person.name}
        )
    secret = secrets.token_urlsafe(32)
    now = timezone.now()
    with act("settle", by=by, name="make_password_link", note=person.username):
        PasswordLink.objects.filter(person=person, used_at=None, expires_at__gt=now).update(
            expires_at=now
        )
        PasswordLink.objects.create(
            person=person,
            digest=_digest(secret),
            made_at=now,
            expires_at=now + timedelta(hours=policy.rules().link_hours),
        )
    return secret


def of(secret: str) -> PasswordLink | None:
    """The link with this secret, if it is still good."""
    return _good(digest=_digest(secret))


def numbered(number: int | None) -> PasswordLink | None:
    """A link whose secret was shown before, if it is still good."""
    return _good(pk=number) if number else None


def _good(**which: Any) -> PasswordLink | None:
    found = PasswordLink.objects.filter(
        **which, used_at=None, expires_at__gt=timezone.now(), person__active=True
    )
    return found.select_related("person__organization").first()


def use(link: PasswordLink, password: str) -> bool:
    """Set the password by it; refused when somebody else was quicker."""
    person = link.person
    with act("settle", by=person, name="use_password_link", note=person.username):
        unused = PasswordLink.objects.filter(
            pk=link.pk, used_at=None, expires_at__gt=timezone.now()
        )
        if unused.update(used_at=timezone.now()) != 1:
            return False
        set_password(person, password)
    return True


def set_password(person: Person, password: str) -> None:
    """Inside an act: a password its person chose, so nothing more is due."""
    person.set_password(password)
    person.save(update_fields=["password"])
    PasswordDue.objects.filter(person=person).delete()


def hand_over(person: Person, password: str, *, by: Person) -> None:
    """Set a password for somebody else, who will choose their own when they sign in."""
    with act("settle", by=by, name="set_password", note=person.username):
        set_password(person, password)
        if person.pk != by.pk:
            PasswordDue.objects.create(person=person)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
