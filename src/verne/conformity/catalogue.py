"""The catalogue of obligations: the files in `standards/` as frozen objects, read on first use.

There is one catalogue for each language, read when somebody first asks in it. What people read
plays no part in comparing: an obligation equals itself in every language.

Nothing here knows the database or a clause by number; a new edition of the standard is a new file.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import StrEnum
from functools import cache, cached_property
from typing import Any, TypeVar

from .duration import Duration
from .wording import STANDARDS, Say, as_written, parsed, spoken, wording

EDITION = "iso20000-1-2018"
PREDECESSOR = "iso20000-1-2011"
CROSSWALK = "crosswalk"


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
    name: str = field(compare=False)
    duty: str = field(compare=False)


@dataclass(frozen=True)
class RecordType:
    name: str
    group: str
    what: str = field(compare=False)
    fields: tuple[str, ...]
    label: str = field(compare=False)
    """Its name as people say it."""


@dataclass(frozen=True)
class Parameter:
    """A value that conditions use and the organization may adjust: a length of time or a number."""

    key: str
    default: Duration | Decimal
    what: str = field(compare=False)
    checks: tuple[str, ...]


@dataclass(frozen=True)
class Frequency:
    """The planned interval of an obligation, and whether the text or custom asks for one."""

    interval: Duration
    basis: str


@dataclass(frozen=True)
class DocumentedInformation:
    key: str
    name: str = field(compare=False)
    kind: str
    basis: str
    required_by: tuple[str, ...]


@dataclass(frozen=True)
class Clause:
    number: str
    title: str = field(compare=False)
    parent: str | None
    pdca: str
    purpose: str = field(compare=False)
    process: str = ""
    untitled: bool = False
    informative: bool = False

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
    condition: str = field(compare=False)
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
    title: str = field(compare=False)
    pdca: str
    text: str = field(compare=False)
    checks: tuple[Check, ...]
    documented: tuple[DocumentedInformation, ...]
    frequency: Frequency | None
    owner_role: str
    decided_by: str
    applies_when: str = field(default="", compare=False)
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
    """Clause or control numbers with their titles; practice names with what people call them."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """Practice names with their group."""
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
    note: str = field(compare=False)


@dataclass(frozen=True)
class NoCounterpart:
    target: str
    clauses: tuple[str, ...]
    note: str = field(compare=False)


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
    title: str = field(compare=False)
    parent: str | None
    pdca: str
    purpose: str = field(compare=False)
    maps_to: tuple[str, ...]
    note: str = field(default="", compare=False)


@dataclass(frozen=True)
class Predecessor:
    standard: Standard
    notice: str
    clauses: Mapping[str, FormerClause]
    new_since: Mapping[str, str] = field(default_factory=dict)

    def covered_by(self, clause: str) -> tuple[FormerClause, ...]:
        """The former clauses that lead to a clause of today."""
        return tuple(c for c in self.clauses.values() if clause in c.maps_to)


def catalogue() -> Catalogue:
    """The catalogue in the reader's language."""
    return _catalogue(spoken())


def original() -> Catalogue:
    """The catalogue as it is written, whoever reads: for what is hashed or signed."""
    return _catalogue("")


def crosswalk() -> Crosswalk:
    return _crosswalk(spoken())


def predecessor() -> Predecessor:
    return _predecessor(spoken())


@cache
def _catalogue(language: str) -> Catalogue:
    return read_catalogue(_load(EDITION), wording(EDITION, language))


@cache
def _crosswalk(language: str) -> Crosswalk:
    return read_crosswalk(_load(CROSSWALK), wording(CROSSWALK, language))


@cache
def _predecessor(language: str) -> Predecessor:
    return read_predecessor(_load(PREDECESSOR), wording(PREDECESSOR, language))


def read_catalogue(data: Mapping[str, Any], say: Say = as_written) -> Catalogue:
    clauses = _keyed("number", (_clause(c, say) for c in data["clauses"]))
    documents = {d["name"]: _document(d, say) for d in data["documented_information"]}
    checks: dict[str, Check] = {}
    requirements = [_requirement(r, checks, documents, say) for r in data["requirements"]]
    return Catalogue(
        standard=_make(Standard, data["standard"]),
        notice=say("notice", "notice", data["notice"]),
        verification=data["verification"],
        conventions=data["conventions"],
        roles=_keyed("key", (_role(r, say) for r in data["roles"])),
        record_types=_keyed("name", (_record_type(r, say) for r in data["record_types"])),
        parameters=_keyed("key", (_parameter(p, say) for p in data["parameters"])),
        documented_information=_keyed("key", documents.values()),
        clauses=clauses,
        requirements=_keyed("id", requirements),
        checks=checks,
        universal=_keyed("key", (_universal(u, say) for u in data["universal_evidence"])),
    )


def read_crosswalk(data: Mapping[str, Any], say: Say = as_written) -> Crosswalk:
    head = data["crosswalk"]
    return Crosswalk(
        source=head["source"],
        notice=say("notice", "notice", head["notice"]),
        reading=say("notice", "reading", head["reading"]),
        relations={key: say("relation", key, what) for key, what in head["relations"].items()},
        targets=_keyed("id", (_target(t, say) for t in data["targets"])),
        rows=tuple(_correspondence(row, say) for row in data["rows"]),
        no_counterpart=tuple(_no_counterpart(row, say) for row in data["no_counterpart"]),
    )


def read_predecessor(data: Mapping[str, Any], say: Say = as_written) -> Predecessor:
    return Predecessor(
        standard=_make(Standard, data["standard"]),
        notice=say("notice", "notice", data["notice"]),
        clauses=_keyed("number", (_former_clause(c, say) for c in data["clauses"])),
        new_since={
            row["clause"]: say("new since", row["clause"], row["what"])
            for row in data["new_in_2018"]
        },
    )


@cache
def _load(name: str) -> Any:
    # Every language is made from it, and reading it takes ten times as long as a translation.
    return parsed(STANDARDS / f"{name}.yaml")


def _clause(data: Mapping[str, Any], say: Say) -> Clause:
    kinds = {"title": "title of a clause", "purpose": "purpose of a clause"}
    return _make(Clause, _worded(data, data["number"], kinds, say))


def _former_clause(data: Mapping[str, Any], say: Say) -> FormerClause:
    kinds = {
        "title": "title of a clause",
        "purpose": "purpose of a clause",
        "note": "note on a clause",
    }
    return _make(FormerClause, _worded(data, data["number"], kinds, say))


def _role(data: Mapping[str, Any], say: Say) -> Role:
    return _make(Role, _worded(data, data["key"], {"name": "role", "duty": "duty"}, say))


def _record_type(data: Mapping[str, Any], say: Say) -> RecordType:
    name = data["name"]
    values = {**data, "label": name.replace("_", " ")}
    kinds = {"label": "record type", "what": "what a record type is"}
    return _make(RecordType, _worded(values, name, kinds, say))


def _document(data: Mapping[str, Any], say: Say) -> DocumentedInformation:
    kinds = {"name": "documented information"}
    return _make(DocumentedInformation, _worded(data, data["key"], kinds, say))


def _requirement(
    data: Mapping[str, Any],
    checks: dict[str, Check],
    documents: Mapping[str, DocumentedInformation],
    say: Say,
) -> Requirement:
    kinds = {"text": "obligation", "applies_when": "situation"}
    values = _worded(data, data["id"], kinds, say)
    evidence, documented = values.pop("evidence"), values.pop("documented")
    frequency = values.pop("frequency")
    return _make(
        Requirement,
        values
        | {
            "title": say("title of a clause", data["clause"], data["title"]),
            "checks": tuple(_check(e, checks, say) for e in evidence),
            "documented": tuple(_documented(d, documents, values["id"]) for d in documented),
            "frequency": frequency
            and Frequency(Duration.parse(frequency["interval"]), frequency["basis"]),
        },
    )


def _check(data: Mapping[str, Any], known: dict[str, Check], say: Say) -> Check:
    values = _worded(data, data["check"], {"condition": "condition"}, say)
    key = values.pop("check")
    check = _make(Check, values | {"key": key, "kind": Kind(values["kind"])})
    same = known.setdefault(key, check)
    if same != check or same.condition != check.condition:
        raise ValueError(f"The check {key} carries two different conditions: give one a new key.")
    return same


def _universal(data: Mapping[str, Any], say: Say) -> UniversalCheck:
    values = _worded(data, data["check"], {"condition": "condition"}, say)
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


def _parameter(data: Mapping[str, Any], say: Say) -> Parameter:
    text = data["default"]
    default = Duration.parse(text) if text.startswith("P") else Decimal(text)
    values = _worded(data, data["key"], {"what": "parameter"}, say)
    return _make(Parameter, values | {"default": default})


def _documented(
    data: Mapping[str, Any], documents: Mapping[str, DocumentedInformation], requirement: str
) -> DocumentedInformation:
    try:
        return documents[data["name"]]
    except KeyError:
        raise ValueError(
            f"{requirement} asks for {data['name']!r}, which documented_information does not list."
        ) from None


def _target(data: Mapping[str, Any], say: Say) -> Target:
    values = _worded(data, data["id"], {"designation": "target", "note": "note on a target"}, say)
    if groups := values.pop("groups", None):
        values["groups"] = {name: group for group, names in groups.items() for name in names}
        values["refs"] = {name: name for name in values["groups"]}
    values["refs"] = {
        ref: say("title elsewhere", f"{data['id']} {ref}", title)
        for ref, title in values["refs"].items()
    }
    return _make(Target, values)


def _correspondence(data: Mapping[str, Any], say: Say) -> Correspondence:
    place = f"{data['clause']} to {data['target']} {data['ref']}"
    return _make(Correspondence, _worded(data, place, {"note": "correspondence"}, say))


def _no_counterpart(data: Mapping[str, Any], say: Say) -> NoCounterpart:
    return _make(NoCounterpart, _worded(data, data["target"], {"note": "no counterpart"}, say))


def _worded(data: Mapping[str, Any], id: str, kinds: Mapping[str, str], say: Say) -> dict[str, Any]:
    """The data with the texts people read in their language; `kinds` tells what each of them is.

    The data names record types as the program does (`context_issue`); people read words.
    """
    said = {
        name: IN_A_NAME.sub(" ", say(kind, id, data[name]))
        for name, kind in kinds.items()
        if data.get(name)
    }
    return {**data, **said}


IN_A_NAME = re.compile(r"(?<=[a-z])_(?=[a-z])")
"""What stands between the words of a name in the data."""

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
