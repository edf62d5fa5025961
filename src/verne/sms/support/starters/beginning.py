"""Beginning a document from its starter text: the document and its first draft, in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from verne.engine.acts import file
from verne.engine.people import Organization, Role
from verne.sms.support.document.models import Document
from verne.sms.support.document.revision import Revision

from .starter import Starter

if TYPE_CHECKING:
    from verne.engine.people import Person

LANGUAGE = "en"
"""The starter texts are in English."""

OWN_NEED = "sms_docs"
"""The kind that the organization itself finds necessary, and marks as such."""


def begun_already(starter: Starter) -> Document | None:
    """The document that was begun from this text and is still in preparation."""
    begun = Document.objects.standing().in_state("in_preparation").filter(title=starter.title)
    found: Document | None = begun.filter(carries__key=starter.kinds[0]).order_by("pk").first()
    return found


def begin(starter: Starter, *, by: Person) -> Revision:
    """File a document that carries what the text is for, and its first draft with the text."""
    with transaction.atomic():
        document = file(
            Document,
            {
                "title": starter.title,
                "document_kind": starter.form,
                "description": _("Begun from the starter text “%(title)s”.")
                % {"title": starter.title},
                "owner": by,
                "own_need": OWN_NEED in starter.kinds,
                "to_acknowledge": starter.acknowledged,
                "approver_role": Role.objects.filter(key=starter.approved_by).first(),
                "carries": [{"key": key} for key in starter.kinds],
                "editions": [{"language": LANGUAGE}],
            },
            by=by,
        )
        return file(
            Revision,
            {
                "edition": document.editions.get(language=LANGUAGE),
                "title": starter.title,
                "text": starter.for_organization(_organization()),
                "author": by,
                "change_summary": _("The first text, begun from the starter text."),
            },
            by=by,
        )


def _organization() -> str:
    ours = Organization.objects.filter(kind=Organization.Kind.OWN).order_by("pk").first()
    return str(ours or "")
