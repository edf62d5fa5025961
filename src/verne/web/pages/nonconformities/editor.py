"""The editor of causes: one asks why, again and again, with nothing but forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from verne.engine import acts
from verne.engine.people import Person
from verne.engine.rights import may
from verne.sms.improvement.nonconformity import causes
from verne.sms.improvement.nonconformity.models import Cause, Nonconformity
from verne.web.parts import Link, PageHeader
from verne.web.views.common import one, person_of, refusals, staff
from verne.web.views.record import record_at


@dataclass(frozen=True)
class Typed:
    """What somebody sent and what was not taken over: it stays in its box."""

    place: str = ""
    below: str | None = None
    why: str = ""


@staff
def causes_page(request: HttpRequest, ref: str) -> HttpResponse:
    """The tree with a box below each answer; every button is a form."""
    person = person_of(request)
    nonconformity = record_at(ref, person)
    if not isinstance(nonconformity, Nonconformity):
        raise Http404
    if not may(person, "revise", Nonconformity):
        raise PermissionDenied
    if request.method != "POST":
        return _page(request, nonconformity)
    try:
        place = _carry_out(request, nonconformity, person)
    except acts.Conflict:
        return _conflict(request, ref, person)
    except (ValidationError, PermissionDenied) as error:
        return _page(request, nonconformity, errors=refusals(error), typed=_typed(request))
    messages.success(request, _("%(ref)s is saved.") % {"ref": nonconformity.ref})
    return redirect(f"{request.path}#why-{place}" if place else request.path)


def _carry_out(request: HttpRequest, nonconformity: Nonconformity, person: Person) -> str:
    """Do what the button says; gives back the place to go on at."""
    wish, place = one(request, "wish"), one(request, "place")
    version = one(request, "version")
    seen = int(version) if version.isdecimal() else nonconformity.version
    if wish == "add":
        if not one(request, "why").strip():
            raise ValidationError(_("Write the reason first."))
        rows = causes.with_answer(nonconformity, place, one(request, "why"))
        # An answer takes nothing away from anybody: it is added to what is there now.
        seen, place = nonconformity.version, str(rows[-1]["place"])
    elif wish == "change":
        said = {
            "why": one(request, "why").strip(),
            "is_root": "is_root" in request.POST,
            "category": one(request, "category"),
        }
        rows = causes.with_changes(nonconformity, place, **said)
    elif wish == "remove":
        rows = causes.without(nonconformity, place)
        place = place.rpartition(".")[0]
    else:
        raise ValidationError(_("Choose what to do with this answer."))
    acts.revise(nonconformity, {"causes": rows}, by=person, version=seen)
    return place


def _conflict(request: HttpRequest, ref: str, person: Person) -> HttpResponse:
    """What the others made of it, with one's own words still in their box."""
    fresh = record_at(ref, person)
    assert isinstance(fresh, Nonconformity)
    why = _(
        "Somebody else changed the tree meanwhile. This is theirs: send yours again if it fits."
    )
    return _page(request, fresh, errors=[why], typed=_typed(request), status=409)


def _typed(request: HttpRequest) -> Typed:
    adds = one(request, "wish") == "add"
    place = one(request, "place")
    return Typed(
        place="" if adds else place, below=place if adds else None, why=one(request, "why")
    )


def _page(
    request: HttpRequest,
    nonconformity: Nonconformity,
    *,
    errors: list[str] | None = None,
    typed: Typed | None = None,
    status: int = 422,
) -> HttpResponse:
    context: dict[str, Any] = {
        "header": PageHeader(
            title=_("Why did it happen?"),
            lead=nonconformity.title,
            quarter="act",
            crumbs=[
                Link(label=_("Nonconformities"), url="/nonconformities/"),
                Link(label=nonconformity.ref, url=nonconformity.get_absolute_url()),
            ],
        ),
        "it": nonconformity,
        "nodes": causes.tree(nonconformity.causes.all()),
        "categories": Cause.Category.choices,
        "errors": errors or [],
        "typed": typed or Typed(),
        "url": request.path,
    }
    return render(request, "nonconformities/causes.html", context, status=status if errors else 200)
