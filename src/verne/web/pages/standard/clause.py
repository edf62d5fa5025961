"""A clause: what is asked, how it stands, what is missing and where to begin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from verne.conformity import statement as statements
from verne.conformity.catalogue import Clause
from verne.conformity.owning import holders_by_role
from verne.conformity.verdict import Outcome, Result, Verdict
from verne.engine.register import Register, registers
from verne.engine.roles import label as role_label
from verne.web.parts import PageHeader

from .branches import branches
from .elsewhere import elsewhere
from .shown import CheckRow, check_row, cited, documents_of, how_many_computed, sums_of
from .view import View, crumbs, kept_from_replica, open_view, result_badge


@dataclass(frozen=True)
class ObligationRow:
    """One obligation in the table of a clause."""

    cite: str
    url: str
    text: str
    verdict: SafeString
    computed: str
    checks: Sequence[CheckRow]
    owner: str
    holders: Sequence[str]


@dataclass(frozen=True)
class Step:
    """The first step to mend something: where the records belong."""

    label: Any
    text: Any
    url: str


@login_required
@kept_from_replica
def clause(request: HttpRequest, number: str) -> HttpResponse:
    view = open_view(request)
    found = view.catalogue.clauses.get(number)
    if found is None:
        raise Http404(gettext("There is no clause %(number)s.") % {"number": number})
    judgement = view.statement.judgement
    sums = judgement.clauses()
    asked = view.catalogue.requirements_of(number)
    own = judgement.of(asked)
    held = holders_by_role(view.statement.at, [r.owner_role for r in asked]) if asked else {}
    return render(
        request,
        "standard/clause.html",
        view.base
        | {
            "header": PageHeader(
                title=f"{number} {found.title}",
                lead=found.purpose,
                quarter=found.pdca,  # type: ignore[arg-type]
                crumbs=crumbs(view, view.catalogue.ancestors(number)),
            ),
            "clause": found,
            "sums": sums_of(sums[number]),
            "branches": branches(view, view.catalogue.children(number)),
            "obligations": [_obligation_row(view, v, held) for v in own],
            "missing": _missing(view, own),
            "registers": _registers(view, found),
            "documents": documents_of(view, own),
            "elsewhere": elsewhere(view, found),
            "course": _clause_course(view, found),
        },
    )


def _obligation_row(view: View, verdict: Verdict, held: dict[str, list[str]]) -> ObligationRow:
    requirement = verdict.requirement
    return ObligationRow(
        cite=cited(requirement),
        url=view.obligation_url(requirement.id),
        text=requirement.text,
        verdict=result_badge(verdict.result),
        computed=how_many_computed(verdict),
        checks=[check_row(view, check) for check in requirement.checks],
        owner=role_label(requirement.owner_role),
        holders=held.get(requirement.owner_role, []),
    )


GAPS: Final = (
    Result.NONCONFORMING,
    Result.PARTLY_CONFORMING,
    Result.NO_DATA,
    Result.AWAITING_JUDGEMENT,
)
"""Results that ask somebody to do something."""


def _missing(view: View, verdicts: Iterable[Verdict]) -> list[CheckRow]:
    """The checks that fail or found nothing, each once, those with most to mend first."""
    unmet = (Outcome.FAILS, Outcome.NO_DATA, Outcome.AWAITING_JUDGEMENT)
    open_ones = [v for v in verdicts if v.result in GAPS]
    keys = dict.fromkeys(key for v in open_ones for key in v.keys(*unmet))
    rows = [check_row(view, view.catalogue.checks[key]) for key in keys]
    return sorted(rows, key=lambda row: -(row.exceptions or 0))


def _registers(view: View, clause: Clause) -> list[Step]:
    """The registers that answer to a clause, with the first step to put something into them."""
    found = [r for r in registers.values() if _answers_to(r, clause.number)]
    return [
        Step(
            label=r.model._meta.verbose_name_plural,
            text=r.first_step or r.purpose,
            url=f"/{r.slug}/",
        )
        for r in found
        if view.person.may(f"{r.model._meta.app_label}.view_{r.model._meta.model_name}")
    ]


def _answers_to(register: type[Register], number: str) -> bool:
    return any(c == number or c.startswith(f"{number}.") for c in register.clauses)


def _clause_course(view: View, clause: Clause) -> list[tuple[datetime, SafeString, int, int]]:
    """How the clause stood at the end of each of the last six months that were kept."""
    since = view.statement.at - timedelta(days=190)
    months = {at.strftime("%Y-%m"): number for number, at in statements.course(since)}
    return [
        (at, result_badge(sums.worst), sums.conforming, sums.total)
        for at, sums in statements.clause_course(clause, list(months.values())[-6:])
        if sums.worst
    ]
