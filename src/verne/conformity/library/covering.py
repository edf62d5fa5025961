"""What is shown for one framework says how much of another: coverage along the mappings.

A node covers another fully where it asks for as much or more (equal, superset), and partly where
they overlap or it asks for less. Over several mappings the weakest step counts. Coverage helps to
use evidence twice; it proves nothing about the other framework.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from ..catalogue import EDITION, crosswalk, predecessor
from ..verdict import Result, RollUp
from . import ours
from .assessing import Sheetful, latest
from .models import Assessed, Assessment, Framework, MappingRow, MappingSet
from .shape import Relationship, key_of

if TYPE_CHECKING:
    from ..statement import Statement

LONGEST: Final = 3
"""Mappings in a row; further away the claim is worth nothing."""


class Standing(StrEnum):
    """How a node of the source stands."""

    MET = "met"
    PARTLY = "partly"
    NOT_MET = "not met"
    UNKNOWN = "unknown"


class Coverage(StrEnum):
    """How much of a node is covered by what is shown elsewhere."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"
    NO_COUNTERPART = "no counterpart"


@dataclass(frozen=True)
class Reach:
    """A node of the source that says something of a node of the target."""

    source: str
    whole: bool
    """Whether it asks for all that the target does."""
    through: tuple[str, ...] = ()
    """Nodes of frameworks in between, where there are any."""
    note: str = ""


Reached = Mapping[str, Sequence[Reach]]
"""By key of a node of the target."""


def covered(reaches: Sequence[Reach], standings: Mapping[str, Standing]) -> Coverage:
    """What all of it together says: the best of it, for partial claims do not add up."""
    if not reaches:
        return Coverage.NO_COUNTERPART
    said = {_one(reach.whole, standings.get(reach.source, Standing.UNKNOWN)) for reach in reaches}
    return next(c for c in Coverage if c in said)


def _one(whole: bool, standing: Standing) -> Coverage:
    if standing is Standing.MET:
        return Coverage.FULL if whole else Coverage.PARTIAL
    return Coverage.PARTIAL if standing is Standing.PARTLY else Coverage.NONE


# --- How the source stands ------------------------------------------------------------------------


def standings_of(assessment: Assessment | None) -> dict[str, Standing]:
    """What people judged, by key of the node."""
    if assessment is None:
        return {}
    sheet = Sheetful.of(assessment)
    words = {
        Assessed.Result.CONFORMING.value: Standing.MET,
        Assessed.Result.PARTLY.value: Standing.PARTLY,
        Assessed.Result.NONCONFORMING.value: Standing.NOT_MET,
    }
    return {n.key: words.get(sheet.result(n), Standing.UNKNOWN) for n in sheet.asked}


def standings_from(statement: Statement) -> dict[str, Standing]:
    """What the records say of our own edition, clause by clause and obligation by obligation."""
    found = {
        key_of(ours.node_urn(EDITION, number)): of_group(sums)
        for number, sums in statement.judgement.clauses().items()
    }
    for id, verdict in statement.judgement.verdicts.items():
        found[key_of(ours.node_urn(EDITION, id))] = of_result(verdict.result)
    return found


def of_group(sums: RollUp) -> Standing:
    if not sums.total:
        return Standing.UNKNOWN
    if sums.conforming == sums.total:
        return Standing.MET
    return Standing.PARTLY if sums.conforming else Standing.NOT_MET


def of_result(result: Result) -> Standing:
    if result is Result.CONFORMING:
        return Standing.MET
    return Standing.PARTLY if result is Result.PARTLY_CONFORMING else Standing.NOT_MET


def standings(framework: Framework, statement: Statement | None) -> dict[str, Standing]:
    """How a framework stands: ours by the statement, others by their latest assessment."""
    if framework.key == ours.framework_urn(EDITION):
        return standings_from(statement) if statement else {}
    return standings_of(latest(framework))


# --- Along the mappings ---------------------------------------------------------------------------


def reached(source: str, target: str) -> Reached:
    """What of the source speaks for each node of the target, by the shortest way there is."""
    sets = list(MappingSet.objects.all())
    ways = _ways(source, target, sets)
    if not ways:
        return {}
    needed = {s.pk for way in ways for step in pairwise(way) for s, _back in _between(step, sets)}
    rows: dict[int, list[MappingRow]] = defaultdict(list)
    for row in MappingRow.objects.filter(of__in=needed):
        rows[row.of_id].append(row)
    found: dict[str, dict[str, Reach]] = defaultdict(dict)
    for way in ways:
        for node, reach in _along(way, sets, rows):
            best = found[node].get(reach.source)
            if best is None or (reach.whole and not best.whole):
                found[node][reach.source] = reach
    return {node: list(reaches.values()) for node, reaches in found.items()}


def neighbours(framework: str) -> dict[str, int]:
    """Frameworks that mappings lead to, from either end, with the number of steps."""
    sets = list(MappingSet.objects.all())
    steps = {framework: 0}
    edge = [framework]
    for step in range(1, LONGEST + 1):
        edge = [k for here in edge for k in _next_to(here, sets) if k not in steps]
        steps |= dict.fromkeys(edge, step)
    steps.pop(framework)
    return steps


def _next_to(framework: str, sets: Sequence[MappingSet]) -> list[str]:
    there = [s.target for s in sets if s.source == framework]
    return list(dict.fromkeys(there + [s.source for s in sets if s.target == framework]))


def _ways(source: str, target: str, sets: Sequence[MappingSet]) -> list[tuple[str, ...]]:
    """The shortest ways from one framework to the other."""
    ways: list[tuple[str, ...]] = [(source,)]
    for _step in range(LONGEST):
        ways = [(*way, k) for way in ways for k in _next_to(way[-1], sets) if k not in way]
        if arrived := [way for way in ways if way[-1] == target]:
            return arrived
    return []


def _between(step: tuple[str, str], sets: Sequence[MappingSet]) -> list[tuple[MappingSet, bool]]:
    """The mappings of a step; where none is told in this direction, the other way round."""
    there = [(s, False) for s in sets if (s.source, s.target) == step]
    return there or [(s, True) for s in sets if (s.target, s.source) == step]


def _along(
    way: tuple[str, ...], sets: Sequence[MappingSet], rows: Mapping[int, Sequence[MappingRow]]
) -> Iterator[tuple[str, Reach]]:
    here: dict[str, dict[str, Reach]] | None = None
    for step in pairwise(way):
        there: dict[str, dict[str, Reach]] = defaultdict(dict)
        for mapping, back in _between(step, sets):
            for row in rows[mapping.pk]:
                relation = Relationship(row.relationship)
                if relation is Relationship.NOT_RELATED:
                    continue
                ends = (row.target, row.source) if back else (row.source, row.target)
                relation = relation.reversed if back else relation
                whole = relation in (Relationship.EQUAL, Relationship.SUPERSET)
                for reach in _before(here, ends[0]):
                    onward = Reach(
                        source=reach.source,
                        whole=reach.whole and whole,
                        through=(*reach.through, *(() if here is None else (ends[0],))),
                        note=row.note or reach.note,
                    )
                    best = there[ends[1]].get(reach.source)
                    if best is None or (onward.whole and not best.whole):
                        there[ends[1]][reach.source] = onward
        here = there
    for node, reaches in (here or {}).items():
        for reach in reaches.values():
            yield node, reach


def _before(here: dict[str, dict[str, Reach]] | None, node: str) -> list[Reach]:
    if here is None:
        return [Reach(source=node, whole=True)]
    return list(here.get(node, {}).values())


# --- The standards beside our own, which need no library ------------------------------------------


@dataclass(frozen=True)
class Speaks:
    """A clause of ours that speaks for a place elsewhere."""

    clause: str
    relation: str
    note: str
    coverage: Coverage


@dataclass(frozen=True)
class Place:
    """A clause, control or practice of another standard, and what our evidence says of it."""

    ref: str
    title: str
    speaks: Sequence[Speaks]

    @property
    def coverage(self) -> Coverage:
        said = {s.coverage for s in self.speaks}
        return next((c for c in Coverage if c in said), Coverage.NO_COUNTERPART)


WHOLE: Final = ("equal", "superset")
"""Relations of the crosswalk in which our clause asks for all that the other does."""


def speaks(relation: str, sums: RollUp | None) -> Coverage:
    """What the evidence of a clause says of a place it corresponds to."""
    standing = of_group(sums) if sums is not None else Standing.UNKNOWN
    return _one(relation in WHOLE, standing)


def places(target: str, clauses: Mapping[str, RollUp]) -> list[Place]:
    """Every place of another standard that our crosswalk names, in its own order."""
    known = crosswalk()
    rows: dict[str, list[Speaks]] = defaultdict(list)
    for row in known.rows:
        if row.target == target:
            said = speaks(row.relation, clauses.get(row.clause))
            rows[row.ref].append(Speaks(row.clause, row.relation, row.note, said))
    return [Place(ref, title, rows[ref]) for ref, title in known.targets[target].refs.items()]


def former_places(clauses: Mapping[str, RollUp]) -> list[Place]:
    """Every clause of the former edition. The demands are seldom the same: never fully covered."""
    return [
        Place(
            former.number,
            former.title,
            [
                Speaks(number, "intersects", former.note, speaks("intersects", clauses.get(number)))
                for number in former.maps_to
            ],
        )
        for former in predecessor().clauses.values()
    ]


def counted(found: Sequence[Any]) -> dict[Coverage, int]:
    """How many places are covered how, from full to none; those without a counterpart last."""
    said = [place.coverage for place in found]
    return {c: said.count(c) for c in Coverage if said.count(c)}
