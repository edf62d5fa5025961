"""What the top of the demonstration organization signed: in force, expiring, expired, revoked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from verne.engine import moment
from verne.engine.acts import move
from verne.engine.people import Person
from verne.engine.testing import proof_of

from ..catalogue import catalogue
from .attest import attest
from .models import Attestation

LED: Final = (
    "People know what is expected of them, and whom to ask.",
    "I sat in on the hand-over of all six teams, and asked two people of each the same questions.",
)
FITS: Final = (
    "The policy says what we are here for: services that small organizations can rely on.",
    "Compared with the strategy the board adopted in January; nothing in it pulls elsewhere.",
)
DIRECTION: Final = (
    "Policy and objectives fit where the company is going.",
    "Discussed with the managing board; growth in health care is in both.",
)
JOINED: Final = (
    "Asking for SMS evidence is part of every project meeting.",
    "Minutes of four project meetings of the quarter.",
)

SIGNED: Final = (
    # Obligation, words, how many days ago it was signed, and how many days it counts.
    ("5.1.j", LED, 210, 350),
    ("5.2.1.a", FITS, 340, 360),
    ("5.1.a", DIRECTION, 190, 360),
    ("5.1.f", JOINED, 130, 100),
)


def tell(by: Person, end: datetime) -> None:
    """Told after the year, each at its own instant."""
    for id, (statement, reason), ago, counts in SIGNED:
        at = end - timedelta(days=ago)
        with moment.at(at):
            attest(
                catalogue().requirements[id],
                {
                    "judgement": Attestation.Judgement.MET,
                    "statement": statement,
                    "reason": reason,
                    "valid_until": (at + timedelta(days=counts)).date(),
                },
                by=by,
                proof=proof_of(by),
                at=at,
            )
    taken_back = Attestation.objects.get(requirement="5.1.a")
    note = "The objectives of next year are not set yet: I sign again with them."
    with moment.at(end - timedelta(days=6)):
        move(taken_back, "revoke", by=by, note=note)
