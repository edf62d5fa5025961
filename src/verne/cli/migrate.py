"""`verne migrate`: brings the database to this version, for installations of several processes."""

from __future__ import annotations

import click

from verne.cli import people, start
from verne.cli.lock import held
from verne.cli.upgrading import upgrade


@click.command("migrate")
def command() -> None:
    """Make the tables of this version, and in an empty database the first administrator.

    Run it once before `verne web` and `verne work` are started on a new version. `verne up` does
    it by itself.
    """
    start.apps()
    with held("verne migrate"):
        steps = bring_up_to_date()
        first = not people.anybody()
        if first:
            people.remember(people.first_administrator())
    click.echo(f"Applied {steps} steps." if steps else "The database is of this version already.")
    if first:
        click.echo(people.how_to_sign_in())


def bring_up_to_date() -> int:
    """Apply what is missing, and have what this version brings along taken in; how many steps."""
    from verne.conformity.jobs import take_in_libraries
    from verne.engine.jobs import later

    if waiting := start.missing_migrations():
        upgrade(waiting)
    later(take_in_libraries)
    return len(waiting)
