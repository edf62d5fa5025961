"""Reading some records only: inside `reading(model, ranges)` a type has no others.

Every query sees them alone, those within it too, for the table is hidden, on this connection only,
behind a temporary view of the same name (as `past` does). So a question that looks at records one
by one can be asked of a few of them, without knowing of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.models import Model

from .past import home
from .postgresql.plans import none_kept

CHOSEN = "verne_chosen"


@contextmanager
def reading(model: type[Model], ranges: Iterable[tuple[int, int]]) -> Iterator[None]:
    """See only the rows whose key lies in one of the ranges (both ends count), until the end."""
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    key = quote(str(model._meta.pk.column))
    with _one_view(), connection.cursor() as cursor:
        real = f"{home()}.{table}"
        cursor.execute(f"CREATE TEMP TABLE {CHOSEN} (num bigint PRIMARY KEY)")
        for first, last in ranges:
            cursor.execute(
                f"INSERT INTO {CHOSEN} SELECT {key} FROM {real} WHERE {key} BETWEEN %s AND %s",
                [first, last],
            )
        if connection.vendor == "postgresql":
            # Nothing looks at temporary tables by itself.
            cursor.execute(f"ANALYZE {CHOSEN}")
        # Few are chosen, so the database should begin with them and look up the rest.
        cursor.execute(
            f"CREATE TEMP VIEW {table} AS"
            f" SELECT * FROM {real} WHERE {key} IN (SELECT num FROM {CHOSEN})"
        )
        try:
            yield
        finally:
            if connection.vendor == "sqlite":
                # Rolling back would have it read its whole schema again: 40 ms.
                cursor.execute(f"DROP VIEW temp.{table}")
                cursor.execute(f"DROP TABLE temp.{CHOSEN}")


@contextmanager
def _one_view() -> Iterator[None]:
    """One view of the database; what was made for it is given up in the end."""
    if connection.vendor != "sqlite":
        with none_kept(), transaction.atomic():
            yield
            transaction.set_rollback(True)
        return
    if connection.in_atomic_block:
        yield
        return
    # Not `atomic()`: that would keep everybody from writing while somebody reads.
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            cursor.execute("COMMIT")
