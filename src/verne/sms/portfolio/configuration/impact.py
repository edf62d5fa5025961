"""What a record takes with it when it fails, and what it stands on, however many steps away.

Impact passes along links whose type carries, from an item to the services it serves, and between a
service and the item that stands for it. Records are reached level by level, each once and by its
shortest way, so that circles end by themselves; a level costs one query.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Value
from django.db.models.expressions import RawSQL

from verne.engine.links import Link, link_types
from verne.engine.prepared import Numbers, Prepared, listed

from .models import ConfigurationItem

GONE = ("retired", "removed", "transferred_out", "rejected")
"""States in which an item or a service no longer carries anything."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A record reached: how many steps away, by way of which record, along what kind of tie."""

    depth: int
    through: int
    tie: str


def affected_by(
    *starts: int, depth: int | None = None, most: int | None = None
) -> dict[int, Reached]:
    """Keys of everything that these records take with them, nearest first."""
    return _walk(starts, _ties_up, depth, most)


def foundation_of(
    *starts: int, depth: int | None = None, most: int | None = None
) -> dict[int, Reached]:
    """Keys of everything that these records stand on, nearest first."""
    return _walk(starts, _ties_down, depth, most)


def path_to(key: int, reached: dict[int, Reached]) -> list[int]:
    """The shortest way from where a walk began to one of the records it reached."""
    way = [key]
    while way[-1] in reached:
        way.append(reached[way[-1]].through)
    return way[::-1]


def ties_among(keys: list[int]) -> set[tuple[int, int]]:
    """Which of these records stand on which others of them: pairs of who stands, and on what."""
    known = set(keys)
    ties = {(upper, lower) for upper, lower, _tie in _ties_down(keys=sorted(known))}
    # An item and the service it stands for are one: their tie is said once.
    return {
        (upper, lower)
        for upper, lower in ties
        if lower in known and ((lower, upper) not in ties or upper < lower)
    }


def _walk(starts: Any, ties: Any, depth: int | None, most: int | None) -> dict[int, Reached]:
    begun = set(starts)
    reached: dict[int, Reached] = {}
    level, steps = sorted(begun), 0
    while level and (depth is None or steps < depth):
        steps += 1
        coming: list[int] = []
        for here, there, tie in sorted(ties(keys=level)):
            if there in reached or there in begun:
                continue
            reached[there] = Reached(steps, here, tie)
            coming.append(there)
            if most is not None and len(reached) >= most:
                return reached
        level = coming
    return reached


def _upward(keys: Any) -> Any:
    """Ties to what stands on these records."""
    keys = listed(keys)
    links = _carrying().filter(target__in=keys).exclude(source__state__in=GONE)
    links = links.filter(source__withdrawn_at=None).values_list("target", "source", "kind")
    serves = _serving().filter(configurationitem__in=keys).exclude(service__state__in=GONE)
    served = serves.values_list("configurationitem", "service", _word("serves"))
    return links.union(served, *_standing_for(keys), all=True)


def _downward(keys: Any) -> Any:
    """Ties to what these records stand on."""
    keys = listed(keys)
    links = _carrying().filter(source__in=keys).exclude(target__state__in=GONE)
    links = links.filter(target__withdrawn_at=None).values_list("source", "target", "kind")
    serves = _serving().filter(service__in=keys).exclude(configurationitem__state__in=GONE)
    serving = serves.filter(configurationitem__withdrawn_at=None)
    return links.union(
        serving.values_list("service", "configurationitem", _word("serves")),
        *_standing_for(keys),
        all=True,
    )


def _standing_for(keys: RawSQL) -> list[Any]:
    """A service and the item that stands for it are one and the same, so both ways."""
    pairs = ConfigurationItem.objects.standing().exclude(state__in=GONE)
    return [
        pairs.filter(pk__in=keys, represents__isnull=False).values_list(
            "pk", "represents", _word("stands_for")
        ),
        pairs.filter(represents__in=keys).values_list("represents", "pk", _word("stands_for")),
    ]


def _carrying() -> Any:
    kinds = [t.name for t in link_types.values() if t.carries]
    return Link.objects.filter(kind__in=kinds, ended_at=None)


def _serving() -> Any:
    return ConfigurationItem.services.through.objects


def _word(text: str) -> Value:
    return Value(text, output_field=CharField())


_ties_up = Prepared(_upward, keys=Numbers())
_ties_down = Prepared(_downward, keys=Numbers())
