"""How many pairs of a mapping lead to nodes that are not there: counted anew, for they may come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q

from .models import FrameworkNode, MappingRow, MappingSet


@dataclass(frozen=True)
class Ends:
    """The pairs of a mapping, and those of which an end leads nowhere yet."""

    total: int
    lost: int


def unresolved(sets: Iterable[MappingSet]) -> dict[int, Ends]:
    """By key of the mapping; one query, however many there are."""
    rows = MappingRow.objects.filter(of__in=[s.pk for s in sets]).values("of")
    both = Q(_there("source")) & Q(_there("target"))
    counted = rows.annotate(total=Count("pk"), found=Count("pk", filter=both)).order_by()
    found = {row["of"]: Ends(row["total"], row["total"] - row["found"]) for row in counted}
    return {s.pk: found.get(s.pk, Ends(0, 0)) for s in sets}


def _there(end: str) -> Exists:
    return Exists(
        FrameworkNode.objects.filter(
            framework__key=OuterRef(f"of__{end}"), key=OuterRef(end), retired_at=None
        )
    )
