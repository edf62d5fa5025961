"""Printing a record: the paper with its number, and the list of the copies there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from verne.engine.people import Person
from verne.engine.printing.copies import PrintedCopy, call_back, print_copy
from verne.engine.printing.printable import Printable, has_paper, printable
from verne.engine.records import Record
from verne.engine.rights import may
from verne.web import components
from verne.web.parts import Link, PageHeader
from verne.web.views.common import one, person_of, staff, tell_refusal
from verne.web.views.record import record_at

SHOWN = 50
"""Copies on the page, the newest; those that are out with somebody are always shown."""


@dataclass(frozen=True)
class CopyRow:
    """A copy, and whether whoever keeps it works by the right text."""

    copy: PrintedCopy
    language: str
    standing: SafeString
    back_url: str = ""


@staff
def page(request: HttpRequest, ref: str) -> HttpResponse:
    """What would be printed, the form, and the copies there are; posted to, the PDF."""
    person = person_of(request)
    record, offer = _offered(ref, person)
    if request.method == "POST":
        return _printed(request, record, offer, person)
    under = offer.under if offer else record
    return render(
        request,
        "records/print.html",
        {
            "header": PageHeader(
                title=_("Print"),
                lead=_("%(ref)s %(title)s") % {"ref": record.ref, "title": record.title},
                crumbs=[Link(label=record.ref, url=f"/r/{record.ref}")],
            ),
            "url": request.path,
            "offer": offer,
            "language": _language(offer.paper.language) if offer else "",
            "rows": _rows(under, offer, person),
        },
    )


def _offered(ref: str, person: Person) -> tuple[Record, Printable | None]:
    record = record_at(ref, person)
    if not has_paper(record):
        raise Http404
    return record, printable(record, person)


def _printed(
    request: HttpRequest, record: Record, offer: Printable | None, person: Person
) -> HttpResponse:
    if offer is None:
        messages.error(request, _("There is nothing in force to print yet."))
        return redirect("record-print", record.ref)
    try:
        copy, made = print_copy(
            offer.under,
            offer.paper,
            what=offer.what,
            content_hash=offer.content_hash,
            by=person,
            holder=one(request, "holder"),
        )
    except (ValidationError, PermissionDenied) as refusal:
        tell_refusal(request, refusal)
        return redirect("record-print", record.ref)
    response = HttpResponse(made, content_type="application/pdf")
    name = f"{offer.under.ref}-copy-{copy.number}.pdf"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


@staff
@require_POST
def back(request: HttpRequest, ref: str, number: int) -> HttpResponse:
    """Note that a copy somebody kept is back."""
    person = person_of(request)
    record, offer = _offered(ref, person)
    under = offer.under if offer else record
    copy = get_object_or_404(PrintedCopy, record=under.pk, number=number)
    try:
        call_back(copy, by=person, note=one(request, "note"))
    except (ValidationError, PermissionDenied) as refusal:
        tell_refusal(request, refusal)
    else:
        messages.success(request, _("Copy %(number)d is noted as back.") % {"number": number})
    return redirect("record-print", record.ref)


def _rows(under: Record, offer: Printable | None, person: Person) -> list[CopyRow]:
    copies = PrintedCopy.objects.filter(record=under.pk).select_related("by").order_by("-number")
    newest = list(copies[:SHOWN])
    older = copies.filter(called_back_at=None).exclude(holder="")
    shown = newest + [copy for copy in older if copy.number < newest[-1].number] if newest else []
    calls_back = may(person, "comment", type(under))
    now = offer.content_hash if offer else ""
    return [
        CopyRow(
            copy,
            _language(copy.language),
            _standing(copy, now),
            reverse("record-copy-back", args=[under.ref, copy.number])
            if copy.is_out and calls_back
            else "",
        )
        for copy in shown
    ]


def _standing(copy: PrintedCopy, now: str) -> SafeString:
    if copy.called_back_at is not None:
        return components.state(_("Called back"), "closed")
    if not copy.holder:
        return components.state(_("Uncontrolled"), "new")
    if copy.content_hash == now:
        return components.state(_("Says what is in force"), "done")
    return components.state(_("Out of date: call it back"), "alert")


def _language(code: str) -> Any:
    return get_language_info(code)["name_local"]


urlpatterns = [
    path("r/<str:ref>/print", page, name="record-print"),
    path("r/<str:ref>/print/<int:number>/back", back, name="record-copy-back"),
]
