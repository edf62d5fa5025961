"""What a signed judgement adds to a check that asks for one."""

from __future__ import annotations

from datetime import datetime

from ..catalogue import Check, Kind, catalogue
from ..verdict import ATTESTATION, Judged
from .models import Attestation, judgements


def asks_for_judgement(check: Check) -> bool:
    """Whether a check holds only with a signed judgement of the accountable person."""
    return check.kind is Kind.ATTESTED and ATTESTATION in check.reads


def judged(check: Check, *, at: datetime) -> Judged | None:
    """How the obligations of a check were judged; None where no judgement is asked for.

    An obligation that nobody has judged, or not within its interval, leaves it open.
    """
    if not asks_for_judgement(check):
        return None
    users = [r.id for r in catalogue().requirements_using(check.key)]
    found = judgements(users, at)
    if any(row.judgement == Attestation.Judgement.NOT_MET for row in found.values()):
        return Judged.NOT_MET
    return Judged.MET if len(found) == len(users) else Judged.OPEN
