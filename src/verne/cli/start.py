"""What every command needs first: settings, apps, and a database of this version."""

from __future__ import annotations

import click


def apps() -> None:
    """Load the settings and the apps; a setting that is wrong ends the program with its reason."""
    import django
    from django.core.exceptions import ImproperlyConfigured

    try:
        django.setup()
    except ImproperlyConfigured as wrong:
        raise click.UsageError(str(wrong)) from wrong
    from verne.engine.acts import via
    from verne.engine.history import Act

    via.set(Act.Via.CLI)


def database() -> None:
    """Load the apps and make sure that the database can be worked with as it is."""
    apps()
    refuse_unready()


def refuse_unready() -> None:
    """End here when the tables are not those of this version."""
    if waiting := missing_migrations():
        raise click.UsageError(
            f"The database is not ready: {len(waiting)} migrations are to be applied. "
            "Run `verne migrate`, or `verne up`, which does it by itself."
        )


def needs_postgresql(command: str, otherwise: str) -> None:
    """End here when the records are in an SQLite file, and say what serves that."""
    from django.db import connection

    if connection.vendor != "postgresql":
        raise click.UsageError(
            f"{command} is for PostgreSQL: set DATABASE_URL=postgresql://user@host/verne. "
            f"{otherwise}"
        )


def missing_migrations() -> list[str]:
    """Names of the migrations that this version has and the database has not."""
    from django.db import OperationalError, connection
    from django.db.migrations.executor import MigrationExecutor

    try:
        executor = MigrationExecutor(connection)
    except OperationalError as wrong:
        raise click.UsageError(
            f"The database cannot be reached: {wrong}{_about_tls(wrong)}"
        ) from wrong
    _refuse_newer(executor)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def _about_tls(wrong: Exception) -> str:
    """What to do when the database speaks no TLS, or shows a certificate nobody here knows."""
    said = str(wrong)
    if not any(word in said for word in ("SSL", "certificate", "sslmode")):
        return ""
    return (
        "\nA database on another machine is spoken to by TLS. Let it have a certificate, and name "
        "the authority that signed it (?sslmode=verify-full&sslrootcert=FILE in DATABASE_URL); or, "
        "on a network that is yours alone, do without: ?sslmode=disable."
    )


def _refuse_newer(executor: object) -> None:
    """A database written by a later version must not be opened by an earlier one."""
    loader = executor.loader  # type: ignore[attr-defined]
    here = {label for label, _name in loader.disk_migrations}
    strange = [
        key
        for key in loader.applied_migrations
        if key[0] in here and key not in loader.disk_migrations and key not in _replaced(loader)
    ]
    if strange:
        label, name = sorted(strange)[-1]
        raise click.UsageError(
            f"This database was made by a later version of Verne (it knows {label}.{name}). "
            "Install that version, or restore a backup made with this one."
        )


def _replaced(loader: object) -> set[tuple[str, str]]:
    return {
        key
        for migration in loader.disk_migrations.values()  # type: ignore[attr-defined]
        for key in migration.replaces
    }
