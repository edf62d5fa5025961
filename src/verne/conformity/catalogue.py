"""The catalogue of obligations: the files in `standards/` as frozen objects, read on first use.

Nothing here knows the database or a clause by number; a new edition of the standard is a new file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeVar

import yaml
from django.utils.translation import pgettext

from .duration import Duration

STANDARDS = Path(__file__).parent / "standards"
EDITION = "iso20000-1-2018"
PREDECESSOR = "iso20000-1-2011"


class Kind(StrEnum):
    """What sort of condition a check is; `conventions.evidence.kinds` explains each."""

    EXISTS = "exists"
    COMPLETE = "complete"
    CURRENT = "current"
    CLOSED = "closed"
    CONSISTENT = "consistent"
    ENFORCED = "enforced"
    ATTESTED = "attested"


class Effect(StrEnum):
    """What a universal condition does: alter the result, or show how well it is backed."""

    RESULT = "result"
    ASSURANCE = "assurance"


class Scope(StrEnum):
    """What a universal condition is asked of."""

    CLAUSE = "clause"
    REQUIREMENT = "requirement"


@dataclass(frozen=True)
class Standard:
    id: str
    designation: str
    title: str
    edition: int
    published: str
    management_system: str
    amendments: tuple[Mapping[str, Any], ...] = ()
    exclusions_allowed: bool = False
    status: str = ""


@dataclass(frozen=True)
class Role:
    key: str
    name: str
    duty: str


@dataclass(frozen=True)
class RecordType:
    name: str
    group: str
    what: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Parameter:
    """A value that conditions use and the organization may adjust: a length of time or a number."""

    key: str
    default: Duration | Decimal
    what: str
    checks: tuple[str, ...]


@dataclass(frozen=True)
class Frequency:
    """The planned interval of an obligation, and whether the text or custom asks for one."""

    interval: Duration
    basis: str


@dataclass(frozen=True)
class DocumentedInformation:
    key: str
    name: str
    kind: str
    basis: str
    required_by: tuple[str, ...]


@dataclass(frozen=True)
class Clause:
    number: str
    title: str
    parent: str | None
    pdca: str
    purpose: str
    process: str = ""
    untitled: bool = False
    informative: bool = False

    @property
    def name(self) -> str:
        """Its title in the reader's language; tools/translate.py takes the titles from the data."""
        return pgettext("title of a clause", self.title)

    @property
    def order(self) -> tuple[int, ...]:
        """Sorts 8.10 after 8.9."""
        return tuple(int(part) for part in self.number.split("."))

    @property
    def chapter(self) -> str:
        return self.number.partition(".")[0]

    @property
    def depth(self) -> int:
        return self.number.count(".")


@dataclass(frozen=True, kw_only=True)
class Check:
    """A condition over records, known for good by its key."""

    key: str
    kind: Kind
    condition: str
    reads: tuple[str, ...]
    parameter: str = ""


@dataclass(frozen=True, kw_only=True)
class UniversalCheck(Check):
    """A condition that holds for every clause or requirement on top of its own evidence."""

    scope: Scope
    effect: Effect


@dataclass(frozen=True)
class Requirement:
    """One obligation, in our own words."""

    id: str
    cite: str
    clause: str
    statement: str
    title: str
    pdca: str
    text: str
    checks: tuple[Check, ...]
    documented: tuple[DocumentedInformation, ...]
    frequency: Frequency | None
    owner_role: str
    decided_by: str
    applies_when: str = ""
    amendment: str = ""


@dataclass(frozen=True)
class Catalogue:
    """One edition of the standard with everything that hangs on it."""

    standard: Standard
    notice: str
    verification: Mapping[str, str]
    conventions: Mapping[str, Any]
    roles: Mapping[str, Role]
    record_types: Mapping[str, RecordType]
    parameters: Mapping[str, Parameter]
    documented_information: Mapping[str, DocumentedInformation]
    clauses: Mapping[str, Clause]
    requirements: Mapping[str, Requirement]
    checks: Mapping[str, Check]
    universal: Mapping[str, UniversalCheck]

    def requirements_using(self, check: str) -> tuple[Requirement, ...]:
        return self._users.get(check, ())

    def children(self, clause: str | None) -> tuple[Clause, ...]:
        """The clauses right under one; those without a parent under None."""
        return self._children.get(clause, ())

    def ancestors(self, clause: str) -> tuple[Clause, ...]:
        """The clauses a clause belongs to, nearest first."""
        above: list[Clause] = []
        while parent := self.clauses[clause].parent:
            above.append(self.clauses[parent])
            clause = parent
        return tuple(above)

    def requirements_under(self, clause: str) -> Iterator[Requirement]:
        """The obligations of a clause, then those of its sub-clauses, in the order of the text."""
        yield from self._by_clause.get(clause, ())
        for child in self.children(clause):
            yield from self.requirements_under(child.number)

    def requirements_of(self, clause: str) -> tuple[Requirement, ...]:
        """The obligations of a clause itself, without its sub-clauses."""
        return self._by_clause.get(clause, ())

    def parameters_of(self, check: str) -> tuple[Parameter, ...]:
        return tuple(p for p in self.parameters.values() if check in p.checks)

    @cached_property
    def statements(self) -> Mapping[str, tuple[Requirement, ...]]:
        """The sentences of obligation, each with the entries that are its items."""
        return _grouped((r.statement, r) for r in self.requirements.values())

    @cached_property
    def _users(self) -> Mapping[str, tuple[Requirement, ...]]:
        return _grouped((c.key, r) for r in self.requirements.values() for c in r.checks)

    @cached_property
    def _children(self) -> Mapping[str | None, tuple[Clause, ...]]:
        return _grouped((c.parent, c) for c in sorted(self.clauses.values(), key=_order))

    @cached_property
    def _by_clause(self) -> Mapping[str, tuple[Requirement, ...]]:
        return _grouped((r.clause, r) for r in self.requirements.values())


@dataclass(frozen=True)
class Target:
    """Another standard or body of guidance that clauses are compared with."""

    id: str
    designation: str
    refs: Mapping[str, str]
    """Clause or control numbers with their titles; practice names with their group."""
    system: str = ""
    amendments: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Correspondence:
    """How a clause reads towards a place in a target."""

    clause: str
    target: str
    ref: str
    relation: str
    note: str


@dataclass(frozen=True)
class NoCounterpart:
    target: str
    clauses: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Crosswalk:
    source: str
    notice: str
    reading: str
    relations: Mapping[str, str]
    targets: Mapping[str, Target]
    rows: tuple[Correspondence, ...]
    no_counterpart: tuple[NoCounterpart, ...]

    def of(self, clause: Clause, catalogue: Catalogue) -> tuple[Correspondence, ...]:
        """The rows that hold for a clause: its own, then those of the clauses above it."""
        numbers = [clause.number, *(c.number for c in catalogue.ancestors(clause.number))]
        return tuple(row for number in numbers for row in self._by_clause.get(number, ()))

    @cached_property
    def _by_clause(self) -> Mapping[str, tuple[Correspondence, ...]]:
        return _grouped((row.clause, row) for row in self.rows)


@dataclass(frozen=True)
class FormerClause:
    """A clause of the withdrawn edition with the clauses that cover it now."""

    number: str
    title: str
    parent: str | None
    pdca: str
    purpose: str
    maps_to: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class Predecessor:
    standard: Standard
    notice: str
    clauses: Mapping[str, FormerClause]
    new_since: Mapping[str, str] = field(default_factory=dict)

    def covered_by(self, clause: str) -> tuple[FormerClause, ...]:
        """The former clauses that lead to a clause of today."""
        return tuple(c for c in self.clauses.values() if clause in c.maps_to)


@cache
def catalogue() -> Catalogue:
    return read_catalogue(_load(EDITION))


@cache
def crosswalk() -> Crosswalk:
    return read_crosswalk(_load("crosswalk"))


@cache
def predecessor() -> Predecessor:
    return read_predecessor(_load(PREDECESSOR))


def read_catalogue(data: Mapping[str, Any]) -> Catalogue:
    documents = [_make(DocumentedInformation, d) for d in data["documented_information"]]
    document = {d.name: d for d in documents}
    checks: dict[str, Check] = {}
    requirements = [_requirement(r, checks, document) for r in data["requirements"]]
    return Catalogue(
        standard=_make(Standard, data["standard"]),
        notice=data["notice"],
        verification=data["verification"],
        conventions=data["conventions"],
        roles=_keyed("key", (_make(Role, r) for r in data["roles"])),
        record_types=_keyed("name", (_make(RecordType, r) for r in data["record_types"])),
        parameters=_keyed("key", map(_parameter, data["parameters"])),
        documented_information=_keyed("key", documents),
        clauses=_keyed("number", (_make(Clause, c) for c in data["clauses"])),
        requirements=_keyed("id", requirements),
        checks=checks,
        universal=_keyed("key", map(_universal, data["universal_evidence"])),
    )


def read_crosswalk(data: Mapping[str, Any]) -> Crosswalk:
    head = data["crosswalk"]
    return Crosswalk(
        source=head["source"],
        notice=head["notice"],
        reading=head["reading"],
        relations=head["relations"],
        targets=_keyed("id", map(_target, data["targets"])),
        rows=tuple(_make(Correspondence, row) for row in data["rows"]),
        no_counterpart=tuple(_make(NoCounterpart, row) for row in data["no_counterpart"]),
    )


def read_predecessor(data: Mapping[str, Any]) -> Predecessor:
    return Predecessor(
        standard=_make(Standard, data["standard"]),
        notice=data["notice"],
        clauses=_keyed("number", (_make(FormerClause, c) for c in data["clauses"])),
        new_since={row["clause"]: row["what"] for row in data["new_in_2018"]},
    )


def _load(name: str) -> Any:
    # The C loader reads the catalogue in a tenth of a second, the pure one in a second and more.
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with (STANDARDS / f"{name}.yaml").open(encoding="utf-8") as file:
        return yaml.load(file, loader)


def _requirement(
    data: Mapping[str, Any],
    checks: dict[str, Check],
    document: Mapping[str, DocumentedInformation],
) -> Requirement:
    values = dict(data)
    evidence, documented = values.pop("evidence"), values.pop("documented")
    frequency = values.pop("frequency")
    return _make(
        Requirement,
        values
        | {
            "checks": tuple(_check(e, checks) for e in evidence),
            "documented": tuple(_documented(d, document, values["id"]) for d in documented),
            "frequency": frequency
            and Frequency(Duration.parse(frequency["interval"]), frequency["basis"]),
        },
    )


def _check(data: Mapping[str, Any], known: dict[str, Check]) -> Check:
    values = dict(data)
    key = values.pop("check")
    check = _make(Check, values | {"key": key, "kind": Kind(values["kind"])})
    if known.setdefault(key, check) != check:
        raise ValueError(f"The check {key} carries two different conditions: give one a new key.")
    return known[key]


def _universal(data: Mapping[str, Any]) -> UniversalCheck:
    values = dict(data)
    return _make(
        UniversalCheck,
        values
        | {
            "key": values.pop("check"),
            "kind": Kind(values["kind"]),
            "scope": Scope(values["scope"]),
            "effect": Effect(values["effect"]),
        },
    )


def _parameter(data: Mapping[str, Any]) -> Parameter:
    text = data["default"]
    default = Duration.parse(text) if text.startswith("P") else Decimal(text)
    return _make(Parameter, {**data, "default": default})


def _documented(
    data: Mapping[str, Any], document: Mapping[str, DocumentedInformation], requirement: str
) -> DocumentedInformation:
    try:
        return document[data["name"]]
    except KeyError:
        raise ValueError(
            f"{requirement} asks for {data['name']!r}, which documented_information does not list."
        ) from None


def _target(data: Mapping[str, Any]) -> Target:
    values = dict(data)
    if groups := values.pop("groups", None):
        values["refs"] = {name: group for group, names in groups.items() for name in names}
    return _make(Target, values)


Made = TypeVar("Made")


def _make(cls: type[Made], data: Mapping[str, Any]) -> Made:
    """One object from one mapping; lists become tuples, unknown and missing names are told."""
    known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    if unknown := set(data) - known:
        raise ValueError(
            f"{cls.__name__} does not know {', '.join(sorted(unknown))}: {dict(data)!r:.120}"
        )
    try:
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in data.items()})
    except TypeError as error:
        raise ValueError(f"{error}: {dict(data)!r:.120}") from None


def _keyed(attribute: str, things: Iterable[Made]) -> dict[str, Made]:
    keyed: dict[str, Made] = {}
    for thing in things:
        key = getattr(thing, attribute)
        if key in keyed:
            raise ValueError(f"{type(thing).__name__} {key} is there twice.")
        keyed[key] = thing
    return keyed


Key = TypeVar("Key")


def _grouped(pairs: Iterable[tuple[Key, Made]]) -> dict[Key, tuple[Made, ...]]:
    groups: dict[Key, list[Made]] = defaultdict(list)
    for key, thing in pairs:
        groups[key].append(thing)
    return {key: tuple(things) for key, things in groups.items()}


def _order(clause: Clause) -> tuple[int, ...]:
    return clause.order
