"""From SQLite to PostgreSQL: the same tables, the same numbers, each value as PostgreSQL writes it.

The history comes along word for word, so the seal over it holds there too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import postgresql, sqlite
from .archive import Told, silently
from .manifest import LEFT_OUT, NotABackup

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

ROWS = 2_000
MADE_ANEW = ("engine_search",)
"""Each database keeps its index for search in its own way."""


def move_rows(connection: BaseDatabaseWrapper, source: Path, told: Told = silently) -> None:
    """Fill the tables of a PostgreSQL database from an SQLite file of the same version."""
    with sqlite.connected(source) as here, postgresql.bare(connection) as cursor:
        theirs = _their_columns(here)
        total = sum(
            here.execute(f"SELECT count(*) FROM {_name(table)}").fetchone()[0] for table in theirs
        )
        done = 0
        for table, types in _types(cursor).items():
            if table in MADE_ANEW or table in LEFT_OUT:
                continue
            if set(types) != set(theirs.get(table, ())):
                odd = ", ".join(sorted(set(types) ^ set(theirs.get(table, ()))))
                raise NotABackup(
                    f"The table {table} of this backup has other columns than its migrations make "
                    f"({odd}): it was made by a changed Verne. Restore it into SQLite."
                )
            names = ", ".join(_name(column) for column in types)
            with cursor.copy(f"COPY {_name(table)} ({names}) FROM STDIN") as into:
                for row in _rows(here, table, types):
                    into.write_row(row)
                    done += 1
                    if done % ROWS == 0:
                        told(done, total, "Moving rows to PostgreSQL")
        last = dict(here.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
        postgresql.set_sequences(cursor, last)


def _rows(here: Any, table: str, types: dict[str, str]) -> Iterator[tuple[Any, ...]]:
    """The rows of a table, as COPY takes them."""
    ways = [_WAYS.get(kind, _as_it_is) for kind in types.values()]
    names = ", ".join(_name(column) for column in types)
    for row in here.execute(f"SELECT {names} FROM {_name(table)}"):
        try:
            yield tuple(
                None if value is None else way(value) for way, value in zip(ways, row, strict=True)
            )
        except ValueError as wrong:
            raise NotABackup(f"A row of {table} cannot be moved ({row[0]}): {wrong}") from None


def _as_it_is(value: Any) -> str:
    text = str(value)
    if "\0" in text:
        raise ValueError("it holds a NUL character, which PostgreSQL does not keep")
    return text


def _boolean(value: Any) -> str:
    return "t" if value else "f"


def _instant(value: Any) -> str:
    """SQLite keeps instants as text in UTC, without saying so."""
    text = _as_it_is(value)
    return text if text[19:].lstrip(".0123456789") else f"{text}+00"


def _bytes(value: Any) -> str:
    return f"\\x{bytes(value).hex()}"


def _microseconds(value: Any) -> str:
    return f"{int(value)} microseconds"


_WAYS: dict[str, Callable[[Any], str]] = {
    "bool": _boolean,
    "timestamptz": _instant,
    "bytea": _bytes,
    "interval": _microseconds,
}
"""By the type that PostgreSQL gives the column; others are written the same on both."""


def _types(cursor: Any) -> dict[str, dict[str, str]]:
    """The tables and columns of the schema, with their types."""
    cursor.execute(
        "SELECT c.relname, a.attname, t.typname FROM pg_class c"
        " JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid"
        " WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
        " AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''"
        " ORDER BY c.relname, a.attnum"
    )
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in cursor.fetchall():
        found.setdefault(table, {})[column] = kind
    return found


def _their_columns(here: Any) -> dict[str, list[str]]:
    rows = here.execute(
        "SELECT t.name, c.name FROM pragma_table_list t, pragma_table_info(t.name) c"
        " WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    found: dict[str, list[str]] = {}
    for table, column in rows:
        found.setdefault(table, []).append(column)
    return found


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
