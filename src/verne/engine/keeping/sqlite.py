"""A copy of an SQLite database while others write to it, and what is in the copy."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .archive import Told, silently
from .manifest import LEFT_OUT, Head, Manifest, NotABackup

PAGES = 2_048
"""Pages copied between two looks at the progress: 8 MB."""


class Corrupt(Exception):
    """The database is damaged; the text says what SQLite found."""


def copy(source: Path, target: Path, told: Told = silently) -> None:
    """Copy a database as it stands at this instant; readers and writers go on meanwhile.

    A read transaction that is held open keeps the instant: without it, each write by somebody else
    would make SQLite begin the copy anew.
    """
    with connected(source) as here, connected(target) as there:
        here.execute("BEGIN")
        here.execute("SELECT count(*) FROM sqlite_master").fetchone()

        def progress(_status: int, left: int, pages: int) -> None:
            told(pages - left, pages, "Copying the database")

        here.backup(there, pages=PAGES, progress=progress)
        here.execute("ROLLBACK")
        # One file, with nothing beside it; what is removed is overwritten, not only forgotten.
        there.execute("PRAGMA journal_mode = DELETE")
        there.execute("PRAGMA secure_delete = ON")
        present = set(_names(there))
        if "engine_act" not in present:
            raise NotABackup("There is no database of Verne here yet: nothing to back up.")
        for table in LEFT_OUT:
            if table in present:
                there.execute(f'DELETE FROM "{table}"')


def examine(path: Path) -> None:
    """Have SQLite read every page and index; raises what it finds."""
    with connected(path) as here:
        try:
            found = [row[0] for row in here.execute("PRAGMA integrity_check(5)")]
        except sqlite3.DatabaseError as wrong:
            raise Corrupt(f"The database is damaged: {wrong}") from None
        if found != ["ok"]:
            raise Corrupt(f"The database is damaged: {'; '.join(found)}")
        dangling = here.execute("PRAGMA foreign_key_check").fetchmany(5)
        if dangling:
            tables = ", ".join(sorted({row[0] for row in dangling}))
            raise Corrupt(f"Rows of the database point at rows that are not there, in {tables}.")


def describe(path: Path, manifest: Manifest) -> None:
    """Note in a manifest what a database holds."""
    with connected(path) as here:
        manifest.engine = "sqlite"
        manifest.database_version = sqlite3.sqlite_version
        manifest.left_out = list(LEFT_OUT)
        for table in _names(here):
            quoted = '"' + table.replace('"', '""') + '"'
            columns = [row[1] for row in here.execute(f"PRAGMA table_info({quoted})")]
            manifest.columns[table] = columns
            manifest.tables[table] = here.execute(f"SELECT count(*) FROM {quoted}").fetchone()[0]
        manifest.sequences = dict(here.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
        manifest.migrations = [
            f"{app}.{name}"
            for app, name in here.execute("SELECT app, name FROM django_migrations ORDER BY id")
        ]
        manifest.records = manifest.tables.get("engine_sheet", 0)
        last = here.execute("SELECT max(recorded_at) FROM engine_act").fetchone()[0]
        manifest.last_act = f"{last.replace(' ', 'T')}Z" if last else ""
        # A database that waits for an upgrade may know nothing of a seal yet.
        if "engine_sealedat" in manifest.tables and (
            head := here.execute(
                "SELECT size, root, note FROM engine_sealedat ORDER BY id DESC LIMIT 1"
            ).fetchone()
        ):
            manifest.seal = Head(head[0], bytes(head[1]).hex(), head[2])


def attached(path: Path) -> list[tuple[str, int]]:
    """The hash and size of each attached file, but those whose content was erased."""
    with connected(path) as here:
        erased = "SELECT row FROM engine_erased WHERE source = 'file'"
        if "engine_erased" not in _names(here):
            erased = "SELECT NULL WHERE false"
        rows = here.execute(
            f"SELECT sha256, size FROM engine_file WHERE id NOT IN ({erased}) ORDER BY sha256"
        )
        return [(str(digest), int(size)) for digest, size in rows]


@contextmanager
def connected(path: Path, *, only_look: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection of our own, so that nothing of Django's connection is disturbed.

    Who only looks leaves everything where it is, also what lies beside a damaged file.
    """
    place = f"{path.absolute().as_uri()}?mode={'ro' if only_look else 'rwc'}"
    connection = sqlite3.connect(place, uri=True, timeout=60, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def _names(connection: sqlite3.Connection) -> list[str]:
    """The tables that hold rows of ours: not the index for search, nor what it consists of."""
    rows = connection.execute(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
        " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    return [row[0] for row in rows]
