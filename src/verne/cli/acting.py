"""In whose name a command works, and on which register."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from verne.engine.people import Person
    from verne.engine.register import Register

in_the_name = click.option(
    "--as",
    "name",
    envvar="VERNE_AS",
    metavar="NAME",
    help="Sign-in name of the person in whose name it is done (or VERNE_AS). Without it, the only "
    "administrator there is.",
)


def person(name: str | None) -> Person:
    """The person with this sign-in name; without one, the only administrator."""
    from verne.engine.people import Person, holders

    if name:
        found = Person.objects.filter(username=name, active=True).first()
        if found is None:
            raise click.UsageError(f"Nobody active signs in as {name!r}.")
        return found
    administrators: list[Any] = list(holders("administrator"))
    if len(administrators) != 1:
        raise click.UsageError(
            f"There are {len(administrators)} administrators: say with --as in whose name."
        )
    first: Person = administrators[0]
    return first


def register(name: str) -> type[Register]:
    """The register with this address (incidents) or of this kind (resolution.incident)."""
    from verne.engine.register import by_slug, registers

    found = by_slug(name) or registers.get(name.lower())
    if found is None:
        slugs = [register.slug for register in registers.values()]
        close = get_close_matches(name, slugs, 1)
        hint = f"Did you mean {close[0]}?" if close else "There are: " + ", ".join(slugs) + "."
        raise click.UsageError(f"There is no register called {name!r}. {hint}")
    return found
