"""The report of an audit as a page, and as a numbered print."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from verne.engine.people import Person
from verne.engine.printing.copies import print_copy
from verne.engine.requirements import library
from verne.engine.signing import hash_as_it_stands, is_still_true, signatures_of
from verne.sms.evaluation.audit import report
from verne.sms.evaluation.audit.finding import AuditFinding
from verne.sms.evaluation.audit.models import Audit
from verne.sms.evaluation.sampling.models import AuditSample
from verne.web import components
from verne.web.parts import Action, Link, PageHeader
from verne.web.views.common import person_of, staff
from verne.web.views.record import record_at

from . import figures

GRADES = {"major": "gap", "minor": "partly", "opportunity": "awaiting", "strength": "met"}
"""How a grade looks; its word is always beside it."""


@staff
def page(request: HttpRequest, ref: str) -> HttpResponse:
    """What is reported to management; printable as it stands."""
    person = person_of(request)
    audit = _audit_at(ref, person)
    print_it = Action(
        label=_("Print as PDF"),
        url=f"/r/{audit.ref}/report.pdf",
        method="post",
        kind="primary",
        icon="file",
    )
    said = report.verdicts(audit)
    seen = set(
        AuditFinding.objects.visible_to(person).filter(audit=audit.pk).values_list("pk", flat=True)
    )
    findings = [finding for finding in report.findings(audit) if finding.pk in seen]
    context: dict[str, Any] = {
        "it": audit,
        "header": PageHeader(
            title=_("Report of %(ref)s") % {"ref": audit.ref},
            lead=audit.title,
            quarter="check",
            crumbs=[
                Link(label=_("Audits"), url="/audits/"),
                Link(label=f"{audit.ref} {audit.title}", url=audit.get_absolute_url()),
            ],
            actions=[print_it],
        ),
        "team": audit.members.select_related("person"),
        "sessions": audit.sessions.select_related("auditor", "auditee"),
        "told": audit.reported_to.all(),
        "verdicts": [
            (figures.verdict_badge(verdict), said[verdict])
            for verdict in figures.VERDICTS
            if said[verdict]
        ],
        "findings": [
            {
                "it": finding,
                "grade": components.verdict(GRADES[finding.grade], finding.get_grade_display()),
                "asked": library().obligations().get(finding.obligation),
            }
            for finding in findings
        ],
        "samples": AuditSample.objects.visible_to(person).standing().filter(audit=audit.pk),
        "broken": report.not_conforming(audit),
        "signatures": [
            {"it": s, "stands": is_still_true(s)}
            for s in signatures_of(audit, meaning=report.MEANING)
        ],
    }
    return render(request, "audits/report.html", context)


@staff
def printed(request: HttpRequest, ref: str) -> HttpResponse:
    """The report as a PDF: each print is numbered and noted, so it is asked for with a button."""
    person = person_of(request)
    audit = _audit_at(ref, person)
    if request.method != "POST":
        return redirect("audit-report", audit.ref)
    copy, made = print_copy(
        audit,
        report.paper(audit),
        what=audit.what_is_signed(),
        content_hash=hash_as_it_stands(audit),
        by=person,
    )
    name = f"{audit.ref}-{copy.number}.pdf"
    return HttpResponse(
        made,
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _audit_at(ref: str, person: Person) -> Audit:
    audit = record_at(ref, person)
    if not isinstance(audit, Audit):
        raise Http404
    return audit
