"""Two revisions of a document laid against each other."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from verne.sms.support.document.differences import counts, differences, folded, in_one_column
from verne.sms.support.document.revision import Revision

from ...parts import Link
from ...views.common import person_of, staff, url
from .shown import header_of, revision_at


@staff
def compare(request: HttpRequest, ref: str) -> HttpResponse:
    """This revision against its predecessor, or against the one asked for."""
    person = person_of(request)
    this = revision_at(ref, person)
    siblings = (
        Revision.objects.visible_to(person)
        .filter(document=this.document_id)
        .exclude(pk=this.pk)
        .order_by("language", "-major", "-minor")
    )
    asked = request.GET.get("with", "")
    other = (
        revision_at(asked, person)
        if asked and siblings.filter(ref=asked.upper()).exists()
        else siblings.filter(pk=this.predecessor_id).first()
    )
    side = request.GET.get("view") != "unified"
    rows = differences(other.text, this.text) if other else []
    came, went = counts(rows)
    shown = folded(rows) if came or went else []
    path = f"/documents/{this.ref}/compare"
    keep = [("with", other.ref)] if other else []
    context = {
        "it": this,
        "other": other,
        "siblings": siblings,
        "header": header_of(
            this.document,
            _("%(title)s: what changed in %(number)s")
            % {"title": this.title, "number": this.number},
            lead=this.change_summary,
        ),
        "views": [
            Link(label=_("Side by side"), url=url(path, keep), current=side),
            Link(
                label=_("In one column"),
                url=url(path, [*keep, ("view", "unified")]),
                current=not side,
            ),
        ],
        "side": side,
        "rows": shown if side else list(in_one_column(shown)),
        "came": came,
        "went": went,
        "url": path,
    }
    return render(request, "documents/compare.html", context)
