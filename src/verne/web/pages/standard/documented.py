"""The documented information the standard asks for: where each kind lives, and how it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from verne.conformity.catalogue import catalogue
from verne.conformity.documented import Holding, Shelf, Standing, holdings, is_overdue
from verne.engine.people import Person
from verne.engine.rights import may
from verne.sms.support.document.models import Document
from verne.sms.support.document.revision import Revision
from verne.sms.support.starters.beginning import begin as begin_from
from verne.sms.support.starters.beginning import begun_already
from verne.sms.support.starters.starter import starters, starters_for
from verne.web import components
from verne.web.context import plural
from verne.web.parts import Link, PageHeader
from verne.web.views.common import tell_refusal

from .shown import BASES, KINDS_OF_DOCUMENT
from .view import VIEW, require

TONES: Final = {
    Standing.MISSING: "alert",
    Standing.STALE: "waiting",
    Standing.DRAFT: "active",
    Standing.IN_FORCE: "done",
}


@dataclass(frozen=True)
class Place:
    """Where a kind lives: a document or a register, with how it stands."""

    label: Any
    url: str
    note: Any = ""
    ref: str = ""


@dataclass(frozen=True)
class Offer:
    """A starter text, and where a click begins a document from it."""

    title: str
    url: str


@dataclass(frozen=True)
class KindRow:
    key: str
    name: str
    kind: Any
    basis: Any
    """Said only where the standard does not ask for it in words."""
    clauses: Sequence[SafeString]
    places: Sequence[Place]
    standing: SafeString
    offers: Sequence[Offer] = ()


@login_required
def documented(request: HttpRequest) -> HttpResponse:
    """Every kind, or those that stand in one way."""
    person = require(request, VIEW)
    found = holdings(person)
    asked = request.GET.get("standing", "")
    only = next((each for each in Standing if each.value == asked), None)
    files = may(person, "file", Document) and may(person, "file", Revision)
    return render(
        request,
        "standard/documented.html",
        {
            "header": PageHeader(
                title=_("Documented information"),
                lead=_(
                    "What the standard wants in writing: documents that guide, records that prove."
                ),
                crumbs=[
                    Link(label=catalogue().standard.designation, url=reverse("standard")),
                ],
                clauses=[
                    components.clause("7.5.4", url=reverse("standard-clause", args=["7.5.4"]))
                ],
            ),
            "tabs": _tabs(found, only),
            "rows": [
                _row(each, files=files) for each in found if only is None or each.standing is only
            ],
            "counted": Counter(each.standing for each in found),
        },
    )


def _tabs(found: Sequence[Holding], only: Standing | None) -> list[Link]:
    counts = Counter(each.standing for each in found)
    url = reverse("standard-documented")
    return [Link(label=_("All kinds"), url=url, count=len(found), current=only is None)] + [
        Link(
            label=standing.label,
            url=f"{url}?standing={standing}",
            count=counts[standing],
            current=standing is only,
        )
        for standing in Standing
    ]


def _row(holding: Holding, *, files: bool) -> KindRow:
    kind = holding.kind
    requirements = catalogue().requirements
    return KindRow(
        key=kind.key,
        name=kind.name,
        kind=KINDS_OF_DOCUMENT[kind.kind],
        basis=BASES[kind.basis] if kind.basis == "implied" else "",
        clauses=[
            components.clause(number, url=reverse("standard-clause", args=[number]))
            for number in dict.fromkeys(requirements[id].clause for id in kind.required_by)
        ],
        places=[_document(each, holding) for each in holding.documents]
        + [_register(each) for each in holding.shelves],
        standing=components.state(_standing(holding), TONES[holding.standing]),
        offers=_offers(holding) if files else (),
    )


NOTHING_YET: Final = gettext_lazy("None yet")


def _standing(holding: Holding) -> Any:
    if holding.standing is Standing.MISSING and holding.kind.kind == "record":
        return NOTHING_YET
    return holding.standing.label


def _document(document: Document, holding: Holding) -> Place:
    note = document.standing.label
    if document.state == "in_force" and is_overdue(document, holding.at):
        note = Standing.STALE.label
    return Place(label=document.title, url=document.get_absolute_url(), note=note, ref=document.ref)


def _register(shelf: Shelf) -> Place:
    every = shelf.count + shelf.others
    note = ngettext("%(count)d record", "%(count)d records", shelf.count) % {"count": shelf.count}
    if shelf.others:
        note = ngettext(
            "%(count)d of %(every)d record counts", "%(count)d of %(every)d records count", every
        ) % {"count": shelf.count, "every": every}
    return Place(label=plural(shelf.register), url=f"/{shelf.register.slug}/", note=note)


def _offers(holding: Holding) -> list[Offer]:
    """Texts to begin from, as long as nothing of the kind is written or kept in a register."""
    if holding.standing is Standing.IN_FORCE or holding.kind.kind == "record":
        return []
    titles = {document.title for document in holding.documents}
    return [
        Offer(starter.title, reverse("standard-documented-begin", args=[starter.key]))
        for starter in starters_for(holding.kind.key)
        if starter.title not in titles
    ]


@login_required
@require_POST
def begin(request: HttpRequest, key: str) -> HttpResponse:
    """One click: the document and its first draft with the starter text."""
    person: Person = require(request, VIEW)
    starter = starters().get(key)
    if starter is None:
        raise Http404
    there = begun_already(starter)
    if there is not None and Document.objects.visible_to(person).filter(pk=there.pk).exists():
        messages.info(request, _("%(ref)s was begun from this text already.") % {"ref": there.ref})
        return redirect("record", there.ref)
    try:
        revision = begin_from(starter, by=person)
    except (ValidationError, PermissionDenied) as refusal:
        tell_refusal(request, refusal)
        return redirect("standard-documented")
    messages.success(
        request,
        _("%(ref)s is filed with its first draft. Fill in what stands in [brackets].")
        % {"ref": revision.document.ref},
    )
    return redirect("document-write", revision.ref)
