"""Time stamps (RFC 3161): an outside authority signs that a checkpoint existed at a time.

Nothing is sent unless VERNE_TIME_STAMPS names an authority. What goes out is a hash of the signed
note; the token that comes back is kept as it is, and `openssl ts -verify` can check it in full.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from .models import SealedAt, TimeStamp

log = logging.getLogger("verne.seal")

Transport = Callable[[str, bytes], bytes]
"""Sends a request to an address and gives the answer."""

SHA256 = bytes.fromhex("0609608648016503040201")
"""The object identifier of SHA-256 in DER."""
PATIENCE = 20
GRANTED = (0, 1)


class NotStamped(RuntimeError):
    """The authority refused, or answered about something else."""


@dataclass(frozen=True)
class Stamped:
    """What a token says."""

    at: datetime
    token: bytes


def stamp_newest(transport: Transport | None = None) -> TimeStamp | None:
    """Have the newest checkpoint stamped, once; None when that is not asked for or done already."""
    authority = settings.SEAL_TIME_STAMPS
    point = SealedAt.objects.order_by("-pk").first()
    if not authority or point is None or point.stamps.filter(authority=authority).exists():
        return None
    digest = hashlib.sha256(point.note.encode()).digest()
    nonce = secrets.randbits(63)
    answer = (transport or post)(authority, request(digest, nonce))
    stamped = read(answer, digest=digest, nonce=nonce)
    return TimeStamp.objects.create(
        checkpoint=point, authority=authority, at=stamped.at, token=stamped.token
    )


def post(address: str, content: bytes) -> bytes:
    """Send a request as RFC 3161 says; only to an address that somebody configured."""
    if not address.startswith(("https://", "http://")):
        raise NotStamped(_("VERNE_TIME_STAMPS has to be an address that begins with http."))
    asked = urllib.request.Request(
        address, content, {"Content-Type": "application/timestamp-query"}
    )
    with urllib.request.build_opener(Staying).open(asked, timeout=PATIENCE) as answer:
        return bytes(answer.read(1_000_000))


class Staying(urllib.request.HTTPRedirectHandler):
    """Goes where it was sent and nowhere else: an answer that leads on is a refusal."""

    def redirect_request(self, *_asked: Any, **_more: Any) -> None:
        return None


def request(digest: bytes, nonce: int) -> bytes:
    """A TimeStampReq over a SHA-256, asking for the certificate with the answer."""
    imprint = _imprint(digest)
    return _der(0x30, _integer(1) + imprint + _integer(nonce) + _der(0x01, b"\xff"))


def read(answer: bytes, *, digest: bytes, nonce: int) -> Stamped:
    """The token of a TimeStampResp, if it was granted and speaks of this hash and this request."""
    try:
        body = _content(answer, 0x30)
        status, rest = _first(body)
        number = int.from_bytes(_content(_first(_content(status, 0x30))[0], 0x02), "big")
    except (IndexError, ValueError):
        raise NotStamped(_("The authority gave no answer of RFC 3161.")) from None
    if number not in GRANTED:
        raise NotStamped(_("The authority refused: status %(number)d.") % {"number": number})
    token = rest
    # The signed facts lie in the token as one piece; what matters in them are these three.
    if _imprint(digest) not in token or _integer(nonce) not in token:
        raise NotStamped(_("The authority stamped something else than was asked."))
    told = token[token.index(_imprint(digest)) :]
    time = re.search(rb"\x18[\x0f-\x18](\d{14})(?:\.\d+)?Z", told)
    if time is None:
        raise NotStamped(_("The time stamp says no time."))
    at = datetime.strptime(time[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return Stamped(at, token)


def _imprint(digest: bytes) -> bytes:
    algorithm = _der(0x30, SHA256 + _der(0x05, b""))
    return _der(0x30, algorithm + _der(0x04, digest))


def _integer(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def _first(content: bytes) -> tuple[bytes, bytes]:
    """The first value in DER, and what follows it."""
    size, start = content[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(content[2:start], "big")
    if len(content) < start + size:
        raise ValueError("the answer ends too early")
    return content[: start + size], content[start + size :]


def _content(value: bytes, tag: int) -> bytes:
    if not value or value[0] != tag:
        raise ValueError(f"expected the tag {tag:#x}")
    whole, _rest = _first(value)
    size = whole[1]
    return whole[2 + (size & 0x7F if size & 0x80 else 0) :]
