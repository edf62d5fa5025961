"""What differs between two versions of a library: added, changed, moved, retired."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from .shape import Framework, Library, Node

SAID: Final = (
    "name",
    "description",
    "annotation",
    "typical_evidence",
    "assessable",
    "groups",
    "questions",
    "weight",
    "importance",
    "min_score",
    "max_score",
    "scale",
    "controls",
    "threats",
    "texts",
)
"""What a node says; where it stands is its number, its parent and its place."""


@dataclass(frozen=True)
class Changed:
    """A node that says something else than before, and in which of its parts."""

    before: Node
    after: Node
    what: tuple[str, ...]


@dataclass(frozen=True)
class Moved:
    """A node that stands elsewhere: under another parent, or with another number."""

    before: Node
    after: Node
    from_under: str
    to_under: str


@dataclass(frozen=True)
class Retired:
    """A node that is gone, and the one that took its place, if that can be told."""

    node: Node
    successor: Node | None


@dataclass(frozen=True)
class FrameworkDifference:
    """What became of one framework; `before` or `after` is missing when it came or went whole."""

    before: Framework | None
    after: Framework | None
    added: Sequence[Node] = ()
    changed: Sequence[Changed] = ()
    moved: Sequence[Moved] = ()
    retired: Sequence[Retired] = ()

    @property
    def name(self) -> str:
        there = self.after or self.before
        return there.name if there else ""

    @property
    def bounds_changed(self) -> bool:
        return bool(self.before and self.after and self.before.bounds != self.after.bounds)

    @property
    def nothing(self) -> bool:
        return not (self.added or self.changed or self.moved or self.retired or self.bounds_changed)

    @property
    def successors(self) -> Mapping[str, str]:
        """From the key of a retired node to its successor's."""
        return {r.node.key: r.successor.key for r in self.retired if r.successor}


@dataclass(frozen=True)
class MappingDifference:
    name: str
    added: int
    changed: int
    removed: int


@dataclass(frozen=True)
class Difference:
    """Everything that differs between two versions of a library."""

    frameworks: Sequence[FrameworkDifference] = field(default_factory=tuple)
    mappings: Sequence[MappingDifference] = field(default_factory=tuple)

    @property
    def counts(self) -> dict[str, int]:
        return {
            name: sum(len(getattr(f, name)) for f in self.frameworks)
            for name in ("added", "changed", "moved", "retired")
        }

    @property
    def nothing(self) -> bool:
        return not self.mappings and all(f.nothing for f in self.frameworks)


def compare(before: Library | None, after: Library | None) -> Difference:
    """What happens when the first is replaced by the second; None stands for nothing loaded."""
    old = {f.key: f for f in before.frameworks} if before else {}
    new = {f.key: f for f in after.frameworks} if after else {}
    return Difference(
        frameworks=tuple(
            _frameworks(old.get(key), new.get(key)) for key in dict.fromkeys([*old, *new])
        ),
        mappings=tuple(_mappings(before, after)),
    )


def _frameworks(before: Framework | None, after: Framework | None) -> FrameworkDifference:
    old = before.by_key if before else {}
    new = after.by_key if after else {}
    added = [node for key, node in new.items() if key not in old]
    gone = [node for key, node in old.items() if key not in new]
    both = [(node, new[key]) for key, node in old.items() if key in new]
    changes = [(a, b, _what_changed(a, b)) for a, b in both]
    return FrameworkDifference(
        before=before,
        after=after,
        added=added,
        changed=[Changed(a, b, what) for a, b, what in changes if what],
        moved=[
            Moved(a, b, _place(a, old), _place(b, new))
            for a, b in both
            if (a.parent, a.ref) != (b.parent, b.ref)
        ],
        retired=_retired(gone, added),
    )


def _what_changed(before: Node, after: Node) -> tuple[str, ...]:
    return tuple(name for name in SAID if getattr(before, name) != getattr(after, name))


def _place(node: Node, among: Mapping[str, Node]) -> str:
    """Where a node stands, as people say it: the number of what it lies under, and its own."""
    above = among.get(node.parent or "")
    return " › ".join(part for part in (above.ref if above else "", node.ref) if part)


def _retired(gone: Sequence[Node], added: Sequence[Node]) -> list[Retired]:
    """Each gone node with its successor: a new node with the same words, or else the same number.

    Only where it can be told for certain: two candidates are none.
    """
    by_words = _unique((_words(node), node) for node in added)
    by_ref = _unique((_number(node), node) for node in added)
    old_words = _unique((_words(node), node) for node in gone)
    old_refs = _unique((_number(node), node) for node in gone)
    found = []
    for node in gone:
        successor = None
        if old_words.get(_words(node)) is node:
            successor = by_words.get(_words(node))
        if successor is None and old_refs.get(_number(node)) is node:
            successor = by_ref.get(_number(node))
        found.append(Retired(node, successor))
    return found


def _words(node: Node) -> tuple[str, ...]:
    words = " ".join(f"{node.name} {node.description}".split()).casefold()
    return ("words", words) if words else ()


def _number(node: Node) -> tuple[str, ...]:
    # A chapter and a requirement may share a number; one never succeeds the other.
    return ("ref", node.ref, str(node.assessable)) if node.ref else ()


def _unique(pairs: Iterable[tuple[tuple[str, ...], Node]]) -> dict[tuple[str, ...], Node]:
    groups: dict[tuple[str, ...], list[Node]] = defaultdict(list)
    for key, node in pairs:
        groups[key].append(node)
    return {key: nodes[0] for key, nodes in groups.items() if key and len(nodes) == 1}


def _mappings(before: Library | None, after: Library | None) -> list[MappingDifference]:
    old = {m.key: m for m in before.mapping_sets} if before else {}
    new = {m.key: m for m in after.mapping_sets} if after else {}
    found = []
    for key in dict.fromkeys([*old, *new]):
        first = {(r.source, r.target): r for r in old[key].rows} if key in old else {}
        second = {(r.source, r.target): r for r in new[key].rows} if key in new else {}
        difference = MappingDifference(
            name=(new.get(key) or old[key]).name,
            added=len(second.keys() - first.keys()),
            removed=len(first.keys() - second.keys()),
            changed=sum(first[p] != second[p] for p in first.keys() & second.keys()),
        )
        if difference.added or difference.removed or difference.changed:
            found.append(difference)
    return found
