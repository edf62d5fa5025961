"""What a record says, made visible: a field as a cell, as a fact, as plain text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from verne.engine import moment
from verne.engine.lifecycle import State
from verne.engine.people import Person
from verne.engine.records import Record, Sheet
from verne.engine.register import Column
from verne.engine.sight import is_spared, points_at_spared

from . import components, phrases
from .markup import html, join

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

TONES = {"met": "done", "partly": "waiting", "gap": "alert"}
"""Tones of the statement that lifecycles borrow, as tones of a state."""

LENGTHS = frozenset({"seconds"})
"""Fields that hold a length of time, and are said in hours and minutes."""

LONG = 140
"""Characters of a long text that a cell of a list shows."""


def tone(state: State) -> str:
    """The tone of a state; where the lifecycle names none, it follows from where it lies."""
    if state.tone:
        return TONES.get(state.tone, state.tone if state.tone in components.TONES else "active")
    if state.initial:
        return "new"
    return "closed" if state.final else "active"


def state(record: Any) -> SafeString:
    """Where a record stands; a withdrawn one stands nowhere else."""
    if record.withdrawn_at is not None:
        return components.state(_("Withdrawn"), "stopped")
    found = record.lifecycle.states[record.state]
    return components.state(found.label, tone(found))


def sheet_state(sheet: Sheet) -> SafeString:
    """The same for a cover sheet, whose type is known by its kind only."""
    if sheet.withdrawn_at is not None:
        return components.state(_("Withdrawn"), "stopped")
    found = sheet.model.lifecycle.states[sheet.state]
    return components.state(found.label, tone(found))


def record_link(record: Any, *, title: bool = True) -> SafeString:
    """A record as a link: its reference, and beside it its title."""
    if title:
        return html("{} {}", components.ref(record.ref), record.title)
    return components.ref(record.ref, title=record.title)


def short_link(record: Any) -> SafeString:
    """A record as a link by its title alone, where room is scarce."""
    return html('<a href="/r/{}" title="{}">{}</a>', record.ref, record.ref, record.title)


def priority(record: Any) -> SafeString | str:
    if record.priority is None:
        return ""
    return components.priority(record.priority)


def due(at: datetime | None, *, open: bool) -> SafeString:
    """A due time: how much is left while somebody can still act on it, else when it was."""
    if at is None or not open:
        return components.moment(at)
    left = (at - moment.now()).total_seconds()
    if left < 0:
        late = components.Clock(label=_("Due"), standing="late", seconds=-left, due=at, share=1)
        return components.clock(late, brief=True)
    return components.moment(at)


Cell = Callable[[Any], "SafeString | str"]


def cells(model: type[Record], column: str | Column) -> Cell:
    """What a column of a list says of a record; what is so for all of them is found out once."""
    if isinstance(column, Column):
        return partial(_computed, column)
    if column in _CELLS:
        return _CELLS[column]
    if column == "state":
        return _states(model)
    if column == "priority":
        levels = cache(components.priority)
        return lambda record: levels(record.priority)
    found: Any = model._meta.get_field(column)
    if found.many_to_many:
        return partial(_names, column)
    if found.is_relation and issubclass(found.related_model, Sheet):
        return partial(_short_link, column)
    if isinstance(found, models.TextField):
        return partial(_prose, column)
    if found.choices and column not in LENGTHS:
        words = {str(key): str(word) for key, word in found.flatchoices}
        return partial(_word, column, words)
    return lambda record: field(record, column)


_CELLS: dict[str, Cell] = {
    "ref": lambda record: components.ref(record.ref),
    "title": lambda record: html('<a href="/r/{}" tabindex="-1">{}</a>', record.ref, record.title),
    "due_at": lambda record: due(record.due_at, open=record.is_open),
}


def _computed(column: Column, record: Any) -> SafeString | str:
    return "" if points_at_spared(record, column.needs) else value(column.value(record))


def _states(model: type[Record]) -> Cell:
    shown = {
        name: components.state(found.label, tone(found))
        for name, found in model.lifecycle.states.items()
    }
    withdrawn = components.state(_("Withdrawn"), "stopped")
    return lambda record: withdrawn if record.withdrawn_at is not None else shown[record.state]


def _names(column: str, record: Any) -> str:
    return ", ".join(name(item) for item in getattr(record, column).all() if not is_spared(item))


def _short_link(column: str, record: Any) -> SafeString | str:
    other = getattr(record, column)
    return short_link(other) if other is not None and not is_spared(other) else ""


def _prose(column: str, record: Any) -> SafeString | str:
    shown = field(record, column)
    if len(str(shown)) > LONG:
        return html("{}…", str(getattr(record, column))[:LONG])
    return shown


def _word(column: str, words: dict[str, str], record: Any) -> SafeString | str:
    raw = getattr(record, column)
    return words.get(str(raw), str(raw)) if raw not in (None, "") else ""


def field(record: Any, column: str) -> SafeString | str:
    """A field of a record, said in words and links."""
    found = record._meta.get_field(column)
    if found.many_to_many:
        there = getattr(record, column).all()
        return join((value(item) for item in there if not is_spared(item)), ", ")
    if found.is_relation:
        return value(getattr(record, column))
    raw = getattr(record, column)
    if column in LENGTHS and raw is not None:
        return phrases.duration(raw)
    if getattr(found, "choices", None) and raw not in (None, ""):
        return label(found, raw)
    return value(raw)


def label(found: Any, raw: Any) -> str:
    """The word for a value of a field with choices; a value no longer offered is shown as it is."""
    words = {str(key): word for key, word in found.flatchoices}
    return str(words.get(str(raw), raw))


def value(raw: Any) -> SafeString | str:
    """Any value, said in the reader's language; records become links."""
    if raw is None or raw == "":
        return ""
    if isinstance(raw, SafeString):
        return raw
    if is_spared(raw):
        return ""
    if isinstance(raw, Sheet):
        return record_link(raw)
    if isinstance(raw, Person):
        return components.person(raw)
    if isinstance(raw, bool):
        return components.yes_no(raw)
    if isinstance(raw, date):
        return components.moment(raw)
    if isinstance(raw, Decimal):
        return phrases.number(float(raw), None if raw % 1 else 0)
    if isinstance(raw, int | float):
        return phrases.number(raw)
    if isinstance(raw, list | tuple | set | models.QuerySet):
        return join(map(value, raw), ", ")
    if isinstance(raw, dict):
        return join((html("{}: {}", key, value(item)) for key, item in raw.items()), ", ")
    return str(raw)


def panel_cell(raw: Any) -> SafeString | str:
    """A cell of a panel: as any value, but an instant to the minute, to compare it with others."""
    return components.moment(raw, "exact") if isinstance(raw, datetime) else value(raw)


def plain(raw: Any) -> str:
    """Any value as text without mark-up, for forms, differences and titles."""
    if raw is None or raw == "":
        return ""
    if isinstance(raw, bool):
        return _("Yes") if raw else _("No")
    if isinstance(raw, datetime):
        return phrases.exact(raw)
    if isinstance(raw, date):
        return phrases.day(raw)
    if isinstance(raw, models.Model):
        return name(raw)
    if isinstance(raw, list | tuple | set | models.QuerySet):
        return ", ".join(plain(item) for item in raw)
    if isinstance(raw, dict):
        return ", ".join(f"{key}: {plain(item)}" for key, item in raw.items())
    return str(raw)


def name(thing: Any) -> str:
    """What something is called in running text."""
    return str(thing)


def is_prose(model: type[Record], column: str) -> bool:
    return isinstance(model._meta.get_field(column), models.TextField)


def sentence_list(items: Iterable[StrOrPromise]) -> str:
    """Words one after the other, separated as lists are."""
    return ", ".join(str(item) for item in items)
