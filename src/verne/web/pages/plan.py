"""The service management plan beside the registers it rests on, section by section."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from verne.conformity.catalogue import catalogue
from verne.engine.people import Person
from verne.engine.register import registers
from verne.engine.rights import may
from verne.sms.support.document.models import Document
from verne.sms.support.document.register import handles_documents
from verne.sms.support.document.revision import Revision
from verne.sms.support.plan.composing import draft_of, take_over, text_in_force, the_plan
from verne.sms.support.plan.drift import Drift, SectionStanding, standings
from verne.sms.support.plan.sections import Passage
from verne.web import components, show
from verne.web.context import clause_url, plural
from verne.web.pages.standard.shown import cited
from verne.web.parts import Action, Empty, Link, PageHeader
from verne.web.views.common import person_of, register_at, staff, tell_refusal

STARTER = "service-management-plan"


@dataclass(frozen=True)
class RegisterNow:
    """What a register says now, with its list, for those who may look into it."""

    label: Any
    url: str
    passage: Passage


@dataclass(frozen=True)
class SectionRow:
    """A section: how the plan stands to its registers, and what they say."""

    key: str
    title: Any
    letter: SafeString
    standing: SafeString
    taken_at: datetime | None
    by_hand: bool
    registers: Sequence[RegisterNow]
    drifts: Sequence[Drift]


@staff
def page(request: HttpRequest) -> HttpResponse:
    """For those who handle documents; everybody else reads the text in force."""
    person = person_of(request)
    register_at("documents", person)
    plan = _seen(person)
    if plan is not None and not handles_documents(person):
        return redirect("record", plan.ref)
    header = PageHeader(
        title=_("Service management plan"),
        lead=_("What the plan says beside what its registers say today."),
        quarter="plan",
        crumbs=[Link(label=_("Documents"), url="/documents/")],
        clauses=[components.clause("6.3", url=clause_url("6.3"))],
        actions=_actions(plan, person),
    )
    if plan is None:
        return render(request, "plan/page.html", {"header": header, "empty": _empty(person)})
    held = text_in_force(plan)
    draft = draft_of(held.edition) if held else draft_of(plan.editions.order_by("pk")[0])
    compared = held or draft
    found = standings(compared)
    return render(
        request,
        "plan/page.html",
        {
            "header": header,
            "plan": plan,
            "compared": compared,
            "state": _state(compared),
            "draft": draft if draft != compared else None,
            "sections": [_row(each, person) for each in found],
            "drifted": sum(each.drifted > 0 for each in found),
            "resting": sum(not each.by_hand for each in found),
        },
    )


def _seen(person: Person) -> Document | None:
    plan = the_plan()
    if plan is None or not Document.objects.visible_to(person).filter(pk=plan.pk).exists():
        return None
    return plan


def _state(revision: Revision | None) -> SafeString:
    return show.state(revision) if revision else SafeString("")


def _may_write(person: Person) -> bool:
    return may(person, "file", Revision) and may(person, "revise", Revision)


def _actions(plan: Document | None, person: Person) -> list[Action]:
    if plan is None:
        return []
    actions = [Action(label=_("Read the plan"), url=plan.get_absolute_url(), icon="file")]
    if _may_write(person):
        actions.append(
            Action(
                label=_("Take the registers over into a draft"),
                url=reverse("plan-take-over"),
                method="post",
                kind="primary",
            )
        )
    return actions


def _empty(person: Person) -> Empty:
    actions = []
    if may(person, "file", Document) and _may_write(person):
        actions = [
            Action(
                label=_("Begin from the starter text"),
                url=reverse("standard-documented-begin", args=[STARTER]),
                method="post",
                kind="primary",
            )
        ]
    return Empty(
        title=_("There is no service management plan yet"),
        text=_(
            "The plan says how policy and objectives become daily work: services, limitations, "
            "obligations, authorities, resources, other parties, technology and measuring. "
            "Sections that a register here keeps are taken over from it."
        ),
        quarter="plan",
        clauses=[components.clause("6.3", url=clause_url("6.3"))],
        actions=actions,
    )


def _row(each: SectionStanding, person: Person) -> SectionRow:
    seen = [
        RegisterNow(plural(registers[passage.kind]), f"/{registers[passage.kind].slug}/", passage)
        for passage in each.now
        if may(person, "view", registers[passage.kind].model)
    ]
    kinds = {now.passage.kind for now in seen}
    return SectionRow(
        key=each.section.key,
        title=each.section.title,
        letter=components.clause(
            cited(catalogue().requirements[each.section.obligation]),
            url=reverse("standard-obligation", args=[each.section.obligation]),
        ),
        standing=_standing(each),
        taken_at=each.taken_at,
        by_hand=each.by_hand,
        registers=seen,
        drifts=[drift for drift in each.drifts if drift.kind in kinds],
    )


def _standing(each: SectionStanding) -> SafeString:
    if each.by_hand:
        return components.state(_("Written by hand"), "new")
    if each.taken_at is None:
        return components.state(_("Not taken over yet"), "waiting")
    if not each.drifted:
        return components.state(_("As the registers say"), "done")
    words = ngettext(
        "Drifted: %(number)d record differs", "Drifted: %(number)d records differ", each.drifted
    ) % {"number": each.drifted}
    return components.state(words, "alert")


@require_POST
@staff
def take(request: HttpRequest) -> HttpResponse:
    """Write what the registers say into the draft."""
    person = person_of(request)
    plan = _seen(person)
    if plan is None or not handles_documents(person):
        raise Http404
    try:
        draft = take_over(plan, by=person)
    except (ValidationError, PermissionDenied) as refusal:
        tell_refusal(request, refusal)
        return redirect("plan")
    messages.success(
        request,
        _("Revision %(number)s says what the registers say now. Read it, then submit it.")
        % {"number": draft.number},
    )
    return redirect("document-write", draft.ref)


urlpatterns = [
    path("documents/plan/", page, name="plan"),
    path("documents/plan/take-over", take, name="plan-take-over"),
]
