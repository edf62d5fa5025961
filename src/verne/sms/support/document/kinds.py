"""The kinds of documented information that a document can carry, by the catalogue's keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verne.engine.requirements import library

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def documented_choices() -> list[tuple[str, StrOrPromise]]:
    """Every kind, in the order of the catalogue. Until one is offered there are none."""
    return [(kind.key, kind.name) for kind in library().documented().values()]
