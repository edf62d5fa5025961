"""The causes of a nonconformity as a tree: each “why?” may have several answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from verne.engine.register import part_rows

if TYPE_CHECKING:
    from .models import Cause, Nonconformity

DEEPEST = 9
"""Five whys are usual; whoever asks more than nine times has left the organization."""


@dataclass
class Node:
    """An answer to “why?”, and the answers to why that is so."""

    cause: Cause
    answers: list[Node] = field(default_factory=list)

    @property
    def depth(self) -> int:
        return depth(self.cause.place)

    @property
    def may_go_deeper(self) -> bool:
        return self.depth < DEEPEST


def tree(causes: Iterable[Cause]) -> list[Node]:
    """The answers to the first “why?”, each with those below it."""
    nodes = {cause.place: Node(cause) for cause in causes}
    top: list[Node] = []
    for place in sorted(nodes, key=in_order):
        above = nodes.get(place.rpartition(".")[0])
        (above.answers if above else top).append(nodes[place])
    return top


def walk(nodes: Iterable[Node]) -> Iterator[Node]:
    """Every node, from the top down."""
    for node in nodes:
        yield node
        yield from walk(node.answers)


def in_order(place: str) -> tuple[int, ...]:
    """Sorts 1.10 after 1.9."""
    return tuple(int(number) for number in place.split("."))


def depth(place: str) -> int:
    return place.count(".") + 1


def with_answer(nonconformity: Nonconformity, below: str, why: str) -> list[dict[str, Any]]:
    """The rows of the tree with one more answer below a place; below "" it is a first one."""
    rows = rows_of(nonconformity)
    places = {row["place"] for row in rows}
    if below and below not in places:
        raise ValidationError(_("That answer is not there any more."))
    if below and depth(below) >= DEEPEST:
        raise ValidationError(_("This is deep enough: mark the cause that you can remove."))
    siblings = [p for p in places if p.rpartition(".")[0] == below]
    number = max((in_order(p)[-1] for p in siblings), default=0) + 1
    place = f"{below}.{number}" if below else str(number)
    return [*rows, {"place": place, "why": why.strip(), "is_root": False, "category": ""}]


def with_changes(nonconformity: Nonconformity, place: str, **changes: Any) -> list[dict[str, Any]]:
    """The rows with one of them saying something else."""
    rows = rows_of(nonconformity)
    if place not in {row["place"] for row in rows}:
        raise ValidationError(_("That answer is not there any more."))
    return [row | changes if row["place"] == place else row for row in rows]


def without(nonconformity: Nonconformity, place: str) -> list[dict[str, Any]]:
    """The rows without an answer and all that was asked below it."""
    return [
        row
        for row in rows_of(nonconformity)
        if row["place"] != place and not row["place"].startswith(f"{place}.")
    ]


def rows_of(nonconformity: Nonconformity) -> list[dict[str, Any]]:
    """The rows as `revise` takes them."""
    return part_rows(nonconformity, "causes")
