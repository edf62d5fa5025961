"""Records as JSON, for one person, in a number of queries that does not depend on how many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import prefetch_related_objects

from verne.engine.names import Finder, Nobody, name_of
from verne.engine.people import Person
from verne.engine.records import Record, Sheet
from verne.engine.register import Column, part_model
from verne.engine.rights import scope

from .kinds import out
from .problem import Problem, pointer, wrong
from .schemas import Schemas


def everything(schemas: Schemas) -> tuple[Column]:
    """The one column that has a list fetch all that a record is read with."""
    needs = []
    for name in schemas.shown:
        if schemas.model._meta.get_field(name).is_relation:
            needs.append(name)
    for name in schemas.register.parts:
        part = part_model(schemas.model, name)
        needs.append(name)
        needs += [f"{name}__{f}" for f in part.part_fields if part._meta.get_field(f).is_relation]
    return (Column("all", "", lambda record: None, needs=tuple(needs)),)


def furnished(schemas: Schemas, rows: Any) -> Any:
    """Records with all that they are read with."""
    joins, fetched = _needs(schemas)
    return rows.select_related(*joins).prefetch_related(*fetched)


def furnish(schemas: Schemas, record: Record) -> None:
    """Give a record that was just written what it is read with.

    The single things it points at are read when they are named: mostly they are at hand.
    """
    _joins, fetched = _needs(schemas)
    prefetch_related_objects([record], *fetched)


def _needs(schemas: Schemas) -> tuple[list[str], list[str]]:
    """What is read with a record: in the same query, and in queries of their own."""
    joins: list[str] = []
    fetched: list[str] = []
    for path in everything(schemas)[0].needs:
        f: Any = schemas.model._meta.get_field(path.partition("__")[0])
        (fetched if f.many_to_many or f.one_to_many else joins).append(path)
    return joins, fetched


def shown(schemas: Schemas, records: Sequence[Record], person: Person) -> list[dict[str, Any]]:
    """Furnished records as they are read by a person."""
    seen = _visible(schemas, records, person)
    return [_one(schemas, record, seen) for record in records]


def _one(schemas: Schemas, record: Record, seen: set[int]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name in schemas.shown:
        f: Any = schemas.model._meta.get_field(name)
        if f.many_to_many:
            things = getattr(record, name).all()
            said[name] = sorted(name_of(thing) for thing in things if _may_name(thing, seen))
        elif f.is_relation:
            said[name] = _named(getattr(record, name), seen)
        else:
            said[name] = out(getattr(record, f.attname))
    for name in schemas.register.parts:
        rows = sorted(getattr(record, name).all(), key=lambda row: row.pk)
        said[name] = [
            {"pk": row.pk}
            | {
                key: _named(value, seen) if row._meta.get_field(key).is_relation else out(value)
                for key in row.part_fields
                for value in [getattr(row, key)]
            }
            for row in rows
        ]
    return said


def _named(thing: Any, seen: set[int]) -> str | None:
    return name_of(thing) if thing is not None and _may_name(thing, seen) else None


def _may_name(thing: Any, seen: set[int]) -> bool:
    return not isinstance(thing, Sheet) or thing.pk in seen


def _visible(schemas: Schemas, records: Iterable[Record], person: Person) -> set[int]:
    """Which of the records that these point at this person may see: one query a relation."""
    seen: set[int] = set()
    asked: dict[type[Sheet], set[int]] = {}
    for record in records:
        for thing in _pointed_at(schemas, record):
            if isinstance(thing, Record) and thing.seen_by == person.pk:
                seen.add(thing.pk)
            elif isinstance(thing, Sheet):
                asked.setdefault(type(thing), set()).add(thing.pk)
    for model, keys in asked.items():
        rows = model._default_manager.filter(scope(person, model), pk__in=keys)
        seen.update(rows.values_list("pk", flat=True))
    return seen


def _pointed_at(schemas: Schemas, record: Record) -> Iterable[Any]:
    for name in schemas.shown:
        f: Any = schemas.model._meta.get_field(name)
        if f.many_to_many:
            yield from getattr(record, name).all()
        elif f.is_relation:
            yield getattr(record, name)
    for name in schemas.register.parts:
        for row in getattr(record, name).all():
            for key in row.part_fields:
                if row._meta.get_field(key).is_relation:
                    yield getattr(row, key)


def meant(
    schemas: Schemas, sent: dict[str, Any], person: Person, *, within: Sequence[str] = ()
) -> dict[str, Any]:
    """What was sent, as the verbs take it: names become the things they stand for."""
    finder = Finder(person, strict=True)
    errors: list[dict[str, str]] = []

    def look_up(f: Any, value: Any, path: Sequence[Any]) -> Any:
        if not f.is_relation or value is None:
            return value
        try:
            if f.many_to_many:
                finder.learn(f.related_model, value)
                things = [finder.find(f.related_model, each) for each in value]
                return list({thing.pk: thing for thing in things}.values())
            return finder.find(f.related_model, value)
        except Nobody as nobody:
            errors.append(wrong(pointer((*within, *path)), str(nobody)))
            return None

    values: dict[str, Any] = {}
    for name, value in sent.items():
        f: Any = schemas.model._meta.get_field(name)
        if not f.one_to_many:
            values[name] = look_up(f, value, (name,))
            continue
        part = part_model(schemas.model, name)
        values[name] = [
            {
                key: look_up(part._meta.get_field(key), each, (name, n, key))
                for key, each in row.items()
                if key != "pk"
            }
            | ({"pk": row["pk"]} if row.get("pk") else {})
            for n, row in enumerate(value or ())
        ]
    if errors:
        raise Problem(422, "does-not-fit", errors=errors)
    return values
