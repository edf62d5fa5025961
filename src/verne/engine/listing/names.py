"""What the filters and columns of a list are called, and which of them sort it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import FieldDoesNotExist
from django.db import models

from ..records import Record
from ..register import Column, Register

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

GENERAL = (
    "state",
    "owner",
    "team",
    "customer",
    "priority",
    "restricted",
    "due_at",
    "filed_at",
    "filed_by",
    "changed_at",
)
"""Fields of the cover sheet that any list can be filtered by and show."""


def column_name(column: str | Column) -> str:
    return column if isinstance(column, str) else column.name


def filter_names(register: type[Register]) -> list[str]:
    """The filters of a register: its own, and those of every cover sheet."""
    return list(dict.fromkeys((*register.filters, *GENERAL)))


def columns_of(register: type[Register]) -> dict[str, str | Column]:
    """Every column a list of this register can show, its usual ones first."""
    usual = {column_name(column): column for column in register.columns}
    others = (*register.fields(), "ref", "title", *GENERAL)
    return usual | {name: name for name in others if name not in usual}


def sortable(register: type[Register]) -> list[str]:
    """The columns a list can be sorted by: plain columns of the database, and not long texts."""
    return [
        name
        for name, column in columns_of(register).items()
        if isinstance(column, str) and is_sortable(register.model, name)
    ] + (["filed_at"] if "filed_at" not in columns_of(register) else [])


def is_sortable(model: type[Record], name: str) -> bool:
    try:
        found = model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    unsorted = (models.TextField, models.JSONField, models.ForeignKey, models.ManyToManyField)
    return bool(found.concrete) and not isinstance(found, unsorted)


def label_of(model: type[Record], column: str | Column) -> StrOrPromise:
    """The heading of a column."""
    return model.field_label(column) if isinstance(column, str) else column.label
