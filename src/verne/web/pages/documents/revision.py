"""What the shared page of a record has of its own for revisions and for documents."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from verne.engine.people import Person
from verne.engine.rights import may
from verne.sms.support.document.models import Document
from verne.sms.support.document.register import handles_documents
from verne.sms.support.document.revision import Revision

from ...own import page_of, shown_on
from .shown import tabs_of, text_of

SHOWN_HERE = (
    "text",
    "holds",
    "drafts_of",
    "major",
    "minor",
    "language",
    "content_hash",
    "reviewed_hash",
    "file",
    "file_name",
)


@shown_on("support.revision", "documents/text.html", instead_of=SHOWN_HERE)
def text_part(revision: Revision, person: Person) -> dict[str, Any]:
    """The text, what was signed of it, and what it can be compared with."""
    writable = not revision.is_fixed and revision.withdrawn_at is None
    return {
        "text": text_of(revision, person),
        "may_write": writable and may(person, "revise", Revision),
        "former": revision.predecessor,
        "document": revision.document,
    }


@page_of("support.revision")
def page(request: HttpRequest, revision: Revision, person: Person) -> HttpResponse | None:
    """Who only reads is led to the text in its place; how it came about is for the others."""
    if handles_documents(person) or revision.state != "in_force":
        return None
    return redirect(f"/r/{revision.document.ref}?in={revision.language}")


@shown_on("support.document", "documents/sides.html")
def sides(document: Document, person: Person) -> dict[str, Any]:
    """The way from the control of a document back to its text."""
    return {"tabs": tabs_of(document, person, "record")}
