"""What a backup says of itself: where it is from, what state the tables were in, what is inside."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from verne import __version__

FORMAT = 1
"""Of the archive. A program reads its own and every earlier one."""
LEFT_OUT = ("django_session", "web_session")
"""Tables whose rows are not kept: whoever gets hold of a backup is not signed in as anybody."""


class NotABackup(Exception):
    """The file is none, is damaged, or is of another kind; the text says which."""


@dataclass
class Head:
    """The newest checkpoint of the seal when the backup was made."""

    size: int = 0
    root: str = ""
    note: str = ""


@dataclass
class Manifest:
    """The first file of a backup, as JSON."""

    made_at: str
    engine: str
    """`sqlite` or `postgresql`; what the database was."""
    database_version: str = ""
    format: int = FORMAT
    program: str = __version__
    python: str = field(default_factory=platform.python_version)
    migrations: list[str] = field(default_factory=list)
    """Those that the database had, as app.name."""
    tables: dict[str, int] = field(default_factory=dict)
    """How many rows each table has."""
    columns: dict[str, list[str]] = field(default_factory=dict)
    """The columns of each table, in the order in which its rows are written."""
    sequences: dict[str, int] = field(default_factory=dict)
    """The last number given out for a table: numbers are never given twice."""
    parts: dict[str, str] = field(default_factory=dict)
    """The SHA-256 of each part of the database before it was compressed."""
    files: int = 0
    file_bytes: int = 0
    left_out: list[str] = field(default_factory=list)
    """Tables whose rows are not kept."""
    keys: list[str] = field(default_factory=list)
    """Secret keys that lie in it."""
    seal: Head = field(default_factory=Head)
    records: int = 0
    last_act: str = ""
    """When something was done last."""
    keys_only: bool = False

    def text(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)

    @classmethod
    def read(cls, text: bytes) -> Manifest:
        try:
            told = json.loads(text)
            made_by, form = str(told["program"]), int(told["format"])
        except (ValueError, KeyError, TypeError):
            raise NotABackup("This is no backup of Verne: it does not say what it is.") from None
        if form > FORMAT:
            raise NotABackup(
                f"It was made by Verne {made_by}, in a form this version ({__version__}) does not "
                f"know. Install Verne {made_by} or later and restore it with that."
            )
        known = {name: told[name] for name in cls.__dataclass_fields__ if name in told}
        try:
            return cls(**(known | {"seal": Head(**told.get("seal", {}))}))
        except TypeError:
            raise NotABackup("This is no backup of Verne: its manifest is not complete.") from None

    def summary(self) -> dict[str, Any]:
        """The facts in short, for a program to read."""
        told = asdict(self)
        for name in ("columns", "migrations", "sequences", "parts"):
            del told[name]
        return told

    def newest_migrations(self) -> dict[str, str]:
        """The last migration of each app, for people."""
        return {app: max(names) for app, names in by_app(self.migrations).items()}


def by_app(migrations: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for app, _dot, name in (each.partition(".") for each in migrations):
        found.setdefault(app, []).append(name)
    return found


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def differences(wanted: dict[str, int], found: dict[str, int]) -> list[str]:
    """Tables whose number of rows is not what a manifest says."""
    counts = Counter(found)
    return [
        f"{table}: {counts[table]:,} rows instead of {number:,}"
        for table, number in sorted(wanted.items())
        if counts[table] != number
    ]
