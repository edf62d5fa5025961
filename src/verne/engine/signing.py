"""Signatures: who said what about which content, when, and how they proved who they are.

    proof = prove(person, password)
    sign(record, meaning="review", what="revision 2.1", by=person, proof=proof)

A signature is never changed or removed: the database refuses it, and keeps each in the history.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from .people import Person
    from .records import Record

log = logging.getLogger("verne.signing")

PROOF_HOLDS = timedelta(minutes=5)
"""How long somebody may take between proving who they are and signing."""

meanings: dict[str, StrOrPromise] = {
    "author": gettext_lazy("Author"),
    "review": gettext_lazy("Review"),
    "approval": gettext_lazy("Approval"),
    "acknowledgement": gettext_lazy("Read and understood"),
    "attestation": gettext_lazy("Attestation"),
    "waiver": gettext_lazy("Waiver"),
    "confirmation": gettext_lazy("Confirmation"),
}
"""What a signature can mean, by its key. Whoever needs another meaning adds it here at start-up."""


class Signature(models.Model):
    """One person's word on one content. Added, never changed."""

    history_record: ClassVar[str] = "record"
    append_only: ClassVar[bool] = True

    record = models.ForeignKey("engine.Sheet", models.PROTECT, related_name="signatures")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    name = models.CharField(max_length=150, help_text="The name as it was written then.")
    at = models.DateTimeField(default=timezone.now)
    meaning = models.CharField(max_length=40)
    what = models.CharField(max_length=200)
    content_hash = models.CharField(max_length=64)
    note = models.TextField(blank=True)
    way = models.CharField(max_length=40)

    class Meta:
        app_label = "engine"
        ordering = ("at", "id")
        verbose_name = gettext_lazy("signature")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["record", "meaning"], name="signature_of_record"),
            models.Index(fields=["by", "meaning"], name="signature_by"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.meaning}, {self.what}"

    @property
    def meaning_label(self) -> StrOrPromise:
        return meanings.get(self.meaning, self.meaning)

    @property
    def way_label(self) -> StrOrPromise:
        way = ways.get(self.way)
        return way.label if way else self.way


# --- Proving who one is --------------------------------------------------------------------------


class NotProven(ValidationError):
    """What was typed does not show that they are who they say."""


@dataclass(frozen=True)
class Way:
    """How somebody shows that they are who they say: `shows` judges what they typed.

    A way that asks for `nothing` proves only that they were signed in.
    """

    key: str
    label: StrOrPromise
    shows: Callable[[Person, str], bool]
    asks_nothing: bool = False
    refusal: StrOrPromise = ""
    """What somebody reads whose proof was none."""

    def __post_init__(self) -> None:
        if self.key in ways:
            raise ValueError(f"Two ways of proof are called {self.key}.")
        ways[self.key] = self


ways: dict[str, Way] = {}
"""Every way of proof; a second one is declared like the first."""

PASSWORD = Way(
    "password",
    gettext_lazy("Password typed again"),
    lambda p, s: p.check_password(s),
    refusal=gettext_lazy("This is not your password. Nothing is signed: type it again."),
)
TOLD = Way("told", gettext_lazy("Told by an example, not proven"), lambda _p, _s: False)
"""How people of tests and demonstrations sign; nobody can prove anything that way by typing."""
SIGNED_IN = Way("session", gettext_lazy("Signed in"), lambda p, _s: True, asks_nothing=True)


@dataclass(frozen=True)
class Proof:
    """That somebody has just shown who they are. `prove` makes it."""

    person: int
    way: str
    at: datetime


class Guesses(Protocol):
    """How long somebody who guesses has to wait; the sign-in lends its own."""

    def wait(self, key: str) -> timedelta: ...
    def note_failure(self, key: str) -> None: ...
    def note_success(self, key: str) -> None: ...


guesses: list[Guesses] = []
"""Who counts wrong passwords. Filled by the pages, which count those of the sign-in as well."""


def prove(person: Person, secret: str = "", *, way: str = "password") -> Proof:
    """Show that this is the person themselves; refused, and slower each time, when it is not.

    Call it outside the transaction of the act: a failure has to be remembered though nothing is
    written.
    """
    how = ways[way]
    if how.asks_nothing:
        return Proof(person.pk, way, timezone.now())
    if not secret:
        raise NotProven({"password": _("Type your password to sign.")})
    key = hashlib.sha256(f"signature\0{person.pk}".encode()).hexdigest()
    for each in guesses:
        if left := each.wait(key).total_seconds():
            raise NotProven({"password": _too_many(int(left) + 1)})
    if not person.active or not how.shows(person, secret):
        log.warning("Wrong proof by %s of person %d", way, person.pk)
        for each in guesses:
            each.note_failure(key)
        raise NotProven({"password": str(how.refusal)})
    for each in guesses:
        each.note_success(key)
    return Proof(person.pk, way, timezone.now())


def _too_many(seconds: int) -> str:
    return ngettext(
        "Too many attempts failed. Wait %(seconds)d second, then try again.",
        "Too many attempts failed. Wait %(seconds)d seconds, then try again.",
        seconds,
    ) % {"seconds": seconds}


# --- Signing -------------------------------------------------------------------------------------


def sign(
    record: Record,
    *,
    meaning: str,
    what: str = "",
    by: Person,
    proof: Proof | None,
    content_hash: str = "",
    note: str = "",
    at: datetime | None = None,
) -> Signature:
    """Sign a record that one may see, as an act of its own or inside the one that asks for it.

    `what` names the content (“revision 2.1”; else the reference of the record) and `content_hash`
    is its SHA-256; without one, that of the record as it is saved.
    """
    from .acts import _locked, _require_seen, act

    if meaning not in meanings:
        raise LookupError(f"No signature means {meaning}: declare it in signing.meanings.")
    require_proof(proof, by)
    assert proof is not None
    _require_seen(by, record)
    with act(
        "sign", by=by, record=record.pk, name=meaning, note=note, at=at, kind=record.kind_name()
    ) as work:
        record = _locked(record)
        return Signature.objects.create(
            record_id=record.pk,
            by=by,
            name=str(by),
            at=work.act.at,
            meaning=meaning,
            what=what or record.ref,
            content_hash=content_hash or hash_as_it_stands(record),
            note=note,
            way=proof.way,
        )


def require_proof(proof: Proof | None, by: Person) -> None:
    """Refuse what is signed without proof, with somebody else's, or with one from long ago."""
    if proof is None:
        raise NotProven({"password": _("This has to be signed: type your password.")})
    if proof.person != by.pk:
        raise PermissionDenied(_("Nobody signs with the proof of somebody else."))
    if timezone.now() - proof.at > PROOF_HOLDS:
        raise NotProven({"password": _("Too much time has passed: type your password again.")})


def hash_as_it_stands(record: Record) -> str:
    """The SHA-256 of what the database holds of a record now."""
    from .approvals import _hash_as_saved

    return _hash_as_saved(record)


def signatures_of(record: Any, *, meaning: str = "") -> models.QuerySet[Signature]:
    """The signatures on a record, oldest first."""
    rows = Signature.objects.filter(record=record.pk).select_related("by")
    return rows.filter(meaning=meaning) if meaning else rows


def is_still_true(signature: Signature) -> bool:
    """Whether the record still says what was signed."""
    return signature.content_hash == hash_as_it_stands(signature.record.opened())
