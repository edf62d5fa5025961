"""The sampling bench: walk the items of a sample, each beside the record as it was when frozen."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from verne.engine import sight
from verne.engine.history import as_it_was
from verne.engine.people import Person
from verne.engine.records import Record, Sheet
from verne.engine.register import register_of
from verne.engine.rights import may, scope
from verne.sms.evaluation.audit.finding import AuditFinding
from verne.sms.evaluation.sampling.judging import Overtaken, judge
from verne.sms.evaluation.sampling.models import AuditSample, SampleItem
from verne.web import anatomy, show
from verne.web.parts import FieldSection, Link, PageHeader
from verne.web.views.common import one, person_of, refusals, signed_in
from verne.web.views.record import record_at

from . import figures


@signed_in
def page(request: HttpRequest, ref: str) -> HttpResponse:
    """The items at the left; the one chosen at the right, with its record and its verdict."""
    person = person_of(request)
    sample = record_at(ref, person)
    if not isinstance(sample, AuditSample):
        raise Http404
    if request.method == "POST":
        return _answer(request, sample, person)
    return _page(request, sample, person, _chosen(sample, request.GET.get("item", "")))


def _chosen(sample: AuditSample, position: str) -> SampleItem | None:
    """The item asked for, else the first without a verdict, else the first."""
    items = sample.items.select_related("sheet", "judged_by")
    if position.isdecimal():
        found: SampleItem | None = items.filter(position=int(position)).first()
        if found is not None:
            return found
    return items.filter(verdict="").first() or items.first()


def _answer(request: HttpRequest, sample: AuditSample, person: Person) -> HttpResponse:
    item = _chosen(sample, one(request, "item"))
    if item is None:
        raise Http404
    seen = one(request, "seen")
    said = {"verdict": one(request, "verdict"), "note": one(request, "note")}
    try:
        judge(item, by=person, seen=int(seen) if seen.isdecimal() else 0, **said)
    except Overtaken as overtaken:
        wrong = {"errors": refusals(overtaken), **said}
        return _page(request, sample, person, overtaken.item, wrong=wrong, status=409)
    except (ValidationError, PermissionDenied) as error:
        wrong = {"errors": refusals(error), **said}
        return _page(request, sample, person, item, wrong=wrong, status=422)
    after = sample.items.filter(verdict="", position__gt=item.position).first()
    following = after or sample.items.filter(verdict="").first()
    if following is None:
        messages.success(request, _("Every item has a verdict: conclude the sample on its page."))
    return redirect(f"{request.path}?item={(following or item).position}")


def _page(
    request: HttpRequest,
    sample: AuditSample,
    person: Person,
    item: SampleItem | None,
    *,
    wrong: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    items = list(sample.items.select_related("sheet"))
    unseen = sight.unseen_among((row.sheet for row in items), person)
    open_ = sample.state == "drawn" and may(person, "revise", AuditSample)
    context: dict[str, Any] = {
        "it": sample,
        "header": PageHeader(
            title=_("Bench of %(ref)s") % {"ref": sample.ref},
            lead=sample.title,
            quarter="check",
            crumbs=[
                Link(label=_("Audit samples"), url="/audit-samples/"),
                Link(label=f"{sample.ref} {sample.title}", url=sample.get_absolute_url()),
            ],
        ),
        "url": request.path,
        "rows": [
            {
                "item": row,
                "title": "" if row.sheet_id in unseen else row.sheet.title,
                "badge": figures.verdict_badge(row.verdict, compact=True),
                "current": item is not None and row.pk == item.pk,
            }
            for row in items
        ],
        "done": sum(1 for row in items if row.verdict),
        "total": len(items),
    }
    if item is not None:
        context["shown"] = _shown(sample, item, person) | {
            "open": open_,
            "choices": figures.choices(wrong["verdict"] if wrong else item.verdict),
            "note": wrong["note"] if wrong else item.note,
            "errors": wrong["errors"] if wrong else [],
        }
    return render(request, "audits/bench.html" + _fragment(request), context, status=status)


def _fragment(request: HttpRequest) -> str:
    """Walking the list fetches the item alone."""
    htmx = getattr(request, "htmx", False) and request.method == "GET"
    return "#item" if htmx else ""


def _shown(sample: AuditSample, item: SampleItem, person: Person) -> dict[str, Any]:
    """An item with its record as it was at the instant the population was frozen."""
    facts: dict[str, Any] = {"item": item, "badge": figures.verdict_badge(item.verdict)}
    finding = f"/audit-findings/new?sample={sample.pk}&obligation={sample.obligation}"
    if sample.audit_id:
        finding += f"&audit={sample.audit_id}"
    facts["finding_url"] = finding if may(person, "file", AuditFinding) else ""
    if not Sheet.objects.filter(scope(person, Sheet), pk=item.sheet_id).exists():
        return facts | {"unseen": True}
    record = item.sheet.opened()
    facts["raises"] = anatomy.raisable_anywhere(person, sample, record)
    since = register_of(record.kind_name()).open_since(record, person)
    if sample.frozen_at and since is not None and sample.frozen_at < since:
        return facts | {"unseen": True}
    then = as_it_was(record, sample.frozen_at) if sample.frozen_at else None
    if then is None:
        return facts | {"gone": True}
    with sight.sparing(sight.unseen([then], register_of(then.kind_name()).fields(), person)):
        sections = _sections(then)
    return facts | {
        "title": then.title,
        "state": show.state(then),
        "sections": sections,
        "changed": record.version != then.version,
        "at": sample.frozen_at,
        "past_url": f"/r/{record.ref}/as-it-was?at={sample.frozen_at:%Y-%m-%dT%H:%M:%S.%fZ}"
        if sample.frozen_at
        else "",
    }


def _sections(then: Record) -> list[FieldSection]:
    """Fields of the record itself; relations with tables of their own are on its page."""
    found = []
    for section in register_of(then.kind_name()).sections:
        names = [n for n in section.fields if not _has_own_table(then, n) and n != "title"]
        if names:
            facts = [anatomy.fact(then, name) for name in names]
            found.append(FieldSection(title=section.title, facts=facts))
    return found


def _has_own_table(record: Record, name: str) -> bool:
    field = record._meta.get_field(name)
    return bool(field.many_to_many or field.one_to_many)
