"""The standard: its clauses with their status, down to the records a figure counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from verne.conformity import statement as statements
from verne.conformity.adjusting import RIGHT as ADJUST
from verne.conformity.adjusting import InForce, adjust
from verne.conformity.catalogue import (
    Catalogue,
    Check,
    Clause,
    Correspondence,
    Parameter,
    Requirement,
    UniversalCheck,
    catalogue,
    crosswalk,
    predecessor,
)
from verne.conformity.computing import Figure, ask
from verne.conformity.duration import Duration
from verne.conformity.jobs import follow_changes
from verne.conformity.marking import mark_checks
from verne.conformity.models import Adjustment, Snapshot
from verne.conformity.owning import holders_by_role
from verne.conformity.statement import Statement
from verne.conformity.verdict import Outcome, Result, RollUp, Verdict
from verne.engine.evidence import answers
from verne.engine.jobs import later
from verne.engine.people import Person
from verne.engine.records import Part, Record, Sheet
from verne.engine.register import Register, registers
from verne.engine.rights import scope
from verne.engine.roles import label as role_label
from verne.web import components, phrases
from verne.web.drawings import Line
from verne.web.parts import Action, Column, Fact, Link, PageHeader, Pager, RecordForm, Row, Table

VIEW: Final = "conformity.view_statement"
COMPUTE: Final = "conformity.compute_statement"

PAGE: Final = 50
READING: Final = 0.5
"""Seconds a page may spend on computing what has changed before it shows what it has."""

ASKED_FOR: Final = 5.0
"""Seconds somebody waits who asked for everything anew; what is left goes to the background."""


# --- Whose statement, and of which day -----------------------------------------------------------


@dataclass(frozen=True)
class View:
    """A reader, the statement they look at, and the day if it is a day of the past."""

    request: HttpRequest
    person: Person
    statement: Statement
    on: date | None = None
    refused: str = ""
    """Why the day asked for cannot be shown."""

    @property
    def catalogue(self) -> Catalogue:
        return self.statement.catalogue

    @property
    def past(self) -> bool:
        return self.statement.snapshot is not None

    def url(self, name: str, *args: str, **query: str) -> str:
        """An address within the standard that stays on the same day."""
        if self.on:
            query = {"on": self.on.isoformat(), **query}
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
            ),
            "may_compute": self.person.may(COMPUTE) and not self.past,
        }


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


def open_view(request: HttpRequest) -> View:
    """The statement this reader asks for; those without the right are turned away."""
    person = _require(request, VIEW)
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
    try:
        return View(request, person, statements.past(end), on)
    except statements.NoSnapshot as none:
        return View(request, person, statements.current(budget=READING), refused=str(none))


def _require(request: HttpRequest, right: str) -> Person:
    person = request.user
    if not isinstance(person, Person) or not person.may(right):
        raise PermissionDenied(gettext("Your roles do not include the statement of conformity."))
    return person


# --- The tree ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Branch:
    """standard/branch.html: a clause, how it stands, and the clauses under it."""

    number: str
    title: str
    url: str
    quarter: str
    verdict: SafeString
    conforming: int
    total: int
    open: bool = False
    children: Sequence[Branch] = ()


def _branch(view: View, clause: Clause, sums: dict[str, RollUp]) -> Branch:
    children = [_branch(view, c, sums) for c in view.catalogue.children(clause.number)]
    group = sums[clause.number]
    return Branch(
        number=clause.number,
        title=clause.title,
        url=view.clause_url(clause.number),
        quarter=clause.pdca,
        verdict=_result(group.worst) if group.worst else SafeString(""),
        conforming=group.conforming,
        total=group.total,
        open=clause.depth == 0,
        children=children,
    )


@login_required
def index(request: HttpRequest) -> HttpResponse:
    view = open_view(request)
    sums = view.statement.judgement.clauses()
    whole = view.statement.judgement.whole
    standard = view.catalogue.standard
    actions = []
    if view.person.may(COMPUTE) and not view.past:
        actions = [
            Action(label=_("Compute anew"), url=reverse("standard-compute"), method="post"),
            Action(label=_("Keep this day"), url=reverse("standard-keep"), method="post"),
        ]
    actions.append(Action(label=_("Values"), url=reverse("standard-values"), icon="settings"))
    return render(
        request,
        "standard/index.html",
        view.base
        | {
            "header": PageHeader(
                title=standard.designation,
                lead=_("What your records say about each clause, down to the record."),
                actions=actions,
            ),
            "whole": _sums(whole),
            "sentences": _sums(view.statement.judgement.statements()),
            "computed": view.statement.computed,
            "checks": len(view.statement.figures),
            "branches": [_branch(view, c, sums) for c in view.catalogue.children(None)],
            "course": _course(view),
            "notice": view.catalogue.notice,
        },
    )


@dataclass(frozen=True)
class Sums:
    """standard/sums.html: how many obligations came to which result."""

    readiness: float | None
    conforming: int
    exercised: int
    total: int
    counts: dict[str, int]
    legend: Sequence[tuple[SafeString, int]]


def _sums(group: RollUp) -> Sums:
    return Sums(
        readiness=group.readiness,
        conforming=group.conforming,
        exercised=group.exercised,
        total=group.total,
        # From good to bad, as one reads a bar from the left.
        counts={r.value: group[r] for r in reversed(Result) if group[r]},
        legend=[(_result(r), group[r]) for r in reversed(Result) if group[r]],
    )


def _course(view: View) -> Line | None:
    """Readiness over the last twelve months: the last snapshot of each month, and the present."""
    snapshots = statements.course(view.statement.at - timedelta(days=365))
    months = {timezone.localtime(s.at).strftime("%Y-%m"): s for s in snapshots}
    if len(months) < 2:
        return None
    return Line(
        title=_("Readiness"),
        note=_("last snapshot of each month"),
        unit="%",
        high=100,
        labels=(_("Month"), _("Conforming")),
        points=[
            (month, None if s.whole.readiness is None else round(100 * s.whole.readiness))
            for month, s in sorted(months.items())
        ],
    )


# --- A clause ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ObligationRow:
    """One obligation in the table of a clause."""

    cite: str
    url: str
    text: str
    verdict: SafeString
    computed: str
    checks: Sequence[CheckRow]
    owner: str
    holders: Sequence[Person]


@dataclass(frozen=True)
class CheckRow:
    """One check with its figure."""

    key: str
    url: str
    condition: str
    outcome: SafeString
    population: int | None
    exceptions: int | None
    exceptions_url: str
    population_url: str
    note: str = ""
    fault: str = ""
    stale: bool = False


@dataclass(frozen=True)
class Step:
    """The first step to mend something: where the records belong."""

    label: Any
    text: Any
    url: str


@login_required
def clause(request: HttpRequest, number: str) -> HttpResponse:
    view = open_view(request)
    found = view.catalogue.clauses.get(number)
    if found is None:
        raise Http404(gettext("There is no clause %(number)s.") % {"number": number})
    judgement = view.statement.judgement
    sums = judgement.clauses()
    held = holders_by_role(view.statement.at)
    own = judgement.of(view.catalogue.requirements_of(number))
    return render(
        request,
        "standard/clause.html",
        view.base
        | {
            "header": PageHeader(
                title=f"{number} {found.title}",
                lead=found.purpose,
                quarter=found.pdca,  # type: ignore[arg-type]
                crumbs=_crumbs(view, view.catalogue.ancestors(number)),
            ),
            "clause": found,
            "sums": _sums(sums[number]),
            "branches": [_branch(view, c, sums) for c in view.catalogue.children(number)],
            "obligations": [_obligation_row(view, v, held) for v in own],
            "missing": _missing(view, own),
            "registers": _registers(view, found),
            "documents": _documents(view, own),
            "crosswalk": _crosswalk(view, found),
            "former": predecessor().covered_by(number),
            "former_standard": predecessor().standard.designation,
            "new": predecessor().new_since.get(number, ""),
            "course": _clause_course(view, found),
        },
    )


def _obligation_row(view: View, verdict: Verdict, held: dict[str, list[Person]]) -> ObligationRow:
    requirement = verdict.requirement
    return ObligationRow(
        cite=requirement.cite,
        url=view.obligation_url(requirement.id),
        text=requirement.text,
        verdict=_result(verdict.result),
        computed=_computed(verdict),
        checks=[_check_row(view, check) for check in requirement.checks],
        owner=role_label(requirement.owner_role),
        holders=held.get(requirement.owner_role, []),
    )


def _computed(verdict: Verdict) -> str:
    """Said only where something is missing."""
    if verdict.computed == verdict.total:
        return ""
    return gettext("%(computed)d of %(total)d checks computed") % {
        "computed": verdict.computed,
        "total": verdict.total,
    }


def _check_row(view: View, check: Check) -> CheckRow:
    figure = view.statement.figures[check.key]
    return CheckRow(
        key=check.key,
        url=view.check_url(check.key),
        condition=check.condition,
        outcome=_outcome(figure.outcome),
        population=figure.population,
        exceptions=figure.exceptions,
        exceptions_url=view.check_url(check.key),
        population_url=view.check_url(check.key, show="population"),
        note=gettext(figure.note) if figure.note else "",
        fault=figure.fault,
        stale=figure.stale,
    )


def _missing(view: View, verdicts: Iterable[Verdict]) -> list[CheckRow]:
    """The checks that fail or found nothing, each once, those with most to mend first."""
    unmet = (Outcome.FAILS, Outcome.NO_DATA, Outcome.AWAITING_JUDGEMENT)
    keys = dict.fromkeys(key for v in verdicts for key in v.keys(*unmet))
    rows = [_check_row(view, view.catalogue.checks[key]) for key in keys]
    return sorted(rows, key=lambda row: -(row.exceptions or 0))


def _registers(view: View, clause: Clause) -> list[Step]:
    """The registers that answer to a clause, with the first step to put something into them."""
    found = [r for r in registers.values() if _answers_to(r, clause.number)]
    return [
        Step(
            label=r.model._meta.verbose_name_plural,
            text=r.first_step or r.purpose,
            url=f"/{r.slug}/",
        )
        for r in found
        if view.person.may(f"{r.model._meta.app_label}.view_{r.model._meta.model_name}")
    ]


def _answers_to(register: type[Register], number: str) -> bool:
    return any(c == number or c.startswith(f"{number}.") for c in register.clauses)


@dataclass(frozen=True)
class DocumentRow:
    name: str
    kind: Any
    basis: Any
    obligations: Sequence[Link]


KINDS_OF_DOCUMENT: Final = {"document": _("document, kept current"), "record": _("record, kept")}
BASES: Final = {
    "explicit": _("asked for in words"),
    "implied": _("implied, for it cannot be shown otherwise"),
}


def _documents(view: View, verdicts: Iterable[Verdict]) -> list[DocumentRow]:
    named = dict.fromkeys(d for v in verdicts for d in v.requirement.documented)
    requirements = view.catalogue.requirements
    return [
        DocumentRow(
            name=d.name,
            kind=KINDS_OF_DOCUMENT[d.kind],
            basis=BASES[d.basis],
            obligations=[
                Link(label=requirements[id].cite, url=view.obligation_url(id))
                for id in d.required_by
            ],
        )
        for d in named
    ]


@dataclass(frozen=True)
class Neighbour:
    """A target of the crosswalk with the chips of one clause."""

    designation: str
    chips: Sequence[Chip]


@dataclass(frozen=True)
class Chip:
    chip: SafeString
    title: str
    relation: Any
    note: str


RELATIONS: Final = {
    "equal": _("asks for the same"),
    "subset": _("asks for all of it, and more"),
    "superset": _("asks for a part of it"),
    "intersects": _("overlaps"),
}
"""How the target reads from here; the crosswalk itself reads from the clause towards the target."""


def _crosswalk(view: View, clause: Clause) -> list[Neighbour]:
    rows = crosswalk().of(clause, view.catalogue)
    return [
        Neighbour(
            designation=target.designation,
            chips=[_chip(row) for row in rows if row.target == target.id],
        )
        for target in crosswalk().targets.values()
        if any(row.target == target.id for row in rows)
    ]


def _chip(row: Correspondence) -> Chip:
    title = crosswalk().targets[row.target].refs[row.ref]
    return Chip(
        chip=components.clause(row.ref, title=title),
        title=title,
        relation=RELATIONS[row.relation],
        note=row.note,
    )


def _clause_course(view: View, clause: Clause) -> list[tuple[datetime, SafeString, int, int]]:
    """How the clause stood at the end of each of the last six months that were kept."""
    since = view.statement.at - timedelta(days=190)
    months = {s.at.strftime("%Y-%m"): s.pk for s in statements.course(since)}
    kept = Snapshot.objects.filter(pk__in=list(months.values())[-6:]).order_by("-at")
    return [
        (at, _result(sums.worst), sums.conforming, sums.total)
        for at, sums in statements.clause_course(clause, kept)
        if sums.worst
    ]


# --- An obligation -------------------------------------------------------------------------------


@dataclass(frozen=True)
class UniversalRow:
    condition: str
    outcome: SafeString
    effect: Any


EFFECTS: Final = {
    "result": _("counts towards the result"),
    "assurance": _("shows how well the result is backed, and does not alter it"),
}


@login_required
def obligation(request: HttpRequest, id: str) -> HttpResponse:
    view = open_view(request)
    found = view.catalogue.requirements.get(id)
    if found is None:
        raise Http404(gettext("There is no obligation %(id)s.") % {"id": id})
    verdict = view.statement.judgement.verdicts[id]
    clause = view.catalogue.clauses[found.clause]
    return render(
        request,
        "standard/obligation.html",
        view.base
        | {
            "header": PageHeader(
                title=f"{found.cite} {clause.title}",
                quarter=found.pdca,  # type: ignore[arg-type]
                crumbs=_crumbs(view, [clause, *view.catalogue.ancestors(clause.number)]),
            ),
            "requirement": found,
            "verdict": _result(verdict.result),
            "meaning": verdict.result.meaning,
            "computed": _computed(verdict),
            "facts": _facts(view, found),
            "checks": [_check_row(view, check) for check in found.checks],
            "universal": [
                UniversalRow(
                    condition=check.condition,
                    outcome=_outcome(_seen(view, found, check)),
                    effect=EFFECTS[check.effect],
                )
                for check in view.catalogue.universal.values()
            ],
            "documents": _documents(view, [verdict]),
            "siblings": [
                Link(
                    label=r.cite,
                    url=view.obligation_url(r.id),
                    current=r.id == id,
                )
                for r in view.catalogue.statements[found.statement]
            ],
        },
    )


def _seen(view: View, requirement: Requirement, check: UniversalCheck) -> Outcome:
    return view.statement.universal[requirement.id].get(check, Outcome.NOT_YET_COMPUTED)


DECIDERS: Final = {
    "records": _("Records of the work decide."),
    "attestation": _("A signed judgement of the accountable person decides."),
    "mixed": _("Records decide, together with a signed judgement."),
}
PHASES: Final = {"plan": _("Plan"), "do": _("Do"), "check": _("Check"), "act": _("Act")}


def _facts(view: View, requirement: Requirement) -> list[Fact]:
    values = InForce.at(view.statement.at)
    held = holders_by_role(view.statement.at).get(requirement.owner_role, [])
    facts = [
        Fact(
            label=_("Answers for it"),
            value=role_label(requirement.owner_role),
            why=gettext("Held by %(people)s.") % {"people": ", ".join(p.name for p in held)}
            if held
            else gettext("Nobody holds this role."),
        ),
        Fact(label=_("Phase"), value=PHASES[requirement.pdca]),
        Fact(label=_("Decided by"), value=DECIDERS[requirement.decided_by]),
    ]
    if interval := values.frequency(requirement):
        facts.append(_interval_fact(values, requirement, interval))
    if requirement.applies_when:
        facts.append(Fact(label=_("Applies when"), value=requirement.applies_when))
    if requirement.amendment:
        facts.append(Fact(label=_("Came with"), value=requirement.amendment))
    return facts


def _interval_fact(values: InForce, requirement: Requirement, interval: Duration) -> Fact:
    adjusted = values.adjustment(Adjustment.What.FREQUENCY, requirement.id)
    if adjusted:
        why = gettext("Set by %(name)s on %(day)s: %(why)s") % {
            "name": adjusted.by,
            "day": phrases.day(adjusted.at),
            "why": adjusted.why,
        }
    elif requirement.frequency and requirement.frequency.basis == "standard":
        why = gettext("The standard asks for planned intervals; the length is yours to set.")
    else:
        why = gettext("The standard names no interval; this one is customary.")
    return Fact(label=_("Planned interval"), value=interval.words, why=why)


# --- A check and its records ---------------------------------------------------------------------

KINDS: Final = {
    "exists": _("At least one such record must exist."),
    "complete": _("Every record must be complete in this."),
    "current": _("It must be up to date."),
    "closed": _("Nothing may be open past its due date."),
    "consistent": _("Two sets of records must agree."),
    "enforced": _("The program prevents a violation, or its trail shows that there was none."),
    "attested": _("A signed judgement must be on record."),
}


@login_required
def check(request: HttpRequest, key: str) -> HttpResponse:
    view = open_view(request)
    found = view.catalogue.checks.get(key)
    if found is None:
        raise Http404(gettext("There is no check %(key)s.") % {"key": key})
    figure = view.statement.figures[key]
    users = view.catalogue.requirements_using(key)
    clause = view.catalogue.clauses[users[0].clause]
    whole = request.GET.get("show") == "population"
    return render(
        request,
        "standard/check.html",
        view.base
        | {
            "header": PageHeader(
                title=key,
                lead=found.condition,
                quarter=clause.pdca,  # type: ignore[arg-type]
                crumbs=_crumbs(view, [clause, *view.catalogue.ancestors(clause.number)]),
                actions=_check_actions(view, figure),
            ),
            "figure": figure,
            "outcome": _outcome(figure.outcome),
            "note": gettext(figure.note) if figure.note else "",
            "answered": key in answers,
            "tabs": _tabs(view, key, figure, whole=whole),
            "table": _records(view, found, figure, whole=whole),
            "facts": _check_facts(view, found, figure),
            "users": [
                (
                    _result(view.statement.judgement.verdicts[r.id].result),
                    Link(label=r.cite, url=view.obligation_url(r.id)),
                    r.text,
                )
                for r in users
            ],
        },
    )


def _check_actions(view: View, figure: Figure) -> list[Action]:
    if view.past or figure.key not in answers or not view.person.may(COMPUTE):
        return []
    url = reverse("standard-compute-check", args=[figure.key])
    return [Action(label=_("Compute anew"), url=url, method="post")]


def _tabs(view: View, key: str, figure: Figure, *, whole: bool) -> list[Link]:
    if figure.population is None:
        return []
    return [
        Link(
            label=_("Exceptions"),
            url=view.check_url(key),
            count=figure.exceptions,
            current=not whole,
        ),
        Link(
            label=_("All it looked at"),
            url=view.check_url(key, show="population"),
            count=figure.population,
            current=whole,
        ),
    ]


def _check_facts(view: View, check: Check, figure: Figure) -> list[Fact]:
    values = InForce.at(view.statement.at)
    facts = [
        Fact(label=_("Kind"), value=KINDS[check.kind]),
        Fact(label=_("Reads"), value=", ".join(r.replace("_", " ") for r in check.reads)),
    ]
    if interval := values.interval(check):
        facts.append(Fact(label=_("Planned interval"), value=interval.words))
    for parameter in view.catalogue.parameters_of(check.key):
        facts.append(
            Fact(
                label=_("Value used"),
                value=_said(values.parameter(parameter.key)),
                why=parameter.what,
            )
        )
    if figure.computed_at:
        facts.append(
            Fact(
                label=_("Computed"),
                value=components.moment(figure.computed_at, "exact"),
                why=_cost(figure),
            )
        )
    return facts


def _cost(figure: Figure) -> str:
    if not figure.queries:
        return ""
    return ngettext(
        "%(n)d query, %(ms)d ms, run %(run)s",
        "%(n)d queries, %(ms)d ms, run %(run)s",
        figure.queries,
    ) % {"n": figure.queries, "ms": figure.milliseconds, "run": figure.run}


def _said(value: Any) -> str:
    return value.words if isinstance(value, Duration) else phrases.number(value)


def _records(view: View, check: Check, figure: Figure, *, whole: bool) -> Table | None:
    """The records behind a figure, as far as this reader may see them."""
    if view.past:
        return _examples(view, figure)
    if figure.fault:
        return None
    # The instant the figure judged, so that the list and the figure say the same.
    at = figure.at or view.statement.at
    evidence = ask(check, InForce.at(at), at=at)
    if evidence is None:
        return None
    records = evidence.population if whole else evidence.exceptions
    seen = _visible(records, view.person)
    page, pager = _page(view, check.key, seen, whole=whole)
    caption = _("All records the check looked at") if whole else _("Records that break it")
    return Table(
        caption=caption,
        columns=_columns(records.model),
        rows=[_row(thing) for thing in page],
        pager=pager,
    )


def _visible(records: QuerySet[Any], person: Person) -> QuerySet[Any]:
    """What a reader may see of a population; parts are seen with their record."""
    model: type[Model] = records.model
    if issubclass(model, Sheet):
        seen = records.filter(scope(person, model))
        return seen.select_related("owner")
    if issubclass(model, Part):
        field: Any = model._meta.get_field(model.history_record)
        record = field.related_model
        mine = record._default_manager.filter(scope(person, record)).values("pk")
        return records.filter(of__in=mine).select_related("of", "of__owner")
    return records


def _page(view: View, key: str, records: QuerySet[Any], *, whole: bool) -> tuple[list[Any], Pager]:
    after = view.request.GET.get("after", "")
    query = {"show": "population"} if whole else {}
    ordered = records.order_by("pk")
    number = int(after) if after.isdecimal() and len(after) < 19 else 0
    # By its key a page is found as fast at the end of a long list as at its beginning.
    page = list(ordered.filter(Q(pk__gt=number))[: PAGE + 1] if number else ordered[: PAGE + 1])
    more = len(page) > PAGE
    page = page[:PAGE]
    total = records.count()
    figure = view.statement.figures[key]
    told = (figure.population if whole else figure.exceptions) or 0
    summary = ngettext("%(n)s record", "%(n)s records", total) % {"n": phrases.number(total)}
    if told > total:
        summary += " · " + gettext("%(n)s more are not open to you") % {
            "n": phrases.number(told - total)
        }
    return page, Pager(
        summary=summary,
        first_url=view.check_url(key, **query) if number else "",
        next_url=view.check_url(key, **query, after=str(page[-1].pk)) if more else "",
    )


def _columns(model: type[Model]) -> list[Column]:
    if issubclass(model, Sheet | Part):
        return [
            Column(label=_("Reference")),
            Column(label=_("Title"), wide=True),
            Column(label=_("State")),
            Column(label=_("Owner"), minor=True),
            Column(label=_("Filed"), minor=True),
        ]
    return [Column(label=model._meta.verbose_name or "", wide=True)]


def _row(thing: Any) -> Row:
    if isinstance(thing, Part):
        return _sheet_row(thing.of, title=f"{thing.of.title} · {thing}")  # type: ignore[attr-defined]
    if isinstance(thing, Sheet):
        return _sheet_row(thing, title=thing.title)
    return Row(cells=[str(thing)], title=str(thing))


def _sheet_row(sheet: Sheet, *, title: str) -> Row:
    model = type(sheet) if isinstance(sheet, Record) else sheet.model
    state = model.lifecycle.states[sheet.state]
    return Row(
        cells=[
            components.ref(sheet.ref, sheet.get_absolute_url(), sheet.title),
            title,
            components.state(state.label, state.tone),
            components.person(sheet.owner),
            components.moment(sheet.filed_at, "day"),
        ],
        title=sheet.ref,
    )


def _examples(view: View, figure: Figure) -> Table | None:
    """The exceptions a snapshot remembers, as the records are called today."""
    if not figure.examples:
        return None
    sheets = Sheet.objects.filter(pk__in=figure.examples).filter(scope(view.person, Sheet))
    page = list(sheets.select_related("owner").order_by("pk"))
    kept = len(figure.examples)
    return Table(
        caption=_("Records that broke it then"),
        columns=_columns(Sheet),
        rows=[_row(sheet) for sheet in page],
        pager=Pager(
            summary=gettext("The snapshot names %(kept)s of %(all)s records; state as of today")
            % {"kept": phrases.number(kept), "all": phrases.number(figure.exceptions or kept)}
        ),
    )


# --- Computing and keeping -----------------------------------------------------------------------


@login_required
@require_POST
def compute(request: HttpRequest) -> HttpResponse:
    person = _require(request, COMPUTE)
    mark_checks(answers)
    statements.refresh(by=person, budget=ASKED_FOR)
    _tell_what_is_left(request)
    return redirect("standard")


@login_required
@require_POST
def compute_check(request: HttpRequest, key: str) -> HttpResponse:
    person = _require(request, COMPUTE)
    if key not in catalogue().checks:
        raise Http404
    if statements.refresh([key], by=person):
        messages.success(request, gettext("Computed anew from the records as they are now."))
    return redirect("standard-check", key)


@login_required
@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    person = _require(request, COMPUTE)
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


# --- Values the organization sets ----------------------------------------------------------------


@dataclass(frozen=True)
class ValueRow:
    """One value: what it is, what counts, what the default is, and who set it."""

    name: str
    what: str
    value: str
    default: str
    adjusted: Adjustment | None
    obligations: Sequence[Link]
    url: str = ""


@dataclass(frozen=True)
class ValueGroup:
    title: Any
    rows: Sequence[ValueRow] = field(default_factory=tuple)


@login_required
def values(request: HttpRequest) -> HttpResponse:
    person = _require(request, VIEW)
    in_force = InForce.at(timezone.now())
    standard = in_force.catalogue
    may = person.may(ADJUST)
    return render(
        request,
        "standard/values.html",
        {
            "header": PageHeader(
                title=_("Values conformity is judged by"),
                lead=_("The standard leaves these to you. A default is customary, not required."),
                crumbs=[Link(label=standard.standard.designation, url=reverse("standard"))],
            ),
            "groups": [
                ValueGroup(
                    _("Delays and thresholds"),
                    [_parameter_row(in_force, p, may) for p in standard.parameters.values()],
                ),
                ValueGroup(
                    _("Planned intervals"),
                    [
                        _frequency_row(in_force, r, may)
                        for r in standard.requirements.values()
                        if r.frequency
                    ],
                ),
            ],
        },
    )


def _parameter_row(in_force: InForce, parameter: Parameter, may: bool) -> ValueRow:
    users = {
        r.id: r for key in parameter.checks for r in in_force.catalogue.requirements_using(key)
    }
    return ValueRow(
        name=parameter.key,
        what=parameter.what,
        value=_said(in_force.parameter(parameter.key)),
        default=_said(parameter.default),
        adjusted=in_force.adjustment(Adjustment.What.PARAMETER, parameter.key),
        obligations=[
            Link(label=r.cite, url=reverse("standard-obligation", args=[id]))
            for id, r in users.items()
        ],
        url=reverse("standard-value", args=[Adjustment.What.PARAMETER, parameter.key])
        if may
        else "",
    )


def _frequency_row(in_force: InForce, requirement: Requirement, may: bool) -> ValueRow:
    interval = in_force.frequency(requirement)
    default = requirement.frequency.interval if requirement.frequency else Duration()
    return ValueRow(
        name=requirement.cite,
        what=requirement.text,
        value=interval.words if interval else "",
        default=default.words,
        adjusted=in_force.adjustment(Adjustment.What.FREQUENCY, requirement.id),
        obligations=[
            Link(label=requirement.cite, url=reverse("standard-obligation", args=[requirement.id]))
        ],
        url=reverse("standard-value", args=[Adjustment.What.FREQUENCY, requirement.id])
        if may
        else "",
    )


class ValueForm(forms.Form):
    value = forms.CharField(
        label=_("Value"),
        required=False,
        max_length=30,
        help_text=_("P30D is 30 days, P3M three months, PT4H four hours; empty is the default."),
    )
    why = forms.CharField(label=_("Reason"), widget=forms.Textarea(attrs={"rows": 3}))


@login_required
def value(request: HttpRequest, what: str, key: str) -> HttpResponse:
    person = _require(request, ADJUST)
    in_force = InForce.at(timezone.now())
    row = _value_row(in_force, what, key)
    adjusted = row.adjusted
    form = ValueForm(request.POST or None, initial={"value": adjusted.value if adjusted else ""})
    if request.method == "POST" and form.is_valid():
        try:
            adjust(what, key, form.cleaned_data["value"], by=person, why=form.cleaned_data["why"])
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, gettext("The value counts from now on."))
            return redirect("standard-values")
    return render(
        request,
        "standard/value.html",
        {
            "header": PageHeader(
                title=row.name,
                lead=row.what,
                crumbs=[
                    Link(label=in_force.catalogue.standard.designation, url=reverse("standard")),
                    Link(label=_("Values"), url=reverse("standard-values")),
                ],
            ),
            "row": row,
            "form": RecordForm(
                form=form,
                url=request.path,
                submit=_("Set the value"),
                cancel_url=reverse("standard-values"),
            ),
            "history": Adjustment.objects.filter(what=what, key=key).select_related("by"),
        },
        status=422 if form.errors else 200,
    )


def _value_row(in_force: InForce, what: str, key: str) -> ValueRow:
    standard = in_force.catalogue
    if what == Adjustment.What.PARAMETER and key in standard.parameters:
        return _parameter_row(in_force, standard.parameters[key], True)
    requirement = standard.requirements.get(key)
    if what == Adjustment.What.FREQUENCY and requirement and requirement.frequency:
        return _frequency_row(in_force, requirement, True)
    raise Http404


# --- Small things --------------------------------------------------------------------------------


def _crumbs(view: View, clauses: Sequence[Clause]) -> list[Link]:
    """From the standard down to the clause, which come nearest first."""
    trail = [Link(label=view.catalogue.standard.designation, url=view.url("standard"))]
    return trail + [
        Link(label=f"{c.number} {c.title}", url=view.clause_url(c.number))
        for c in reversed(clauses)
    ]


def _result(result: Result | None) -> SafeString:
    return components.verdict(result.value, result.label) if result else SafeString("")


OUTCOMES: Final = {Outcome.HOLDS: "met", Outcome.FAILS: "gap"}
"""The verdict a single check is shown as, where its word is not one of the results."""


def _outcome(outcome: Outcome) -> SafeString:
    return components.verdict(OUTCOMES.get(outcome, outcome.value), outcome.label)


urlpatterns = [
    path("", index, name="standard"),
    path("compute/", compute, name="standard-compute"),
    path("keep/", keep, name="standard-keep"),
    path("values/", values, name="standard-values"),
    path("values/<str:what>/<str:key>/", value, name="standard-value"),
    path("obligation/<str:id>/", obligation, name="standard-obligation"),
    path("check/<slug:key>/", check, name="standard-check"),
    path("check/<slug:key>/compute/", compute_check, name="standard-compute-check"),
    path("<str:number>/", clause, name="standard-clause"),
]
