"""`verne mail`: shows somebody's letter of the day, or sends it at once to try the mail server."""

from __future__ import annotations

import sys

import click

from verne.cli import start


@click.command("mail")
@click.argument("name")
@click.option("--send", is_flag=True, help="Send it now, without a job, and say what went wrong.")
def command(name: str, send: bool) -> None:
    """Show the letter that NAME (a sign-in name) would get now.

    With --send it goes to the address in their profile, whether or not they had one today.
    """
    start.database()
    from django.utils import timezone

    from verne.engine import mail
    from verne.engine.people import Person

    person = Person.objects.filter(username=name, active=True).first()
    if person is None:
        raise click.UsageError(f"Nobody active signs in as {name!r}.")
    found = mail.compose(person, timezone.now())
    if found is None:
        click.echo(f"Nothing needs {person.name}: no letter would be sent.", err=True)
        found = (
            "Verne: a trial",
            f"{person.name}, this letter was sent to try the mail server.\n",
            0,
        )
    subject, text, _lines = found
    click.echo(f"To: {person.email or 'no address'}\nSubject: {subject}\n\n{text}")
    if not send:
        return
    if not mail.is_on():
        raise click.UsageError("No mail server is set: VERNE_MAIL_URL.")
    if not mail.reachable(person):
        raise click.UsageError(f"{person.name} has no e-mail address, or wants no letters.")
    try:
        mail.deliver(person.pk, subject, text, timezone.now().isoformat())
    except OSError as wrong:
        click.echo(f"The mail server did not take it: {wrong}", err=True)
        sys.exit(1)
    click.echo("The mail server took it.", err=True)
