"""Lists about documents: their revisions, what one has to read, and who has not read what."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from verne.engine.rights import may
from verne.sms.support.document import reading
from verne.sms.support.document.models import Document
from verne.sms.support.document.register import DocumentRegister, handles_documents
from verne.sms.support.document.revision import Revision

from ... import show
from ...context import plural
from ...parts import Action, Link, PageHeader
from ...views.common import person_of, staff
from .shown import document_at, header_of, tabs_of


@staff
def revisions(request: HttpRequest, ref: str) -> HttpResponse:
    """Every revision of a document, newest first, and the place to begin the next."""
    person = person_of(request)
    document = document_at(ref, person)
    rows = (
        Revision.objects.visible_to(person)
        .filter(document=document)
        .select_related("author", "predecessor", "edition")
        .order_by("language", "-major", "-minor")
    )
    under_way = {row.drafts_of_id for row in rows}
    context = {
        "it": document,
        "header": header_of(document, _("Revisions of %(title)s") % {"title": document.title}),
        "tabs": tabs_of(document, person, "revisions"),
        "rows": [(row, show.state(row)) for row in rows],
        "editions": [e for e in document.editions.all() if e.pk not in under_way],
        "may_begin": may(person, "file", Revision) and document.state != "retired",
        "sizes": Revision.Size.choices,
        "forms": Revision.Form.choices,
    }
    return render(request, "documents/revisions.html", context)


@staff
def to_read(request: HttpRequest) -> HttpResponse:
    """What this person has yet to read."""
    person = person_of(request)
    rows = reading.still_to_read(person)
    now = timezone.now()
    context = {
        "header": PageHeader(
            title=_("To read"),
            lead=_("What is in force and waits for your word that you have read it."),
            count=len(rows),
            crumbs=[Link(label=plural(DocumentRegister), url="/documents/")],
            actions=[Action(label=_("Who has read what"), url="/documents/readers/", kind="quiet")]
            if handles_documents(person)
            else [],
        ),
        "rows": [(row, reading.read_by(row), reading.read_by(row) < now) for row in rows],
    }
    return render(request, "documents/to_read.html", context)


@staff
def readers(request: HttpRequest) -> HttpResponse:
    """For each document to be acknowledged: how many have, and who has not."""
    person = person_of(request)
    if not handles_documents(person):
        raise Http404
    documents = (
        Document.objects.visible_to(person)
        .filter(state="in_force", to_acknowledge=True)
        .order_by("ref")
    )
    rows: list[dict[str, Any]] = []
    missing_by: dict[str, list[Document]] = {}
    for document in documents:
        found = reading.readers(document)
        missing = [reader for reader, said in found if said is None]
        for reader in missing:
            missing_by.setdefault(str(reader), []).append(document)
        rows.append({"it": document, "of": len(found), "missing": missing})
    context = {
        "header": PageHeader(
            title=_("Who has read what"),
            lead=_("Documents that are to be acknowledged, and people whose word is missing."),
            crumbs=[Link(label=plural(DocumentRegister), url="/documents/")],
        ),
        "rows": rows,
        "people": sorted(missing_by.items()),
    }
    return render(request, "documents/readers.html", context)
