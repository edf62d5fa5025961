"""What a sample is drawn from: the records at an address of this program, frozen at an instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from verne.engine import listing, moment, past
from verne.engine.records import Record, Sheet
from verne.engine.register import Register, by_slug
from verne.engine.requirements import library
from verne.engine.rights import may, scope

from .draw import LARGEST, in_order

if TYPE_CHECKING:
    from verne.engine.people import Person

CHECK = "/standard/check/"
"""The address of a check: its population, or with ?show=exceptions what breaks it."""


@dataclass(frozen=True)
class Frozen:
    """References in order, by stratum where asked for, and how many were out of sight."""

    source: str
    at: datetime
    refs: list[str]
    strata: Mapping[str, list[str]]
    hidden: int = 0
    past: bool = False
    """Whether an instant was asked for."""

    @property
    def address_then(self) -> str:
        return address_then(self.source, self.at)


def address_then(source: str, at: datetime) -> str:
    """Where anybody finds what was at an address at an instant."""
    told = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return f"{source}{'&' if '?' in source else '?'}at={told}"


def freeze(source: str, *, by: Person, at: datetime | None = None, stratum: str = "") -> Frozen:
    """The records at an address, as far as this person may see them: now, or at an instant past.

    The instant may stand in the address, as it does in that of a list shown as it was.
    """
    address = urlsplit(source.strip())
    path = "/" + address.path.strip("/") + "/"
    said = parse_qs(address.query)
    then = at or _instant_in(said)
    if then is None:
        return _frozen(path, said, by=by, at=moment.now(), stratum=stratum)
    if then > timezone.now():
        raise ValidationError(
            {"frozen_at": _("What will be, no record tells: choose an instant that is past.")}
        )
    with past.reading(then, person=by):
        found = _frozen(path, said, by=by, at=then, stratum=stratum)
    return replace(found, past=True)


def _instant_in(said: dict[str, list[str]]) -> datetime | None:
    try:
        return listing.read_instant(said.pop("at", [""])[-1])
    except listing.NotUnderstood as error:
        raise ValidationError({"source": error.sentence}) from error


def _frozen(
    path: str, said: Mapping[str, list[str]], *, by: Person, at: datetime, stratum: str
) -> Frozen:
    if path.startswith(CHECK):
        rows, hidden = _of_check(path.removeprefix(CHECK).strip("/"), said, by=by, at=at)
        tidy = f"{path}?show={_shown(said)}"
    else:
        rows, tidy, hidden = *_of_list(path, said, by=by), 0
    many = rows.order_by().count()
    if not many:
        raise ValidationError({"source": _("There is no record to draw from at this address.")})
    if many > LARGEST:
        raise ValidationError(
            {
                "source": _("There are %(many)d records: narrow the list to %(most)d or fewer.")
                % {"many": many, "most": LARGEST}
            }
        )
    strata = _strata(rows, stratum)
    refs = in_order(ref for there in strata.values() for ref in there)
    return Frozen(tidy, at, refs, strata if stratum else {}, hidden)


def _of_list(path: str, said: Mapping[str, list[str]], *, by: Person) -> tuple[Any, str]:
    register = by_slug(path.strip("/"))
    if register is None or not may(by, "view", register.model):
        raise ValidationError(
            {
                "source": _(
                    "This is no list you may see: copy the address of one, such as "
                    "/incidents/?state=closed, or of a check."
                )
            }
        )
    try:
        wanted = listing.understand(register, dict(said))
    except listing.NotUnderstood as error:
        raise ValidationError({"source": error.sentence}) from error
    pairs = [(k, v) for k, v in wanted.params(sort=None, columns=None) if k != "size"]
    return listing.select(wanted, by), _address(register, pairs)


def _address(register: type[Register], pairs: list[tuple[str, str]]) -> str:
    from urllib.parse import urlencode

    return f"/{register.slug}/" + (f"?{urlencode(pairs)}" if pairs else "")


def _of_check(
    key: str, said: Mapping[str, list[str]], *, by: Person, at: datetime
) -> tuple[Any, int]:
    try:
        found = library().evidence(key, at=at)
    except KeyError:
        found = None
    if found is None:
        raise ValidationError(
            {"source": _("No function answers the check “%(key)s” yet.") % {"key": key}}
        )
    rows = found.exceptions if _shown(said) == "exceptions" else found.population
    model: Any = rows.model
    if model is Sheet:
        reached = Sheet.objects.filter(pk__in=rows.values("pk"))
        seen_ones = reached.filter(scope(by, Sheet))
        return seen_ones, reached.count() - seen_ones.count()
    if not issubclass(model, Record):
        raise ValidationError(
            {
                "source": _("This check counts %(what)s, which have no reference of their own.")
                % {"what": model._meta.verbose_name_plural}
            }
        )
    numbers = model.objects.filter(pk__in=rows.values("pk"))
    seen = numbers.filter(pk__in=model.objects.visible_to(by).values("pk"))
    return seen, numbers.count() - seen.count()


def _shown(said: Mapping[str, list[str]]) -> str:
    return "exceptions" if said.get("show") == ["exceptions"] else "population"


def _strata(rows: Any, stratum: str) -> dict[str, list[str]]:
    """References by the value of a field; all under one name where none is asked for."""
    if not stratum:
        return {"": list(rows.order_by().values_list("ref", flat=True))}
    allowed = strata_of(rows.model)
    if stratum not in allowed:
        raise ValidationError(
            {
                "stratum": _("Strata are made by one of these fields: %(names)s.")
                % {"names": ", ".join(allowed)}
            }
        )
    found: dict[str, list[str]] = {}
    for ref, value in rows.order_by().values_list("ref", stratum):
        found.setdefault("" if value is None else str(value), []).append(ref)
    return found


def strata_of(model: type[Record]) -> list[str]:
    """Fields with few values, by which a population can be divided."""
    usual = ["state", "priority", "owner", "team", "customer"]
    own = [
        f.name
        for f in model._meta.local_fields
        if (f.choices or f.many_to_one) and f.name not in usual and not f.primary_key
    ]
    return usual + own
