"""Proving again who one is, as for a signature: the password typed, or a passkey shown.

    form field:  widget=ProofInput()
    view:        proof = prove(person, form.cleaned_data["password"])

What a passkey answered travels in the place of the password, behind a mark.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from verne.engine import signing
from verne.engine.people import Person
from verne.engine.signing import Proof, Way

from . import passkeys

MARK = "webauthn:"


def _shows_passkey(person: Person, answer: str) -> bool:
    try:
        passkeys.shown(answer, purpose=passkeys.SIGN, person=person)
    except passkeys.Refused:
        return False
    return True


PASSKEY = Way(
    "passkey",
    _("Passkey shown again"),
    _shows_passkey,
    refusal=_("This passkey does not show who you are. Nothing is done: show it again."),
)


class ProofInput(forms.PasswordInput):
    """A password, or what a passkey answered: beside it a browser that can offers a button."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(
            attrs={"autocomplete": "current-password", "data-sign": "", **(attrs or {})}
        )

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        return said(data, name)


def said(data: Mapping[str, Any], name: str = "password") -> str:
    """What was sent as proof with a form."""
    if answer := data.get("passkey"):
        return f"{MARK}{answer}"
    return str(data.get(name, ""))


def prove(person: Person, secret: str) -> Proof:
    """Proof of either kind; refused, and slower each time, when it is none."""
    if secret.startswith(MARK):
        return signing.prove(person, secret.removeprefix(MARK), way=PASSKEY.key)
    return signing.prove(person, secret)
