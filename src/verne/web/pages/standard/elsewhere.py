"""What stands beside a clause: other standards, the former edition, and what is covered of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from verne.conformity.catalogue import Clause, Correspondence, crosswalk, predecessor
from verne.conformity.library.covering import speaks
from verne.conformity.verdict import RollUp
from verne.web import components
from verne.web.drawn import once
from verne.web.pages.libraries.common import coverage_badge
from verne.web.pages.libraries.index import FORMER

from .view import View


@dataclass(frozen=True)
class Chip:
    """A place in another standard, how it reads from here, and what our evidence covers of it."""

    chip: SafeString
    title: str
    relation: Any
    note: str
    covered: SafeString


@dataclass(frozen=True)
class Neighbour:
    """Another standard with the places that a clause corresponds to."""

    designation: str
    url: str
    chips: Sequence[Chip]


@dataclass(frozen=True)
class Elsewhere:
    """standard/elsewhere.html: everything beside one clause; `new` says what the edition added."""

    neighbours: Sequence[Neighbour]
    former: Neighbour | None
    new: str = ""


RELATIONS: Final = {
    "equal": _("asks for the same"),
    "subset": _("asks for all of it, and more"),
    "superset": _("asks for a part of it"),
    "intersects": _("overlaps"),
}
"""How the target reads from here; the crosswalk itself reads from the clause towards the target."""


def elsewhere(view: View, clause: Clause) -> SafeString:
    """standard/elsewhere.html: it follows from the judgement, and the day its links lead to."""

    def made() -> SafeString:
        return render_to_string(
            "standard/elsewhere.html", {"elsewhere": _elsewhere(view, clause, judgement.clauses())}
        )

    judgement = view.statement.judgement
    return once(judgement, made, "elsewhere", clause.number, view.url("standard"))


def _elsewhere(view: View, clause: Clause, sums: Mapping[str, RollUp]) -> Elsewhere:
    rows = crosswalk().of(clause, view.catalogue)
    named = {row.target for row in rows}
    return Elsewhere(
        neighbours=[
            Neighbour(
                target.designation,
                view.url("library-beside", target.id),
                [_chip(row, sums) for row in rows if row.target == target.id],
            )
            for target in crosswalk().targets.values()
            if target.id in named
        ],
        former=_former(view, clause, sums),
        new=predecessor().new_since.get(clause.number, ""),
    )


def _chip(row: Correspondence, sums: Mapping[str, RollUp]) -> Chip:
    target = crosswalk().targets[row.target]
    title = target.refs[row.ref]
    practice = row.ref in target.groups
    return Chip(
        # A practice has no number: its name is all there is to show.
        chip=components.clause(title if practice else row.ref, title=title),
        title="" if practice else title,
        relation=RELATIONS[row.relation],
        note=row.note,
        covered=coverage_badge(speaks(row.relation, sums.get(row.clause))),
    )


def _former(view: View, clause: Clause, sums: Mapping[str, RollUp]) -> Neighbour | None:
    found = predecessor().covered_by(clause.number)
    if not found:
        return None
    return Neighbour(
        predecessor().standard.designation,
        view.url("library-beside", FORMER),
        [
            Chip(
                chip=components.clause(former.number, title=former.title),
                title=former.title,
                relation=RELATIONS["intersects"],
                note=former.note,
                covered=coverage_badge(speaks("intersects", sums.get(clause.number))),
            )
            for former in found
        ],
    )
