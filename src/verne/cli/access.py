"""`verne access`: let somebody in again who can sign in no more, when no administrator can."""

from __future__ import annotations

from typing import Any

import click

from verne.cli import acting, start


@click.command("access")
@click.argument("username")
@click.option(
    "--remove-second-steps",
    "reset",
    is_flag=True,
    help="Remove their apps, passkeys and recovery codes, too: they have lost them all.",
)
def command(username: str, reset: bool) -> None:
    """Make a link with which somebody chooses a new password.

    For the day the only administrator has lost the password or the telephone. It stays in the
    history, and the person is told when they next sign in.
    """
    start.database()
    from django.apps import apps

    person = acting.person(username)
    # Through the app, for the faces do not import one another.
    pages: Any = apps.get_app_config("web")
    secret = pages.let_in_again(person, remove_second_steps=reset)
    click.echo(f"/sign-in/new/#{secret}")
    click.echo(
        f"Hand it to {person.username}, behind the address of the program. It works once.", err=True
    )
