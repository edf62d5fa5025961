"""To attest an obligation in one go: the judgement is filed and signed, or nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from verne.engine.acts import file, move

from .models import Attestation, why_not

if TYPE_CHECKING:
    from verne.engine.people import Person
    from verne.engine.signing import Proof

    from ..catalogue import Requirement


def attest(
    requirement: Requirement,
    values: Mapping[str, Any],
    *,
    by: Person,
    proof: Proof | None,
    at: datetime | None = None,
) -> Attestation:
    """Sign a judgement on an obligation; one that was in force is replaced by it."""
    if why := why_not(requirement, by):
        raise PermissionDenied(why)
    with transaction.atomic():
        filed = file(
            Attestation, {"requirement": requirement.id, "owner": by} | dict(values), by=by, at=at
        )
        return move(filed, "sign_it", by=by, proof=proof, at=at)
