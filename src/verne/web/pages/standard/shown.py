"""What several pages of the standard show: checks with figures, documents, sums."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from verne.conformity.catalogue import Check, Requirement
from verne.conformity.computing import Figure
from verne.conformity.duration import Duration
from verne.conformity.verdict import Result, RollUp, Verdict
from verne.web import phrases
from verne.web.parts import Link

from .view import View, outcome_badge, result_badge

PHASES: Final = {"plan": _("Plan"), "do": _("Do"), "check": _("Check"), "act": _("Act")}


@dataclass(frozen=True)
class Sums:
    """standard/sums.html: how many obligations came to which result."""

    readiness: float | None
    conforming: int
    exercised: int
    total: int
    counts: dict[str, int]
    legend: Sequence[tuple[SafeString, int]]


def sums_of(group: RollUp) -> Sums:
    return Sums(
        readiness=group.readiness,
        conforming=group.conforming,
        exercised=group.exercised,
        total=group.total,
        counts=counts_of(group),
        legend=[(result_badge(r), group[r]) for r in reversed(Result) if group[r]],
    )


def counts_of(group: RollUp) -> dict[str, int]:
    """From good to bad, as one reads a bar from the left."""
    return {r.value: group[r] for r in reversed(Result) if group[r]}


@dataclass(frozen=True)
class CheckRow:
    """One check with its figure."""

    key: str
    url: str
    condition: str
    outcome: SafeString
    population: int | None
    exceptions: int | None
    exceptions_url: str
    population_url: str
    note: str = ""
    fault: str = ""
    stale: bool = False


def how_many_computed(verdict: Verdict) -> str:
    """Said only where something is missing."""
    if verdict.computed == verdict.total:
        return ""
    return gettext("%(computed)d of %(total)d checks computed") % {
        "computed": verdict.computed,
        "total": verdict.total,
    }


def check_row(view: View, check: Check) -> CheckRow:
    figure = view.statement.figures[check.key]
    return CheckRow(
        key=check.key,
        url=view.check_url(check.key),
        condition=worded(check.condition),
        outcome=outcome_badge(figure.outcome),
        population=figure.population,
        exceptions=figure.exceptions,
        exceptions_url=view.check_url(check.key),
        population_url=view.check_url(check.key, show="population"),
        note=note_of(figure),
        fault=figure.fault,
        stale=figure.stale,
    )


@dataclass(frozen=True)
class DocumentRow:
    name: str
    url: str
    kind: Any
    basis: Any
    obligations: Sequence[Link]


KINDS_OF_DOCUMENT: Final = {"document": _("document, kept current"), "record": _("record, kept")}
BASES: Final = {
    "explicit": _("asked for in words"),
    "implied": _("implied, for it cannot be shown otherwise"),
}


def documents_of(view: View, verdicts: Iterable[Verdict]) -> list[DocumentRow]:
    named = dict.fromkeys(d for v in verdicts for d in v.requirement.documented)
    requirements = view.catalogue.requirements
    return [
        DocumentRow(
            name=d.name,
            url=f"{reverse('standard-documented')}#{d.key}",
            kind=KINDS_OF_DOCUMENT[d.kind],
            basis=BASES[d.basis],
            obligations=[
                Link(label=cited(requirements[id]), url=view.obligation_url(id))
                for id in d.required_by
            ],
        )
        for d in named
    ]


def said(value: Any) -> str:
    return value.words if isinstance(value, Duration) else phrases.number(value)


def note_of(figure: Figure) -> str:
    """What the figures cannot say of the exceptions; it says nothing where there are none."""
    return gettext(figure.note) if figure.note and figure.exceptions else ""


def worded(condition: str) -> str:
    """A condition as people read it: record types by their words, not by their names in code."""
    return condition.replace("_", " ")


def cited(requirement: Requirement) -> str:
    """As an auditor cites it; obligations without a letter are told apart by their ordinal."""
    return requirement.cite if requirement.cite.endswith(")") else requirement.id
