"""Usual competences and the roles that need them, to begin with."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from django.db import transaction
from django.utils.translation import gettext as _

from verne.engine.acts import file
from verne.engine.people import Role

from .models import Competence

if TYPE_CHECKING:
    from verne.engine.people import Person


@cache
def starters() -> list[dict[str, Any]]:
    text = (Path(__file__).parent / "starters.yaml").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = yaml.safe_load(text)
    return found


def begin_with_starters(by: Person) -> list[Competence]:
    """File each competence whose name is not on file yet."""
    roles = Role.objects.in_bulk(field_name="key")
    there = set(Competence.objects.standing().values_list("title", flat=True))
    filed = []
    with transaction.atomic():
        for told in starters():
            if told["title"] in there:
                continue
            needs = [{"role": roles[key], "level": n} for key, n in told["needs"].items()]
            values = {key: told[key] for key in ("title", "description", "proven_by")}
            filed.append(
                file(
                    Competence,
                    values | {"needs": needs, "owner": by},
                    by=by,
                    note=_("From the starter text"),
                )
            )
    return filed
