"""What SQLite has to know about the sizes of tables to plan its queries well.

Without figures it takes every table for a large one. It then looks through a million cover sheets
for the documents of a table that is empty. Its own ANALYZE leaves empty tables out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

WORTH_IT = 1_000
"""Records from which on the order of joins matters; below, any plan is fast."""

_EMPTY = """
    INSERT INTO sqlite_stat1 (tbl, idx, stat)
    SELECT name, NULL, '0' FROM pragma_table_list
    WHERE type = 'table' AND schema = 'main' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
        AND name NOT IN (SELECT tbl FROM sqlite_stat1)
"""


LARGE = 3_000_000
"""Rows of a table from which on its indexes are not read again. Writers wait while one is read, a
second for so many rows, longer than they have patience for ten times as many. These are history,
seal and clocks: there are more of them, and as many for each record as there were.
"""

_ALL = "SELECT name, tbl_name FROM sqlite_master AS made WHERE type = 'index'"
_UNKNOWN = f"""{_ALL}
    AND NOT EXISTS (
        SELECT 1 FROM sqlite_stat1
        WHERE tbl = made.tbl_name AND (idx = made.name OR (idx IS NULL AND stat = '0'))
    )
"""
"""Indexes that an upgrade has added, or whose table was empty. SQLite takes them for good ones: it
would look for the open records of a million in any index that begins with the state, and sort what
it finds; a table that it holds to be empty it reads as a whole.
"""


def inform(connection: BaseDatabaseWrapper) -> bool:
    """Take the figures of all indexes when the number of records has grown by a fifth, and else of
    those that are new; whether there was anything to do.

    One index after the other, for writers wait while one is read. Whole, not by a sample: from
    the first thousand rows SQLite takes a kind with a million records for one with three hundred.
    """
    with connection.cursor() as cursor:
        records = _last_record(cursor)
        if records < WORTH_IT:
            return False
        known = _known(cursor)
        if records < 1.2 * known:
            _forget_that_they_were_empty(cursor)
            cursor.execute(_UNKNOWN)
        else:
            cursor.execute(_ALL)
        found = cursor.fetchall()
        if not found:
            return False
        cursor.execute("PRAGMA analysis_limit = 0")
        for index, table in found:
            before = _figures(cursor, index)
            if known and before and _rows(cursor, table) > LARGE:
                rows, of_each = before
                grown = f"{round(rows * records / known)} {of_each}"
                cursor.execute("UPDATE sqlite_stat1 SET stat = %s WHERE idx = %s", [grown, index])
            else:
                cursor.execute(f"ANALYZE {connection.ops.quote_name(index)}")
        with transaction.atomic(using=connection.alias):
            cursor.execute(_EMPTY)
            # A table made and dropped tells the other connections to read the figures again.
            cursor.execute("CREATE TABLE verne_planned (records integer)")
            cursor.execute("DROP TABLE verne_planned")
        cursor.execute("ANALYZE sqlite_schema")
    return True


def _forget_that_they_were_empty(cursor: CursorWrapper) -> None:
    """A type of record may come into use when there are a million of others already."""
    cursor.execute("SELECT tbl FROM sqlite_stat1 WHERE idx IS NULL AND stat = '0'")
    for (table,) in cursor.fetchall():
        if _rows(cursor, table) >= WORTH_IT:
            cursor.execute("DELETE FROM sqlite_stat1 WHERE tbl = %s AND idx IS NULL", [table])


def _figures(cursor: CursorWrapper, index: str) -> tuple[int, str] | None:
    """How many rows an index was known to have, and how many for each value of its columns."""
    cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'")
    if cursor.fetchone() is None:
        return None
    cursor.execute("SELECT stat FROM sqlite_stat1 WHERE idx = %s", [index])
    row = cursor.fetchone()
    if row is None:
        return None
    rows, _space, of_each = str(row[0]).partition(" ")
    return int(rows), of_each


def _rows(cursor: CursorWrapper, table: str) -> int:
    """About how many rows there are in a table: the highest number, for counting takes long."""
    cursor.execute(f'SELECT coalesce(max(rowid), 0) FROM "{table}"')
    return int(cursor.fetchone()[0])


def _last_record(cursor: CursorWrapper) -> int:
    cursor.execute("SELECT coalesce(max(id), 0) FROM engine_sheet")
    return int(cursor.fetchone()[0])


def _known(cursor: CursorWrapper) -> int:
    """The number of records when the figures were last taken."""
    figures = _figures(cursor, "sheet_kind")
    return figures[0] if figures else 0
