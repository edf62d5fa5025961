"""The second steps that somebody has: adding, showing and removing them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core import signing as stamps
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from verne.engine.acts import act
from verne.engine.people import Person

from ..models import Factor, FactorUse, RecoveryCode
from . import app_codes, passkeys, policy, vault

MOST = 10
"""Second steps one person may have."""
ADDED_WITHIN = timedelta(minutes=30)


def of(person: Person) -> list[Factor]:
    return list(Factor.objects.filter(person=person).select_related("use"))


def has_any(person: Person) -> bool:
    return Factor.objects.filter(person=person).exists()


# --- Adding --------------------------------------------------------------------------------------


def propose_app(person: Person) -> tuple[str, str]:
    """A new secret for an app, and the same sealed, for the form to bring back with its code."""
    secret = app_codes.new_secret()
    return secret, stamps.dumps(vault.seal(secret, whose=_proposed_to(person)), salt="app")


def proposed(person: Person, sealed: str) -> str:
    """The secret out of such a form; empty when it is too old or not ours."""
    try:
        kept = stamps.loads(sealed, salt="app", max_age=ADDED_WITHIN)
        return vault.unseal(kept, whose=_proposed_to(person))
    except (stamps.BadSignature, vault.Unreadable):
        return ""


def add_app(person: Person, *, secret: str, code: str, name: str) -> Factor:
    """Add an app, once it has shown that it counts as we do."""
    step = app_codes.matching_step(secret, code.replace(" ", ""), at=timezone.now())
    if step is None:
        raise ValidationError(
            {
                "code": _(
                    "This is not the code that the app shows now. Wait for the next one; if it "
                    "fails again, see whether the clock of the device is right."
                )
            }
        )
    return _add(
        person,
        kind=Factor.Kind.APP,
        name=name,
        secret=vault.seal(secret, whose=_whose(person)),
        counter=step,
    )


def add_passkey(person: Person, *, answer: str, host: str, name: str) -> Factor:
    """Add the passkey that a browser has just made."""
    key, secret, counter = passkeys.made(answer, person=person, host=host)
    return _add(
        person,
        kind=Factor.Kind.PASSKEY,
        name=name,
        key=key,
        host=host,
        secret=secret,
        counter=counter,
    )


def _add(person: Person, *, counter: int, **values: Any) -> Factor:
    with act("settle", by=person, name=f"add_{values['kind']}", note=person.username):
        # One after the other, so that nobody gets past the number there may be.
        Person.objects.select_for_update().get(pk=person.pk)
        if Factor.objects.filter(person=person).count() >= MOST:
            raise ValidationError(
                _("You have %(most)d second steps: remove one first.") % {"most": MOST}
            )
        key = values.get("key")
        if key and Factor.objects.filter(key=key).exists():
            raise ValidationError(_("This passkey is known here already."))
        factor = Factor.objects.create(person=person, **values)
        FactorUse.objects.create(factor=factor, counter=counter)
    return factor


# --- Showing -------------------------------------------------------------------------------------


def shows_app_code(person: Person, code: str) -> bool:
    """Whether this is a code of one of their apps that was not used before; it is now."""
    if not app_codes.looks_like_code(code):
        return False
    now = timezone.now()
    for factor in Factor.objects.filter(person=person, kind=Factor.Kind.APP):
        try:
            secret = vault.unseal(factor.secret, whose=_whose(person))
        except vault.Unreadable:
            continue
        step = app_codes.matching_step(secret, code, at=now)
        if step is None:
            continue
        # Of two who send the same code at the same moment, one comes too late.
        unused = FactorUse.objects.filter(factor=factor, counter__lt=step)
        if unused.update(counter=step, last_at=now) == 1:
            return True
    return False


# --- Removing ------------------------------------------------------------------------------------


def remove(person: Person, factor: Factor) -> None:
    """Take one of one's own away; the last one only where no role asks for it."""
    with act("settle", by=person, name="remove_second_step", note=person.username):
        Person.objects.select_for_update().get(pk=person.pk)
        others = Factor.objects.filter(person=person).exclude(pk=factor.pk).exists()
        if not others and policy.asks_second_step(person):
            raise ValidationError(
                _("Your role needs a second step: add another one, then remove this one.")
            )
        factor.delete()
        if not others:
            RecoveryCode.objects.filter(person=person).delete()


def reset(person: Person, *, by: Person | None, note: str) -> int:
    """Take all of somebody's away, because they have lost them; how many there were."""
    with act("settle", by=by, name="reset_second_steps", note=f"{person.username}: {note}"):
        count = Factor.objects.filter(person=person).count()
        Factor.objects.filter(person=person).delete()
        RecoveryCode.objects.filter(person=person).delete()
    return count


def forget(person: Person) -> None:
    """Inside an act: nothing opens for somebody whose data was erased."""
    Factor.objects.filter(person=person).delete()
    RecoveryCode.objects.filter(person=person).delete()


def seal_anew() -> int:
    """Seal under today's key what an older one sealed; how many there were."""
    changed = 0
    for factor in Factor.objects.filter(kind=Factor.Kind.APP).select_related("person"):
        if vault.is_current(factor.secret):
            continue
        try:
            secret = vault.unseal(factor.secret, whose=_whose(factor.person))
        except vault.Unreadable:
            continue
        with transaction.atomic(), act("settle", by=None, note="Sealed under the new key"):
            Factor.objects.filter(pk=factor.pk, secret=factor.secret).update(
                secret=vault.seal(secret, whose=_whose(factor.person))
            )
        changed += 1
    return changed


def _whose(person: Person) -> str:
    return f"app of {person.pk}"


def _proposed_to(person: Person) -> str:
    return f"proposed to {person.pk}"
