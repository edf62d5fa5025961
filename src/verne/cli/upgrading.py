"""What `verne up` does when the database is of an earlier version, or not there yet."""

from __future__ import annotations

from pathlib import Path

import click

from verne.cli.progress import Progress

KEPT = 3
"""Backups from before an upgrade that are kept."""


def upgrade(waiting: list[str]) -> None:
    """Apply the migrations that wait; an SQLite database in use is backed up first."""
    from django.core.management import CommandError, call_command

    from verne.engine.jobs import take_sizes

    back_up_first()
    click.echo(f"Preparing the database ({len(waiting)} steps) …")
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except CommandError as failed:
        raise click.ClickException(
            f"The database could not be brought to this version. {failed}"
        ) from failed
    take_sizes()  # Of new indexes, before anybody asks by one.


def back_up_first() -> Path | None:
    """Back up an SQLite database before an upgrade, unless it is fresh; says so.

    PostgreSQL is left to whoever runs it: its databases are large, and their backups elsewhere.
    """
    from django.conf import settings
    from django.db import connection

    from verne.engine.keeping import making
    from verne.engine.keeping.manifest import NotABackup

    if connection.vendor != "sqlite" or not _has_people():
        return None
    progress = Progress("Backing up before the upgrade")
    try:
        made = making.make(
            Path(settings.VERNE_HOME) / "backups" / "before-upgrade", keep=KEPT, told=progress
        )
    except (making.CannotMake, NotABackup) as wrong:
        raise click.ClickException(
            f"The database is not upgraded without a backup. {wrong} Or make one yourself "
            "(verne backup FOLDER) and run `verne manage migrate`."
        ) from wrong
    finally:
        progress.end()
    click.echo(f"Before the upgrade, a backup was made: {made.path}")
    return made.path


def _has_people() -> bool:
    """Whether anybody has used this database; it may be of any version."""
    from django.db import connection

    with connection.cursor() as cursor:
        if "engine_person" not in connection.introspection.table_names(cursor):
            return False
        cursor.execute("SELECT 1 FROM engine_person LIMIT 1")
        return cursor.fetchone() is not None
