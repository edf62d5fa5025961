"""Whoever and whatever a log names: found again on a second run, made on the first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.utils.text import slugify

from verne.engine import bulk
from verne.engine.acts import file, move, revise
from verne.engine.moment import now
from verne.engine.people import Organization, Person, Team
from verne.engine.records import Record, Sheet
from verne.engine.rows import insert
from verne.sms.portfolio.configuration.models import CIType, ConfigurationItem
from verne.sms.portfolio.service.models import Service

from ..classification.models import Category, PriorityMatrix
from ..problem.models import Problem
from .log import Log
from .mapping import Mapping, MappingError

STAFF = ("owner", "updated_by", "opened_by", "resolved_by")
NAMING = (
    *STAFF,
    "caller",
    "team",
    "category",
    "subcategory",
    "symptom",
    "problem",
    "change",
    "component",
)
"""Columns that name people and things."""


@dataclass
class World:
    """Keys of what the log names, by the words it uses."""

    customer: Organization | None = None
    service: Service | None = None
    people: dict[str, int] = field(default_factory=dict)
    callers: dict[int, Person] = field(default_factory=dict)
    teams: dict[str, int] = field(default_factory=dict)
    categories: dict[tuple[str, str], int] = field(default_factory=dict)
    problems: dict[str, int] = field(default_factory=dict)
    components: dict[str, int] = field(default_factory=dict)


def settle(
    log: Log, mapping: Mapping, *, by: Person, customer: str, service: Service | None
) -> World:
    """Find or make everything the log names, each kind in one go."""
    own, theirs = _organizations(by, customer)
    service = service or _service(by, theirs, mapping)
    world = World(theirs, service)
    said = words(log)
    world.people = _people(mapping.source, said, own=own, theirs=theirs, by=by)
    world.callers = _callers({world.people[name] for name in said["caller"]})
    world.teams = _teams(said["team"], own, by)
    world.categories = _categories(log, mapping, by)
    world.problems = _records(
        Problem,
        mapping,
        by,
        {
            name: {
                "title": name,
                "description": "Named in imported incidents.",
                "origin": "incidents",
                "service": service,
                "filed_at": at,
            }
            for name, at in sorted(_first_named(log, "problem").items())
        },
    )
    world.components = _components(said["component"], service, mapping, by)
    _matrix(mapping, by)
    return world


def rehearsal(log: Log) -> World:
    """A world of numbers that stand for nothing, to read a log without writing anything."""
    said = words(log)
    numbers = {name: {word: n for n, word in enumerate(sorted(said[name]), 1)} for name in said}
    everybody = set[str]().union(*(said[name] for name in (*STAFF, "caller")))
    return World(
        people={name: n for n, name in enumerate(sorted(everybody), 1)},
        teams=numbers["team"],
        categories={pair: n for n, pair in enumerate(sorted(_pairs(log)), 1)},
        problems=numbers["problem"],
        components=numbers["component"],
    )


def words(log: Log) -> dict[str, set[str]]:
    """The distinct words of each column that names something."""
    said: dict[str, set[str]] = {name: set() for name in NAMING}
    places = [(said[name], log.places[name]) for name in NAMING if name in log.places]
    for rows in log.incidents.values():
        for row in rows:
            for found, place in places:
                found.add(row.cells[place])
    return {name: found - {""} for name, found in said.items()}


def _first_named(log: Log, name: str) -> dict[str, datetime]:
    """When each word of a column was first said."""
    found: dict[str, datetime] = {}
    if (place := log.places.get(name)) is None:
        return found
    for rows in log.incidents.values():
        for row in rows:
            if word := row.cells[place]:
                found[word] = min(row.at, found.get(word, row.at))
    return found


def _pairs(log: Log) -> set[tuple[str, str]]:
    """Categories with their subcategories, as the rows have them."""
    above, below = log.places.get("category"), log.places.get("subcategory")
    pairs = {
        (
            row.cells[above] if above is not None else "",
            row.cells[below] if below is not None else "",
        )
        for rows in log.incidents.values()
        for row in rows
    }
    return pairs - {("", "")}


def _organizations(by: Person, customer: str) -> tuple[Organization, Organization]:
    with bulk.umbrella(by=by, note=customer):
        own = Organization.objects.filter(kind=Organization.Kind.OWN).order_by("pk").first()
        if own is None:
            own = Organization.objects.create(name="Our organization", kind=Organization.Kind.OWN)
        theirs = Organization.objects.filter(name=customer).first()
        if theirs is None:
            theirs = Organization.objects.create(name=customer, kind=Organization.Kind.CUSTOMER)
    if theirs.kind != Organization.Kind.CUSTOMER:
        raise MappingError(f"{customer} is no customer: name the one whose people called.")
    return own, theirs


def _service(by: Person, customer: Organization, mapping: Mapping) -> Service:
    key = f"{mapping.source}:service:{slugify(customer.name, allow_unicode=True)}"
    there = Service.objects.filter(source_key=key).first()
    return there or file(
        Service,
        {
            "title": f"Services of {customer.name}",
            "description": "Everything the imported incidents are about.",
            "customers": [customer],
            "stands_alone": True,
            "owner": by,
        },
        by=by,
        source_key=key,
    )


def _people(
    source: str,
    said: dict[str, set[str]],
    *,
    own: Organization,
    theirs: Organization,
    by: Person,
) -> dict[str, int]:
    """People by the name the log gives them. They cannot sign in until somebody lets them."""
    callers = said["caller"]
    everybody = callers.union(*(said[name] for name in STAFF))
    names = {_username(source, name): name for name in sorted(everybody, reverse=True)}
    known = set(Person.objects.values_list("username", flat=True))
    new = []
    for username, name in sorted(names.items()):
        if username in known:
            continue
        is_caller = name in callers
        person = Person(
            username=username,
            name=" ".join(name.split())[:150],
            organization=theirs if is_caller else own,
            sms_relevant=not is_caller,
        )
        person.set_unusable_password()
        new.append(person)
    with bulk.umbrella(by=by, note=source):
        insert(Person, new)
    keys = dict(Person.objects.values_list("username", "pk"))
    return {name: keys[_username(source, name)] for name in everybody}


def _username(source: str, name: str) -> str:
    """A name to sign in with, told apart where two names would be spelled alike without marks."""
    plain, slug = " ".join(name.split()), slugify(name, allow_unicode=True)
    if plain.lower().replace(" ", "-") == slug and len(slug) <= 100:
        return f"{source}.{slug}"
    return f"{source}.{slug[:100]}.{sha256(plain.encode()).hexdigest()[:8]}".replace("..", ".")


def _callers(numbers: set[int]) -> dict[int, Person]:
    """The people who called, each with their organization, so that no incident asks for them."""
    return Person.objects.select_related("organization").in_bulk(sorted(numbers))


def _teams(names: Iterable[str], own: Organization, by: Person) -> dict[str, int]:
    known = dict(Team.objects.values_list("name", "pk"))
    with bulk.umbrella(by=by, note="Teams"):
        insert(Team, [Team(name=n, organization=own) for n in sorted(names) if n not in known])
    known = dict(Team.objects.values_list("name", "pk"))
    return {name: known[name] for name in names}


def _records(
    kind: type[Record], mapping: Mapping, by: Person, wanted: dict[str, dict[str, Any]]
) -> dict[str, int]:
    """Records of a kind by their external reference; those missing are filed in one go."""
    start = f"{mapping.source}:{kind._meta.model_name}:"
    known = _known(kind, start)
    rows = [
        facts | {"source_key": start + name} for name, facts in wanted.items() if name not in known
    ]
    filed = bulk.bulk_file(kind, rows, by=by)
    if filed.refused:
        first = filed.refused[0]
        why = "; ".join(f"{name}: {' '.join(said)}" for name, said in first.reasons.items())
        what = kind._meta.verbose_name
        raise MappingError(f"The log names a {what} that cannot be filed, {rows[first.row]}: {why}")
    return _known(kind, start)


def _known(kind: type[Record], start: str) -> dict[str, int]:
    rows = Sheet.objects.filter(kind=kind.kind_name(), source_key__startswith=start)
    return {key.removeprefix(start): pk for key, pk in rows.values_list("source_key", "pk")}


def _categories(log: Log, mapping: Mapping, by: Person) -> dict[tuple[str, str], int]:
    """Categories by (category, subcategory); a subcategory lies under the category it came with."""
    pairs = _pairs(log)
    parents = sorted({first or second for first, second in pairs} - {""})
    above = _records(Category, mapping, by, {name: {"title": name} for name in parents})
    below = {
        f"{first}/{second}": {"title": second, "parent": above[first]}
        for first, second in sorted(pairs)
        if first and second
    }
    keys = _records(Category, mapping, by, below)
    return {
        (first, second): keys[f"{first}/{second}"] if first and second else keys[first or second]
        for first, second in pairs
    }


def _components(
    names: Iterable[str], service: Service, mapping: Mapping, by: Person
) -> dict[str, int]:
    names = sorted(names)
    if not names:
        return {}
    kind = CIType.objects.filter(title="Imported item").first() or file(
        CIType,
        {
            "title": "Imported item",
            "level_of_detail": "Named in imported incidents; nothing else is known of it.",
            "controlled": False,
            "owner": by,
        },
        by=by,
    )
    return _records(
        ConfigurationItem,
        mapping,
        by,
        {
            name: {
                "title": name,
                "identifier": f"{mapping.source}:{name}",
                "ci_type": kind,
                "description": "Named in imported incidents.",
                "services": [service],
                "source": mapping.source,
            }
            for name in names
        },
    )


def _matrix(mapping: Mapping, by: Person) -> None:
    """The matrix the log was written under, if we have none of our own."""
    if not mapping.matrix or PriorityMatrix.objects.in_state("in_force").exists():
        return
    matrix = file(
        PriorityMatrix,
        {
            "title": f"Priority matrix of {mapping.source}",
            "owner": by,
            "cells": [{"impact": i, "urgency": u, "gives": p} for i, u, p in mapping.matrix],
        },
        by=by,
    )
    matrix = revise(matrix, {"review_due": now().date()}, by=by)
    move(matrix, "put_in_force", by=by, note=mapping.source)
