"""`verne erase`: erases the personal data of somebody who is gone."""

from __future__ import annotations

import click

from verne.cli import acting, start


@click.command("erase")
@click.argument("username")
@click.option("--why", default="", help="The request: who asked, and when.")
@click.option("--also", multiple=True, metavar="TEXT", help="Another spelling, looked for too.")
@click.option("--yes", is_flag=True, help="Do it. Without this, only what would go is told.")
@acting.in_the_name
def command(username: str, why: str, also: tuple[str, ...], yes: bool, name: str | None) -> None:
    """Erase who somebody was, in every row and in the history. It cannot be undone.

    Their acts stay, under a pseudonym, and so do the seal and all proofs. Without --yes, nothing is
    changed.
    """
    start.database()
    from django.core.exceptions import PermissionDenied, ValidationError

    from verne.engine import erasure
    from verne.engine.people import Person

    by = acting.person(name)
    person = Person.objects.filter(username=username).first()
    if person is None:
        raise click.UsageError(f"Nobody has the sign-in name {username!r}.")
    try:
        if yes:
            done = erasure.erase(person, by=by, why=why, also=also)
            rows = sum(done.went.values())
            click.echo(f"{done.pseudonym} stands now where they were named, in {rows} rows.")
            click.echo("Seal it with `verne seal`, and erase them from older backups too.")
            return
        made = erasure.plan(person, by=by, also=also)
    except ValidationError as refused:
        raise click.UsageError(" ".join(refused.messages)) from refused
    except PermissionDenied as refused:
        raise click.UsageError(str(refused)) from refused
    click.echo(f"{made.pseudonym} would take the place of: {', '.join(made.spellings)}")
    for table, count in made.places.most_common():
        click.echo(f"  {count:>6} rows of {table}")
    for attachment in made.files:
        click.echo(f"  They attached {attachment.name} to {attachment.record.ref}: look at it.")
    for text in made.shared:
        click.echo(f"! Somebody else is called {text} too: it would stay in texts.")
    for reason in made.obstacles:
        click.echo(f"✗ {reason}")
