"""What a log says of the target of each incident, against what its clock says here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Case, CharField, Count, F, Q, QuerySet, Value, When

from ..incident.models import Incident
from .fact import ImportedIncident

if TYPE_CHECKING:
    from verne.engine.people import Person

SAID: dict[str, bool | None] = {"kept": True, "missed": False, "unsaid": None}
"""What a log may say."""

OURS = ("kept", "missed", "open", "none")
"""What a clock may say: `open` while it is neither, `none` where nothing was agreed."""


@dataclass(frozen=True)
class Cell:
    """How many incidents there are for a pair of its word and ours."""

    said: str
    ours: str
    count: int

    @property
    def agree(self) -> bool:
        return self.said == self.ours

    @property
    def differ(self) -> bool:
        """Whether one says kept and the other missed."""
        return {self.said, self.ours} == {"kept", "missed"}


def imported(person: Person) -> QuerySet[Any]:
    """Imported incidents as this person sees them, each with what its resolve clock says."""
    no_target = Q(incident__clock_rows__seconds=None, incident__clock_rows__days=None)
    ours = Case(
        When(no_target, then=Value("none")),
        When(incident__clock_rows__breached_at__isnull=False, then=Value("missed")),
        When(incident__clock_rows__state="met", then=Value("kept")),
        default=Value("open"),
        output_field=CharField(),
    )
    return ImportedIncident.objects.filter(
        incident__in=Incident.objects.visible_to(person).standing(),
        incident__clock_rows__measure="resolve",
    ).annotate(
        ours=ours,
        elapsed=F("incident__clock_rows__elapsed"),
        seconds=F("incident__clock_rows__seconds"),
        days=F("incident__clock_rows__days"),
        due_at=F("incident__clock_rows__due_at"),
    )


def compare(person: Person) -> list[Cell]:
    """All pairs that occur, and how often."""
    words = {value: word for word, value in SAID.items()}
    counted = imported(person).order_by().values("made_sla", "ours").annotate(n=Count("pk"))
    found = {(words[row["made_sla"]], row["ours"]): row["n"] for row in counted}
    return [
        Cell(said, ours, found[said, ours])
        for said in SAID
        for ours in OURS
        if (said, ours) in found
    ]


def those(person: Person, *, said: str = "", ours: str = "") -> QuerySet[Any]:
    """The incidents of a pair, or those on which the two differ, in the order they came in."""
    rows = imported(person)
    if said:
        rows = rows.filter(made_sla=SAID[said])
    if ours:
        rows = rows.filter(ours=ours)
    if not said and not ours:
        rows = rows.filter(Q(made_sla=True, ours="missed") | Q(made_sla=False, ours="kept"))
    return rows.order_by("pk")
