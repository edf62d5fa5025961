"""Plans that PostgreSQL keeps of what it is asked again and again.

Planning a question of a page takes PostgreSQL longer than answering it: of the list of incidents
it spent 4 ms, and 2 since it keeps the plans. psycopg has a question kept that a connection asks
for the fourth time, with places for its values; whether one plan serves all values or each needs
its own, PostgreSQL finds out.

A plan knows the tables it was made for. So none is kept, and none that is there used, while
temporary tables stand in front of others of the same name (`past`, `only`), nor through a pooler,
behind which there may be another server each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import connection as default_connection

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

KEPT = 200
"""Of each connection; what was not asked for the longest time goes first."""
MOST_VALUES = 2**16 - 1
"""Values that can travel apart from a statement; Django asks `in_bulk` in parts of as many."""


def look(sender: Any, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """On each new connection."""
    if connection.vendor != "postgresql":
        return
    raw: Any = connection.connection
    raw.prepared_max = KEPT
    if connection.settings_dict["OPTIONS"].get("server_side_binding"):
        connection.features.max_query_params = MOST_VALUES
    if connection.settings_dict.get("POOLER"):
        raw.prepare_threshold = None


@contextmanager
def none_kept(connection: BaseDatabaseWrapper | None = None) -> Iterator[None]:
    """Inside, what is asked is planned each time, for the values it is asked with."""
    connection = connection or default_connection
    if connection.vendor != "postgresql":
        yield
        return
    connection.ensure_connection()
    raw: Any = connection.connection
    before, raw.prepare_threshold = raw.prepare_threshold, None
    try:
        yield
    finally:
        raw.prepare_threshold = before


def literal(value: Any, connection: BaseDatabaseWrapper) -> str:
    """A value as it is written in a statement that has places for others.

    What decides on the way to the answer (words, states) belongs into the statement: a plan
    for any word would look through all records for one that few of them hold.
    """
    from psycopg import sql

    connection.ensure_connection()
    return sql.Literal(value).as_string(connection.connection).replace("%", "%%")
