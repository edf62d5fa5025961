"""What a check or a list showed at an instant: kept with its hash, so that it can be told later."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from verne.engine import listing, requirements
from verne.engine.records import Part, Sheet
from verne.engine.register import by_slug

if TYPE_CHECKING:
    from verne.engine.people import Person

KEPT = 5000
"""Names of records that are kept; the hash is over all of them."""


@dataclass(frozen=True)
class Observation:
    """A figure with the names of the records behind it: those that break a check, those on a list.

    `holds` is what a check says of itself: some were looked at, and none of them breaks it.
    """

    source: str
    asks: str
    at: datetime
    population: int
    found: int
    names: tuple[str, ...]
    sha256: str

    @property
    def holds(self) -> bool:
        return self.population > 0 and self.found == 0

    def as_json(self) -> dict[str, Any]:
        """What is kept in the record."""
        return {
            "source": self.source,
            "asks": self.asks,
            "at": self.at.astimezone(UTC).isoformat(),
            "population": self.population,
            "found": self.found,
            "names": list(self.names[:KEPT]),
            "sha256": self.sha256,
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Observation:
        facts = {**kept, "at": datetime.fromisoformat(kept["at"]), "names": tuple(kept["names"])}
        return cls(**facts)


def digest(source: str, at: datetime, population: int, names: list[str]) -> str:
    """SHA-256 of what was seen, in canonical JSON: anybody can compute it again from the names."""
    said = [source, at.astimezone(UTC).isoformat(), population, names]
    text = json.dumps(said, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def is_unaltered(kept: Observation) -> bool | None:
    """Whether the names still give the hash; None where there were too many to keep them all."""
    if kept.found > len(kept.names):
        return None
    return digest(kept.source, kept.at, kept.population, list(kept.names)) == kept.sha256


def of_check(key: str, at: datetime) -> Observation | None:
    """What breaks a check at an instant; None where Verne has no function for it."""
    evidence = requirements.library().evidence(key, at=at)
    if evidence is None:
        return None
    names = list(_names(evidence.exceptions))
    population = evidence.population.count()
    source = f"check:{key}"
    return Observation(
        source=source,
        asks=requirements.library().condition(key),
        at=at,
        population=population,
        found=len(names),
        names=tuple(names),
        sha256=digest(source, at, population, names),
    )


def of_list(address: str, person: Person, at: datetime) -> Observation:
    """The records of a list as this person sees them."""
    names = list(_names(listing.select(_wanted(address), person)))
    source = f"list:{address}"
    return Observation(
        source=source,
        asks="",
        at=at,
        population=len(names),
        found=len(names),
        names=tuple(names),
        sha256=digest(source, at, len(names), names),
    )


def refuse_unknown_list(address: str) -> None:
    """Raise unless this is the address of a list, with filters that it has."""
    _wanted(address)


def refuse_unknown_check(key: str) -> None:
    """Raise unless the catalogue has this check."""
    try:
        requirements.library().condition(key)
    except KeyError:
        raise ValidationError(
            _("The standard has no check called %(key)s. Copy its name from its page.")
            % {"key": key}
        ) from None


def _wanted(address: str) -> listing.Wanted:
    parts = urlsplit(address.strip())
    register = by_slug(parts.path.strip("/"))
    if register is None:
        raise ValidationError(
            _(
                "“%(address)s” is not the address of a list. Open the list, filter it, and copy "
                "the address."
            )
            % {"address": address}
        )
    return listing.understand(register, parse_qs(parts.query))


def _names(rows: QuerySet[Any]) -> Iterator[str]:
    """References in the order of filing; parts with what they are, others by their words."""
    model = rows.model
    ordered = rows.order_by("pk")
    if issubclass(model, Sheet):
        yield from ordered.values_list("ref", flat=True)
    elif issubclass(model, Part):
        for part in ordered.select_related("of"):
            yield f"{part.of.ref} · {part}"
    else:
        yield from (str(thing) for thing in ordered)
