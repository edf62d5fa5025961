"""Typed links between records: declared once with both directions, and what they carry along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from .history import Act
    from .lifecycle import Move
    from .people import Person
    from .records import Record

link_types: dict[str, LinkType] = {}


@dataclass(frozen=True)
class Cascade:
    """When the source makes `on`, each target makes `move`; where it says nothing yet, `copies`
    are taken over.

    A target for which the move is not open stays as it is: a cascade never forces.
    """

    on: str
    move: str
    copies: tuple[str, ...] = ()


@dataclass(frozen=True)
class LinkType:
    """A kind of tie: `name` reads from source to target, `inverse` the other way.

    `sources` and `targets` are kinds (`resolution.incident`) it may tie; empty for any. A type
    that `carries` passes impact from its target to its source: what hosts me takes me with it.
    """

    name: str
    label: StrOrPromise
    inverse: str
    inverse_label: StrOrPromise
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    carries: bool = False
    cascades: tuple[Cascade, ...] = ()
    on_link: Callable[[Any, Any, Act], None] | None = None

    def __post_init__(self) -> None:
        for name in {self.name, self.inverse}:
            if (other := find(name)) is not None:
                raise ValueError(f"Two link types are called {name}: {self} and {other}.")
        link_types[self.name] = self


class Link(models.Model):
    """One tie between two records. It is ended, not removed."""

    history_record: ClassVar[str] = "source"

    kind = models.CharField(max_length=40)
    source = models.ForeignKey("engine.Sheet", models.PROTECT, related_name="links_out")
    target = models.ForeignKey("engine.Sheet", models.PROTECT, related_name="links_in")
    since = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "engine"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["kind", "source", "target"],
                condition=models.Q(ended_at=None),
                name="link_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(source=models.F("target")), name="link_not_to_itself"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["source", "kind"], name="link_source"),
            models.Index(fields=["target", "kind"], name="link_target"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.kind} {self.target_id}"


def find(name: str) -> LinkType | None:
    """The type that goes by this name in either direction."""
    return next((t for t in link_types.values() if name in (t.name, t.inverse)), None)


def resolve(name: str, record: Record, other: Record) -> tuple[LinkType, Record, Record]:
    """The type, its source and its target, for a name read from `record` to `other`."""
    kind = find(name)
    if kind is None:
        raise ValidationError(_("There is no link called %(name)s.") % {"name": name})
    return (kind, record, other) if name == kind.name else (kind, other, record)


def refuse_wrong_ends(kind: LinkType, source: Record, target: Record) -> None:
    if source.pk == target.pk:
        raise ValidationError(_("A record cannot be linked to itself."))
    for end, allowed in ((source, kind.sources), (target, kind.targets)):
        if allowed and end.kind not in allowed:
            raise ValidationError(
                _("%(ref)s cannot be linked like that: “%(label)s” does not fit its type.")
                % {"ref": end.ref, "label": kind.label}
            )


def types_for(kind: str) -> list[tuple[str, Any, tuple[str, ...]]]:
    """Names, labels and allowed other ends of the links a kind of record can have."""
    found = []
    for t in link_types.values():
        if not t.sources or kind in t.sources:
            found.append((t.name, t.label, t.targets))
        if t.inverse != t.name and (not t.targets or kind in t.targets):
            found.append((t.inverse, t.inverse_label, t.sources))
    return found


def linked(record: Any, name: str) -> Any:
    """Cover sheets tied to a record by a link read in this direction."""
    from .records import Sheet

    kind = find(name)
    if kind is None:
        raise LookupError(f"No link type is called {name}.")
    standing = Link.objects.filter(kind=kind.name, ended_at=None)
    found = models.Q(pk__in=[])
    if name == kind.name:
        found |= models.Q(pk__in=standing.filter(source=record.pk).values("target"))
    if name == kind.inverse:
        found |= models.Q(pk__in=standing.filter(target=record.pk).values("source"))
    return Sheet.objects.filter(found, withdrawn_at=None)


def cascade(record: Record, step: Move, *, by: Person, at: datetime | None) -> list[str]:
    """Carry a move over to what the record is linked to; give back the references left behind."""
    from .acts import move

    left = []
    for kind in link_types.values():
        for rule in kind.cascades:
            if rule.on != step.name or (kind.sources and record.kind not in kind.sources):
                continue
            for sheet in linked(record, kind.name).order_by("pk"):
                other = sheet.opened()
                if rule.move not in {m.name for m in other.moves()}:
                    continue
                values = {n: getattr(record, n) for n in rule.copies if not other.is_filled(n)}
                note = _("Together with %(ref)s.") % {"ref": record.ref}
                try:
                    move(other, rule.move, by=by, note=note, values=values, at=at)
                except (ValidationError, PermissionDenied):
                    left.append(other.ref)
    return left
