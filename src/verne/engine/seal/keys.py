"""The keys the seal is signed with: made on first use, kept in VERNE_HOME/keys, followed by others.

A private key never enters the database. If it is lost, nothing sealed is lost: it verifies with the
public key. What comes after is signed with a new key, which the lost one can no longer vouch for.
"""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from verne.verifier import ENDORSEMENT, Key

from .canonical import instant
from .models import SealKey


class KeyLost(RuntimeError):
    """The private key that should sign is not where it was kept."""


def folder() -> Path:
    return Path(settings.VERNE_HOME) / "keys"


def known() -> list[Key]:
    """Every public key there has been, oldest first."""
    return [Key.read(text) for text in SealKey.objects.order_by("pk").values_list("key", flat=True)]


def current() -> tuple[Key, Ed25519PrivateKey]:
    """The key that signs now; the first one is made when it is needed."""
    newest = SealKey.objects.order_by("-pk").first()
    if newest is None:
        return _made(f"verne-{secrets.token_hex(4)}")
    key = Key.read(newest.key)
    return key, _private(key)


def follow() -> Key:
    """Make a new key. The present one vouches for it, as far as it is still there."""
    newest = SealKey.objects.order_by("-pk").first()
    if newest is None:
        return current()[0]
    former = Key.read(newest.key)
    try:
        return _made(former.name, vouched=(former, _private(former)))[0]
    except KeyLost:
        return _made(former.name)[0]


def signed_note(text: str, key: Key, private: Ed25519PrivateKey) -> str:
    """A text with its signature, as C2SP writes it."""
    signature = base64.b64encode(key.id + private.sign(text.encode())).decode()
    return f"{text}\n— {key.name} {signature}\n"


def _made(
    name: str, vouched: tuple[Key, Ed25519PrivateKey] | None = None
) -> tuple[Key, Ed25519PrivateKey]:
    private = Ed25519PrivateKey.generate()
    raw = private.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    )
    key = Key(name, raw)
    # The file first: a row without its key could sign nothing, a file without its row does no harm.
    _write(key, private)
    now = timezone.now()
    text = f"{ENDORSEMENT}{key}\ntime {instant(now)}\n"
    endorsement = signed_note(text, *vouched) if vouched else ""
    SealKey.objects.create(key=str(key), since=now, endorsement=endorsement)
    return key, private


def _write(key: Key, private: Ed25519PrivateKey) -> None:
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    text = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    handle = os.open(_path(key), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def _private(key: Key) -> Ed25519PrivateKey:
    try:
        found = serialization.load_pem_private_key(_path(key).read_bytes(), password=None)
    except (OSError, ValueError):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise KeyLost(
            _(
                "The key of the seal cannot be read from %(path)s. Bring the file back from a "
                "backup, or begin a new key with “verne seal --new-key”."
            )
            % {"path": _path(key)}
        )
    return found


def _path(key: Key) -> Path:
    return folder() / f"seal-{key.id.hex()}.pem"
