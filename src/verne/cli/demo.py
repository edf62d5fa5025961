"""`verne demo`: a managed-service provider with a year of work behind it, to look around in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec

import click

from verne.cli import start
from verne.cli.progress import Progress

STORY = "verne.sms.demo"
"""The module whose `load(progress)` tells the story and returns how its people sign in."""


@click.command("demo")
def command() -> None:
    """Load the demonstration organization into an empty database."""
    start.database()
    from verne.cli import people

    if people.anybody():
        raise click.UsageError(
            "There are people in this database already. Point VERNE_HOME at another folder "
            "(VERNE_HOME=/tmp/verne-demo verne demo) to load the demonstration there."
        )
    progress = Progress("Loading the demonstration")
    try:
        accounts = load(progress)
    finally:
        progress.end()
    people.remember(accounts)
    click.echo("The demonstration is loaded. " + people.how_to_sign_in())


def there() -> bool:
    """Whether this installation carries a demonstration."""
    return find_spec(STORY) is not None


def load(progress: Callable[[int, int, str], None]) -> list[tuple[str, str]]:
    """Load all of it or nothing; returns sign-in names with their passwords."""
    from django.db import transaction

    if not there():
        raise click.UsageError("This installation carries no demonstration: use --empty.")
    with transaction.atomic():
        accounts = list(import_module(STORY).load(progress, each_month=_look))
        _assess_by_hand()
        _look(None)
    return accounts


def _assess_by_hand() -> None:
    """What conformity tells after the story: the chapters of the standard do not know of it."""
    from django.utils import timezone

    from verne.conformity.attesting import demonstration as signed
    from verne.conformity.jobs import watch_attestations
    from verne.conformity.library import demonstration
    from verne.engine.people import Person

    demonstration.tell(Person.objects.get(name="Laura Keller"))
    signed.tell(Person.objects.get(name="Helena Brandt"), timezone.now())
    watch_attestations()


def _look(at: datetime | None) -> None:
    """Keep the statement as it stood, so that the year can be looked back on."""
    from verne.conformity.statement import take_snapshot

    take_snapshot(note="The demonstration", at=at)
