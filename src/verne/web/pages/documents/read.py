"""A document as its readers see it: the text in force and its contents, nothing to fill in."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from verne.engine import files
from verne.engine.people import Person
from verne.engine.rights import may
from verne.sms.support.document import reading
from verne.sms.support.document.models import Document
from verne.sms.support.document.register import handles_documents
from verne.sms.support.document.revision import Revision

from ...own import page_of
from ...parts import Action
from ...views.common import one, person_of, signed_in, tell_refusal
from .shown import document_at, header_of, revision_at, tabs_of, text_of


@page_of("support.document")
def page(request: HttpRequest, document: Document, person: Person) -> HttpResponse | None:
    """The text in force in the reader's language, or in the one they chose."""
    document = document_at(document.ref, person)
    revision, others = chosen(document, person, request.GET.get("in", ""))
    context = facts_of(document, revision, others, person) | {
        "header": header_of(
            document,
            revision.title if revision else document.title,
            lead="" if revision else document.description,
            actions=_actions(document, revision, person),
            below=False,
        ),
        "tabs": tabs_of(document, person, "text"),
        "drafts": _drafts(document, person),
        "base": "base.html",
    }
    return render(request, "documents/read.html", context)


def facts_of(
    document: Document, revision: Revision | None, others: list[Revision], person: Person
) -> dict[str, Any]:
    """What a page to read on shows, inside or in the portal."""
    to_read = revision is not None and document.to_acknowledge and _is_asked(document, person)
    return {
        "it": document,
        "text": text_of(revision, person) if revision else None,
        "others": others,
        "handles": handles_documents(person),
        "to_read": to_read,
        "read": reading.is_read(revision, person) if to_read and revision else None,
        "read_by": reading.read_by(revision) if to_read and revision else None,
        "kind": document.get_document_kind_display(),
        "classification": document.get_classification_display(),
    }


def _is_asked(document: Document, person: Person) -> bool:
    mine = Document.objects.filter(reading.is_in_audience(person), pk=document.pk)
    return bool(mine.exists())


def chosen(
    document: Document, person: Person, language: str
) -> tuple[Revision | None, list[Revision]]:
    """The revision to show, and those in force in other languages."""
    held = list(document.in_force().select_related("document__owner", "author", "reviewed_by"))
    wanted = [language, person.language, "en"]
    held.sort(key=lambda r: wanted.index(r.language) if r.language in wanted else len(wanted))
    return (held[0], held[1:]) if held else (None, [])


def _drafts(document: Document, person: Person) -> list[Revision]:
    if not handles_documents(person):
        return []
    under_way = document.revisions.standing().in_state("draft", "in_review", "approved")
    return list(under_way.select_related("author", "edition"))


def _actions(document: Document, revision: Revision | None, person: Person) -> list[Action]:
    shown = []
    if revision is not None and handles_documents(person):
        shown.append(
            Action(label=_("Print"), url=f"/r/{revision.ref}/print", kind="quiet", icon="print")
        )
    if not may(person, "file", Revision) or document.state == "retired":
        return shown
    return [
        *shown,
        Action(
            label=_("Revise it") if revision else _("Write it"),
            url=f"/documents/{document.ref}/revisions#begin",
            icon="edit",
            key="e",
            kind="quiet" if revision else "primary",
        ),
    ]


@require_POST
@signed_in
def acknowledge(request: HttpRequest, ref: str) -> HttpResponse:
    """“I have read and understood.”"""
    person = person_of(request)
    revision = revision_at(ref, person)
    try:
        reading.acknowledge(revision, by=person)
        messages.success(request, _("Thank you. It is noted that you have read it."))
    except (ValidationError, PermissionDenied) as error:
        tell_refusal(request, error)
    there = one(request, "next")
    safe = url_has_allowed_host_and_scheme(there, allowed_hosts={request.get_host()})
    return redirect(there if safe else f"/r/{revision.document.ref}")


def download(request: HttpRequest, ref: str) -> FileResponse:
    """The file that a revision consists of, as it was signed."""
    person: Person | None = getattr(request, "person", None)
    if person is None:
        raise Http404
    revision = revision_at(ref, person)
    rows = revision.attachments.select_related("file").order_by("-at", "-id")
    row = rows.filter(file=revision.file_id).first() if revision.file_id else revision.newest_file()
    if revision.form != Revision.Form.FILE or row is None:
        raise Http404
    return files.respond(row)
