"""One `verne up` or `verne migrate` a database: the lock that a second one meets."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click
from django.core.management.base import CommandError
from django.db import OperationalError, connection, connections

from verne.engine.postgresql import pooler

ADVISORY_KEY = 0x5645524E45
"""Number of the lock in PostgreSQL: 'VERNE' in ASCII."""


class Taken(Exception):
    """Another process serves this database; the text says which, if it can be known."""


class FileLock:
    """Beside an SQLite file; the kernel gives it back when the process ends, however it ends."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(f"{database.name}.lock")
        self.file: IO[str] | None = None

    def take(self, address: str) -> None:
        import fcntl

        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as held:
            raise Taken(self._holder(file.read())) from held
        file.truncate(0)
        file.write(json.dumps({"process": os.getpid(), "address": address}))
        file.flush()
        self.file = file

    def held(self) -> bool:
        return self.file is not None

    def give_back(self) -> None:
        if self.file is not None:
            self.file.truncate(0)
            self.file.close()
            self.file = None

    @staticmethod
    def _holder(text: str) -> str:
        try:
            holder = json.loads(text)
        except ValueError:
            return "by another process"
        return f"by process {holder['process']} {_for(holder['address'])}"


class AdvisoryLock:
    """In PostgreSQL, where the processes may be on different machines; held by a connection."""

    def __init__(self) -> None:
        self.connection: Any = None

    def take(self, address: str) -> None:
        self.connection = connections.create_connection("default")
        try:
            pooler.refuse(self.connection, "verne up" if "://" in address else address)
        except CommandError as refused:
            raise click.UsageError(str(refused)) from refused
        with self.connection.cursor() as cursor:
            name = f"verne {_for(address)}"
            cursor.execute("SELECT set_config('application_name', %s, false)", [name])
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_KEY])
            if cursor.fetchone()[0]:
                return
            cursor.execute(
                "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid)"
                " WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = %s"
                " AND application_name LIKE 'verne %%'",
                [ADVISORY_KEY >> 32, ADVISORY_KEY & 0xFFFFFFFF],
            )
            row = cursor.fetchone()
        self.connection.close()
        self.connection = None
        raise Taken(row[0].removeprefix("verne ") if row else "by another process")

    def held(self) -> bool:
        """Whether the connection that holds the lock still lives."""
        return self.connection is not None and bool(self.connection.is_usable())

    def give_back(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def _for(what: str) -> str:
    """`at http://…/`, or `for verne migrate`."""
    return f"at {what}" if "://" in what else f"for {what}"


def lock_of_database() -> FileLock | AdvisoryLock:
    if connection.vendor == "sqlite":
        return FileLock(Path(str(connection.settings_dict["NAME"])).resolve())
    return AdvisoryLock()


@contextmanager
def held(address: str) -> Iterator[FileLock | AdvisoryLock]:
    """Be the only one of its kind on the database; whoever comes second is told so and ends."""
    lock = lock_of_database()
    try:
        lock.take(address)
    except Taken as taken:
        raise click.UsageError(
            f"Verne is already running on this database, {taken}. Use that one, or end it first."
        ) from taken
    except OperationalError as wrong:
        raise click.UsageError(f"The database cannot be reached: {wrong}".strip()) from wrong
    try:
        yield lock
    finally:
        lock.give_back()
