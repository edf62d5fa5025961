"""How a record type is listed, filtered, filed and shown: said once, for every face."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from django.db.models import Q

if TYPE_CHECKING:
    from datetime import datetime

    from django_stubs_ext import StrOrPromise

    from .people import Person
    from .records import Part, Record

registers: dict[str, type[Register]] = {}
"""Every register by the label of its model (`resolution.problem`), in the order of the standard."""


@dataclass(frozen=True)
class Section:
    """A group of fields under a heading, on forms and on the record's page."""

    title: StrOrPromise
    fields: tuple[str, ...]

    def __init__(self, title: StrOrPromise, *fields: str) -> None:
        object.__setattr__(self, "title", title)
        object.__setattr__(self, "fields", fields)


@dataclass(frozen=True)
class Column:
    """A column that is more than a field: `value` takes the record and gives what to show.

    `needs` names the relations to fetch with the list, so that rows ask for nothing more.
    """

    name: str
    label: StrOrPromise
    value: Callable[[Any], Any]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Panel:
    """Something a record's page shows beside its fields: rows of cells computed from the record.

    `rows` takes the record and the person looking, and gives a list of rows; a cell is text or a
    record (shown as a link). Nothing is shown when there are no rows, unless `empty` has words.
    """

    title: StrOrPromise
    heads: tuple[StrOrPromise, ...]
    rows: Callable[[Any, Any], list[tuple[Any, ...]]]
    empty: StrOrPromise = ""


@dataclass(frozen=True)
class Raise:
    """A record of another type that can be raised from this one in one click.

    `carries` maps fields of the new record to fields of this one (`pk` for the record itself);
    the form comes filled in and is filed by whoever raises it.
    """

    label: StrOrPromise
    kind: str
    carries: dict[str, str]


@dataclass(frozen=True)
class Anywhere:
    """Makes a type one that is raised in one click from any record or figure.

    `link` is the tie from the new record to what gave rise to it; `takes_over` says which fields
    of the form are filled in from it.
    """

    label: StrOrPromise
    link: str
    takes_over: Callable[[Any], dict[str, str]] = lambda source: {}


@dataclass(frozen=True)
class Page:
    """A page of its own that a register has beside its list: a matrix, a calendar."""

    label: StrOrPromise
    url: str


class Register:
    """Subclass it in a process's `register.py`; wrong names are refused at start-up."""

    model: ClassVar[type[Record]]
    prefix: ClassVar[str]
    slug: ClassVar[str] = ""
    clauses: ClassVar[tuple[str, ...]] = ()
    purpose: ClassVar[StrOrPromise] = ""
    first_step: ClassVar[StrOrPromise] = ""
    columns: ClassVar[tuple[str | Column, ...]] = ("ref", "title", "state", "owner")
    filters: ClassVar[tuple[str, ...]] = ("state", "owner")
    search: ClassVar[tuple[str, ...]] = ("title",)
    sections: ClassVar[tuple[Section, ...]]
    filing: ClassVar[tuple[str, ...]] = ()
    parts: ClassVar[tuple[str, ...]] = ()
    order: ClassVar[str] = "-filed_at"
    roles: ClassVar[dict[str, tuple[str, ...]]] = {}
    panels: ClassVar[tuple[Panel, ...]] = ()
    raises: ClassVar[tuple[Raise, ...]] = ()
    anywhere: ClassVar[Anywhere | None] = None
    also_for: ClassVar[dict[str, str]] = {}
    """By state, the field with the person whose work a record then is beside its owner's."""
    portal: ClassVar[tuple[str, ...]] = ()
    """The fields that customers fill in; everything else is ours to decide."""
    documented: ClassVar[dict[str, tuple[str, ...]]] = {}
    """Kinds of documented information that these records are, by the catalogue's key, each with
    the states that count; none named, every record counts."""
    in_menu: ClassVar[bool] = True
    pages: ClassVar[tuple[Page, ...]] = ()
    """What the menu offers after the list."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.slug:
            cls.slug = str(cls.model._meta.model_name) + "s"
        registers[cls.model._meta.label_lower] = cls

    @classmethod
    def fields(cls) -> list[str]:
        """Every field a person may fill in, in the order of the sections."""
        return list(dict.fromkeys(name for section in cls.sections for name in section.fields))

    @classmethod
    def filing_fields(cls) -> list[str]:
        """The fields asked for when filing; all of them unless the register names fewer."""
        return list(cls.filing) or cls.fields()

    @classmethod
    def widen(cls, person: Person) -> Q | None:
        """Records to see beyond the usual scope (a published entry); none unless overridden.

        It may follow from the number of the person and from what `standpoint` names, nothing else.
        """
        return None

    @classmethod
    def narrow(cls, person: Person) -> Q | None:
        """The only ones somebody of our own sees of this type (those in force); None for all.

        It may follow from the same as `widen`.
        """
        return None

    @classmethod
    def open_since(cls, record: Any, person: Person) -> datetime | None:
        """From when on this person may read what a record they see once said; None from the first.

        What a text said while it was a draft is not for those who read it once it is in force.
        """
        return None

    @classmethod
    def filed_by_customer(cls, person: Person) -> dict[str, Any]:
        """What goes without saying when a customer files such a record (who reports it)."""
        return {}

    @classmethod
    def allowed(cls, person: Person, field: str) -> Any | None:
        """A narrower queryset of choices for a relation field; None for all the person sees."""
        return None

    @classmethod
    def content(cls, record: Record) -> dict[str, Any]:
        """The record's fields and parts as plain values, for hashes, exports and the API."""
        values = {name: plain(record, name) for name in cls.fields()}
        return values | {name: part_rows(record, name) for name in cls.parts}

    @classmethod
    def search_text(cls, record: Record) -> str:
        """The text under which the record is found."""
        return "\n".join(
            [record.ref, *(str(v) for name in cls.search if (v := plain(record, name)))]
        )


def register_of(kind: str) -> type[Register]:
    """The register of a kind of record, by its label."""
    return registers[kind]


def by_prefix(prefix: str) -> type[Register] | None:
    """The register whose references begin like this: `INC`."""
    return next((r for r in registers.values() if r.prefix == prefix), None)


def by_slug(slug: str) -> type[Register] | None:
    return next((r for r in registers.values() if r.slug == slug), None)


def unfinished(kinds: Iterable[str]) -> Q:
    """Cover sheets of these kinds whose lifecycle has not come to an end."""
    finals: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for kind in kinds:
        finals[tuple(sorted(registers[kind].model.lifecycle.final_states()))].append(kind)
    found = Q(pk__in=[])
    # By their ends, for most have the same: a condition for each kind takes long to compose.
    for states, alike in finals.items():
        found |= Q(kind__in=alike) & ~Q(state__in=states)
    return found


def plain(record: Record, name: str) -> Any:
    """A field's value without objects: keys for relations, sorted lists of keys for many."""
    field = record._meta.get_field(name)
    if field.many_to_many:
        if record.pk is None:
            return []
        return sorted(getattr(record, name).values_list("pk", flat=True))
    if field.many_to_one or field.one_to_one:
        return getattr(record, field.attname)  # type: ignore[union-attr]
    value = getattr(record, name)
    return value.isoformat() if hasattr(value, "isoformat") else value


def part_rows(record: Record, name: str) -> list[dict[str, Any]]:
    """The rows of a part (its `part_fields`), in their order, as plain values."""
    if record.pk is None:
        return []
    model = part_model(type(record), name)
    rows = getattr(record, name).order_by("pk").values("pk", *model.part_fields)
    return [
        {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in row.items()} for row in rows
    ]


def part_model(model: type[Record], name: str) -> type[Part]:
    related = model._meta.get_field(name).related_model
    return related  # type: ignore[return-value]


def menu() -> list[tuple[Any, list[type[Register]]]]:
    """Chapters with the registers of each, in the order of the standard."""
    from django.apps import apps

    from .chapters import ORDER

    groups: dict[str, list[type[Register]]] = {}
    for register in registers.values():
        if register.in_menu:
            groups.setdefault(register.model._meta.app_label, []).append(register)
    ordered: Sequence[str] = sorted(groups, key=lambda c: ORDER.index(c) if c in ORDER else -1)
    return [(apps.get_app_config(label), groups[label]) for label in ordered]
