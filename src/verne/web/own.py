"""What one record type shows of its own: a part between moves and fields, or a whole page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse

from verne.engine.people import Person
from verne.engine.records import Record

Context = dict[str, Any]
Make = Callable[[Any, Person], Context | None]


@dataclass(frozen=True)
class OwnPart:
    """A template and what makes its context; `instead_of` names parts whose tables it replaces."""

    template: str
    make: Make
    instead_of: tuple[str, ...] = ()


own_parts: dict[str, list[OwnPart]] = {}
"""By kind of record, in the order they are shown."""


def shown_on(
    kind: str, template: str, *, instead_of: tuple[str, ...] = ()
) -> Callable[[Make], Make]:
    """Enrol a function that makes a part of the page of a record type, or None for nothing."""

    def enrol(make: Make) -> Make:
        own_parts.setdefault(kind, []).append(OwnPart(template, make, instead_of))
        return make

    return enrol


Page = Callable[[HttpRequest, Any, Person], "HttpResponse | None"]

own_pages: dict[str, Page] = {}
"""By kind of record: the page that stands at its address in place of the one all records share."""


def page_of(kind: str) -> Callable[[Page], Page]:
    """Enrol the page of a record type; where it gives None, the shared one is shown.

    The shared page stays within reach: its address is the record's with `?as=record`.
    """

    def enrol(page: Page) -> Page:
        own_pages[kind] = page
        return page

    return enrol


def parts_of(record: Record, person: Person) -> list[tuple[str, Context]]:
    """The own parts of a record's page, each a template with its context."""
    made = [(p.template, p.make(record, person)) for p in own_parts.get(record.kind_name(), ())]
    return [(template, context) for template, context in made if context is not None]


def replaced(record: Record) -> frozenset[str]:
    """The parts of a record that its page shows in a way of its own."""
    parts = own_parts.get(record.kind_name(), ())
    return frozenset(name for part in parts for name in part.instead_of)
