"""Where scenes are played: a database with people in it, made once and copied for each scene."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg

from tools import postgres

from .installation import Installation, copied, prepare
from .journal import Journal

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"


class Stages:
    """Both databases, each made when it is asked for first."""

    def __init__(self, folder: Path, clients: int, ending: contextlib.ExitStack) -> None:
        self.folder, self.clients, self.ending = folder, clients, ending

    def installation(self, database: str, folder: Path) -> Installation:
        """A fresh installation with people in it, whose processes do not run yet."""
        return (self.sqlite if database == SQLITE else self.postgresql).installation(folder)

    @cached_property
    def sqlite(self) -> Sqlite:
        return Sqlite(self.folder / "sqlite", self.clients)

    @cached_property
    def postgresql(self) -> PostgreSQL:
        installed = self.ending.enter_context(postgres.installation())
        return PostgreSQL(installed, self.folder / "postgresql", self.clients)


class Sqlite:
    """A home that is copied."""

    def __init__(self, folder: Path, clients: int) -> None:
        self.home = folder / "prepared"
        self.prepared: dict[str, Any] = prepare(self.home, "", clients)

    def installation(self, folder: Path) -> Installation:
        home = copied(self.home, folder / "home")
        return Installation(home, Journal(folder / "journal.jsonl"), prepared=self.prepared)


class PostgreSQL:
    """A server whose database is copied; a scene may put another one in its place."""

    def __init__(self, installed: postgres.Installation, folder: Path, clients: int) -> None:
        self.installed, self.home = installed, folder / "prepared"
        self.servers = self.scenes = 0
        self.primary = self.server()
        self.primary.make()
        self.prepared: dict[str, Any] = prepare(self.home, self.primary.url, clients)

    def server(self, **settings: str) -> postgres.Server:
        """One more server, not started yet."""
        self.servers += 1
        name = f"server-{self.servers}"
        return postgres.Server(self.installed, name, postgres.DURABLE | settings)

    def installation(
        self,
        folder: Path,
        address: Callable[[str], str] | None = None,
    ) -> Installation:
        """`address` gives the URL under which processes reach a database, if not the usual one."""
        self.scenes += 1
        name = f"scene_{self.scenes}"
        with psycopg.connect(self.primary.url_of("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE verne")
            # A copied sequence is not written to the log again until the next checkpoint: after a
            # crash before it, PostgreSQL gives out the same numbers once more.
            connection.execute("CHECKPOINT")
        return Installation(
            copied(self.home, folder / "home"),
            Journal(folder / "journal.jsonl"),
            database=(address or self.primary.url_of)(name),
            prepared=self.prepared,
        )
