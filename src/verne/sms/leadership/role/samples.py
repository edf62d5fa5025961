"""Roles and appointments as an example shows them, made through the verbs."""

from typing import Any

from verne.engine.acts import file
from verne.engine.people import Person, Role

from .models import Appointment, RoleDefinition


def a_roledefinition(by: Person, **facts: Any) -> RoleDefinition:
    """Without a role named, the first one that is not described yet."""
    role = facts.pop("role", None) or Role.objects.filter(definitions=None).order_by("key")[0]
    usual = {
        "title": role.name,
        "role": role,
        "duties": "Keeps the risks of the services assessed and treated.",
        "authorities": "May stop a change whose risk nobody has accepted.",
        "contribution": "Nothing that we could have foreseen surprises a customer.",
        "owner": by,
    }
    return file(RoleDefinition, usual | facts, by=by)


def an_appointment(by: Person, **facts: Any) -> Appointment:
    usual = {
        "title": "Risk manager for the data centre",
        "role": facts.pop("role", None) or Role.objects.get(key="risk_manager"),
        "person": by,
    }
    return file(Appointment, usual | facts, by=by)
