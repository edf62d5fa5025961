"""What the pages of documents share: a text made ready to be read, and the tabs between pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.utils.translation import gettext as _

from verne.engine.people import Person
from verne.engine.records import Sheet
from verne.engine.rights import scope
from verne.engine.signing import Signature, is_still_true, signatures_of
from verne.sms.support.document.models import Document
from verne.sms.support.document.prose import Named, Prose, prose, references_in
from verne.sms.support.document.register import handles_documents
from verne.sms.support.document.revision import NO_LONGER, Revision

from ...context import plural, quarter_of
from ...parts import Action, Link, PageHeader

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class Text:
    """A revision as it is read. `mark` lies across the page of what nobody should work by."""

    revision: Revision
    prose: Prose | None
    mark: StrOrPromise
    signatures: Sequence[Signature]
    true: bool
    """Whether every signature was made over exactly this content."""
    outdated: Sequence[str] = ()
    """What it refers to that is history by now."""


def text_of(revision: Revision, person: Person) -> Text:
    """The text made ready, with the names of the records that this person may see."""
    written = revision.form == Revision.Form.WRITTEN
    signatures = [s for s in signatures_of(revision) if s.meaning != "acknowledgement"]
    outdated = [row.ref for row in revision.references.select_related("target") if row.outdated]
    return Text(
        revision=revision,
        prose=prose(revision.text, named=named_for(person, revision.text)) if written else None,
        mark=mark_of(revision),
        signatures=signatures,
        true=all(s.content_hash == revision.content_hash for s in signatures)
        and (not signatures or is_still_true(signatures[-1])),
        outdated=sorted(outdated),
    )


def named_for(person: Person, text: str) -> Named:
    """What references are called; those this person may not see stay what they are."""
    refs = references_in(text)
    rows = Sheet.objects.filter(scope(person, Sheet), ref__in=refs) if refs else []
    seen = {sheet.ref: sheet for sheet in rows}

    def named(ref: str) -> tuple[str, str, str] | None:
        sheet = seen.get(ref)
        if sheet is None:
            return None
        gone = sheet.withdrawn_at is not None or sheet.state in NO_LONGER
        warning = _("no longer in force") if gone else ""
        return f"/r/{sheet.ref}", sheet.title, warning

    return named


def mark_of(revision: Revision) -> StrOrPromise:
    """What lies across a text that is not in force."""
    if revision.withdrawn_at is not None:
        return _("Withdrawn")
    if revision.state == "in_force":
        return ""
    return revision.standing.label


def document_at(ref: str, person: Person) -> Document:
    """The document of this reference; for those who may not see it there is none."""
    found: Document | None = (
        Document.objects.visible_to(person)
        .filter(ref=ref.upper())
        .select_related("owner", "approver_role", "retention")
        .first()
    )
    if found is None:
        raise Http404
    return found


def revision_at(ref: str, person: Person) -> Revision:
    found: Revision | None = (
        Revision.objects.visible_to(person)
        .filter(ref=ref.upper())
        .select_related("document__owner", "edition", "author", "reviewed_by", "predecessor")
        .first()
    )
    if found is None:
        raise Http404
    return found


def header_of(
    document: Document,
    title: str,
    *,
    lead: StrOrPromise = "",
    actions: Sequence[Action] = (),
    below: bool = True,
) -> PageHeader:
    """The head of a page that belongs to a document."""
    from verne.sms.support.document.register import DocumentRegister

    crumbs = [Link(label=plural(DocumentRegister), url="/documents/")]
    if below:
        crumbs.append(Link(label=f"{document.ref} {document.title}", url=f"/r/{document.ref}"))
    return PageHeader(
        title=title,
        lead=lead,
        crumbs=crumbs,
        actions=list(actions),
        quarter=quarter_of(DocumentRegister),
    )


def tabs_of(document: Document, person: Person, current: str) -> list[Link]:
    """The sides of a document, for those who handle it; readers have the text alone."""
    if not handles_documents(person):
        return []
    there: list[tuple[str, Any, str, int | None]] = [
        ("text", _("Text"), f"/r/{document.ref}", None),
        (
            "revisions",
            _("Revisions"),
            f"/documents/{document.ref}/revisions",
            document.revisions.count(),
        ),
        ("record", _("Control and history"), f"/r/{document.ref}?as=record", None),
    ]
    return [
        Link(label=label, url=url, current=key == current, count=count)
        for key, label, url, count in there
    ]
