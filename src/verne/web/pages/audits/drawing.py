"""Drawing a sample: what it would be drawn from, how many to take, and then it is frozen."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from verne.engine.acts import file
from verne.engine.listing import NotUnderstood, read_instant
from verne.engine.people import Person
from verne.engine.rights import may
from verne.sms.evaluation.audit.models import Audit
from verne.sms.evaluation.sampling.draw import suggested_size
from verne.sms.evaluation.sampling.models import AuditSample
from verne.sms.evaluation.sampling.population import freeze
from verne.sms.evaluation.sampling.register import AuditSampleRegister
from verne.web import forms
from verne.web.parts import Link, PageHeader
from verne.web.views.common import person_of, refusals, staff

FIELDS = tuple(name for name in AuditSampleRegister.filing if name not in ("audit", "owner"))
"""What somebody who draws is asked, whichever audit they are in."""


@staff
def page(request: HttpRequest) -> HttpResponse:
    """The form, with the population counted where an address is given already."""
    person = person_of(request)
    if not may(person, "file", AuditSample):
        raise PermissionDenied
    return draw(request, person, names=(*FIELDS, "audit", "owner"), cancel_url="/audit-samples/")


def draw(
    request: HttpRequest, person: Person, *, names: tuple[str, ...], cancel_url: str
) -> HttpResponse:
    """Count the population of an address, or draw from it; for our own people and for guests."""
    sent = request.POST if request.method == "POST" else None
    counting = sent is not None and "count" in sent
    form = forms.RecordForm(
        AuditSampleRegister,
        person,
        names,
        data=sent if sent is not None and not counting else None,
        initial=_given(request, person, names),
    )
    status = 200
    if sent is not None and not counting:
        status = 422
        if form.is_valid():
            try:
                sample = file(AuditSample, form.values(), by=person)
            except ValidationError as error:
                form.refuse(error)
            else:
                return redirect("audit-bench", sample.ref)
    source = (sent or request.GET).get("source", "")
    as_of = (sent or request.GET).get("frozen_at", "")
    context: dict[str, Any] = {
        "header": PageHeader(
            title=_("Draw a sample"),
            lead=_("The records at an address are frozen, and some of them drawn by a rule."),
            quarter="check",
            crumbs=[Link(label=_("Audit samples"), url=cancel_url)],
        ),
        "form": form,
        "groups": [("", [form[name] for name in form.fields if name != "seen"])],
        "url": request.get_full_path(),
        "submit": _("Freeze and draw"),
        "cancel_url": cancel_url,
        "draft": "new:sample",
        "counted": _counted(source, as_of, person) if source else None,
    }
    return render(request, "audits/draw.html", context, status=status)


def _given(request: HttpRequest, person: Person, names: tuple[str, ...]) -> dict[str, Any]:
    """What the address says, or what was typed before the population was counted."""
    said = request.POST if request.method == "POST" else request.GET
    given: dict[str, Any] = {name: said[name] for name in names if said.get(name)}
    given.setdefault("owner", person.pk)
    ref = str(given.get("audit", ""))
    if ref and not ref.isdecimal():
        audit = Audit.objects.visible_to(person).filter(ref=ref.upper()).first()
        given["audit"] = audit.pk if audit else None
    return given


def _counted(source: str, as_of: str, person: Person) -> dict[str, Any]:
    """How many records are at an address, and how many of them to look at."""
    try:
        found = freeze(source, by=person, at=read_instant(as_of))
    except NotUnderstood as error:
        return {"errors": [error.sentence]}
    except ValidationError as error:
        return {"errors": refusals(error)}
    return {
        "source": found.source,
        "as_of": found.at if found.past else None,
        "address": found.address_then if found.past else found.source,
        "population": len(found.refs),
        "hidden": found.hidden,
        "suggested": suggested_size(len(found.refs)),
    }
