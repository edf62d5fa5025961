"""Whose statement a page of the standard shows, and of which day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import wraps
from typing import Any, Final
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from verne.conformity import statement as statements
from verne.conformity import then
from verne.conformity.catalogue import Catalogue, Clause
from verne.conformity.models import Snapshot
from verne.conformity.statement import Statement
from verne.conformity.verdict import Outcome, Result
from verne.engine.history import Act
from verne.engine.people import Person
from verne.web import components
from verne.web.parts import Link
from verne.web.views.common import View as Page
from verne.web.views.common import from_replica

VIEW: Final = "conformity.view_statement"
COMPUTE: Final = "conformity.compute_statement"

READING: Final = 0.2
"""Seconds a page may spend on computing what has changed before it shows what it has."""


RECORDS: Final = "records"
"""Asks for a past day as its records show it, instead of as it was said then."""


@dataclass(frozen=True)
class View:
    """A reader, the statement they look at, and the day if it is a day of the past."""

    request: HttpRequest
    person: Person
    statement: Statement
    on: date | None = None
    refused: str = ""
    """Why the day asked for cannot be shown."""
    computed: bool = False
    """Whether a past day is computed from its records, not shown as it was said."""

    @property
    def catalogue(self) -> Catalogue:
        return self.statement.catalogue

    @property
    def past(self) -> bool:
        return self.statement.snapshot is not None or self.computed

    def url(self, name: str, *args: str, **query: str) -> str:
        """An address within the standard that stays on the same day."""
        if self.on:
            query = {"on": self.on.isoformat(), **query}
        if self.computed:
            query = {"from": RECORDS, **query}
        return reverse(name, args=args) + (f"?{urlencode(query)}" if query else "")

    def clause_url(self, number: str) -> str:
        return self.url("standard-clause", number)

    def obligation_url(self, id: str) -> str:
        return self.url("standard-obligation", id)

    def check_url(self, key: str, **query: str) -> str:
        return self.url("standard-check", key, **query)

    @property
    def base(self) -> dict[str, Any]:
        """What every page of the standard shows at its head."""
        first = Snapshot.objects.order_by("at").values_list("at", flat=True).first()
        return {
            "moment": self.statement.at,
            "day": Day(
                url=self.request.path,
                on=self.on,
                first=timezone.localtime(first).date() if first else None,
                today=timezone.localdate(),
                refused=self.refused,
                shown=self.statement.at if self.past else None,
                computed_at=self.statement.computed_at,
                stale=len(self.statement.stale),
                computed=self.computed,
                other_url=self._other_url(),
            ),
            "may_compute": self.person.may(COMPUTE) and not self.past,
        }

    def _other_url(self) -> str:
        """The same day the other way: as it was said then, or computed from its records."""
        if self.on is None or (self.computed and self._unsaid()):
            return ""
        query = {"on": self.on.isoformat()} | ({} if self.computed else {"from": RECORDS})
        return f"{self.request.path}?{urlencode(query)}"

    def _unsaid(self) -> bool:
        """Whether no snapshot was taken up to then, so that nothing was said."""
        return not Snapshot.objects.filter(at__lte=self.statement.at).exists()


@dataclass(frozen=True)
class Day:
    """standard/day.html: which day is shown, how fresh it is, and another day to choose."""

    url: str
    on: date | None
    first: date | None
    today: date
    refused: str
    shown: datetime | None
    computed_at: datetime | None
    stale: int
    computed: bool = False
    other_url: str = ""


def open_view(request: HttpRequest) -> View:
    """The statement this reader asks for; those without the right are turned away."""
    person = require(request, VIEW)
    asked = request.GET.get("on", "")
    if not asked:
        return View(request, person, statements.current(budget=READING))
    try:
        on = date.fromisoformat(asked)
    except ValueError:
        refused = gettext("%(text)s is no date: write one such as 2026-01-31.") % {"text": asked}
        return View(request, person, statements.current(budget=READING), refused=refused)
    if on >= timezone.localdate():
        return View(request, person, statements.current(budget=READING))
    end = timezone.make_aware(datetime.combine(on, time.max))
    if request.GET.get("from") == RECORDS:
        return View(request, person, then.computed(end), on, computed=True)
    try:
        return View(request, person, statements.past(end), on)
    except statements.NoSnapshot as none:
        if not Act.objects.filter(at__lte=end).exists():
            return View(request, person, statements.current(budget=READING), refused=str(none))
        # Nothing was said then; the records of that day can still be asked.
        return View(request, person, then.computed(end), on, computed=True)


def kept_from_replica(view: Page) -> Page:
    """A page of the standard; as it was kept on another day it is read from the copy, if any.

    The statement of now is computed, and written, where it is read.
    """
    told = from_replica(view)

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer = told if request.GET.get("on") else view
        return answer(request, *args, **kwargs)

    return shown


def require(request: HttpRequest, right: str) -> Person:
    person = request.user
    if not isinstance(person, Person) or not person.may(right):
        raise PermissionDenied(gettext("Your roles do not include the statement of conformity."))
    return person


def crumbs(view: View, clauses: Sequence[Clause]) -> list[Link]:
    """From the standard down to the clause, which come nearest first."""
    trail = [Link(label=view.catalogue.standard.designation, url=view.url("standard"))]
    return trail + [
        Link(label=f"{c.number} {c.title}", url=view.clause_url(c.number))
        for c in reversed(clauses)
    ]


def result_badge(result: Result | None) -> SafeString:
    return components.verdict(result.value, result.label) if result else SafeString("")


OUTCOMES: Final = {Outcome.HOLDS: "met", Outcome.FAILS: "gap"}
"""The verdict a single check is shown as, where its word is not one of the results."""


def outcome_badge(outcome: Outcome) -> SafeString:
    return components.verdict(OUTCOMES.get(outcome, outcome.value), outcome.label)
