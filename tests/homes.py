"""Installations of their own for a test: a folder with a database, at which this process works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client, override_settings

from verne.engine.keeping import sqlite
from verne.engine.people import Person
from verne.settings import _sqlite


def new_home(home: Path) -> Path:
    """An empty installation on SQLite, with its tables."""
    home.mkdir(parents=True, exist_ok=True)
    sqlite.copy(_template(), home / "verne.sqlite3")
    return home


@cache
def _template() -> Path:
    """A database with its tables: that of the tests, or one made once where they have none."""
    usual = Path(str(connection.settings_dict["NAME"]))
    if connection.vendor == "sqlite" and "engine_act" in connection.introspection.table_names():
        return usual
    with at_home(Path(settings.VERNE_HOME) / "template") as home:
        call_command("migrate", verbosity=0, interactive=False)
    return home / "verne.sqlite3"


@contextmanager
def at_home(home: Path, database: dict[str, Any] | None = None) -> Iterator[Path]:
    """Work at an installation: its folder, and its SQLite file unless another database is named."""
    usual, before = connections.settings["default"], connections["default"]
    home.mkdir(parents=True, exist_ok=True)
    connections.settings["default"] = usual | (database or _sqlite(home / "verne.sqlite3"))
    connections["default"] = connections.create_connection("default")
    try:
        with override_settings(VERNE_HOME=home):
            yield home
    finally:
        connections["default"].close()
        connections.settings["default"], connections["default"] = usual, before


def rows_of(path: Path, *, but: tuple[str, ...] = ()) -> dict[str, list[Any]]:
    """Every row of every table of an SQLite file, the index for search included."""
    with sqlite.connected(path) as here:
        names = [
            row[0] for row in here.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        return {
            name: sorted(here.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)
            for name in names
            if name not in but
        }


def pages_with(person: Person, *addresses: str) -> list[int]:
    """What the pages at some addresses answer somebody who is signed in."""
    client = Client()
    client.force_login(person, backend=settings.AUTHENTICATION_BACKENDS[0])
    return [client.get(address, follow=True).status_code for address in addresses]
