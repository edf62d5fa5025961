"""Where each kind of documented information lives here, and how it stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import connections, models
from django.db.models import Count, Exists, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from verne.engine.evidence import Answer, Asked, Evidence, answers
from verne.engine.people import Person
from verne.engine.prepared import Prepared
from verne.engine.records import Sheet
from verne.engine.register import Register, registers
from verne.engine.rights import may, scope
from verne.sms.support.document.models import Carried, Document
from verne.sms.support.document.revision import Revision

from .catalogue import DocumentedInformation, catalogue
from .models import KindOfInformation

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Standing(StrEnum):
    """How a kind of documented information stands, the worst first."""

    MISSING = "missing"
    STALE = "stale"
    DRAFT = "draft"
    IN_FORCE = "in_force"

    @property
    def label(self) -> StrOrPromise:
        return LABELS[self]


LABELS: dict[Standing, StrOrPromise] = {
    Standing.MISSING: _("Missing"),
    Standing.STALE: _("Review overdue"),
    Standing.DRAFT: _("In draft"),
    Standing.IN_FORCE: _("In force"),
}


@dataclass(frozen=True)
class Shelf:
    """A register whose records are this kind of documented information, and how many count."""

    register: type[Register]
    count: int
    others: int
    """Records that do not count yet: drafts, or what has ended."""


@dataclass(frozen=True)
class Holding:
    """One kind, with the documents that carry it and the registers where it is kept."""

    kind: DocumentedInformation
    documents: Sequence[Document]
    shelves: Sequence[Shelf]
    at: datetime

    @property
    def standing(self) -> Standing:
        """One text in force, or one record that counts, is enough; overdue texts are not."""
        if any(shelf.count for shelf in self.shelves):
            return Standing.IN_FORCE
        in_force = [each for each in self.documents if each.state == "in_force"]
        if any(not is_overdue(each, self.at) for each in in_force):
            return Standing.IN_FORCE
        if in_force:
            return Standing.STALE
        if self.documents or any(shelf.others for shelf in self.shelves):
            return Standing.DRAFT
        return Standing.MISSING


def is_overdue(document: Document, at: datetime) -> bool:
    return document.review_by is not None and document.review_by < timezone.localtime(at).date()


def holdings(person: Person) -> list[Holding]:
    """Every kind in the order of the standard, as far as this person sees what carries it."""
    at = timezone.now()
    carried = _carried(person)
    shelves = _shelves(person)
    return [
        Holding(kind, carried[key], shelves[key], at)
        for key, kind in catalogue().documented_information.items()
    ]


def _carried(person: Person) -> defaultdict[str, list[Document]]:
    """Documents that people still work by or at, by the kind they carry."""
    seen = Document.objects.visible_to(person).standing().exclude(state="retired")
    rows = Carried.objects.filter(of__in=seen.values("pk")).select_related("of").order_by("of")
    found = defaultdict[str, list[Document]](list)
    for row in rows:
        found[row.key].append(row.of)
    return found


def _shelves(person: Person) -> defaultdict[str, list[Shelf]]:
    """The registers that say they are a kind, with what they hold, counted in one query."""
    keeping = [
        register
        for register in registers.values()
        if register.documented and may(person, "view", register.model)
    ]
    counted = _counts(person, [register.model.kind_name() for register in keeping])
    found = defaultdict[str, list[Shelf]](list)
    for register in keeping:
        states = counted[register.model.kind_name()]
        for key, counting in register.documented.items():
            count = sum(n for state, n in states.items() if not counting or state in counting)
            found[key].append(Shelf(register, count, sum(states.values()) - count))
    return found


def _counts(person: Person, kinds: Iterable[str]) -> defaultdict[str, dict[str, int]]:
    seen = Sheet.objects.filter(scope(person, Sheet), kind__in=kinds, withdrawn_at=None)
    rows: Any = seen.order_by().values_list("kind", "state").annotate(number=Count("pk"))
    found = defaultdict[str, dict[str, int]](dict)
    for kind, state, number in rows:
        found[kind][state] = number
    return found


# --- As a condition ------------------------------------------------------------------------------

PRESENT = "required-docs-present"


def every_kind_is_there(asked: Asked) -> Evidence:
    """Each kind is carried by a document in force, or kept in a register that holds some of it.

    The kinds are rows in every installation: where nothing is on file yet there is no data.
    """
    in_force = Document.objects.in_force().filter(filed_at__lte=asked.at)
    there = set(Carried.objects.filter(of__in=in_force.values("pk")).values_list("key", flat=True))
    shelves = tuple(
        (kind, key, tuple(counting))
        for kind, register in registers.items()
        for key, counting in register.documented.items()
    )
    there.update(key for (key,) in _kept_in(shelves)(at=asked.at))
    kinds = KindOfInformation.objects.all()
    if not there and not Document.objects.exists():
        kinds = kinds.none()
    return Evidence(
        kinds,
        kinds.exclude(key__in=there),
        _("No document in force carries it, and no register holds any of it."),
    )


@cache
def _kept_in(shelves: tuple[tuple[str, str, tuple[str, ...]], ...]) -> Prepared:
    """The kinds of information of which registers held some at an instant.

    Each by a kind of record, the kind of information it is, and the states that count, if not all.
    """

    def held(at: Any) -> models.QuerySet[Any]:
        # Whether there is one is found at once; which states there are, by looking at all records.
        kept = Sheet.objects.filter(withdrawn_at=None, filed_at__lte=at)
        either = Q(pk__in=[])
        for kind, key, counting in shelves:
            some = kept.filter(kind=kind)
            either |= Q(Exists(some.filter(state__in=counting) if counting else some), key=key)
        return KindOfInformation.objects.filter(either).values_list("key")

    return Prepared(held, at=models.DateTimeField())


def answer_for_every_kind() -> None:
    """Enrolled when every register is known: it reads those that keep documented information."""
    keeping = [register.model for register in registers.values() if register.documented]
    answers[PRESENT] = Answer(PRESENT, every_kind_is_there, (Document, Revision, *keeping))


def write_down_the_kinds(sender: Any, using: str = "default", **kwargs: Any) -> None:
    """After a migration: the kinds of the catalogue as rows; those that are gone go."""
    if KindOfInformation._meta.db_table not in connections[using].introspection.table_names():
        return
    rows = KindOfInformation.objects.using(using)
    wanted = {key: n for n, key in enumerate(catalogue().documented_information, start=1)}
    if dict(rows.values_list("key", "id")) == wanted:
        return
    rows.all().delete()
    rows.bulk_create(KindOfInformation(id=n, key=key) for key, n in wanted.items())
