"""An obligation: what it asks, what its checks found, who answers for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from verne.conformity.adjusting import InForce
from verne.conformity.catalogue import Requirement, UniversalCheck
from verne.conformity.duration import Duration
from verne.conformity.models import Adjustment
from verne.conformity.owning import holders_by_role
from verne.conformity.verdict import Outcome
from verne.engine.roles import label as role_label
from verne.web import phrases
from verne.web.pages.nonconformities import raising
from verne.web.parts import Fact, Link, PageHeader

from .attesting import judgements_of
from .elsewhere import elsewhere
from .shown import PHASES, check_row, cited, documents_of, how_many_computed
from .view import View, crumbs, kept_from_replica, open_view, outcome_badge, result_badge


@dataclass(frozen=True)
class UniversalRow:
    condition: str
    outcome: SafeString
    effect: Any


EFFECTS: Final = {
    "result": _("counts towards the result"),
    "assurance": _("shows how well the result is backed, and does not alter it"),
}


@login_required
@kept_from_replica
def obligation(request: HttpRequest, id: str) -> HttpResponse:
    view = open_view(request)
    found = view.catalogue.requirements.get(id)
    if found is None:
        raise Http404(gettext("There is no obligation %(id)s.") % {"id": id})
    verdict = view.statement.judgement.verdicts[id]
    clause = view.catalogue.clauses[found.clause]
    return render(
        request,
        "standard/obligation.html",
        view.base
        | {
            "header": PageHeader(
                title=f"{cited(found)} {clause.title}",
                quarter=found.pdca,  # type: ignore[arg-type]
                crumbs=crumbs(view, [clause, *view.catalogue.ancestors(clause.number)]),
                actions=[] if view.past else raising.from_obligation(view.person, found),
            ),
            "raised": raising.against(view.person, id),
            "requirement": found,
            "verdict": result_badge(verdict.result),
            "meaning": verdict.result.meaning,
            "computed": how_many_computed(verdict),
            "facts": _facts(view, found),
            "judged": judgements_of(view, found),
            "checks": [check_row(view, check) for check in found.checks],
            "universal": [
                UniversalRow(
                    condition=check.condition,
                    outcome=outcome_badge(_seen(view, found, check)),
                    effect=EFFECTS[check.effect],
                )
                for check in view.catalogue.universal.values()
            ],
            "documents": documents_of(view, [verdict]),
            "elsewhere": elsewhere(view, clause),
            "siblings": [
                Link(
                    label=cited(r),
                    url=view.obligation_url(r.id),
                    current=r.id == id,
                )
                for r in view.catalogue.statements[found.statement]
            ],
        },
    )


def _seen(view: View, requirement: Requirement, check: UniversalCheck) -> Outcome:
    return view.statement.universal[requirement.id].get(check, Outcome.NOT_YET_COMPUTED)


DECIDERS: Final = {
    "records": _("Records of the work decide."),
    "attestation": _("A signed judgement of the accountable person decides."),
    "mixed": _("Records decide, together with a signed judgement."),
}


def _facts(view: View, requirement: Requirement) -> list[Fact]:
    values = InForce.at(view.statement.at)
    owner = requirement.owner_role
    held = holders_by_role(view.statement.at, [owner]).get(owner, [])
    facts = [
        Fact(
            label=_("Answers for it"),
            value=role_label(requirement.owner_role),
            why=gettext("Held by %(people)s.") % {"people": ", ".join(held)}
            if held
            else gettext("Nobody holds this role."),
        ),
        Fact(label=_("Phase"), value=PHASES[requirement.pdca]),
        Fact(label=_("Decided by"), value=DECIDERS[requirement.decided_by]),
    ]
    if interval := values.frequency(requirement):
        facts.append(_interval_fact(values, requirement, interval))
    if requirement.applies_when:
        facts.append(Fact(label=_("Applies when"), value=requirement.applies_when))
    if requirement.amendment:
        facts.append(Fact(label=_("Came with"), value=requirement.amendment))
    return facts


def _interval_fact(values: InForce, requirement: Requirement, interval: Duration) -> Fact:
    adjusted = values.adjustment(Adjustment.What.FREQUENCY, requirement.id)
    if adjusted:
        why = gettext("Set by %(name)s on %(day)s: %(why)s") % {
            "name": adjusted.by,
            "day": phrases.day(adjusted.at),
            "why": adjusted.why,
        }
    elif requirement.frequency and requirement.frequency.basis == "standard":
        why = gettext("The standard asks for planned intervals; the length is yours to set.")
    else:
        why = gettext("The standard names no interval; this one is customary.")
    return Fact(label=_("Planned interval"), value=interval.words, why=why)
