"""A passkey made of software: what a device would answer, for tests without a browser."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData


class SoftKey:
    """One key pair. `origin` is the site the browser says it is on."""

    def __init__(self, origin: str = "http://localhost:8000", *, unlocked: bool = True) -> None:
        self.origin = origin
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.number = os.urandom(16)
        self.counter = 0
        self.handle = b""
        self.unlocked = unlocked

    def make(self, options: dict[str, Any]) -> str:
        """The answer to being asked for a new passkey."""
        wanted = options["publicKey"]
        self.handle = wanted["user"]["id"].encode()
        credential = AttestedCredentialData.create(
            b"\0" * 16, self.number, ES256.from_cryptography_key(self.key.public_key())
        )
        data = self._data(wanted["rp"]["id"], credential)
        seen = self._client("webauthn.create", wanted["challenge"])
        attested = AttestationObject.create("none", data, {})
        return self._answer(seen, {"attestationObject": websafe_encode(bytes(attested))})

    def show(self, options: dict[str, Any]) -> str:
        """The answer to being asked to show it."""
        wanted = options["publicKey"]
        self.counter += 1
        data = self._data(wanted["rpId"])
        seen = self._client("webauthn.get", wanted["challenge"])
        signature = self.key.sign(bytes(data) + hashlib.sha256(seen).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            seen,
            {
                "authenticatorData": websafe_encode(bytes(data)),
                "signature": websafe_encode(signature),
                "userHandle": self.handle.decode(),
            },
        )

    def _data(self, host: str, credential: bytes = b"") -> AuthenticatorData:
        flags = 0x01 | (0x04 if self.unlocked else 0) | (0x40 if credential else 0)
        return AuthenticatorData.create(
            hashlib.sha256(host.encode()).digest(), flags, self.counter, credential
        )

    def _client(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _answer(self, seen: bytes, response: dict[str, str]) -> str:
        number = websafe_encode(self.number)
        return json.dumps(
            {
                "id": number,
                "rawId": number,
                "type": "public-key",
                "clientExtensionResults": {},
                "response": {"clientDataJSON": websafe_encode(seen), **response},
            }
        )
