"""Questions asked all the time, put into SQL once.

    promised = Prepared(lambda at: Target.objects.filter(since__lte=at), at=models.DateTimeField())
    promised(at=now())

Django composes the SQL of a queryset each time it is asked, which for a question with a few joins
takes several times as long as the database needs to answer. Here the queryset is built once, with
a place for each value; after that only the values go in. The answer is what the queryset would
give, as a list: rows of its model with their `select_related` and annotations, or tuples after
`values_list`. What prefetches, takes a list of values of any length, or asks differently for None
is left to Django.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connection, connections, models, router
from django.db.models.expressions import RawSQL
from django.db.models.query import ModelIterable, ValuesListIterable
from django.db.models.sql.constants import MULTI
from django.db.models.sql.where import WhereNode

from .postgresql.plans import literal

Answer = TypeVar("Answer")

_MARK = re.compile("%[%s]")


class Place(models.Expression):
    """Where a value goes."""

    def __init__(self, name: str, output_field: models.Field[Any, Any]) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        return "%s", [self]


class Numbers(models.Field[Any, Any]):
    """Any number of numbers as one value, in the way that `listed` reads it."""

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        numbers = list(value)
        return numbers if connection.vendor == "postgresql" else json.dumps(numbers)


def listed(numbers: Collection[int] | Place) -> RawSQL:
    """Numbers for `__in`, or a place for them: a list of thousands takes long to put in."""
    place = isinstance(numbers, Place)
    given = numbers if place else Numbers().get_db_prep_value(numbers, connection)
    if connection.vendor == "postgresql":
        return RawSQL("SELECT unnest(%s::bigint[])", [given])
    return RawSQL("SELECT value FROM json_each(%s)", [given])


def known_rows(thing: models.Model, name: str, rows: list[Any]) -> None:
    """These are all that a relation to many leads to: as after `prefetch_related`."""
    found: Any = getattr(thing, name).all()
    found._result_cache, found._prefetch_done = rows, True
    kept: dict[str, Any] = thing.__dict__.setdefault("_prefetched_objects_cache", {})
    kept[name] = found


def forget_rows(thing: models.Model, name: str) -> None:
    """Ask for them anew when they are wanted next."""
    thing.__dict__.get("_prefetched_objects_cache", {}).pop(name, None)


class OneByOne(models.Exists):
    """As `Exists`, asked of one row after the other: for a page of rows in the order of an index.

    PostgreSQL makes a join of it otherwise, and joins and sorts six million acts to show eight.
    """

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        sql, values = self.as_sql(compiler, connection)
        if "EXISTS(" not in sql:
            # Django knows without asking that there is none.
            return sql, values
        # It leaves a question alone that begins somewhere, though it be at the beginning.
        return f"{sql.removesuffix(')')} OFFSET 0)", values


class Prepared:
    """A question with places for values, by their names and the fields they are compared with."""

    def __init__(
        self, build: Callable[..., models.QuerySet[Any]], **places: models.Field[Any, Any]
    ) -> None:
        self.build, self.places = build, places
        self._model: type[models.Model] | None = None
        self._made: dict[str, Any] = {}
        """The compiler of each database, with its SQL."""

    def __call__(self, **values: Any) -> list[Any]:
        _alias, compiler = self.asking(values)
        return self.made(compiler) if compiler else []

    def asking(self, values: Mapping[str, Any]) -> tuple[str, Any]:
        """Which database is asked, and by what; by nothing where the answer is known."""
        if self._model is None:
            self._model = self._built().model
        alias = router.db_for_read(self._model)
        connected: Any = connections[alias]
        # By this name there may be another database later: a restoration, an upgrade that is tried.
        known = f"{alias} {connected.vendor}"
        made = self._made.get(known)
        if made is None:
            made = self._made[known] = self._compiler(alias)
        if made.prepared is None:
            return alias, None
        sql, wanted = made.prepared
        given = {
            name: field.get_db_prep_value(values[name], connected)
            for name, field in self.places.items()
        }
        compiler = copy(made)
        # Each thread has a connection of its own.
        compiler.connection = connected
        bound = tuple(given[p.name] if isinstance(p, Place) else p for p in wanted)
        compiler.as_sql = lambda *_args, **_more: (sql, bound)
        return alias, compiler

    def made(self, compiler: Any) -> list[Any]:
        """What is made of the rows that a compiler finds."""
        if compiler.gives_tuples:
            return list(compiler.results_iter(tuple_expected=True))
        return list(ModelIterable(_Asked(compiler.using, compiler)))  # type: ignore[arg-type]

    def _built(self) -> models.QuerySet[Any]:
        return self.build(**{name: Place(name, field) for name, field in self.places.items()})

    def _compiler(self, alias: str) -> Any:
        # Composing changes the query: two threads that come first would change the same one.
        rows = self._built()
        made: Any = rows.query.get_compiler(using=alias)
        made.gives_tuples = rows._iterable_class is ValuesListIterable
        try:
            made.prepared = _settled(*self.composed(made), connections[alias])
        except EmptyResultSet:
            # Django knows without asking that nothing is found.
            made.prepared = None
        # What is in the SQL now would only take up memory, a hundred kilobytes for what one sees.
        made.query.where, made.query.combined_queries = WhereNode(), ()
        made.connection = made.where = None
        return made

    def composed(self, compiler: Any) -> tuple[str, Sequence[Any]]:
        """The SQL, and what goes into it: values, and places for values."""
        sql, wanted = compiler.as_sql()
        return sql, wanted


def _settled(sql: str, wanted: Sequence[Any], connected: Any) -> tuple[str, Sequence[Any]]:
    """On PostgreSQL, with the values that stay the same in the SQL: its plan is made for them."""
    if connected.vendor != "postgresql":
        return sql, wanted
    values = iter(wanted)
    places: list[Place] = []

    def put_in(mark: re.Match[str]) -> str:
        if mark[0] == "%%":
            return mark[0]
        value = next(values)
        if isinstance(value, Place):
            places.append(value)
            return mark[0]
        return literal(value, connected)

    return _MARK.sub(put_in, sql), places


class Remembered(Prepared, Generic[Answer]):
    """A question of which is kept what was made of the answer, as long as the rows are the same.

        figures = Remembered(CheckResult.objects.all, lambda rows: {row.key: row for row in rows})

    The database is asked each time, and the rows are compared as it gives them: that takes a
    fraction of the time of making instances of a model. What was made is shared by all who ask and
    changed by none.
    """

    def __init__(
        self,
        build: Callable[..., models.QuerySet[Any]],
        make: Callable[[list[Any]], Answer],
        **places: models.Field[Any, Any],
    ) -> None:
        super().__init__(build, **places)
        self.make = make
        self._kept: tuple[str, list[Any], Answer] | None = None

    def answer(self, **values: Any) -> Answer:
        alias, compiler = self.asking(values)
        if compiler is None:
            return self.make([])
        rows = [row for some in compiler.execute_sql(MULTI) for row in some]
        kept = self._kept
        if kept is not None and kept[0] == alias and kept[1] == rows:
            return kept[2]
        compiler.execute_sql = lambda *_args, **_more: [rows]
        made = self.make(self.made(compiler))
        self._kept = alias, rows, made
        return made


@dataclass
class _Asked:
    """What Django's maker of model instances asks of a queryset, and of its query."""

    db: str
    compiler: Any

    @property
    def query(self) -> _Asked:
        return self

    def get_compiler(self, using: str) -> Any:
        return self.compiler

    @property
    def _known_related_objects(self) -> dict[Any, Any]:
        return {}
