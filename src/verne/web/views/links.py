"""What a record is linked to: adding links and ending them."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from verne.engine import acts, search
from verne.engine.links import Link, link_types
from verne.engine.people import Person
from verne.engine.records import Record, Sheet
from verne.engine.rights import may, scope

from .. import anatomy
from ..seen import sheet_at
from .common import one, person_of, staff, tell_refusal
from .record import header, record_at


@staff
def link(request: HttpRequest, ref: str) -> HttpResponse:
    """Tie the record to another one, found by reference or by words."""
    person = person_of(request)
    record = record_at(ref, person)
    if not may(person, "link", type(record)):
        raise PermissionDenied
    choices = anatomy.link_choices(record, person)
    text = (request.POST.get("other") or request.GET.get("other") or "").strip()
    chosen = request.POST.get("how") or request.GET.get("how") or ""
    status, found = 200, []
    if request.method == "POST":
        status = 422
        other = _seen_by_ref(text, person)
        if other is None:
            messages.error(request, _("There is no record “%(text)s” for you.") % {"text": text})
        else:
            try:
                acts.link(record, chosen, other, by=person, note=one(request, "note"))
                messages.success(request, _("%(ref)s is linked to it.") % {"ref": other.ref})
                return redirect(f"/r/{record.ref}#links")
            except (ValidationError, PermissionDenied) as error:
                tell_refusal(request, error)
    elif text:
        found = _found(text, person, exclude=record.pk)
    context = {
        "it": record,
        "header": header(record, _("Link %(ref)s to another record") % {"ref": record.ref}),
        "choices": choices,
        "chosen": chosen,
        "other": text,
        "found": found,
        "url": request.path,
    }
    return render(request, "records/link.html", context, status=status)


def _seen_by_ref(text: str, person: Person) -> Record | None:
    ref = text.split()[0].upper() if text else ""
    sheet = sheet_at(person, ref)
    return sheet.opened() if sheet else None


def _found(text: str, person: Person, *, exclude: int) -> list[Sheet]:
    rows = Sheet.objects.filter(scope(person, Sheet), withdrawn_at=None).exclude(pk=exclude)
    keys = search.ranked(rows, text, 15)
    known = Sheet.objects.in_bulk(keys)
    return [known[key] for key in keys if key in known]


@require_POST
@staff
def unlink(request: HttpRequest, ref: str, number: int) -> HttpResponse:
    person = person_of(request)
    record = record_at(ref, person)
    tie = Link.objects.filter(pk=number, ended_at=None).first()
    if tie is None or record.pk not in (tie.source_id, tie.target_id):
        raise Http404
    outward = tie.source_id == record.pk
    kind = link_types[tie.kind]
    other = (tie.target if outward else tie.source).opened()
    try:
        acts.unlink(record, kind.name if outward else kind.inverse, other, by=person)
        messages.success(request, _("The link to %(ref)s is ended.") % {"ref": other.ref})
    except (ValidationError, PermissionDenied) as error:
        tell_refusal(request, error)
    return redirect(f"/r/{record.ref}#links")
