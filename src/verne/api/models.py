"""What the API keeps: tokens of programs, when they were last used, and answers to be repeated."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from verne.engine.acts import act
from verne.engine.people import Person
from verne.engine.prepared import Prepared
from verne.engine.rights import all_rights

PREFIX = "vrn_"
USUAL_DAYS = 90
LONGEST_DAYS = 366
"""A token always ends: after 90 days unless said otherwise, and after a year at the latest."""

READ, WRITE = "read", "write"
READING = ("*.view_*", "engine.export_records")
"""The rights that a token for reading keeps."""

SEEN_EVERY = timedelta(minutes=1)
REPEATED_FOR = timedelta(hours=24)


class Token(models.Model):
    """What a program shows instead of a name and a password. The secret itself is not kept."""

    history_secrets: ClassVar[tuple[str, ...]] = ("digest",)

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="tokens",
        verbose_name=_("person"),
    )
    name = models.CharField(
        _("what it is for"), max_length=100, help_text=_("The program that will hold it.")
    )
    start = models.CharField(_("begins with"), max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    scope = models.JSONField(_("what it may do"), default=list)
    made_at = models.DateTimeField(_("made"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("API token")
        ordering = ("-made_at", "-id")

    def __str__(self) -> str:
        return f"{self.name} ({self.start}…)"

    @classmethod
    def issue(
        cls,
        person: Person,
        *,
        name: str,
        scope: Sequence[str] = (READ,),
        days: int = USUAL_DAYS,
        by: Person | None,
    ) -> tuple[Token, str]:
        """A new token and its secret, which is shown once and cannot be found out again."""
        if not 1 <= days <= LONGEST_DAYS:
            raise ValidationError(
                {"days": _("A token lasts between 1 and %(most)d days.") % {"most": LONGEST_DAYS}}
            )
        secret = PREFIX + secrets.token_urlsafe(32)
        now = timezone.now()
        token = cls(
            person=person,
            name=name.strip(),
            start=secret[:8],
            digest=digest_of(secret),
            scope=checked_scope(scope),
            made_at=now,
            expires_at=now + timedelta(days=days),
        )
        token.full_clean()
        with act("settle", by=by, name="issue_token", note=str(token)):
            token.save()
        return token, secret

    @classmethod
    def of(cls, secret: str, *, at: datetime) -> Token | None:
        """The token with this secret, if it is still good."""
        if not secret.startswith(PREFIX) or len(secret) > 100:
            return None
        token = next(iter(_by_digest(digest=digest_of(secret))), None)
        return token if token and token.is_good(at) else None

    @classmethod
    def by_start(cls, start: str) -> Token:
        """The token that begins like this, for whoever revokes one by hand."""
        found = list(cls.objects.filter(start__startswith=start[:12], revoked_at=None)[:2])
        if len(found) != 1 or len(start) < 8:
            raise ValidationError(_("No token in use, or more than one, begins like this."))
        return found[0]

    def is_good(self, at: datetime) -> bool:
        return self.revoked_at is None and at < self.expires_at and self.person.active

    @property
    def standing(self) -> str:
        if self.revoked_at:
            return "revoked"
        return "expired" if timezone.now() >= self.expires_at else "good"

    def revoke(self, *, by: Person | None) -> None:
        """End it now. Whose it is may do so, and whoever manages people."""
        if by is not None and by.pk != self.person_id and not by.may("engine.manage_people"):
            raise PermissionDenied(_("Only its owner or an administrator revokes a token."))
        if self.revoked_at is None:
            with act("settle", by=by, name="revoke_token", note=str(self)):
                self.revoked_at = timezone.now()
                self.save(update_fields=["revoked_at"])

    def narrowed(self) -> Person:
        """Its person, holding only those rights that the token may use."""
        person = self.person
        if WRITE in self.scope:
            return person
        kept = frozenset(right for right in person.rights if self.covers(right))
        # `rights` is computed once for a person; whatever asks from now on finds these.
        person.__dict__["rights"] = kept
        return person

    def covers(self, right: str) -> bool:
        if WRITE in self.scope:
            return True
        patterns = [*self.scope, *(READING if READ in self.scope else ())]
        return any(fnmatchcase(right, pattern) for pattern in patterns)

    @property
    def only_reads(self) -> bool:
        return set(self.scope) <= {READ}

    def seen(self, at: datetime) -> None:
        """Note that it was used; once a minute is often enough."""
        use = getattr(self, "use", None)
        if use is None:
            TokenUse.objects.bulk_create(
                [TokenUse(token=self, last_at=at)],
                update_conflicts=True,
                unique_fields=["token"],
                update_fields=["last_at"],
            )
        elif at - use.last_at > SEEN_EVERY:
            TokenUse.objects.filter(token=self).update(last_at=at)


class TokenUse(models.Model):
    """When a token was last used. Not a fact of the management system, so not in its history."""

    history: ClassVar[bool] = False

    token = models.OneToOneField(
        Token, models.CASCADE, primary_key=True, related_name="use", verbose_name=_("API token")
    )
    last_at = models.DateTimeField(_("last used"))

    class Meta:
        verbose_name = _("use of a token")

    def __str__(self) -> str:
        return f"{self.token} {self.last_at:%Y-%m-%d}"


_by_digest = Prepared(
    lambda digest: Token.objects.filter(digest=digest).select_related(
        "person", "person__organization", "use"
    ),
    digest=models.CharField(),
)


class Answer(models.Model):
    """The answer to a request with an `Idempotency-Key`, to be given again for a day."""

    history: ClassVar[bool] = False

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("answer to be repeated")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["person", "key"], name="answer_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["at"], name="answer_at")]

    def __str__(self) -> str:
        return f"{self.key} {self.status}"


def digest_of(secret: str) -> str:
    """A secret of 256 random bits needs no slow hash: nobody can guess what it was."""
    return hashlib.sha256(secret.encode()).hexdigest()


def checked_scope(scope: Sequence[str]) -> list[str]:
    """The scope as it is kept; a pattern that fits no right is refused."""
    words = list(dict.fromkeys(word.strip() for word in scope if word.strip()))
    if not words:
        raise ValidationError({"scope": _("Say what it may do: read, write, or rights.")})
    rights: Any = all_rights()
    for word in words:
        if word not in (READ, WRITE) and not any(fnmatchcase(right, word) for right in rights):
            raise ValidationError(
                {
                    "scope": _("“%(word)s” fits no right. Write read, write, or resolution.*.")
                    % {"word": word}
                }
            )
    return words
