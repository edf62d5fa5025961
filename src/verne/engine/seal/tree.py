"""The tree as the database keeps it: leaves, and the roots of whole subtrees of 256, 65,536, …

Adding a leaf, finding the root and proving something read a few hundred hashes, however large the
tree is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verne.verifier import EMPTY, node_hash

from ..rows import insert
from .models import Leaf, Node

STEP = 8
WIDTH = 1 << STEP


class Tree:
    """The tree up to `size` leaves. What was read once is kept for as long as the object lives."""

    def __init__(self, size: int | None = None) -> None:
        self.size = size_now() if size is None else size
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def root(self, size: int | None = None) -> bytes:
        """The root of the first `size` leaves."""
        size = self.size if size is None else size
        return self._range(0, size) if size else EMPTY

    def inclusion(self, place: int, size: int | None = None) -> list[bytes]:
        """The hashes that lead from a leaf to the root (RFC 9162, 2.1.3)."""
        low, high = 0, self.size if size is None else size
        proof: list[bytes] = []
        while high - low > 1:
            middle = low + _below(high - low)
            if place < middle:
                proof.append(self._range(middle, high))
                high = middle
            else:
                proof.append(self._range(low, middle))
                low = middle
        return proof[::-1]

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """The hashes that show the tree of `old` leaves within the newer one (RFC 9162, 2.1.4)."""
        low, high = 0, self.size if new is None else new
        if old in (0, high):
            return []
        proof: list[bytes] = []
        whole = True
        while old != high:
            middle = low + _below(high - low)
            if old <= middle:
                proof.append(self._range(middle, high))
                high = middle
            else:
                proof.append(self._range(low, middle))
                low, whole = middle, False
        if not whole:
            proof.append(self._range(low, high))
        return proof[::-1]

    def _range(self, low: int, high: int) -> bytes:
        """The root of the leaves from `low` up to `high`, where a subtree begins at `low`."""
        count = high - low
        if count & (count - 1) == 0:
            return self._subtree(count.bit_length() - 1, low >> (count.bit_length() - 1))
        middle = low + _below(count)
        return node_hash(self._range(low, middle), self._range(middle, high))

    def _subtree(self, level: int, place: int) -> bytes:
        """The root of a whole subtree of 2^level leaves."""
        base = level - level % STEP
        first = place << (level - base)
        tile = self._tile(base, first // WIDTH)
        offset = first % WIDTH
        return folded(tile[offset : offset + (1 << (level - base))])

    def _tile(self, level: int, number: int) -> list[bytes]:
        """Up to 256 neighbouring hashes of a kept level."""
        if (level, number) not in self._tiles:
            between = (number * WIDTH, (number + 1) * WIDTH - 1)
            if level == 0:
                rows = Leaf.objects.filter(pk__range=between).order_by("pk")
            else:
                rows: Any = Node.objects.filter(level=level, place__range=between).order_by("place")  # type: ignore[no-redef]
            self._tiles[level, number] = [bytes(h) for h in rows.values_list("hash", flat=True)]
        return self._tiles[level, number]


def size_now() -> int:
    """How many leaves there are."""
    last = Leaf.objects.order_by("-pk").values_list("pk", flat=True).first()
    return 0 if last is None else last + 1


def add(leaves: Sequence[Leaf]) -> None:
    """Add leaves at the end, and the nodes above them that become whole."""
    if not leaves:
        return
    insert(Leaf, leaves)
    level, first, size = 0, leaves[0].pk, leaves[-1].pk + 1
    while size // WIDTH > first // WIDTH:
        tree = Tree(size << level)
        made = [
            Node(level=level + STEP, place=place, hash=folded(tree._tile(level, place)))
            for place in range(first // WIDTH, size // WIDTH)
        ]
        Node.objects.bulk_create(made, batch_size=2000)
        level, first, size = level + STEP, first // WIDTH, size // WIDTH


def folded(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of neighbouring hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[n], row[n + 1]) for n in range(0, len(row), 2)]
    return row[0]


def _below(count: int) -> int:
    """The largest power of two that is smaller than a number."""
    return 1 << (count - 1).bit_length() - 1
