"""Where references get their numbers on PostgreSQL: a sequence for each prefix.

A row with the last number stays locked until whoever took one commits, so of all who file incidents
one works and the others wait, behind a long import for as long as that takes. A sequence keeps
nobody waiting; what is rolled back, and a crash of the server, leave numbers out. What is certain
to be taken back borrows its numbers.

The function that migration 0012 made begins a sequence when the first number is taken, behind the
last one that `engine_counter` has given out.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_borrowed: ContextVar[Iterator[int] | None] = ContextVar("borrowed_numbers", default=None)

_OURS = """
    SELECT relname FROM pg_class WHERE relkind = 'S' AND relname LIKE 'engine\\_number\\_%'
        AND relnamespace = current_schema()::regnamespace
"""


def take(cursor: Any, prefix: str, count: int) -> list[int]:
    """So many new numbers, in their order; others may get some in between."""
    if (borrowed := _borrowed.get()) is not None:
        return [next(borrowed) for _n in range(count)]
    cursor.execute("SELECT verne_numbers(%s, %s)", [prefix, count])
    return [int(number) for (number,) in cursor.fetchall()]


@contextmanager
def borrowed() -> Iterator[None]:
    """Inside, numbers are far above those of records: for what is taken back in the end."""
    # Somewhere there, so that of two who try the same neither waits for the other.
    token = _borrowed.set(itertools.count(random.randrange(10**9, 2 * 10**9)))
    try:
        yield
    finally:
        _borrowed.reset(token)


def reached(cursor: Any) -> dict[str, int]:
    """The last number of each prefix of which one was taken here."""
    cursor.execute(_OURS)
    found: dict[str, int] = {}
    for (name,) in cursor.fetchall():
        cursor.execute(f'SELECT last_value, is_called FROM "{name}"')
        last, called = cursor.fetchone()
        found[name.removeprefix("engine_number_").upper()] = int(last) if called else int(last) - 1
    return found


def begin_anew(cursor: Any, prefix: str = "") -> None:
    """Have the next number of a prefix, or of each, follow what `engine_counter` says."""
    cursor.execute(_OURS)
    ours = [name for (name,) in cursor.fetchall()]
    for name in ours:
        if not prefix or name == f"engine_number_{prefix.lower()}":
            cursor.execute(f'DROP SEQUENCE "{name}"')


def follow_records(cursor: Any) -> None:
    """Have the next number of each prefix follow the records, where those are further."""
    begin_anew(cursor)
    cursor.execute(
        """
        SELECT prefix, max(last) FROM (
            SELECT prefix, last FROM engine_counter UNION ALL
            SELECT substring(ref FROM '^(.+)-'), max(substring(ref FROM '[0-9]+$')::bigint)
                FROM engine_sheet WHERE ref ~ '-[0-9]+$' GROUP BY 1
        ) AS given GROUP BY 1
        """
    )
    for prefix, last in cursor.fetchall():
        name = f"engine_number_{prefix.lower()}".replace('"', '""')
        cursor.execute(f'CREATE SEQUENCE "{name}" START {int(last) + 1}')
