"""The first people of a database, and how they sign in."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

FIRST = "admin"
ROLES_OF_FIRST = ("administrator", "sms_manager")


def anybody() -> bool:
    """Whether the database knows anybody yet; if not, this is the first start."""
    from verne.engine.people import Person

    return Person.objects.exists()


def first_administrator() -> list[tuple[str, str]]:
    """Make the person who sets everything else up; returns the sign-in name and password."""
    from verne.engine.acts import act
    from verne.engine.people import Assignment, Person, Role

    password = secrets.token_urlsafe(12)
    with act("found", by=None, note="First start of an empty database"):
        person = Person(username=FIRST, name="Administrator")
        person.set_password(password)
        person.save()
        for role in Role.objects.filter(key__in=ROLES_OF_FIRST):
            Assignment.objects.create(role=role, person=person)
        # This password lies in a file: they choose their own when they first come in.
        _pages().ask_for_own_password(person)
    return [(FIRST, password)]


def remember(accounts: list[tuple[str, str]]) -> None:
    """Keep the first passwords where only the person who runs Verne can read them."""
    path = _note()
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(f"{name} {password}\n" for name, password in accounts)


def how_to_sign_in() -> str:
    """A sentence or two for the terminal."""
    accounts = _remembered()
    if not accounts or _has_come_in(accounts):
        return "Sign in with your own name."
    lines = [f"    {name:<18} {password:<18} {_what(name)}".rstrip() for name, password in accounts]
    return "\n".join(
        ["Sign in as", *lines, f"(kept in {_note()}; delete it when you need it no more)"]
    )


def _has_come_in(accounts: list[tuple[str, str]]) -> bool:
    """Whether the first administrator has chosen a password, and the one that was noted is over."""
    from verne.engine.people import Person

    if [name for name, _password in accounts] != [FIRST]:
        return False
    person = Person.objects.filter(username=FIRST).first()
    return person is not None and not _pages().owes_own_password(person)


def _pages() -> Any:
    # By its name, for the faces do not import one another.
    from django.apps import apps

    return apps.get_app_config("web")


def _what(username: str) -> str:
    """What a person is: the role, and for whom, when it is not for us."""
    from verne.engine.people import Person

    person = Person.objects.select_related("organization").filter(username=username).first()
    if person is None:
        return ""
    roles = person.assignments.values_list("role__name", flat=True)[:1]
    whose = str(person.organization) if person.is_customer else ""
    return ", ".join(filter(None, [*roles, whose]))


def _remembered() -> list[tuple[str, str]]:
    try:
        lines = _note().read_text().splitlines()
    except FileNotFoundError:
        return []
    return [(parts[0], parts[1]) for line in lines if len(parts := line.split()) == 2]


def _note() -> Path:
    from django.conf import settings

    return Path(settings.VERNE_HOME) / "sign-in.txt"
