"""Codes of an authenticator app: six digits that change every thirty seconds (RFC 6238)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

import segno
from django.utils.safestring import SafeString, mark_safe

SECONDS = 30
DIGITS = 6
BEFORE = 1
"""Steps ago that a code may be from: somebody types it while it changes, or a clock is slow."""


def new_secret() -> str:
    """160 random bits, as apps take them: in base 32."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_at(secret: str, step: int) -> str:
    """The code of a step (RFC 4226, with the step as the counter)."""
    digest = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_at(at: datetime) -> int:
    return int(at.timestamp()) // SECONDS


def matching_step(secret: str, code: str, *, at: datetime) -> int | None:
    """The step whose code this is, if it is one of now; the caller sees that none is used twice."""
    now = step_at(at)
    found = None
    for step in range(now - BEFORE, now + 1):
        # All are compared, so that the time taken tells nothing.
        if hmac.compare_digest(code_at(secret, step), code):
            found = step
    return found


def looks_like_code(text: str) -> bool:
    """Six plain digits: what else somebody may type there is a recovery code."""
    return len(text) == DIGITS and text.isascii() and text.isdigit()


def address(secret: str, *, name: str, issuer: str) -> str:
    """What an app reads out of the picture."""
    label = quote(f"{issuer}:{name}")
    query = urlencode({"secret": secret, "issuer": issuer, "digits": DIGITS, "period": SECONDS})
    return f"otpauth://totp/{label}?{query}"


def picture(text: str) -> SafeString:
    """A QR code as SVG; its colours are in the stylesheet, for nothing inline may stand in it."""
    drawn = segno.make(text, micro=False, error="m").svg_inline(
        svgclass="qr", lineclass=None, border=3, omitsize=True
    )
    return mark_safe(drawn)


def grouped(secret: str) -> str:
    """The secret in fours, for whoever types it by hand."""
    return " ".join(secret[n : n + 4] for n in range(0, len(secret), 4))
