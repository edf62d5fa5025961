"""Today: could we pass an audit now, and what needs me."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.dates import MONTHS_3
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from verne.conformity import statement as statements
from verne.conformity.catalogue import Clause
from verne.conformity.models import Snapshot
from verne.conformity.statement import Statement
from verne.conformity.verdict import Judgement, Result, RollUp

from .. import components, phrases, work
from ..context import QUARTERS, clause_url
from ..drawings import Line, Wheel, WheelClause, WheelQuarter, wheel
from ..drawn import once
from ..first_steps import first_steps
from ..parts import PageHeader
from .common import from_replica, person_of, staff

MONTHS = 12


@staff
@from_replica
def today(request: HttpRequest) -> HttpResponse:
    """The first page after signing in."""
    person = person_of(request)
    hits, more = work.mine(person)
    context: dict[str, Any] = {
        "header": PageHeader(title=_("Today"), lead=phrases.weekday(timezone.now())),
        "mine": hits,
        "more": more,
        "first_steps": first_steps(person),
        "breaching": work.about_to_breach(person),
        "awaiting": work.awaiting(person),
        "to_read": work.to_read(person),
        "deadlines": work.due_soon(person),
        "changed": work.changed_lately(person),
    }
    if person.may("conformity.view_statement"):
        context |= _statement()
    if getattr(request, "htmx", False) and request.GET.get("part") == "work":
        return render(request, "today.html#work", context)
    return render(request, "today.html", context)


def _statement() -> dict[str, Any]:
    """The wheel, the figure, the line of a year and the widest gaps, as last computed."""
    statement = statements.stored()
    judgement = statement.judgement
    return {
        "statement": statement,
        "wheel_drawn": once(judgement, lambda: _wheel(judgement), "wheel"),
        "clauses": once(judgement, lambda: _clauses(judgement), "clauses"),
        "counts": _counts(judgement.whole),
        "course": _course(statement),
        "gaps": _gaps(statement),
        "computed": statement.computed,
        "checks": len(statement.figures),
    }


def _counts(sums: RollUp) -> dict[str, int]:
    return {result.value: number for result, number in sums.counts.items()}


def _shown_clauses(judgement: Judgement, quarter: str) -> list[Clause]:
    """The clauses a person knows by number: 4.1, 8.2.3; of chapter 8 one level deeper."""
    catalogue = judgement.catalogue
    return [
        clause
        for clause in sorted(catalogue.clauses.values(), key=lambda c: c.order)
        if catalogue.clauses[clause.chapter].pdca == quarter
        and not clause.informative
        and any(catalogue.requirements_under(clause.number))
        and (clause.depth == 1 or (clause.depth == 2 and clause.chapter == "8"))
        and not (clause.depth == 1 and clause.chapter == "8" and catalogue.children(clause.number))
    ]


def _wheel(judgement: Judgement) -> SafeString:
    return wheel(
        Wheel(
            readiness=judgement.whole.readiness or 0,
            caption=_("conforming today"),
            url="/standard/",
            quarters=[_quarter(judgement, key, label) for key, label, _clauses in QUARTERS],
        )
    )


def _quarter(judgement: Judgement, key: str, label: Any) -> WheelQuarter:
    sums = judgement.clauses()
    clauses = _shown_clauses(judgement, key)
    met = sum(sums[c.number].conforming for c in clauses)
    total = sum(sums[c.number].total for c in clauses)
    return WheelQuarter(
        key=key,
        label=label,
        note=_("%(met)s of %(total)s conforming")
        % {"met": phrases.number(met), "total": phrases.number(total)},
        clauses=[_piece(clause, sums[clause.number]) for clause in clauses],
    )


def _piece(clause: Clause, sums: RollUp) -> WheelClause:
    return WheelClause(
        number=clause.number,
        title=clause.title,
        result=_result(sums),
        share=sums.conforming / sums.total if sums.total else 0,
        url=clause_url(clause.number),
        met=sums.conforming,
        total=sums.total,
    )


def _result(sums: RollUp) -> str:
    worst = sums.worst
    return worst.value if worst is not None else Result.NO_DATA.value


def _clauses(judgement: Judgement) -> SafeString:
    """The wheel as tables: the same links for those who read words."""
    return render_to_string("parts/clauses.html", {"quarters": _tree(judgement)})


def _tree(judgement: Judgement) -> list[dict[str, Any]]:
    sums = judgement.clauses()
    return [
        {
            "key": key,
            "label": label,
            "numbers": numbers,
            "clauses": [
                {
                    "number": clause.number,
                    "title": clause.title,
                    "url": clause_url(clause.number),
                    "verdict": components.verdict(_result(sums[clause.number])),
                    "figure": _("%(met)s of %(total)s")
                    % {
                        "met": phrases.number(sums[clause.number].conforming),
                        "total": phrases.number(sums[clause.number].total),
                    },
                }
                for clause in _shown_clauses(judgement, key)
            ],
        }
        for key, label, numbers in QUARTERS
    ]


def _course(statement: Statement) -> Line | None:
    """Readiness of the last twelve months; none while there is only one month to show."""
    months = statements.by_month(statement.at - timedelta(days=366))
    if len(months) < 2:
        return None
    return Line(
        title=_("Readiness over twelve months"),
        note=_("last snapshot of each month"),
        unit="%",
        high=100,
        labels=(_("Month"), _("Conforming")),
        points=[
            (str(MONTHS_3[timezone.localtime(s.at).month]), _share(s)) for s in months[-MONTHS:]
        ],
    )


def _share(snapshot: Snapshot) -> int | None:
    share = snapshot.whole.readiness
    return None if share is None else round(100 * share)


def _gaps(statement: Statement) -> list[dict[str, Any]]:
    """Obligations that fail, those broken by the most records first."""
    failing = []
    for verdict in statement.judgement.verdicts.values():
        if verdict.result is not Result.NONCONFORMING:
            continue
        broken = sum(
            statement.figures[check.key].exceptions or 0
            for check in verdict.requirement.checks
            if check.key in statement.figures
        )
        failing.append((broken, verdict.requirement))
    failing.sort(key=lambda pair: -pair[0])
    return [
        {
            "title": Truncator(requirement.text).chars(120),
            "url": f"/standard/obligation/{requirement.id}/",
            "clause": components.clause(
                requirement.clause,
                clause_url(requirement.clause),
                quarter=requirement.pdca,
                result="gap",
            ),
            "broken": broken,
        }
        for broken, requirement in failing[:5]
    ]
