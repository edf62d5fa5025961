"""A first description of each role of the standard, to begin with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from django.db import transaction
from django.utils.translation import gettext as _

from verne.engine.acts import file, revise
from verne.engine.people import Role

from .models import RoleDefinition

if TYPE_CHECKING:
    from verne.engine.people import Person


@dataclass(frozen=True)
class Starter:
    """What a role is said to be until somebody says it better."""

    duties: str
    authorities: str
    contribution: str
    conflicts: tuple[tuple[str, str], ...]
    """Another role, and why one person should not hold both."""


@cache
def starters() -> dict[str, Starter]:
    """By the key of the role, in the order of the catalogue."""
    text = (Path(__file__).parent / "starters.yaml").read_text(encoding="utf-8")
    return {
        key: Starter(
            told["duties"],
            told["authorities"],
            told["contribution"],
            tuple(told.get("conflicts", {}).items()),
        )
        for key, told in yaml.safe_load(text).items()
    }


def undescribed() -> list[str]:
    """Keys of the roles with a starter that nobody has described yet."""
    described = set(RoleDefinition.objects.standing().values_list("role__key", flat=True))
    return [key for key in starters() if key not in described]


def begin_with_starters(by: Person) -> list[RoleDefinition]:
    """File a draft for each role that has no description yet, with what conflicts with it."""
    rows = Role.objects.in_bulk(field_name="key")
    wanted = undescribed()
    filed: dict[str, RoleDefinition] = {}
    note = _("From the starter text")
    with transaction.atomic():
        for key in wanted:
            told = starters()[key]
            values = {
                "title": rows[key].name,
                "role": rows[key],
                "duties": told.duties,
                "authorities": told.authorities,
                "contribution": told.contribution,
                "owner": by,
            }
            filed[key] = file(RoleDefinition, values, by=by, note=note)
        for key, definition in filed.items():
            if conflicts := starters()[key].conflicts:
                named = [{"role": rows[other], "why": why} for other, why in conflicts]
                revise(definition, {"conflicts": named}, by=by, note=note)
    return list(filed.values())
