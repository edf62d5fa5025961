"""Imported logs: what came in, what could not be taken, and its verdicts against ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from verne.engine.people import Person
from verne.engine.rights import may
from verne.sms.relationship.agreement.models import Agreement
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.intake import agreed, comparing
from verne.sms.resolution.intake.fact import ImportedIncident, ImportedLog, Judging
from verne.sms.resolution.intake.log import DONE

from .. import components, phrases, show
from ..context import plural, quarter_of
from ..parts import (
    Action,
    Column,
    Empty,
    Fact,
    Link,
    Option,
    PageHeader,
    Pager,
    RecordForm,
    Row,
    Table,
)
from ..views.common import person_of, register_at, staff, tell_refusal, url

if TYPE_CHECKING:
    from django.utils.safestring import SafeString
    from django_stubs_ext import StrOrPromise

PAGE = 50

SAID: dict[str, StrOrPromise] = {
    "kept": gettext_lazy("Said to be kept"),
    "missed": gettext_lazy("Said to be missed"),
    "unsaid": gettext_lazy("Nothing said"),
}
OURS: dict[str, StrOrPromise] = {
    "kept": gettext_lazy("Kept"),
    "missed": gettext_lazy("Missed"),
    "open": gettext_lazy("Still open"),
    "none": gettext_lazy("No target"),
}
TONES = {"kept": "done", "missed": "alert", "open": "active", "none": "closed", "unsaid": "closed"}

FIGURES: dict[str, StrOrPromise] = {
    "incidents": gettext_lazy("Incidents in the log"),
    "rows": gettext_lazy("Rows, each an update"),
    "new": gettext_lazy("Incidents filed"),
    "there": gettext_lazy("Incidents on file before"),
    "refused": gettext_lazy("Incidents that could not be filed"),
    "closed": gettext_lazy("Closed"),
    "reopened": gettext_lazy("Reopened"),
    "missed": gettext_lazy("Said to have missed their target"),
    "with_problem": gettext_lazy("With a problem"),
    "with_change": gettext_lazy("With a change"),
    "with_component": gettext_lazy("With a configuration item"),
}


def options(kind: str, person: Person) -> list[Option]:
    """What the list of incidents offers beside its own tools, once a log has been imported."""
    if kind != Incident.kind_name() or not ImportedLog.objects.exists():
        return []
    found = [Option(label=_("Imported verdicts"), url=reverse("imports-made-sla"))]
    if agreed.may_judge(person):
        found.append(Option(label=_("Imported logs"), url=reverse("imports")))
    return found


# --- The logs ------------------------------------------------------------------------------------


@staff
@require_GET
def logs(request: HttpRequest) -> HttpResponse:
    """The logs that were taken in, the latest first."""
    person = _importer(request)
    found = list(ImportedLog.objects.select_related("customer", "by")[:PAGE])
    context = {
        "header": PageHeader(
            title=_("Imported logs"),
            crumbs=_crumbs(person),
            quarter=quarter_of(register_at("incidents", person)),
            actions=_to_verdicts() if found else [],
        ),
        "table": _logs_table(found) if found else None,
        "empty": _nothing_yet(),
    }
    return render(request, "imports/logs.html", context)


def _to_verdicts() -> list[Action]:
    return [Action(label=_("Compare the verdicts"), url=reverse("imports-made-sla"))]


def _nothing_yet() -> Empty:
    return Empty(
        title=_("No log has been imported"),
        text=_(
            "Incidents of another tool come in with each of their updates as history: run “verne "
            "import servicenow-log FILE” where Verne is installed."
        ),
    )


def _logs_table(found: Sequence[ImportedLog]) -> Table:
    return Table(
        caption=_("Imported logs"),
        columns=[
            Column(label=_("File")),
            Column(label=_("Customer"), wide=True),
            Column(label=_("Incidents"), numeric=True),
            Column(label=_("Filed"), numeric=True, minor=True),
            Column(label=_("Not taken as they are"), numeric=True),
            Column(label=_("Time zone"), minor=True),
            Column(label=_("By"), minor=True),
            Column(label=_("Imported")),
        ],
        rows=[
            Row(
                cells=[
                    components.ref(log.file_name, reverse("imports-log", args=[log.pk])),
                    str(log.customer),
                    _figure(log, "incidents"),
                    _figure(log, "new"),
                    _figure(log, "flaws"),
                    log.zone,
                    components.person(log.by),
                    components.moment(log.ended_at, "exact")
                    if log.ended_at
                    else components.state(_("Broken off"), "stopped"),
                ]
            )
            for log in found
        ],
    )


def _figure(log: ImportedLog, name: str) -> SafeString | str:
    value = log.figures.get(name)
    return components.NOTHING if value is None else phrases.number(value)


@staff
@require_GET
def log(request: HttpRequest, number: int) -> HttpResponse:
    """A log: what came of it, and everything in it that could not be taken as it is."""
    person = _importer(request)
    found = get_object_or_404(ImportedLog.objects.select_related("customer", "by"), pk=number)
    kinds = found.figures.get("flaws_by_kind", {})
    kind = request.GET.get("kind", "")
    if kind and kind not in kinds:
        raise Http404
    crumbs = [*_crumbs(person), Link(label=_("Imported logs"), url=reverse("imports"))]
    context = {
        "header": PageHeader(
            title=found.file_name, crumbs=crumbs, actions=_to_verdicts() if found.ended_at else []
        ),
        "facts": _figures(found),
        "read": _reading(found),
        "tabs": _flaw_tabs(found, kind),
        "table": _flaws_table(request, found, kind),
        "columns": list(found.columns.items()),
        "broken": found.ended_at is None,
    }
    return render(request, "imports/log.html", context)


def _figures(found: ImportedLog) -> list[Fact]:
    return [
        Fact(label=label, value=phrases.number(found.figures[name]))
        for name, label in FIGURES.items()
        if name in found.figures
    ]


def _reading(found: ImportedLog) -> list[Fact]:
    return [
        Fact(label=_("Tool"), value=found.source),
        Fact(label=_("Customer"), value=str(found.customer)),
        Fact(label=_("Times read as"), value=found.zone),
        Fact(label=_("Imported by"), value=components.person(found.by)),
        Fact(label=_("Began"), value=components.moment(found.began_at, "exact")),
        Fact(label=_("Ended"), value=components.moment(found.ended_at, "exact")),
    ]


def _flaw_tabs(found: ImportedLog, kind: str) -> list[Link]:
    here = reverse("imports-log", args=[found.pk])
    kinds = found.figures.get("flaws_by_kind", {})
    if not kinds:
        return []
    everything = Link(label=_("All"), url=here, count=found.figures.get("flaws"), current=not kind)
    return [
        everything,
        *(
            Link(
                label=FLAWS.get(key, key),
                url=url(here, [("kind", key)]),
                count=count,
                current=kind == key,
            )
            for key, count in kinds.items()
        ),
    ]


FLAWS: dict[str, StrOrPromise] = {
    "no_number": gettext_lazy("no incident"),
    "no_time": gettext_lazy("no time"),
    "short": gettext_lazy("cells missing"),
    "long": gettext_lazy("too many cells"),
    "bad_time": gettext_lazy("not a time"),
    "numbers": gettext_lazy("update number"),
    "order": gettext_lazy("out of order"),
    "gaps": gettext_lazy("updates missing"),
    "opened_late": gettext_lazy("opened late"),
    "state": gettext_lazy("unknown state"),
    "word": gettext_lazy("unknown word"),
    "closing": gettext_lazy("unknown closing code"),
    "not_resolved": gettext_lazy("no resolution time"),
    "resolved_again": gettext_lazy("resolved again"),
    "reopened": gettext_lazy("not a number"),
    "grown": gettext_lazy("later rows"),
    "refused": gettext_lazy("refused"),
}
"""The kinds of flaws in a word or two; `DONE` says what was done about each."""


def _flaws_table(request: HttpRequest, found: ImportedLog, kind: str) -> Table | None:
    flaws = [(n, flaw) for n, flaw in enumerate(found.flaws, 1) if not kind or flaw[4] == kind]
    if not flaws:
        return None
    after = _number(request.GET.get("after", ""))
    page = [(n, flaw) for n, flaw in flaws if n > after][: PAGE + 1]
    page, more = page[:PAGE], len(page) > PAGE
    numbers = {flaw[1] for _n, flaw in page}
    refs = dict(
        ImportedIncident.objects.filter(number__in=numbers, source=found.source).values_list(
            "number", "incident__ref"
        )
    )
    here = reverse("imports-log", args=[found.pk])
    keep = [("kind", kind)] if kind else []
    summary = ngettext("%(n)s line", "%(n)s lines", len(flaws)) % {"n": phrases.number(len(flaws))}
    return Table(
        caption=_("What could not be taken as it is"),
        columns=[
            Column(label=_("Row"), numeric=True),
            Column(label=_("Incident")),
            Column(label=_("Column"), minor=True),
            Column(label=_("Value")),
            Column(label=_("What was done instead"), wide=True),
        ],
        rows=[
            Row(
                cells=[
                    phrases.number(flaw[0]) if flaw[0] else components.NOTHING,
                    _incident(flaw[1], refs),
                    flaw[2] or components.NOTHING,
                    flaw[3] or components.NOTHING,
                    str(DONE.get(flaw[4], flaw[4])),
                ]
            )
            for _n, flaw in page
        ],
        pager=Pager(
            summary=summary,
            first_url=url(here, keep) if after else "",
            next_url=url(here, [*keep, ("after", str(page[-1][0]))]) if more else "",
        ),
    )


def _incident(number: str, refs: dict[str, str]) -> SafeString | str:
    if not number:
        return components.NOTHING
    return components.ref(number, f"/r/{refs[number]}") if number in refs else number


# --- Its verdicts and ours -----------------------------------------------------------------------


class JudgeForm(forms.Form):
    """The agreement to judge imported incidents by."""

    agreement = forms.ModelChoiceField(
        label=gettext_lazy("Agreement"), queryset=Agreement.objects.none(), empty_label=None
    )

    def __init__(self, person: Person, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["agreement"]
        field.queryset = _agreements(person)


def _agreements(person: Person) -> QuerySet[Any]:
    """Those whose targets speak of incidents, and that this person may see."""
    seen = Agreement.objects.visible_to(person).standing()
    return seen.filter(targets__applies_to="incident").distinct().order_by("-pk")


@dataclass(frozen=True)
class Count:
    """A cell of the comparison: how many incidents, and where they are listed."""

    count: int
    url: str
    differ: bool


@dataclass(frozen=True)
class Line:
    """What was said, and how many of those came out as what."""

    label: StrOrPromise
    counts: Sequence[Count]
    total: int


@dataclass(frozen=True)
class Matrix:
    """What was said against what is computed. Columns nobody is in are left out."""

    heads: Sequence[StrOrPromise]
    lines: Sequence[Line]
    totals: Sequence[int]
    total: int
    alike: int
    differ: int

    @property
    def share(self) -> float:
        """The part of those judged by both on which they agree."""
        both = self.alike + self.differ
        return self.alike / both if both else 0.0


@staff
@require_GET
def made_sla(request: HttpRequest) -> HttpResponse:
    """What the log says of each target against what its clock says, and where they differ."""
    person = person_of(request)
    register = register_at("incidents", person)
    said, ours = request.GET.get("said", ""), request.GET.get("ours", "")
    if (said and said not in SAID) or (ours and ours not in OURS):
        raise Http404
    found = comparing.compare(person)
    matrix, waiting = _matrix(found), agreed.latest()
    context: dict[str, Any] = {
        "header": PageHeader(
            title=_("Imported verdicts and ours"),
            lead=_(
                "Whether each incident kept its target to resolve: as the log says, and as its "
                "clock says under the agreement chosen here."
            ),
            crumbs=_crumbs(person),
            quarter=quarter_of(register),
        ),
        "matrix": matrix if matrix.total else None,
        "empty": _nothing_yet(),
    }
    if matrix.total:
        context |= {
            "tabs": _tabs(found, said, ours),
            "table": _incidents(request, person, found, said, ours),
            "judged": _judged(person, found),
            "judging": waiting,
            "running": waiting is not None and running(waiting),
            "entry": None if waiting and running(waiting) else _form(person),
        }
    part = "#verdicts" if getattr(request, "htmx", False) else ""
    return render(request, f"imports/made_sla.html{part}", context)


def _judged(person: Person, found: comparing.Comparison) -> list[tuple[SafeString | str, str]]:
    """The agreements by which the incidents are judged now, with how many they are."""
    seen = Agreement.objects.visible_to(person).in_bulk(list(found.agreements))
    return [
        (
            show.record_link(seen[key]) if key in seen else _("An agreement not open to you"),
            ngettext("%(n)s incident", "%(n)s incidents", n) % {"n": phrases.number(n)},
        )
        for key, n in found.agreements.items()
    ]


def _form(person: Person) -> RecordForm | None:
    if not (agreed.may_judge(person) and may(person, "view", Agreement)):
        return None
    form = JudgeForm(person)
    if not form.fields["agreement"].queryset.exists():  # type: ignore[attr-defined]
        return None
    return RecordForm(
        form=form, url=reverse("imports-judge"), submit=_("Judge them by it"), cancel_url=""
    )


@staff
@require_POST
def judge(request: HttpRequest) -> HttpResponse:
    """Judge the imported incidents by another agreement, in the background if they are many."""
    person = _importer(request)
    form = JudgeForm(person, request.POST)
    waiting = agreed.latest()
    if form.is_valid() and not (waiting and running(waiting)):
        try:
            agreed.ask(form.cleaned_data["agreement"], by=person)
        except PermissionDenied as error:
            tell_refusal(request, error)
    return redirect("imports-made-sla")


def running(judging: Judging) -> bool:
    """Whether it still goes on."""
    return judging.ended_at is None and not judging.why


def _matrix(found: comparing.Comparison) -> Matrix:
    columns = [ours for ours in OURS if ours in ("kept", "missed") or found.count(ours=ours)]
    rows = [said for said in SAID if said != "unsaid" or found.count(said=said)]
    lines = []
    for said in rows:
        counts = []
        for ours in columns:
            cell = comparing.Cell(said, ours, found.count(said=said, ours=ours))
            address = url(reverse("imports-made-sla"), [("said", said), ("ours", ours)])
            counts.append(Count(cell.count, address, cell.differ))
        lines.append(Line(SAID[said], counts, found.count(said=said)))
    return Matrix(
        heads=[OURS[ours] for ours in columns],
        lines=lines,
        totals=[found.count(ours=ours) for ours in columns],
        total=found.count(),
        alike=found.alike,
        differ=found.differing,
    )


def _tabs(found: comparing.Comparison, said: str, ours: str) -> list[Link]:
    """All differences, and each kind of them; a pair chosen in the table joins them."""
    here = reverse("imports-made-sla")
    chosen = bool(said or ours)
    tabs = [Link(label=_("Differences"), url=here, count=found.differing, current=not chosen)]
    pairs = [("kept", "missed"), ("missed", "kept")]
    if chosen and (said, ours) not in pairs:
        pairs.append((said, ours))
    for theirs, mine in pairs:
        words = [str(SAID[theirs])] if theirs else []
        words += [_("Computed: %(verdict)s") % {"verdict": OURS[mine]}] if mine else []
        tabs.append(
            Link(
                label=" · ".join(words),
                url=url(here, [(k, v) for k, v in (("said", theirs), ("ours", mine)) if v]),
                count=found.count(said=theirs, ours=mine),
                current=(said, ours) == (theirs, mine),
            )
        )
    return tabs


def _incidents(
    request: HttpRequest,
    person: Person,
    found: comparing.Comparison,
    said: str,
    ours: str,
) -> Table | None:
    rows = comparing.those(person, said=said, ours=ours)
    after = _number(request.GET.get("after", ""))
    # By its key a page is found as fast at the end of a long list as at its beginning.
    page: list[Any] = list(rows.filter(pk__gt=after).select_related("incident")[: PAGE + 1])
    page, more = page[:PAGE], len(page) > PAGE
    if not page:
        return None
    here = reverse("imports-made-sla")
    keep = [(k, v) for k, v in (("said", said), ("ours", ours)) if v]
    total = found.count(said=said, ours=ours) if said or ours else found.differing
    summary = ngettext("%(n)s incident", "%(n)s incidents", total) % {"n": phrases.number(total)}
    return Table(
        caption=_("Incidents by what was said and what is computed"),
        columns=[
            Column(label=_("Reference")),
            Column(label=_("Number there"), wide=True),
            Column(label=_("Priority"), minor=True),
            Column(label=_("Opened"), minor=True),
            Column(label=_("Resolved"), minor=True),
            Column(label=_("Time used"), numeric=True),
            Column(label=_("Target"), numeric=True, minor=True),
            Column(label=_("Said")),
            Column(label=_("Computed")),
        ],
        rows=[_row(imported) for imported in page],
        pager=Pager(
            summary=summary,
            first_url=url(here, keep) if after else "",
            next_url=url(here, [*keep, ("after", str(page[-1].pk))]) if more else "",
        ),
    )


def _row(imported: Any) -> Row:
    incident = imported.incident
    said = {True: "kept", False: "missed", None: "unsaid"}[imported.made_sla]
    return Row(
        cells=[
            components.ref(incident.ref, title=incident.title),
            imported.number,
            show.priority(incident),
            components.moment(incident.filed_at, "day"),
            components.moment(incident.resolved_at, "day"),
            _used(incident.ref, imported.elapsed),
            _target(imported),
            components.state(_said(said), TONES[said]),
            components.state(OURS[imported.ours], TONES[imported.ours]),
        ],
        title=incident.ref,
    )


def _said(said: str) -> StrOrPromise:
    return OURS[said] if said in OURS else SAID[said]


def _used(ref: str, elapsed: float | None) -> SafeString:
    """The time used, as a link to its explanation on the record."""
    return format_html(
        '<a href="/r/{}#clocks" title="{}">{}</a>', ref, _("How it was counted"), _hours(elapsed)
    )


def _target(imported: Any) -> SafeString | str:
    if imported.days is not None:
        return ngettext("%(n)d working day", "%(n)d working days", imported.days) % {
            "n": imported.days
        }
    return components.NOTHING if imported.seconds is None else _hours(imported.seconds)


def _hours(seconds: float | None) -> str:
    """Hours and minutes, never days: a day of service hours has not 24 of them."""
    hours, minutes = divmod(int(seconds or 0) // 60, 60)
    if not hours:
        return _("%(minutes)d m") % {"minutes": minutes}
    if not minutes:
        return _("%(hours)d h") % {"hours": hours}
    return _("%(hours)d h %(minutes)d m") % {"hours": hours, "minutes": minutes}


# --- What they share -----------------------------------------------------------------------------


def _importer(request: HttpRequest) -> Person:
    person = person_of(request)
    register_at("incidents", person)
    if not agreed.may_judge(person):
        raise PermissionDenied
    return person


def _crumbs(person: Person) -> list[Link]:
    return [Link(label=plural(register_at("incidents", person)), url="/incidents/")]


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 19 else 0


urlpatterns = [
    path("", logs, name="imports"),
    path("made-sla/", made_sla, name="imports-made-sla"),
    path("made-sla/judge", judge, name="imports-judge"),
    path("<int:number>/", log, name="imports-log"),
]
