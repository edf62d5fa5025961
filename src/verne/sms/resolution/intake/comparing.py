"""What a log says of the target of each incident, against what its clock says here."""

from __future__ import annotations

from collections import Counter
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


@dataclass(frozen=True)
class Comparison:
    """All pairs that occur, and by which agreements (their keys) how many are judged."""

    cells: list[Cell]
    agreements: dict[int, int]

    def count(self, *, said: str = "", ours: str = "") -> int:
        """How many incidents there are for a word of its or ours, or for both."""
        return sum(
            cell.count
            for cell in self.cells
            if (not said or cell.said == said) and (not ours or cell.ours == ours)
        )

    @property
    def alike(self) -> int:
        return sum(cell.count for cell in self.cells if cell.agree)

    @property
    def differing(self) -> int:
        return sum(cell.count for cell in self.cells if cell.differ)


def compare(person: Person) -> Comparison:
    """What was said against what is computed, of the incidents this person may see."""
    words = {value: word for word, value in SAID.items()}
    pairs, agreements = Counter[tuple[str, str]](), Counter[int]()
    agreement = F("incident__clock_rows__agreement")
    counted = imported(person).order_by().values("made_sla", "ours", agreement=agreement)
    for row in counted.annotate(n=Count("pk")):
        pairs[words[row["made_sla"]], row["ours"]] += row["n"]
        if row["agreement"]:
            agreements[row["agreement"]] += row["n"]
    cells = [Cell(said, ours, pairs[said, ours]) for said in SAID for ours in OURS]
    return Comparison([cell for cell in cells if cell.count], dict(agreements.most_common()))


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
