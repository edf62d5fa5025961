"""A campaign on its page: how far it has got, whose word is missing, and giving one's own."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from verne.engine.people import Person
from verne.sms.support.awareness import signing
from verne.sms.support.awareness.models import Campaign, audience_of
from verne.web.own import Context, shown_on
from verne.web.views.common import person_of, staff, tell_refusal
from verne.web.views.record import record_at


@shown_on("support.campaign", "people/reach.html")
def reach_of(campaign: Campaign, viewer: Person) -> Context | None:
    """Who has signed and who has not, once it is launched."""
    if campaign.launched_at is None:
        return None
    reach = signing.reach(campaign)
    word = next((word for person, word in reach.people if person.pk == viewer.pk), None)
    asked = campaign.state == "running" and word is None
    return {
        "it": campaign,
        "asked": asked and audience_of(campaign).filter(pk=viewer.pk).exists(),
        "word": word,
        "reach": reach,
        "share": reach.signed / reach.asked if reach.asked else None,
    }


@require_POST
@staff
def acknowledge(request: HttpRequest, ref: str) -> HttpResponse:
    """“I have read and understood.”"""
    person = person_of(request)
    campaign: Any = record_at(ref, person)
    if not isinstance(campaign, Campaign):
        raise Http404
    try:
        signing.acknowledge(campaign, by=person)
        messages.success(request, _("Thank you: your word is noted."))
    except (ValidationError, PermissionDenied) as error:
        tell_refusal(request, error)
    return redirect("record", campaign.ref)
