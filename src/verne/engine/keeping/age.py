"""Encryption as age does it (C2SP, age-encryption.org/v1), so that `age -d` opens a backup too.

A file has a key of its own. A header wraps it for each public key, or under a passphrase; what
follows is ChaCha20-Poly1305 in pieces of 64 KiB, so that a cut or altered file is noticed at once.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import io
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

FIRST_LINE = b"age-encryption.org/v1"
PIECE = 64 * 1024
TAG = 16
WORK = 18
"""A passphrase costs 2^18 rounds of scrypt to try: a second and 256 MB each."""
MOST_WORK = 22
LONGEST_HEADER = 64 * 1024
LONGEST_LINE = 64
NO_NONCE = bytes(12)

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_RECIPIENT, _IDENTITY = "age", "age-secret-key-"


class Locked(Exception):
    """It cannot be opened with what was given; the text says what is needed."""


class Damaged(Exception):
    """It is no file of this kind, or not as it was written."""


@dataclass(frozen=True)
class Stanza:
    """The file key as somebody in particular can unwrap it."""

    arguments: tuple[str, ...]
    body: bytes

    def text(self) -> bytes:
        line = _base64(self.body)
        rows = [line[n : n + LONGEST_LINE] for n in range(0, len(line) + 1, LONGEST_LINE)]
        return "\n".join([f"-> {' '.join(self.arguments)}", *rows, ""]).encode()


@dataclass(frozen=True)
class Recipient:
    """A public key (`age1…`): whoever has the other half can open what is written for it."""

    key: bytes

    @classmethod
    def read(cls, text: str) -> Recipient:
        try:
            return cls(_from_bech32(text.strip(), _RECIPIENT))
        except ValueError:
            raise Locked(
                f"{text.strip()[:20]!r} is no public key: it begins with age1, and "
                "`verne backup --new-key FILE` makes one."
            ) from None

    def __str__(self) -> str:
        return _to_bech32(_RECIPIENT, self.key)

    def wrap(self, file_key: bytes) -> Stanza:
        once = X25519PrivateKey.generate()
        share = _raw(once.public_key())
        shared = once.exchange(X25519PublicKey.from_public_bytes(self.key))
        return Stanza(
            ("X25519", _base64(share)), _wrapped(_x25519_key(shared, share, self.key), file_key)
        )


@dataclass(frozen=True)
class Identity:
    """A private key (`AGE-SECRET-KEY-1…`)."""

    key: bytes

    @classmethod
    def new(cls) -> Identity:
        return cls(secrets.token_bytes(32))

    @classmethod
    def read_all(cls, text: str) -> list[Identity]:
        """Those in a key file, one a line; what begins with # is a comment."""
        lines = [line.strip() for line in text.splitlines()]
        try:
            found = [
                cls(_from_bech32(line, _IDENTITY)) for line in lines if line and line[0] != "#"
            ]
        except ValueError:
            found = []
        if not found:
            raise Locked("The key file holds no private key: a line AGE-SECRET-KEY-1… is expected.")
        return found

    def __str__(self) -> str:
        return _to_bech32(_IDENTITY, self.key).upper()

    def recipient(self) -> Recipient:
        return Recipient(_raw(X25519PrivateKey.from_private_bytes(self.key).public_key()))

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        for stanza in stanzas:
            if stanza.arguments[0] != "X25519":
                continue
            if len(stanza.arguments) != 2 or len(stanza.body) != 32:
                raise Damaged("The header is not as it should be.")
            share = _from_base64(stanza.arguments[1])
            try:
                shared = X25519PrivateKey.from_private_bytes(self.key).exchange(
                    X25519PublicKey.from_public_bytes(share)
                )
            except ValueError:
                raise Damaged("The header is not as it should be.") from None
            key = _x25519_key(shared, share, self.recipient().key)
            if (found := _unwrapped(key, stanza.body)) is not None:
                return found
        return None


@dataclass(frozen=True)
class Passphrase:
    """Words that open it; they can only be the one way in."""

    words: str
    work: int = WORK

    def wrap(self, file_key: bytes) -> Stanza:
        salt = secrets.token_bytes(16)
        key = self._key(salt, self.work)
        return Stanza(("scrypt", _base64(salt), str(self.work)), _wrapped(key, file_key))

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        if not any(stanza.arguments[0] == "scrypt" for stanza in stanzas):
            return None
        (stanza, *others) = stanzas
        form = re.compile("[1-9][0-9]?")
        if others or len(stanza.arguments) != 3 or not form.fullmatch(stanza.arguments[2]):
            raise Damaged("The header is not as it should be.")
        salt, work = _from_base64(stanza.arguments[1]), int(stanza.arguments[2])
        if len(salt) != 16 or len(stanza.body) != 32 or work > MOST_WORK:
            raise Damaged("The header is not as it should be.")
        return _unwrapped(self._key(salt, work), stanza.body)

    def _key(self, salt: bytes, work: int) -> bytes:
        salt = FIRST_LINE + b"/scrypt" + salt
        return Scrypt(salt=salt, length=32, n=1 << work, r=8, p=1).derive(self.words.encode())


Way = Recipient | Passphrase
Opener = Identity | Passphrase


class Encrypting(io.RawIOBase):
    """A stream that encrypts what is written to it; it is whole only when it has been closed."""

    def __init__(self, out: BinaryIO, ways: Sequence[Way]) -> None:
        if not ways or (len(ways) > 1 and any(isinstance(way, Passphrase) for way in ways)):
            raise Locked("Encrypt for public keys, or under one passphrase; not both.")
        self.out = out
        self.file_key = secrets.token_bytes(16)
        """Opens what was written, for whoever has just written it and wants to check it."""
        head = FIRST_LINE + b"\n" + b"".join(way.wrap(self.file_key).text() for way in ways)
        head += b"---"
        out.write(head + b" " + _base64(_mac(self.file_key, head)).encode() + b"\n")
        nonce = secrets.token_bytes(16)
        out.write(nonce)
        self._cipher = ChaCha20Poly1305(_derived(self.file_key, nonce, b"payload"))
        self._count = 0
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        self._held += data
        # One piece is always held back: only at the end is it known which one is the last.
        while len(self._held) > PIECE:
            self._put(bytes(self._held[:PIECE]), last=False)
            del self._held[:PIECE]
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._put(bytes(self._held), last=True)
            self._held.clear()
        super().close()

    def _put(self, piece: bytes, *, last: bool) -> None:
        self.out.write(self._cipher.encrypt(_nonce(self._count, last), piece, None))
        self._count += 1


class Decrypting(io.RawIOBase):
    """A stream that reads what `Encrypting`, or age itself, wrote."""

    def __init__(
        self, source: BinaryIO, openers: Iterable[Opener] = (), *, file_key: bytes | None = None
    ) -> None:
        stanzas, head, mac = _header(source)
        key = file_key if file_key is not None else _file_key(stanzas, list(openers))
        if not hmac.compare_digest(_mac(key, head), mac):
            raise Damaged("The header was changed.")
        nonce = source.read(16)
        if len(nonce) != 16:
            raise Damaged("The file is cut off.")
        self._source = source
        self._cipher = ChaCha20Poly1305(_derived(key, nonce, b"payload"))
        self._count = 0
        self._ahead = source.read(PIECE + TAG)
        self._plain = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._plain and not self._ended:
            self._next()
        count = min(len(buffer), len(self._plain))
        buffer[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count

    def _next(self) -> None:
        piece, self._ahead = self._ahead, self._source.read(PIECE + TAG)
        self._ended = not self._ahead
        try:
            self._plain = self._cipher.decrypt(_nonce(self._count, self._ended), piece, None)
        except InvalidTag:
            where = (self._count * PIECE) >> 20
            raise Damaged(
                f"It is cut off or was changed, at about {where:,} MB; what follows is lost."
            ) from None
        if self._ended and not self._plain and self._count:
            raise Damaged("The file ends with an empty piece.")
        self._count += 1


def is_encrypted(beginning: bytes) -> bool:
    return beginning.startswith(b"age-encryption.org/")


def _header(source: BinaryIO) -> tuple[list[Stanza], bytes, bytes]:
    """The stanzas, the text that is authenticated, and the code that authenticates it."""
    line = _line(source)
    if line != FIRST_LINE:
        raise Damaged("This is no file encrypted with age, version 1.")
    head = bytearray(line + b"\n")
    stanzas: list[Stanza] = []
    while not (line := _line(source)).startswith(b"---"):
        words = line.decode("ascii", "replace").split(" ")
        if words[0] != "->" or len(words) < 2 or len(head) > LONGEST_HEADER:
            raise Damaged("The header is not as it should be.")
        head += line + b"\n"
        body = ""
        while True:
            row = _line(source)
            head += row + b"\n"
            body += row.decode("ascii", "replace")
            if len(row) < LONGEST_LINE:
                break
            if len(row) > LONGEST_LINE or len(head) > LONGEST_HEADER:
                raise Damaged("The header is not as it should be.")
        stanzas.append(Stanza(tuple(words[1:]), _from_base64(body)))
    head += b"---"
    if not stanzas:
        raise Damaged("The header is not as it should be.")
    return stanzas, bytes(head), _from_base64(line[4:].decode("ascii", "replace"))


def _line(source: BinaryIO) -> bytes:
    line = source.readline(8192)
    if not line.endswith(b"\n"):
        raise Damaged("The file is cut off, or no file encrypted with age.")
    return line[:-1]


def _file_key(stanzas: list[Stanza], openers: list[Opener]) -> bytes:
    for opener in openers:
        if (key := opener.unwrap(stanzas)) is not None:
            return key
    by_words = any(stanza.arguments[0] == "scrypt" for stanza in stanzas)
    wanted = "a passphrase" if by_words else "a private key"
    kinds = Passphrase if by_words else Identity
    if any(isinstance(opener, kinds) for opener in openers):
        raise Locked(f"It is encrypted under another {'passphrase' if by_words else 'key'}.")
    how = "--passphrase-file FILE" if by_words else "--key FILE"
    raise Locked(f"It is encrypted: {wanted} opens it ({how}).")


def _x25519_key(shared: bytes, share: bytes, recipient: bytes) -> bytes:
    return _derived(shared, share + recipient, FIRST_LINE + b"/X25519")


def _wrapped(key: bytes, file_key: bytes) -> bytes:
    return ChaCha20Poly1305(key).encrypt(NO_NONCE, file_key, None)


def _unwrapped(key: bytes, body: bytes) -> bytes | None:
    try:
        return ChaCha20Poly1305(key).decrypt(NO_NONCE, body, None)
    except InvalidTag:
        return None


def _mac(file_key: bytes, head: bytes) -> bytes:
    return hmac.digest(_derived(file_key, b"", b"header"), head, "sha256")


def _derived(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=info).derive(key)


def _nonce(count: int, last: bool) -> bytes:
    return count.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _raw(key: X25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _from_base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if _base64(data) != text:
        raise Damaged("The header is not as it should be.")
    return data


# --- Bech32 (BIP 173), in which keys are written -------------------------------------------------


def _to_bech32(prefix: str, data: bytes) -> str:
    words = _regrouped(data, 8, 5, pad=True)
    check = _checksum(prefix, [*words, 0, 0, 0, 0, 0, 0]) ^ 1
    words += [check >> 5 * (5 - n) & 31 for n in range(6)]
    return prefix + "1" + "".join(_ALPHABET[word] for word in words)


def _from_bech32(text: str, prefix: str) -> bytes:
    if text not in (text.lower(), text.upper()):
        raise ValueError("mixed case")
    found, _one, rest = text.lower().rpartition("1")
    words = [_ALPHABET.index(letter) for letter in rest]
    if found != prefix or len(words) < 6 or _checksum(prefix, words) != 1:
        raise ValueError("not this kind of key, or a slip of the pen")
    data = bytes(_regrouped(words[:-6], 5, 8, pad=False))
    if len(data) != 32:
        raise ValueError("wrong length")
    return data


def _checksum(prefix: str, words: Sequence[int]) -> int:
    value = 1
    spread = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    for word in (*spread, *words):
        top, value = value >> 25, (value & 0x1FFFFFF) << 5 ^ word
        for n, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            value ^= generator if top >> n & 1 else 0
    return value


def _regrouped(data: Iterable[int], wide: int, narrow: int, *, pad: bool) -> list[int]:
    held = bits = 0
    made: list[int] = []
    for value in data:
        held, bits = held << wide | value, bits + wide
        while bits >= narrow:
            bits -= narrow
            made.append(held >> bits & (1 << narrow) - 1)
        held &= (1 << bits) - 1
    if pad and bits:
        made.append(held << narrow - bits & (1 << narrow) - 1)
    elif not pad and (held or bits >= wide):
        raise ValueError("bits left over")
    return made
