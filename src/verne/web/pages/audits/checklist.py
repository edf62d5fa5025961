"""The checklist of an audit: each question with its evidence, and a place for a verdict."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from verne.engine.people import Person
from verne.engine.requirements import library
from verne.engine.rights import may
from verne.sms.evaluation.audit.checklist import (
    Overtaken,
    Question,
    judge,
    judge_rest,
    questions_of,
)
from verne.sms.evaluation.audit.finding import AuditFinding
from verne.sms.evaluation.audit.models import Audit
from verne.sms.evaluation.audit.request import EvidenceRequest
from verne.sms.evaluation.sampling.models import AuditSample
from verne.web.parts import Link, PageHeader
from verne.web.views.common import one, person_of, refusals, staff
from verne.web.views.record import record_at

from . import figures

OPEN = ("prepared", "under_way")
"""States in which a checklist takes verdicts."""


@staff
def page(request: HttpRequest, ref: str) -> HttpResponse:
    """The questions of one clause at a time; a verdict is sent question by question."""
    person = person_of(request)
    audit = record_at(ref, person)
    if not isinstance(audit, Audit):
        raise Http404
    if request.method == "POST":
        return _answer(request, audit, person)
    return _page(request, audit, person)


def _rest(request: HttpRequest, audit: Audit, person: Person) -> HttpResponse:
    """One verdict for what is left of a clause."""
    clause = one(request, "rest")
    said = {"verdict": one(request, "verdict"), "note": one(request, "note")}
    try:
        rows = judge_rest(audit, clause=clause, by=person, **said)
    except (ValidationError, PermissionDenied) as error:
        wrong = {"number": 0, "errors": refusals(error), **said}
        return _page(request, audit, person, clause=clause, wrong=wrong, status=422)
    messages.success(
        request,
        ngettext("%d verdict is kept.", "%d verdicts are kept.", len(rows)) % len(rows),
    )
    return redirect(f"{request.path}?clause={clause}")


def _answer(request: HttpRequest, audit: Audit, person: Person) -> HttpResponse:
    if "rest" in request.POST:
        return _rest(request, audit, person)
    number = one(request, "question")
    row = get_object_or_404(audit.questions, pk=int(number) if number.isdecimal() else 0)
    seen = one(request, "seen")
    said = {"verdict": one(request, "verdict"), "note": one(request, "note")}
    try:
        judge(row, by=person, seen=int(seen) if seen.isdecimal() else 0, **said)
    except Overtaken as overtaken:
        return _refused(request, audit, person, row.pk, overtaken, said, status=409)
    except (ValidationError, PermissionDenied) as error:
        return _refused(request, audit, person, row.pk, error, said)
    if getattr(request, "htmx", False):
        return _one(request, audit, person, row.pk)
    messages.success(request, _("The verdict on %(what)s is kept.") % {"what": row.obligation})
    return redirect(f"{request.path}?clause={row.clause}#q-{row.pk}")


def _refused(
    request: HttpRequest,
    audit: Audit,
    person: Person,
    number: int,
    error: ValidationError | PermissionDenied,
    said: dict[str, str],
    status: int = 422,
) -> HttpResponse:
    """The question again, with what was typed still there."""
    wrong = {"number": number, "errors": refusals(error), **said}
    if getattr(request, "htmx", False):
        return _one(request, audit, person, number, wrong=wrong, status=status)
    clause = audit.questions.values_list("clause", flat=True).get(pk=number)
    return _page(request, audit, person, clause=clause, wrong=wrong, status=status)


def _one(
    request: HttpRequest,
    audit: Audit,
    person: Person,
    number: int,
    *,
    wrong: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    clause = audit.questions.values_list("clause", flat=True).get(pk=number)
    question = next(q for q in questions_of(audit, clause=clause) if q.row.pk == number)
    context = {"q": _shown(question, audit, person, wrong), "url": request.path}
    return render(request, "audits/checklist.html#question", context, status=status)


def _page(
    request: HttpRequest,
    audit: Audit,
    person: Person,
    *,
    clause: str = "",
    wrong: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    verdicts: dict[str, list[str]] = {}
    for number, verdict in audit.questions.order_by("pk").values_list("clause", "verdict"):
        verdicts.setdefault(number, []).append(verdict)
    known = library().clauses()
    numbers = [number for number in known if number in verdicts]
    asked = clause or request.GET.get("clause", "")
    shown = asked if asked in verdicts else next(iter(numbers), "")
    questions = questions_of(audit, clause=shown) if shown else []
    context = {
        "it": audit,
        "header": PageHeader(
            title=_("Checklist of %(ref)s") % {"ref": audit.ref},
            lead=audit.title,
            quarter="check",
            crumbs=[
                Link(label=_("Audits"), url="/audits/"),
                Link(label=f"{audit.ref} {audit.title}", url=audit.get_absolute_url()),
            ],
        ),
        "clauses": [
            {
                "link": Link(
                    label=f"{number} {known[number].name}",
                    url=f"{request.path}?clause={number}",
                    current=number == shown,
                ),
                "done": sum(1 for verdict in verdicts[number] if verdict),
                "total": len(verdicts[number]),
            }
            for number in numbers
        ],
        "clause": known.get(shown),
        "questions": [_shown(question, audit, person, wrong) for question in questions],
        "done": sum(1 for said in verdicts.values() for verdict in said if verdict),
        "total": sum(len(said) for said in verdicts.values()),
        "url": request.path,
        "open": audit.state in OPEN,
        "rest": _what_is_left(audit, person, verdicts.get(shown, []), wrong),
    }
    return render(request, "audits/checklist.html", context, status=status)


def _what_is_left(
    audit: Audit, person: Person, verdicts: list[str], wrong: dict[str, Any] | None
) -> dict[str, Any] | None:
    """The form that gives what is left of a clause one verdict; None where nothing is left."""
    left = sum(1 for verdict in verdicts if not verdict)
    if left < 2 or audit.state not in OPEN or not may(person, "revise", Audit):
        return None
    refused = wrong if wrong and wrong["number"] == 0 else None
    return {
        "number": left,
        "choices": figures.choices(refused["verdict"] if refused else ""),
        "note": refused["note"] if refused else "",
        "errors": refused["errors"] if refused else [],
    }


def _shown(
    question: Question, audit: Audit, person: Person, wrong: dict[str, Any] | None
) -> dict[str, Any]:
    """A question as the page shows it; a refused one keeps what was typed."""
    row, asked = question.row, question.obligation
    refused = wrong if wrong and wrong["number"] == row.pk else None
    given = {"audit": audit.ref, "obligation": asked.id}
    by_number = {"audit": audit.pk, "obligation": asked.id}
    draw = "/audit/draw/" if may(person, "file", AuditSample) else ""
    links = []
    if may(person, "file", AuditFinding):
        links.append((_("Note a finding"), f"/audit-findings/new?{urlencode(by_number)}"))
    if may(person, "file", EvidenceRequest):
        links.append((_("Ask for evidence"), f"/evidence-requests/new?{urlencode(by_number)}"))
    return {
        "row": row,
        "target": f"#q-{row.pk}",
        "asked": asked,
        "badge": figures.verdict_badge(row.verdict),
        "figures": [
            figures.figure(found, url=f"/standard/check/{found.key}/", draw=draw, **given)
            for found in question.found
        ],
        "may_judge": audit.state in OPEN and may(person, "revise", Audit),
        "choices": figures.choices(refused["verdict"] if refused else row.verdict),
        "note": refused["note"] if refused else row.note,
        "errors": refused["errors"] if refused else [],
        "links": links if audit.state in OPEN else [],
    }
