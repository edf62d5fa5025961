"""What is fetched with the rows of a list, so that their columns ask for nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import models

from ..records import Record, Sheet
from ..register import Column
from .keyset import order_of
from .wanted import Wanted


def furnished(rows: models.QuerySet[Any], wanted: Wanted) -> models.QuerySet[Any]:
    """Fetch with the rows what their columns show, and where it is known, nothing else."""
    needs = needs_of(wanted.register.model, wanted.columns)
    rows = rows.select_related(*needs.joins) if needs.joins else rows
    rows = rows.prefetch_related(*needs.many) if needs.many else rows
    name, _down = order_of(wanted)
    # A computed column may read anything: then the whole row is fetched, in the same query.
    return rows if needs.whole else rows.only(*dict.fromkeys((*needs.fields, name)))


@dataclass(frozen=True)
class Needs:
    """What columns read: relations to one and to many, fields, or anything of the row."""

    joins: tuple[str, ...]
    many: tuple[str, ...]
    fields: tuple[str, ...]
    whole: bool


@lru_cache(maxsize=200)
def needs_of(model: type[Record], columns: tuple[str | Column, ...]) -> Needs:
    joins: list[str] = []
    many: list[str] = []
    fields: list[str] = ["id", "ref", "title", "state", "kind", "version", "withdrawn_at"]
    whole = False
    for column in columns:
        if isinstance(column, Column):
            whole = True
            for need in column.needs:
                (many if _is_many(model, need) else joins).append(need)
            continue
        found: Any = model._meta.get_field(column)
        if found.many_to_many or found.one_to_many:
            many.append(column)
        elif found.is_relation:
            joins.append(column)
            fields += [column, f"{column}__{_name_field(found.related_model)}"]
            if issubclass(found.related_model, Sheet):
                fields += [f"{column}__ref", f"{column}__kind"]
        else:
            fields.append(column)
    return Needs(tuple(joins), tuple(many), tuple(fields), whole)


def _is_many(model: type[models.Model], path: str) -> bool:
    first, _dot, rest = path.partition("__")
    found: Any = model._meta.get_field(first)
    if found.many_to_many or found.one_to_many:
        return True
    return bool(rest) and _is_many(found.related_model, rest)


def _name_field(model: type[models.Model]) -> str:
    names = {f.name for f in model._meta.fields}
    return next((name for name in ("name", "title") if name in names), "pk")
