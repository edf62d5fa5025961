"""A document on paper: the revision with its number, state, hash and signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import override

from verne.engine.people import Organization, Person
from verne.engine.printing.blocks import Block, paragraph
from verne.engine.printing.markdown import blocks_from
from verne.engine.printing.paper import Paper, Signed
from verne.engine.printing.printable import Printable, prints
from verne.engine.records import Sheet
from verne.engine.rights import scope
from verne.engine.signing import signatures_of

from .models import Document
from .prose import label_of, references_in, tokens_of
from .revision import Revision

if TYPE_CHECKING:
    from datetime import date

LONG = 6
"""A text with more headings than this has a table of contents."""


@prints(Document)
def in_force_on_paper(document: Document, person: Person) -> Printable | None:
    """What people work by: the revision in force, in the reader's language where there is one."""
    held = list(document.in_force())
    chosen = next((r for r in held if r.language == person.language), held[0] if held else None)
    return on_paper(chosen, person) if chosen else None


@prints(Revision)
def on_paper(revision: Revision, person: Person) -> Printable:
    """A revision of any state; one that is not in force says so across each page."""
    with override(revision.language):
        body = _body(revision, person)
        number = _("Revision %(number)s") % {"number": revision.number}
        state = str(revision.standing.label)
        paper = Paper(
            title=revision.title,
            body=body,
            language=revision.language,
            organization=_organization(),
            kind=revision.document.get_document_kind_display(),
            number=revision.document.ref,
            edge=_("%(revision)s, %(state)s") % {"revision": number, "state": state},
            facts=_facts(revision),
            signatures=[
                Signed(row.name, row.meaning_label, row.at, row.what)
                for row in signatures_of(revision).exclude(meaning="acknowledgement")
                if row.content_hash == revision.content_hash
            ],
            mark="" if revision.state == "in_force" else state,
            contents=sum(block["is"] == "heading" for block in body) > LONG,
        )
    return Printable(
        paper=paper,
        what=revision.what_is_signed(),
        content_hash=revision.content_hash,
        under=revision.document,
    )


def _facts(revision: Revision) -> list[tuple[str, str]]:
    document = revision.document
    facts = [
        (_("Revision"), revision.number),
        (_("State"), str(revision.standing.label)),
        (_("Classification"), document.get_classification_display()),
        (_("In force from"), _day(localtime(revision.in_force_at).date()))
        if revision.in_force_at
        else None,
        (_("In force until"), _day(localtime(revision.ended_at).date()))
        if revision.ended_at
        else None,
        (_("Next review"), _day(document.review_by))
        if document.review_by and revision.state == "in_force"
        else None,
        (_("Owner"), document.owner.name) if document.owner else None,
        (_("Author"), revision.author.name) if revision.author else None,
    ]
    return [fact for fact in facts if fact is not None and fact[1]]


def _day(day: date) -> str:
    return date_format(day, "DATE_FORMAT")


def _body(revision: Revision, person: Person) -> list[Block]:
    if revision.form == Revision.Form.FILE:
        name = revision.file_name or _("not attached yet")
        return [paragraph(_("The content is the file “%(name)s”.") % {"name": name})]
    if revision.form == Revision.Form.ELSEWHERE:
        return [paragraph(_("The content is kept at: %(place)s") % {"place": revision.location})]
    titles = _titles(revision, person)
    return blocks_from(
        tokens_of(revision.text),
        shown={
            "reference": lambda ref: f"{ref} {titles.get(ref, '')}".strip(),
            "mark": lambda mark: f"({label_of(mark)})",
        },
    )


def _titles(revision: Revision, person: Person) -> dict[str, str]:
    """The titles of records named in the text, of those this person may see."""
    named = references_in(revision.text)
    rows = Sheet.objects.filter(scope(person, Sheet), ref__in=named) if named else ()
    return {sheet.ref: sheet.title for sheet in rows}


def _organization() -> str:
    ours = Organization.objects.filter(kind=Organization.Kind.OWN).order_by("pk").first()
    return str(ours or "")
