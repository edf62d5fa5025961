"""Computing anew and keeping: what those who may ask of the statement."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from verne.conformity import statement as statements
from verne.conformity.catalogue import catalogue
from verne.conformity.jobs import follow_changes
from verne.conformity.marking import mark_checks
from verne.engine.evidence import answers
from verne.engine.jobs import later
from verne.web import phrases

from .view import COMPUTE, require

ASKED_FOR: Final = 5.0
"""Seconds somebody waits who asked for everything anew; what is left goes to the background."""


@login_required
@require_POST
def compute(request: HttpRequest) -> HttpResponse:
    person = require(request, COMPUTE)
    mark_checks(answers)
    statements.refresh(by=person, budget=ASKED_FOR)
    _tell_what_is_left(request)
    return redirect("standard")


@login_required
@require_POST
def compute_check(request: HttpRequest, key: str) -> HttpResponse:
    person = require(request, COMPUTE)
    if key not in catalogue().checks:
        raise Http404
    if statements.refresh([key], by=person):
        messages.success(request, gettext("Computed anew from the records as they are now."))
    return redirect("standard-check", key)


@login_required
@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    person = require(request, COMPUTE)
    snapshot = statements.take_snapshot(by=person)
    messages.success(
        request,
        gettext("Kept as the statement of %(at)s.") % {"at": phrases.exact(snapshot.at)},
    )
    return redirect("standard")


def _tell_what_is_left(request: HttpRequest) -> None:
    if left := len(statements.stored().stale):
        later(follow_changes)
        text = ngettext(
            "%(n)s check takes longer and is computed in the background.",
            "%(n)s checks take longer and are computed in the background.",
            left,
        ) % {"n": left}
        messages.info(request, text)
    else:
        messages.success(request, gettext("Everything is computed anew."))
