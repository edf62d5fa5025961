"""Whoever and whatever a log names: found again on a second run, made on the first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.text import slugify

from verne.engine import bulk
from verne.engine.acts import file, move, revise
from verne.engine.people import Organization, Person, Team
from verne.engine.records import Record, Sheet
from verne.sms.portfolio.configuration.models import CIType, ConfigurationItem
from verne.sms.portfolio.service.models import Service

from ..classification.models import Category, PriorityMatrix
from ..problem.models import Problem
from .log import Log
from .mapping import Mapping

STAFF = ("owner", "updated_by", "opened_by", "resolved_by")


@dataclass
class World:
    """Keys of what the log names, by the words it uses."""

    customer: Organization
    service: Service
    people: dict[str, int] = field(default_factory=dict)
    teams: dict[str, int] = field(default_factory=dict)
    categories: dict[tuple[str, str], int] = field(default_factory=dict)
    problems: dict[str, int] = field(default_factory=dict)
    components: dict[str, int] = field(default_factory=dict)


def settle(
    log: Log, mapping: Mapping, *, by: Person, customer: str, service: Service | None
) -> World:
    """Find or make everything the log names, each kind in one go."""
    own, theirs = _organizations(by, customer)
    world = World(theirs, service or _service(by, theirs, mapping))
    said = _words(log)
    world.people = _people(mapping.source, said, own=own, theirs=theirs, by=by)
    world.teams = _teams(said["team"], own, by)
    world.categories = _categories(log, mapping, by)
    world.problems = _records(
        Problem,
        mapping,
        by,
        {
            name: {"title": name, "origin": "incidents", "service": world.service}
            for name in sorted(said["problem"])
        },
    )
    world.components = _components(said["component"], world.service, mapping, by)
    _matrix(mapping, by)
    return world


def _words(log: Log) -> dict[str, set[str]]:
    """The distinct words of each column that names something."""
    names = (*STAFF, "caller", "team", "problem", "component")
    said: dict[str, set[str]] = {name: set() for name in names}
    for rows in log.incidents.values():
        for row in rows:
            for name in names:
                if word := row.said.get(name):
                    said[name].add(word)
    return said


def _organizations(by: Person, customer: str) -> tuple[Organization, Organization]:
    with bulk.umbrella(by=by, note=customer):
        own = Organization.objects.filter(kind=Organization.Kind.OWN).order_by("pk").first()
        if own is None:
            own = Organization.objects.create(name="Our organization", kind=Organization.Kind.OWN)
        theirs = Organization.objects.filter(name=customer).first()
        if theirs is None:
            theirs = Organization.objects.create(name=customer, kind=Organization.Kind.CUSTOMER)
    return own, theirs


def _service(by: Person, customer: Organization, mapping: Mapping) -> Service:
    key = f"{mapping.source}:service:{slugify(customer.name)}"
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
    staff = set().union(*(said[name] for name in STAFF)) - callers
    names = {_username(source, name): (name, name in callers) for name in callers | staff}
    known = dict(Person.objects.values_list("username", "pk"))
    new = []
    for username, (name, is_caller) in sorted(names.items()):
        if username in known:
            continue
        person = Person(
            username=username,
            name=" ".join(name.split()),
            organization=theirs if is_caller else own,
            sms_relevant=not is_caller,
        )
        person.set_unusable_password()
        new.append(person)
    with bulk.umbrella(by=by, note=source):
        bulk.insert(Person, new)
    known = dict(Person.objects.values_list("username", "pk"))
    return {name: known[username] for username, (name, _caller) in names.items()}


def _username(source: str, name: str) -> str:
    return f"{source}.{slugify(name)}"[:150]


def _teams(names: Iterable[str], own: Organization, by: Person) -> dict[str, int]:
    known = dict(Team.objects.values_list("name", "pk"))
    with bulk.umbrella(by=by, note="Teams"):
        bulk.insert(Team, [Team(name=n, organization=own) for n in sorted(names) if n not in known])
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
        raise ValueError(f"{kind.__name__}: {filed.refused[0].reasons}")
    return _known(kind, start)


def _known(kind: type[Record], start: str) -> dict[str, int]:
    rows = Sheet.objects.filter(kind=kind.kind_name(), source_key__startswith=start)
    return {key.removeprefix(start): pk for key, pk in rows.values_list("source_key", "pk")}


def _categories(log: Log, mapping: Mapping, by: Person) -> dict[tuple[str, str], int]:
    """Categories by (category, subcategory); a subcategory lies under the category it came with."""
    pairs = {
        (row.said.get("category", ""), row.said.get("subcategory", ""))
        for rows in log.incidents.values()
        for row in rows
    }
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
        if first or second
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
    from verne.engine.moment import now

    matrix = revise(matrix, {"review_due": now().date()}, by=by)
    move(matrix, "put_in_force", by=by, note=mapping.source)
