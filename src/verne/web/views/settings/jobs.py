"""Background jobs: what recurs, waits, runs and has failed, and what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from verne.engine import jobs_desk
from verne.engine.jobs_desk import Seen
from verne.engine.listing import bounded_count

from ...parts import Pager
from ..common import person_of
from .common import header, needs

SIZE = 25
FAR = 10_000
"""Pages further on are not turned to: whoever has so many failures mends their cause."""


@dataclass(frozen=True)
class Part:
    """One page of the jobs that wait, or that have failed."""

    rows: Sequence[Seen]
    count: int
    more: bool
    pager: Pager | None


@needs("jobs")
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Everything on one page; what went well leaves no row, so it stays short."""
    page = {
        "header": header(request, "jobs"),
        "workers": jobs_desk.workers(),
        "failed": _part(request, jobs_desk.failed(), "failed"),
        "running": [(Seen(claim.job), claim.worker) for claim in jobs_desk.running()],
        "waiting": _part(request, jobs_desk.waiting(), "waiting"),
        "recurring": jobs_desk.recurring(),
    }
    return render(request, "settings/jobs.html", page)


@needs("jobs")
@require_POST
def retry(request: HttpRequest, number: UUID) -> HttpResponse:
    if jobs_desk.retry(number, by=person_of(request)):
        messages.success(request, _("The job will be run again in a moment."))
    else:
        messages.warning(request, _("This job is not among the failed ones any more."))
    return redirect("jobs")


@needs("jobs")
@require_POST
def cancel(request: HttpRequest, number: UUID) -> HttpResponse:
    if jobs_desk.cancel(number, by=person_of(request)):
        messages.success(request, _("The job is taken away."))
    else:
        messages.warning(request, _("This job is running already, or has ended."))
    return redirect("jobs")


@needs("jobs")
@require_POST
def run_now(request: HttpRequest) -> HttpResponse:
    path = request.POST.get("job", "")
    if path not in {row.schedule.job for row in jobs_desk.recurring()}:
        raise Http404
    if jobs_desk.run_now(path, by=person_of(request)):
        messages.success(request, _("The job will be run in a moment."))
    else:
        messages.warning(request, _("This job is waiting or running already."))
    return redirect("jobs")


def _part(request: HttpRequest, rows: Any, name: str) -> Part:
    text = request.GET.get(name, "")
    first = min(int(text), FAR) if text.isascii() and text.isdigit() else 0
    found = list(rows[first : first + SIZE + 1])
    count, more = bounded_count(rows)
    pager = None
    if first or len(found) > SIZE:
        pager = Pager(
            summary=f"{first + 1} – {first + min(len(found), SIZE)}",
            first_url=f"?{name}=0#{name}" if first > SIZE else "",
            previous_url=f"?{name}={max(first - SIZE, 0)}#{name}" if first else "",
            next_url=f"?{name}={first + SIZE}#{name}" if len(found) > SIZE else "",
        )
    return Part(jobs_desk.seen(found[:SIZE]), count, more, pager)
