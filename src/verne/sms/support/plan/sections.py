"""The eight sections of the plan, and the registers each of them rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from verne.engine.people import Person, Role
from verne.engine.records import Record, Sheet
from verne.engine.register import Register, registers
from verne.engine.roles import label as role_label

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class Source:
    """A register a section rests on: which of its records, and what of them the plan says."""

    kind: str
    fields: tuple[str, ...]
    states: tuple[str, ...] = ()
    """States that count; none named, every open one."""
    where: Mapping[str, Any] = field(default_factory=dict)

    @property
    def register(self) -> type[Register]:
        return registers[self.kind]

    def records(self) -> list[Record]:
        """The records the plan names. It is read by everybody, so it leaves restricted ones out."""
        model = self.register.model
        states = self.states or tuple(model.lifecycle.open_states())
        found = model.objects.standing().filter(state__in=states, restricted=False, **self.where)
        related = [n for n in self.fields if n != "state" and _is_relation(model, n)]
        return list(found.select_related(*related).order_by("title", "pk"))

    def heads(self) -> list[str]:
        return [_("Reference"), *(self.register.model.field_label(name) for name in self.fields)]


@dataclass(frozen=True)
class Section:
    """One of the things the plan has to hold or point at."""

    key: str
    obligation: str
    title: StrOrPromise
    sources: tuple[Source, ...] = ()
    """None as long as nothing here keeps a register of it: then it is written by hand."""


SECTIONS = (
    Section(
        "services",
        "6.3.a",
        gettext_lazy("Services"),
        (
            Source(
                "portfolio.service",
                ("title", "owner", "state", "criticality"),
                states=(
                    "planned",
                    "in_development",
                    "live",
                    "being_removed",
                    "being_transferred",
                ),
                where={"in_scope": True},
            ),
        ),
    ),
    Section(
        "limitations",
        "6.3.b",
        gettext_lazy("Known limitations"),
        (
            Source(
                "resolution.problem",
                ("title", "service", "impact_action", "review_date"),
                states=("accepted_unresolved",),
            ),
        ),
    ),
    Section(
        "obligations",
        "6.3.c",
        gettext_lazy("Obligations and what they mean"),
        (
            Source(
                "support.document",
                ("title", "document_kind", "owner"),
                states=("in_force",),
                where={"document_kind__in": ("policy", "external", "agreement")},
            ),
            Source(
                "relationship.agreement",
                ("title", "customer", "valid_until", "owner"),
                states=("in_force", "under_review"),
            ),
        ),
    ),
    Section(
        "authorities",
        "6.3.d",
        gettext_lazy("Authorities and responsibilities"),
        (
            Source(
                "leadership.appointment",
                ("role", "person", "until", "deputy"),
                states=("in_force",),
            ),
        ),
    ),
    Section("resources", "6.3.e", pgettext_lazy("of the plan", "Resources")),
    Section("parties", "6.3.f", gettext_lazy("Working with other parties")),
    Section("technology", "6.3.g", pgettext_lazy("of the plan", "Technology")),
    Section(
        "effectiveness",
        "6.3.h",
        gettext_lazy("Measuring, auditing, reporting, improving"),
        (
            Source(
                "evaluation.auditprogramme",
                ("title", "since", "until", "owner"),
                states=("in_force",),
            ),
        ),
    ),
)
"""In the order of the standard. A chapter that brings a register adds its source here."""


@dataclass(frozen=True)
class Line:
    """A record as the plan says it: its reference, and its fields in words."""

    ref: str
    cells: tuple[str, ...]

    @property
    def words(self) -> str:
        """Its fields in a row, without those that say nothing."""
        return " · ".join(cell for cell in self.cells if cell)


@dataclass(frozen=True)
class Passage:
    """What one register says to a section, at a moment and in the language that is active."""

    kind: str
    label: str
    heads: tuple[str, ...]
    lines: tuple[Line, ...]

    def as_data(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "label": self.label,
            "heads": list(self.heads),
            "lines": [[line.ref, *line.cells] for line in self.lines],
        }

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Passage:
        lines = tuple(Line(ref, tuple(cells)) for ref, *cells in data["lines"])
        return cls(data["kind"], data["label"], tuple(data["heads"]), lines)


def passages(section: Section) -> list[Passage]:
    """What the registers of a section say now."""
    return [_passage(source) for source in section.sources]


def _passage(source: Source) -> Passage:
    lines = tuple(
        Line(record.ref, tuple(_said(record, name) for name in source.fields))
        for record in source.records()
    )
    label = str(source.register.model._meta.verbose_name_plural)
    label = label[:1].upper() + label[1:]
    return Passage(source.kind, label, tuple(source.heads()), lines)


def _said(record: Record, name: str) -> str:
    """A field in words, on one line."""
    return " ".join(_words(record, name).split())


def _words(record: Record, name: str) -> str:
    if name == "state":
        return str(record.state_label)
    found: Any = record._meta.get_field(name)
    value = getattr(record, name)
    if value is None or value == "":
        return ""
    if found.choices:
        return str(dict(found.flatchoices).get(value, value))
    if isinstance(value, Role):
        return str(role_label(value.key))
    if isinstance(value, Person):
        return value.name
    if isinstance(value, Sheet):
        return value.title
    if isinstance(value, datetime):
        return timezone.localtime(value).date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def _is_relation(model: type[Record], name: str) -> bool:
    return bool(model._meta.get_field(name).is_relation)


def shown_to(person: Person, section: Section) -> Sequence[Source]:
    """The registers of a section that this person may look into."""
    from verne.engine.rights import may

    return [s for s in section.sources if may(person, "view", s.register.model)]
