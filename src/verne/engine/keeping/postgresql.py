"""The rows of a PostgreSQL database, out of one snapshot and into tables that migrations have made.

Rows are written as COPY writes them. The tables themselves are not in a backup: the migrations it
names make them again, the same on every version of PostgreSQL.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .archive import PIECE, QUICK, Told, silently
from .manifest import LEFT_OUT, Head, Manifest, NotABackup

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def snapshot() -> Iterator[Any]:
    """A cursor that sees one instant of the database, however long it is used."""
    from django.db import connections

    connection = connections.create_connection("default")
    try:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            # One way to write each value, whatever this server is set to.
            for setting in ("datestyle = 'ISO, YMD'", "intervalstyle = 'postgres'"):
                cursor.execute(f"SET LOCAL {setting}")
            cursor.execute("SET LOCAL extra_float_digits = 1")
            cursor.execute("SET LOCAL bytea_output = 'hex'")
            yield cursor
            cursor.execute("ROLLBACK")
    finally:
        connection.close()


def describe(cursor: Any, manifest: Manifest) -> None:
    """Note in a manifest what the database holds; the rows are counted as they are written."""
    manifest.engine = "postgresql"
    cursor.execute("SHOW server_version")
    manifest.database_version = cursor.fetchone()[0]
    manifest.left_out = list(LEFT_OUT)
    manifest.columns = columns(cursor)
    if "engine_act" not in manifest.columns:
        raise NotABackup("There is no database of Verne here yet: nothing to back up.")
    cursor.execute("SELECT app, name FROM django_migrations ORDER BY id")
    manifest.migrations = [f"{app}.{name}" for app, name in cursor.fetchall()]
    manifest.sequences = {
        table: last
        for table, _column, sequence in owned_sequences(cursor)
        if (last := _last(cursor, sequence))
    }
    cursor.execute("SELECT max(recorded_at) FROM engine_act")
    (last,) = cursor.fetchone()
    manifest.last_act = last.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if last else ""
    # A database that waits for an upgrade may know nothing of a seal yet.
    if "engine_sealedat" in manifest.columns:
        cursor.execute("SELECT size, root, note FROM engine_sealedat ORDER BY id DESC LIMIT 1")
        if head := cursor.fetchone():
            manifest.seal = Head(head[0], bytes(head[1]).hex(), head[2])


def write_rows(cursor: Any, folder: Path, manifest: Manifest, told: Told = silently) -> list[Path]:
    """Write the rows of each table into a file of its own, packed; gives the files."""
    cursor.execute(
        "SELECT relname, greatest(reltuples, 0)::bigint FROM pg_class"
        " WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"
    )
    expected = dict(cursor.fetchall())
    total, done = sum(expected.values()), 0
    made = []
    for table, names in manifest.columns.items():
        count, digest = 0, hashlib.sha256()
        path = folder / f"{table}.copy.gz"
        with gzip.GzipFile(path, "wb", compresslevel=QUICK, mtime=0) as out:
            if table not in LEFT_OUT:
                with cursor.copy(f"COPY {_name(table)} ({_list(names)}) TO STDOUT") as rows:
                    for block in rows:
                        count += bytes(block).count(b"\n")
                        digest.update(block)
                        out.write(block)
                        told(min(done + count, total), total, "Reading the database")
        manifest.tables[table] = count
        manifest.parts[f"database/{path.name}"] = digest.hexdigest()
        done += expected.get(table, 0)
        made.append(path)
    manifest.records = manifest.tables.get("engine_sheet", 0)
    return made


def attached(cursor: Any) -> list[tuple[str, int]]:
    """The hash and size of each attached file, but those whose content was erased."""
    erased = "SELECT row FROM engine_erased WHERE source = 'file'"
    if "engine_erased" not in columns(cursor):
        erased = "SELECT 0 WHERE false"
    cursor.execute(
        f"SELECT sha256, size FROM engine_file WHERE id NOT IN ({erased}) ORDER BY sha256"
    )
    return [(str(digest), int(size)) for digest, size in cursor.fetchall()]


def load_rows(
    connection: BaseDatabaseWrapper, folder: Path, manifest: Manifest, told: Told = silently
) -> None:
    """Fill the tables, which stand as the manifest's migrations made them, with its rows."""
    with bare(connection) as cursor:
        there = columns(cursor)
        # A part of the program that is gone has left its tables behind, and nothing in them.
        filled = {t: names for t, names in manifest.columns.items() if manifest.tables[t]}
        for table, names in filled.items():
            if sorted(there.get(table, ())) != sorted(names):
                raise NotABackup(
                    f"The table {table} of this backup has other columns than its migrations make: "
                    "it was made by a changed Verne. Restore it with the one that made it."
                )
        total, done = sum(manifest.tables.values()), 0
        for table, names in filled.items():
            with (
                gzip.open(folder / f"{table}.copy.gz") as rows,
                cursor.copy(f"COPY {_name(table)} ({_list(names)}) FROM STDIN") as into,
            ):
                while block := rows.read(PIECE):
                    into.write(block)
                    done += block.count(b"\n")
                    told(min(done, total), total, "Filling the database")
        set_sequences(cursor, manifest.sequences)


@contextmanager
def bare(connection: BaseDatabaseWrapper) -> Iterator[Any]:
    """Tables emptied, and without what makes filling them slow; all of that is back afterwards.

    Call it in a transaction: whoever looks meanwhile sees the former tables, or waits.
    """
    from verne.engine import triggers

    triggers.remove(connection)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        again = _set_aside(cursor)
        tables = ", ".join(_name(table) for table in columns(cursor))
        cursor.execute(f"TRUNCATE {tables}")
        yield cursor
        for statement in again:
            cursor.execute(statement)
    triggers.install(connection)


def _set_aside(cursor: Any) -> list[str]:
    """Take foreign keys and plain indexes away; gives the statements that bring them back.

    A million rows are checked and sorted at once in a fraction of the time it takes one by one.
    """
    cursor.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
    )
    keys = cursor.fetchall()
    cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " JOIN pg_class ON pg_class.oid = indexrelid"
        " WHERE relnamespace = current_schema()::regnamespace AND NOT indisprimary"
        " AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)"
    )
    indexes = cursor.fetchall()
    for table, name, _definition in keys:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {_name(name)}")
    for index, _definition in indexes:
        cursor.execute(f"DROP INDEX {index}")
    return [definition for _index, definition in indexes] + [
        f"ALTER TABLE {table} ADD CONSTRAINT {_name(name)} {definition}"
        for table, name, definition in keys
    ]


def set_sequences(cursor: Any, last: dict[str, int]) -> None:
    """Let numbers go on where they stopped: none is given twice, not even one of a lost row."""
    for table, column, sequence in owned_sequences(cursor):
        cursor.execute(f"SELECT coalesce(max({_name(column)}), 0) FROM {_name(table)}")
        reached = max(cursor.fetchone()[0], last.get(table, 0))
        cursor.execute("SELECT setval(%s, %s, %s)", [sequence, max(reached, 1), reached > 0])


def columns(cursor: Any) -> dict[str, list[str]]:
    """The tables of the schema and their columns, without those the database computes."""
    cursor.execute(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
        " AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''"
        " ORDER BY c.relname, a.attnum"
    )
    found: dict[str, list[str]] = {}
    for table, column in cursor.fetchall():
        found.setdefault(table, []).append(column)
    return found


def counts(cursor: Any) -> dict[str, int]:
    """How many rows each table has."""
    found = {}
    for table in columns(cursor):
        cursor.execute(f"SELECT count(*) FROM {_name(table)}")
        found[table] = cursor.fetchone()[0]
    return found


def owned_sequences(cursor: Any) -> list[tuple[str, str, str]]:
    """Table, column and sequence, of every column that numbers its rows."""
    cursor.execute(
        "SELECT t.relname, a.attname, s.oid::regclass::text FROM pg_class s"
        " JOIN pg_depend d ON d.objid = s.oid AND d.deptype IN ('a', 'i')"
        " AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass"
        " JOIN pg_class t ON t.oid = d.refobjid"
        " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid"
        " WHERE s.relkind = 'S' AND s.relnamespace = current_schema()::regnamespace"
        " ORDER BY t.relname"
    )
    return [(table, column, sequence) for table, column, sequence in cursor.fetchall()]


def _last(cursor: Any, sequence: str) -> int:
    cursor.execute(f"SELECT last_value, is_called FROM {sequence}")
    value, called = cursor.fetchone()
    return int(value) if called else 0


def _list(names: list[str]) -> str:
    return ", ".join(_name(name) for name in names)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
