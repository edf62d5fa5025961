"""Documents that customers may read, in the portal."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from verne.engine.rights import may
from verne.sms.support.document.models import Document

from ...views.common import person_of, signed_in
from .read import chosen, facts_of
from .shown import document_at


@signed_in
def documents(request: HttpRequest) -> HttpResponse:
    """Everything in force that is meant for customers."""
    person = person_of(request)
    if not may(person, "view", Document):
        raise Http404
    rows = Document.objects.visible_to(person).filter(state="in_force", for_customers=True)
    return render(request, "documents/portal_list.html", {"rows": rows.order_by("title")})


@signed_in
def document(request: HttpRequest, ref: str) -> HttpResponse:
    person = person_of(request)
    found = document_at(ref, person)
    revision, others = chosen(found, person, request.GET.get("in", ""))
    if revision is None or not found.for_customers:
        raise Http404
    return render(request, "documents/portal.html", facts_of(found, revision, others, person))
