"""The rules for signing in, as they are now."""

from __future__ import annotations

from datetime import timedelta

from verne.engine.people import Person

from ..models import SignInPolicy

ONLY = 1
"""Number of the one row."""


def rules() -> SignInPolicy:
    """The rules in force; those we come with until somebody sets others."""
    return SignInPolicy.objects.filter(pk=ONLY).first() or SignInPolicy(pk=ONLY)


def idle(found: SignInPolicy) -> timedelta:
    return timedelta(minutes=found.idle_minutes)


def longest(found: SignInPolicy) -> timedelta:
    return timedelta(hours=found.longest_hours)


def asks_second_step(person: Person) -> bool:
    """Whether a role of theirs needs a second step."""
    roles = rules().second_step_roles
    return bool(roles) and not person.roles.isdisjoint(roles)
