"""Putting a backup back: everything is checked and made ready aside before anything is touched."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

from django.conf import settings
from django.db import DatabaseError, connection, connections, transaction
from django.db.migrations.loader import MigrationLoader

from verne import __version__

from ..postgresql import numbers
from ..stores import store, sync_folder
from . import age, archive, moving, postgresql, sqlite
from .archive import PIECE, Told, silently
from .indexing import rebuild_search
from .manifest import Manifest, NotABackup, by_app, differences

PATIENCE = 20
"""Seconds to wait for whoever still uses the tables of PostgreSQL."""

BringForward = Callable[[Path], None]
"""Migrates an SQLite file to this version; raises `CannotRestore` with the reason."""


class CannotRestore(Exception):
    """Nothing was changed; the text says why, and what to do."""


@dataclass
class Restored:
    """What a restoration did."""

    manifest: Manifest
    aside: str = ""
    """Where the former state is."""
    forward: list[str] = field(default_factory=list)
    """Migrations that were applied because this program is newer than the backup."""
    missing: list[str] = field(default_factory=list)
    files: int = 0
    keys: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        return {
            "former_state": self.aside,
            "migrated_forward": self.forward,
            "missing": self.missing,
            "restored_files": self.files,
            "restored_keys": self.keys,
            **self.manifest.summary(),
        }


def restore(
    path: Path,
    openers: Sequence[age.Opener] = (),
    *,
    replace: bool = False,
    bring_forward: BringForward,
    told: Told = silently,
) -> Restored:
    """Put a backup into this installation, which has to be empty, or is moved aside with `replace`.

    Call it where nobody else uses the database. Until the last step everything happens beside the
    former state; when something fails, that is as it was.
    """
    home = Path(settings.VERNE_HOME)
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=".restoring-") as name:
        staged = _Staged(Path(name), path.stat().st_size)

        def accept(manifest: Manifest) -> None:
            staged.manifest = manifest
            if not manifest.keys_only:
                _refuse_what_cannot_be(manifest)
                _refuse_unless_empty(replace)

        try:
            checked = archive.read(path, openers, keep=staged.keep, accept=accept, told=told)
        except OSError as wrong:
            raise CannotRestore(
                f"{path} cannot be unpacked: {wrong}. Nothing was changed."
            ) from None
        if checked.faults:
            raise CannotRestore(
                f"{path} is damaged; nothing was changed. {' '.join(checked.faults[:3])} "
                "Take another backup."
            )
        done = Restored(checked.manifest, missing=checked.missing)
        aside = home / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        try:
            if not checked.manifest.keys_only:
                done.files = _place_files(staged.folder / "files")
            with _placing_keys(staged.folder, aside, done):
                if not checked.manifest.keys_only:
                    _restore_database(staged, done, aside, bring_forward, told)
        except (OSError, DatabaseError) as wrong:
            said = str(wrong).strip()
            if "lock timeout" in said:
                said = "Others use the tables: end every verne up, web and work on this database."
            raise CannotRestore(f"It failed: {said} What was here is as it was.") from wrong
        if aside.exists():
            done.aside = done.aside or str(aside)
        return done


class _Staged:
    """Unpacks what a backup holds into a folder, and checks the parts of the database."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self.manifest: Manifest | None = None
        free = shutil.disk_usage(folder).free
        if free < 2 * size:
            raise CannotRestore(
                f"{folder.parent} has {free >> 20:,} MB free; restoring takes more than "
                f"{2 * size >> 20:,} MB there. Nothing was changed."
            )

    def keep(self, name: str, content: IO[bytes], size: int) -> None:
        assert self.manifest is not None
        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            shutil.copyfileobj(content, out, PIECE)
            out.flush()
            os.fsync(out.fileno())
        if name.startswith("database/"):
            self._examine(name, place)

    def _examine(self, name: str, place: Path) -> None:
        """A part of the database is what the manifest says; SQLite's is unpacked on the way."""
        assert self.manifest is not None
        unpacked = self.manifest.engine == "sqlite"
        digest = hashlib.sha256()
        try:
            with (
                gzip.open(place) as packed,
                (place.with_suffix("") if unpacked else Path(os.devnull)).open("wb") as out,
            ):
                while piece := packed.read(PIECE):
                    digest.update(piece)
                    out.write(piece)
        except (gzip.BadGzipFile, EOFError) as wrong:
            raise NotABackup(f"{name} is damaged: {wrong}. Nothing was changed.") from None
        if digest.hexdigest() != self.manifest.parts.get(name):
            raise NotABackup(f"{name} is not what the manifest says. Nothing was changed.")
        if unpacked:
            place.unlink()

    @property
    def sqlite(self) -> Path:
        return self.folder / "database" / "verne.sqlite3"


# --- What is refused -----------------------------------------------------------------------------


def _refuse_what_cannot_be(manifest: Manifest) -> None:
    if manifest.engine == "postgresql" and connection.vendor == "sqlite":
        raise CannotRestore(
            "This backup is of a PostgreSQL database, which SQLite cannot take in. Set "
            "DATABASE_URL to an empty PostgreSQL database."
        )
    loader = MigrationLoader(None)
    ours = set(loader.disk_migrations)
    for migration in loader.disk_migrations.values():
        ours |= set(migration.replaces)
    labels = {label for label, _name in ours}
    # A part of the program that is unknown here has gone since, unless the backup is of a later
    # version.
    later = _number(manifest.program) > _number(__version__)
    strange = [
        f"{label}.{name}"
        for label, names in by_app(manifest.migrations).items()
        for name in names
        if (label in labels or later) and (label, name) not in ours
    ]
    if strange:
        raise CannotRestore(
            f"This backup was made by Verne {manifest.program}, which knows {strange[-1]}; this is "
            f"Verne {__version__} and does not. Install that version, or a later one, and restore "
            "it with that. Nothing was changed."
        )


def _number(version: str) -> tuple[int, ...]:
    """A version as numbers that sort."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _refuse_unless_empty(replace: bool) -> None:
    try:
        count = _people()
    except sqlite3.DatabaseError as wrong:
        if replace:
            return
        raise CannotRestore(
            f"The database that is there cannot be read: {wrong}. With --replace it is moved aside."
        ) from None
    if count and not replace:
        raise CannotRestore(
            f"This installation is not empty: its database knows {count:,} people. Restore into "
            "another one (VERNE_HOME=/some/folder verne restore …), or say --replace: then what is "
            "here is moved aside first."
        )


def _people() -> int:
    """How many people the present database knows; none when there is no database."""
    if connection.vendor == "sqlite":
        place = _place_of_database()
        if not place.exists():
            return 0
        with sqlite.connected(place, only_look=True) as here:
            query = "SELECT count(*) FROM sqlite_master WHERE name = 'engine_person'"
            if not here.execute(query).fetchone()[0]:
                return 0
            return int(here.execute("SELECT count(*) FROM engine_person").fetchone()[0])
    with connection.cursor() as cursor:
        tables = postgresql.columns(cursor)
        if "engine_person" in tables:
            cursor.execute("SELECT count(*) FROM engine_person")
            return int(cursor.fetchone()[0])
    if tables:
        raise CannotRestore(
            f"The database holds {len(tables)} tables that are not of Verne, such as "
            f"{min(tables)}. Make a database for Verne alone."
        )
    return 0


def waiting(manifest: Manifest) -> list[str]:
    """Migrations of this program that a backup has not seen yet."""
    loader = MigrationLoader(None)
    had = set(manifest.migrations)
    return sorted(name for name in (".".join(k) for k in loader.disk_migrations) if name not in had)


# --- Files and keys ------------------------------------------------------------------------------


def _place_files(staged: Path) -> int:
    """Put attached files where they belong. Their names are their hashes, so none is in the way."""
    count = 0
    for source in sorted(staged.glob("*/*")):
        store().take(source, source.parent.name + source.name)
        count += 1
    return count


@contextmanager
def _placing_keys(staged: Path, aside: Path, done: Restored) -> Iterator[None]:
    """Put keys and checkpoints in place; the former ones are kept, and come back on a failure."""
    home = Path(settings.VERNE_HOME)
    placed: list[tuple[Path, Path | None]] = []
    try:
        for source in sorted([*staged.glob("keys/*"), *staged.glob("secret.key")]):
            target = home / source.relative_to(staged)
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            former = None
            if target.exists() and target.read_bytes() != source.read_bytes():
                former = aside / source.relative_to(staged)
                former.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                shutil.copy2(target, former)
            placed.append((target, former))
            os.replace(source, target)
            done.keys.append(target.name)
        yield
    except BaseException:
        for target, former in reversed(placed):
            if former is not None:
                shutil.copy2(former, target)
        raise


# --- The database --------------------------------------------------------------------------------


def _restore_database(
    staged: _Staged, done: Restored, aside: Path, bring_forward: BringForward, told: Told
) -> None:
    manifest = done.manifest
    if manifest.engine == "sqlite":
        told(0, 0, "Examining the database")
        try:
            sqlite.examine(staged.sqlite)
        except sqlite.Corrupt as wrong:
            raise CannotRestore(f"{wrong} Nothing was changed; take another backup.") from None
        found = Manifest("", "")
        sqlite.describe(staged.sqlite, found)
        _refuse_if_different(manifest, found.tables)
        done.forward = waiting(manifest)
        if done.forward:
            told(0, 0, "Bringing the tables to this version")
            bring_forward(staged.sqlite)
    if connection.vendor == "sqlite":
        _put_in_place(staged.sqlite, aside)
        return
    with transaction.atomic():
        _wait_for_others_so_long()
        done.aside = _schema_aside()
        if manifest.engine == "sqlite":
            _make_tables(None)
            moving.move_rows(connection, staged.sqlite, told)
            told(0, 0, "Making the index for search anew")
            rebuild_search()
        else:
            _make_tables(manifest.migrations)
            postgresql.load_rows(connection, staged.folder / "database", manifest, told)
            with connection.cursor() as cursor:
                _refuse_if_different(manifest, postgresql.counts(cursor))
            done.forward = waiting(manifest)
            if done.forward:
                told(0, 0, "Bringing the tables to this version")
                _migrate()
        with connection.cursor() as cursor:
            numbers.follow_records(cursor)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _refuse_if_different(manifest: Manifest, found: dict[str, int]) -> None:
    if wrong := differences(manifest.tables, found):
        raise CannotRestore(
            f"Not every row has arrived: {'; '.join(wrong[:3])}. Nothing was changed; take another "
            "backup."
        )


def _put_in_place(staged: Path, aside: Path) -> None:
    """Give the restored file the name of the database, in one step that is done or not done."""
    connections.close_all()
    place = _place_of_database()
    beside = [place.with_name(place.name + ending) for ending in ("-wal", "-shm")]
    with sqlite.connected(staged) as here:
        here.execute("PRAGMA journal_mode = DELETE")
    if staged.stat().st_dev != place.parent.stat().st_dev:
        # Only on one disk is it a single step.
        staged = Path(shutil.copy2(staged, place.with_name(f".{place.name}.restored")))
    with staged.open("rb+") as file:
        os.fsync(file.fileno())
    if place.exists() and place.stat().st_size:
        aside.mkdir(parents=True, exist_ok=True, mode=0o700)
        # If it is damaged, what lies beside it is a part of it.
        parts = [place] if _folded_into_one(place) else [place, *beside]
        for part in filter(Path.exists, parts):
            _keep_aside(part, aside)
    for stale in beside:
        # Left over from a process that was killed: SQLite would mix it into the restored database.
        stale.unlink(missing_ok=True)
    os.replace(staged, place)
    sync_folder(place.parent)


def _keep_aside(part: Path, aside: Path) -> None:
    """Under a second name where that is possible, which takes no room; else as a copy."""
    try:
        os.link(part, aside / part.name)
    except OSError:
        shutil.copy2(part, aside / part.name)


def _folded_into_one(place: Path) -> bool:
    """Bring everything into the one file, with nothing beside it; False if it cannot be read."""
    try:
        with sqlite.connected(place, only_look=True) as here:
            here.execute("SELECT count(*) FROM sqlite_master").fetchone()
        with closing(sqlite3.connect(place, timeout=5, isolation_level=None)) as here:
            (mode,) = here.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError as wrong:
        raise CannotRestore(
            f"The database is in use ({wrong}). End every Verne that works on it; nothing was "
            "changed."
        ) from None
    except sqlite3.DatabaseError:
        return False
    return bool(mode == "delete")


def _place_of_database() -> Path:
    return Path(str(connection.settings_dict["NAME"]))


def _wait_for_others_so_long() -> None:
    """Processes that were not ended may hold tables; the user hears of it instead of waiting."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}s'")


def _schema_aside() -> str:
    """Move the present tables into a schema of their own; gives its name, or nothing."""
    name = f"verne_before_{datetime.now(UTC):%Y%m%dt%H%M%S}"
    with connection.cursor() as cursor:
        tables = postgresql.columns(cursor)
        if not tables:
            return ""
        cursor.execute("SELECT count(*) FROM engine_person")
        (people,) = cursor.fetchone()
        cursor.execute(f"CREATE SCHEMA {name}")
        for table in tables:
            cursor.execute(f'ALTER TABLE "{table}" SET SCHEMA {name}')
        cursor.execute(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE proname LIKE 'verne\\_history\\_%'"
            " AND pronamespace = current_schema()::regnamespace"
        )
        for (function,) in cursor.fetchall():
            cursor.execute(f"ALTER FUNCTION {function} SET SCHEMA {name}")
        if not people:
            cursor.execute(f"DROP SCHEMA {name} CASCADE")
            return ""
    return f"schema {name}"


def _make_tables(migrations: list[str] | None) -> None:
    """Make the tables as these migrations make them; as the newest do, when none are named."""
    from django.db.migrations.executor import MigrationExecutor

    from ..migrating import between_migrations, drawing_only_what_is_added

    executor = MigrationExecutor(connection, between_migrations(connection))
    graph = executor.loader.graph
    targets: list[tuple[str, str]] = list(graph.leaf_nodes())
    if migrations is not None:
        had = {cast(tuple[str, str], tuple(name.split(".", 1))) for name in migrations}
        targets = sorted(
            node
            for node in had & set(graph.nodes)
            if not any(
                child.key in had and child.key[0] == node[0]
                for child in graph.node_map[node].children
            )
        )
    with drawing_only_what_is_added():
        executor.migrate(targets)


def _migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
