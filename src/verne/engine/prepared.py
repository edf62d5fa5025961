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

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any

from django.db import connections, models, router
from django.db.models.query import ModelIterable, ValuesListIterable


class Place(models.Expression):
    """Where a value goes."""

    def __init__(self, name: str, output_field: models.Field[Any, Any]) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        return "%s", [self]


class Prepared:
    """A question with places for values, by their names and the fields they are compared with."""

    def __init__(
        self, build: Callable[..., models.QuerySet[Any]], **places: models.Field[Any, Any]
    ) -> None:
        self.build, self.places = build, places
        self._rows: models.QuerySet[Any] | None = None
        self._made: dict[str, Any] = {}
        """The compiler of each database, with its SQL."""

    def __call__(self, **values: Any) -> list[Any]:
        if self._rows is None:
            self._rows = self.build(
                **{name: Place(name, field) for name, field in self.places.items()}
            )
        alias = router.db_for_read(self._rows.model)
        connection: Any = connections[alias]
        made = self._made.get(alias)
        if made is None:
            # Composing changes the query: two threads that come first would change the same one.
            made = self._rows.all().query.get_compiler(using=alias)
            made.prepared = made.as_sql()
            made.connection = None
            self._made[alias] = made
        sql, wanted = made.prepared
        given = {
            name: field.get_db_prep_value(values[name], connection)
            for name, field in self.places.items()
        }
        compiler = copy(made)
        # Each thread has a connection of its own.
        compiler.connection = connection
        bound = tuple(given[p.name] if isinstance(p, Place) else p for p in wanted)
        compiler.as_sql = lambda *_args, **_more: (sql, bound)
        if self._rows._iterable_class is ValuesListIterable:
            return list(compiler.results_iter(tuple_expected=True))
        return list(ModelIterable(_Asked(alias, compiler)))  # type: ignore[arg-type]


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
