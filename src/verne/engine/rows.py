"""New rows written as they are, by one prepared statement instead of one made for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models

_AS_THEY_ARE = (
    models.AutoField,
    models.BooleanField,
    models.CharField,
    models.ForeignKey,
    models.IntegerField,
    models.TextField,
)
"""Fields whose values the databases take as Python has them."""


def insert(model: type[models.Model], rows: Sequence[Any]) -> None:
    """Write many rows of one table; their keys stay unknown if unset.

    For records, which lie in several tables, it is the only way; for others it takes half the time
    of Django's own.
    """
    if not rows:
        return
    fields: list[Any] = list(model._meta.local_concrete_fields)
    if rows[0].pk is None:
        fields.remove(model._meta.pk)
    names = [f.attname for f in fields]
    insert_values(model, fields, ([vars(row)[name] for name in names] for row in rows))


def insert_values(
    model: type[models.Model], fields: Sequence[Any], rows: Iterable[Sequence[Any]]
) -> None:
    """Write many rows given as the values of these fields, in their order."""
    # The connection itself: what stands for it in `django.db` looks it up at every use.
    database = connections[DEFAULT_DB_ALIAS]
    ways = _ways(fields)
    with database.cursor() as cursor:
        cursor.executemany(
            _statement(database.ops.quote_name, model, fields),
            [
                [
                    value if prepare is None else prepare(value, database)
                    for value, prepare in zip(values, ways, strict=True)
                ]
                for values in rows
            ],
        )


def insert_one(row: models.Model, *, also: str = "") -> None:
    """Write one new row of a table the engine keeps, and learn its key.

    Django composes each statement anew, which takes longer than the database needs to run it.
    `also` is an expression over the new row that the database computes with it.
    """
    model = type(row)
    database = connections[DEFAULT_DB_ALIAS]
    fields, ways, statement = _single(model, also)
    values = [
        vars(row)[f.attname] if prepare is None else prepare(vars(row)[f.attname], database)
        for f, prepare in zip(fields, ways, strict=True)
    ]
    with database.cursor() as cursor:
        cursor.execute(statement, values)
        row.pk = cursor.fetchone()[0]
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


class Promptly(models.Model):
    """A row that is saved by statements put into SQL once, for Django composes each anew."""

    class Meta:
        abstract = True

    def _do_insert(self, manager: Any, using: Any, fields: Any, *more: Any) -> Any:
        model, (_returning, raw) = manager.model, more
        values = [f.pre_save(self, True) for f in fields]
        if raw or model._meta.pk not in fields or _asks(values):
            return super()._do_insert(manager, using, fields, *more)  # type: ignore[misc]
        _execute(using, fields, _insertion(model, tuple(fields)), values)
        return []

    def _do_update(self, base_qs: Any, using: Any, pk_val: Any, values: Any, *more: Any) -> Any:
        model = base_qs.model
        fields = tuple(field for field, _model, _value in values)
        given = [value for _field, _model, value in values]
        if not given or _asks(given):
            return super()._do_update(base_qs, using, pk_val, values, *more)
        statement = _revision(model, fields)
        return _execute(using, (*fields, model._meta.pk), statement, (*given, pk_val)) > 0


def _asks(values: Iterable[Any]) -> bool:
    """Whether one of the values is for the database to compute."""
    return any(hasattr(value, "resolve_expression") for value in values)


def _execute(using: str, fields: Sequence[Any], statement: str, values: Sequence[Any]) -> int:
    """Run a statement with the values of these fields; how many rows it touched."""
    database = connections[using]
    with database.cursor() as cursor:
        cursor.execute(
            statement,
            [
                # Of a verb it may be anything that the field takes: a lazy text, say.
                None if value is None else field.get_db_prep_save(value, database)
                for value, field in zip(values, fields, strict=True)
            ],
        )
        return int(cursor.rowcount)


@cache
def _insertion(model: type[models.Model], fields: tuple[Any, ...]) -> str:
    return _statement(connections[DEFAULT_DB_ALIAS].ops.quote_name, model, fields)


@cache
def _revision(model: type[models.Model], fields: tuple[Any, ...]) -> str:
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    changes = ", ".join(f"{quote(f.column)} = %s" for f in fields)
    key: Any = model._meta.pk
    return f"UPDATE {quote(model._meta.db_table)} SET {changes} WHERE {quote(key.column)} = %s"


@cache
def _single(model: type[models.Model], also: str) -> tuple[list[Any], list[Any], str]:
    fields: list[Any] = [f for f in model._meta.local_concrete_fields if not f.primary_key]
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    returning = quote(str(model._meta.pk.column)) + (f", {also}" if also else "")
    return (
        fields,
        _ways(fields),
        f"{_statement(quote, model, fields)} RETURNING {returning}",
    )


def _ways(fields: Sequence[Any]) -> list[Any]:
    """How each value is made ready for the database; None where it is already."""
    return [None if isinstance(f, _AS_THEY_ARE) else f.get_db_prep_save for f in fields]


def _statement(quote: Any, model: type[models.Model], fields: Sequence[Any]) -> str:
    columns = ", ".join(quote(f.column) for f in fields)
    marks = ", ".join(["%s"] * len(fields))
    return f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({marks})"
