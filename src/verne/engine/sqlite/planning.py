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


_UNKNOWN = """
    SELECT name FROM sqlite_master AS made
    WHERE type = 'index' AND NOT EXISTS (
        SELECT 1 FROM sqlite_stat1
        WHERE tbl = made.tbl_name AND (idx = made.name OR (idx IS NULL AND stat = '0'))
    )
"""
"""Indexes that an upgrade has added. SQLite takes them for good ones: it would look for the open
records of a million in any index that begins with the state, and sort what it finds.
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
        if records < 1.2 * _known(cursor):
            cursor.execute(_UNKNOWN)
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
        names = [name for (name,) in cursor.fetchall()]
        if not names:
            return False
        cursor.execute("PRAGMA analysis_limit = 0")
        for name in names:
            cursor.execute(f"ANALYZE {connection.ops.quote_name(name)}")
        with transaction.atomic(using=connection.alias):
            cursor.execute(_EMPTY)
            # A table made and dropped tells the other connections to read the figures again.
            cursor.execute("CREATE TABLE verne_planned (records integer)")
            cursor.execute("DROP TABLE verne_planned")
        cursor.execute("ANALYZE sqlite_schema")
    return True


def _last_record(cursor: CursorWrapper) -> int:
    cursor.execute("SELECT coalesce(max(id), 0) FROM engine_sheet")
    return int(cursor.fetchone()[0])


def _known(cursor: CursorWrapper) -> int:
    """The number of records when the figures were last taken."""
    cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'")
    if cursor.fetchone() is None:
        return 0
    cursor.execute("SELECT stat FROM sqlite_stat1 WHERE tbl = 'engine_sheet' LIMIT 1")
    row = cursor.fetchone()
    return int(str(row[0]).split()[0]) if row else 0
