"""What a library file says, as frozen objects: frameworks with their nodes, and mappings."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from .remarks import Remark


def key_of(urn: str) -> str:
    """A URN as it is compared: real files differ in case and in how an accent is written."""
    return unicodedata.normalize("NFC", urn.strip()).casefold()


class Relationship(StrEnum):
    """How a node of the source reads towards a node of the target, as sets of demands."""

    EQUAL = "equal"
    SUPERSET = "superset"
    SUBSET = "subset"
    INTERSECT = "intersect"
    NOT_RELATED = "not_related"

    @property
    def strength(self) -> int:
        """The strongest claim first has the highest number."""
        return len(Relationship) - list(Relationship).index(self)

    @property
    def reversed(self) -> Relationship:
        """The same, read from the target towards the source."""
        swapped = {Relationship.SUPERSET: Relationship.SUBSET}
        swapped |= {Relationship.SUBSET: Relationship.SUPERSET}
        return swapped.get(self, self)


@dataclass(frozen=True)
class Choice:
    key: str
    text: str
    add_score: float | None = None
    result: str = ""
    """The result that choosing it speaks for; empty where it says nothing."""
    groups: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class Question:
    """A question of a node. `asked_when` names the answers to another one that it waits for."""

    key: str
    text: str
    type: str = "text"
    choices: tuple[Choice, ...] = ()
    asked_when: tuple[str, tuple[str, ...], bool] | None = None
    """The other question, the choices of it, and whether all of them must be chosen."""
    weight: float = 1


@dataclass(frozen=True)
class Node:
    """A line of a framework: a chapter, a requirement or a control."""

    key: str
    urn: str
    parent: str | None
    order: int
    depth: int
    ref: str
    name: str = ""
    description: str = ""
    annotation: str = ""
    typical_evidence: str = ""
    assessable: bool = False
    groups: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    weight: float = 1
    importance: str = ""
    min_score: int | None = None
    max_score: int | None = None
    scale: tuple[ScaleStep, ...] = ()
    """Its own scale, where it differs from its framework's."""
    controls: tuple[str, ...] = ()
    threats: tuple[str, ...] = ()
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Translated fields by language."""


@dataclass(frozen=True)
class ScaleStep:
    score: float
    name: str
    description: str = ""


@dataclass(frozen=True)
class Group:
    """An implementation group: a selection of the nodes, such as a level."""

    ref: str
    name: str
    description: str = ""
    default: bool = False


@dataclass(frozen=True)
class Framework:
    key: str
    urn: str
    ref: str
    name: str
    description: str
    min_score: int
    max_score: int
    scale: tuple[ScaleStep, ...]
    groups: tuple[Group, ...]
    nodes: tuple[Node, ...]
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @cached_property
    def by_key(self) -> Mapping[str, Node]:
        return {node.key: node for node in self.nodes}

    @property
    def bounds(self) -> tuple[int, int]:
        return self.min_score, self.max_score


@dataclass(frozen=True)
class Row:
    """A pair of nodes and how they read towards each other."""

    source: str
    target: str
    relationship: Relationship
    rationale: str = ""
    strength: float | None = None
    """From 0 to 1; the file's own figure stands in `strength_said`."""
    strength_said: str = ""
    note: str = ""


@dataclass(frozen=True)
class MappingSet:
    key: str
    urn: str
    ref: str
    name: str
    description: str
    source: str
    target: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Library:
    """A library as its file tells it, with everything worth remarking on."""

    key: str
    urn: str
    locale: str
    ref: str
    name: str
    description: str
    version: int
    published: str
    provider: str
    packager: str
    copyright: str
    dependencies: tuple[str, ...]
    frameworks: tuple[Framework, ...]
    mapping_sets: tuple[MappingSet, ...]
    controls: frozenset[str]
    """Keys of the controls and threats it defines."""
    digest: str
    remarks: Sequence[Remark] = ()

    @property
    def counts(self) -> dict[str, int]:
        nodes = [node for framework in self.frameworks for node in framework.nodes]
        return {
            "frameworks": len(self.frameworks),
            "nodes": len(nodes),
            "assessable": sum(node.assessable for node in nodes),
            "questions": sum(len(node.questions) for node in nodes),
            "groups": sum(len(framework.groups) for framework in self.frameworks),
            "mapping_sets": len(self.mapping_sets),
            "mappings": sum(len(mapping.rows) for mapping in self.mapping_sets),
            "controls": len(self.controls),
        }

    @cached_property
    def referred(self) -> frozenset[str]:
        """Keys of the controls and threats its nodes name."""
        return frozenset(
            key
            for framework in self.frameworks
            for node in framework.nodes
            for key in (*node.controls, *node.threats)
        )


def plain(thing: Any) -> Any:
    """Objects of this module as JSON keeps them."""
    if isinstance(thing, tuple | list):
        return [plain(item) for item in thing]
    if hasattr(thing, "__dataclass_fields__"):
        return {name: plain(getattr(thing, name)) for name in thing.__dataclass_fields__}
    return thing
