"""Secrets that have to be read again, kept so that the database alone does not give them away.

Sealed with AES-256-GCM under a key derived from SECRET_KEY, and bound to whom they belong to. When
SECRET_KEY is changed and the old one stands in VERNE_OLD_SECRET_KEYS, what it sealed is still read,
and sealed anew by the nightly job.
"""

from __future__ import annotations

import base64
import hashlib
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.crypto import salted_hmac

NONCE = 12


class Unreadable(Exception):
    """Sealed under a key that is not known any more, for somebody else, or changed since."""


def seal(secret: str, *, whose: str) -> str:
    nonce = os.urandom(NONCE)
    sealed = AESGCM(_key(settings.SECRET_KEY)).encrypt(nonce, secret.encode(), whose.encode())
    return f"{_mark(settings.SECRET_KEY)}.{base64.b64encode(nonce + sealed).decode()}"


def unseal(sealed: str, *, whose: str) -> str:
    mark, _dot, text = sealed.partition(".")
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if _mark(key) != mark:
            continue
        try:
            raw = base64.b64decode(text, validate=True)
            return AESGCM(_key(key)).decrypt(raw[:NONCE], raw[NONCE:], whose.encode()).decode()
        except (InvalidTag, ValueError) as wrong:
            raise Unreadable from wrong
    raise Unreadable


def is_current(sealed: str) -> bool:
    """Whether it is sealed under today's key."""
    return sealed.partition(".")[0] == _mark(settings.SECRET_KEY)


def key_of_drafts(person: int) -> str:
    """What a browser seals the drafts of somebody under. It comes with each of their pages and is
    kept nowhere, so that nobody reads drafts whose session has ended."""
    key = salted_hmac("verne.drafts", str(person), algorithm="sha256").digest()
    return base64.b64encode(key).decode()


@lru_cache(maxsize=8)
def _key(secret_key: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"verne: secrets at rest").derive(secret_key.encode())


@lru_cache(maxsize=8)
def _mark(secret_key: str) -> str:
    """Tells which key sealed something, and nothing about the key."""
    return hashlib.sha256(b"mark" + _key(secret_key)).hexdigest()[:8]
