"""Carries what was committed from the write-ahead log into the file, beside those who write.

SQLite has whoever commits do that when the log has become long, and everybody waits in line behind:
a quarter of a second for 4,000 pages of a large file. A thread that does it all the time leaves the
writer next to nothing. It cannot do all of it: only where nobody is writing does the log begin
anew, so whoever commits carries the last few pages, as before.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from django.db import connection

EVERY = 0.25
"""Seconds between two looks; who writes most, 70 incidents a second, writes 1,300 pages in that."""


@contextmanager
def carried() -> Iterator[None]:
    """Inside, a thread carries what is written into the database, if it is a file of SQLite."""
    if connection.vendor != "sqlite":
        yield
        return
    carrier = Carrier(Path(str(connection.settings_dict["NAME"])))
    carrier.start()
    try:
        yield
    finally:
        carrier.end()


class Carrier(threading.Thread):
    """Carries until it is told to end. It holds no lock that a reader or writer waits for."""

    def __init__(self, database: Path) -> None:
        super().__init__(name="carrier", daemon=True)
        self.database = database
        self.ending = threading.Event()

    def run(self) -> None:
        with closing(sqlite3.connect(self.database, isolation_level=None)) as mine:
            mine.execute("PRAGMA synchronous = FULL")
            carried = None
            while not self.ending.wait(EVERY):
                # What others commit changes it; so an idle program writes nothing.
                (version,) = mine.execute("PRAGMA data_version").fetchone()
                if version == carried:
                    continue
                # Locked or full: whoever commits will meet the same, and say so.
                with suppress(sqlite3.OperationalError):
                    mine.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                    carried = version

    def end(self) -> None:
        self.ending.set()
        self.join(10)
