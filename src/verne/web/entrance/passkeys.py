"""Passkeys: a key pair that a device keeps and shows only to the site it was made for (WebAuthn).

Nothing is remembered between asking and answering: a challenge carries when, for what and for whom
it was made, under a signature of ours, and is noted as used once it has been answered rightly. So
strangers who ask for challenges write nothing.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import secrets
import struct
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from fido2.rpid import verify_rp_id
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    CollectedClientData,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from verne.engine.people import Person

from ..models import Factor, FactorUse, Spent
from .attempts import key_of

ANSWERED_WITHIN = timedelta(minutes=5)

SIGN_IN, SECOND, SIGN, ADD = "sign-in", "second", "sign", "add"
"""What a challenge is for; one made for another purpose is refused."""

MALFORMED = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    AssertionError,
    struct.error,
)
"""What reading bytes of a stranger may end in."""


class Refused(Exception):
    """What came back proves nothing."""


class TooLate(Refused):
    """The challenge was answered too late, or twice."""


def host_of(request: HttpRequest) -> str:
    """The host passkeys are made for; empty where browsers do not make any, as for a number."""
    host = settings.PASSKEY_HOST or request.get_host().rpartition(":")[0] or request.get_host()
    if host.startswith("[") or not host:
        return ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.lower()
    return ""


# --- Asking --------------------------------------------------------------------------------------


def ask_for_new(person: Person, host: str) -> dict[str, Any]:
    """What a browser needs to make a passkey, as JSON."""
    options, _state = _server(host).register_begin(
        PublicKeyCredentialUserEntity(
            id=str(person.pk).encode(), name=person.username, display_name=str(person)
        ),
        credentials=_descriptors(person, host),
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
        challenge=_challenge(ADD, person),
    )
    return dict(options)


def ask_for(purpose: str, host: str, person: Person | None = None) -> dict[str, Any]:
    """What a browser needs to show a passkey; without a person, of whoever it belongs to."""
    options, _state = _server(host).authenticate_begin(
        credentials=_descriptors(person, host) if person else None,
        user_verification=_verification(purpose),
        challenge=_challenge(purpose, person),
    )
    return dict(options)


def _verification(purpose: str) -> UserVerificationRequirement:
    """After the password it is enough to have the device; alone, its owner has to unlock it."""
    if purpose == SECOND:
        return UserVerificationRequirement.PREFERRED
    return UserVerificationRequirement.REQUIRED


def _descriptors(person: Person, host: str) -> list[PublicKeyCredentialDescriptor]:
    keys = Factor.objects.filter(person=person, kind=Factor.Kind.PASSKEY, host=host)
    return [
        PublicKeyCredentialDescriptor(
            type=PublicKeyCredentialType.PUBLIC_KEY, id=websafe_decode(key)
        )
        for key in keys.values_list("key", flat=True)
        if key
    ]


# --- Judging the answer --------------------------------------------------------------------------


def made(text: str, *, person: Person, host: str) -> tuple[str, str, int]:
    """A new passkey out of what the browser sent: its identifier, its public key, its count."""
    try:
        response = RegistrationResponse.from_dict(_read(text))
        client = response.response.client_data
        _require_ours(client, ADD, person)
        found = _server(host).register_complete(
            _state(client, UserVerificationRequirement.REQUIRED), response
        )
    except MALFORMED as wrong:
        raise Refused(str(wrong)) from wrong
    credential = found.credential_data
    if credential is None:
        raise Refused("No key was sent.")
    _spend(client)
    return websafe_encode(credential.credential_id), websafe_encode(credential), found.counter


def shown(text: str, *, purpose: str, person: Person | None = None) -> Factor:
    """The passkey that was shown rightly; refused when it is anything else."""
    try:
        response = AuthenticationResponse.from_dict(_read(text))
        client = response.response.client_data
        factor = _factor(response.id)
        if person is not None and factor.person_id != person.pk:
            raise Refused("It is somebody else's.")
        handle = response.response.user_handle
        if handle is not None and handle != str(factor.person_id).encode():
            raise Refused("The device names somebody else.")
        _require_ours(client, purpose, person)
        _server(factor.host).authenticate_complete(
            _state(client, _verification(purpose)),
            [AttestedCredentialData(websafe_decode(factor.secret))],
            response,
        )
        counter = response.response.authenticator_data.counter
    except MALFORMED as wrong:
        raise Refused(str(wrong)) from wrong
    _spend(client)
    _count(factor, counter)
    return factor


def _factor(key: str) -> Factor:
    found = Factor.objects.filter(kind=Factor.Kind.PASSKEY, key=key)
    factor = found.select_related("person__organization").first()
    if factor is None:
        raise Refused("This passkey is not known here.")
    return factor


def _count(factor: Factor, counter: int) -> None:
    """A device that counts must have counted on; one that did not was copied."""
    use = FactorUse.objects.filter(factor=factor)
    use = use.filter(counter__lt=counter) if counter else use.filter(counter=0)
    if use.update(counter=counter, last_at=timezone.now()) != 1:
        raise Refused("The device did not count on.")


def _read(text: str) -> Any:
    if len(text) > 20_000:
        raise ValueError("Too long.")
    return json.loads(text)


def _state(client: CollectedClientData, verification: UserVerificationRequirement) -> Any:
    return {"challenge": websafe_encode(client.challenge), "user_verification": verification}


def _server(host: str) -> Fido2Server:
    return Fido2Server(
        PublicKeyCredentialRpEntity(name="Verne", id=host),
        verify_origin=lambda origin: verify_rp_id(host, origin),
    )


# --- Challenges ----------------------------------------------------------------------------------

RANDOM = 16
HEAD = RANDOM + 8


def _challenge(purpose: str, person: Person | None) -> bytes:
    head = secrets.token_bytes(RANDOM) + struct.pack(">Q", int(timezone.now().timestamp()))
    return head + _signature(head, purpose, person)


def _signature(head: bytes, purpose: str, person: Person | None) -> bytes:
    said = f"{purpose}\0{person.pk if person else ''}\0{head.hex()}"
    return salted_hmac("verne.passkey", said, algorithm="sha256").digest()


def _require_ours(client: CollectedClientData, purpose: str, person: Person | None) -> None:
    head, signature = client.challenge[:HEAD], client.challenge[HEAD:]
    if len(head) != HEAD or not hmac.compare_digest(signature, _signature(head, purpose, person)):
        raise Refused("This was not asked for.")
    made_at = struct.unpack(">Q", head[RANDOM:])[0]
    if timezone.now().timestamp() - made_at > ANSWERED_WITHIN.total_seconds():
        raise TooLate


def _spend(client: CollectedClientData) -> None:
    try:
        with transaction.atomic():
            Spent.objects.create(
                key=key_of(client.challenge.hex()), until=timezone.now() + 2 * ANSWERED_WITHIN
            )
    except IntegrityError as twice:
        raise TooLate from twice
