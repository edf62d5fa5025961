"""A check, and the records behind its figure as far as the reader may see them."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from verne.conformity.adjusting import InForce
from verne.conformity.catalogue import Check
from verne.conformity.computing import Figure, ask
from verne.conformity.models import KindOfInformation
from verne.engine.evidence import answers
from verne.engine.people import Person
from verne.engine.records import Part, Record, Sheet
from verne.engine.rights import scope
from verne.web import components, phrases, show
from verne.web.pages.nonconformities import raising
from verne.web.parts import Action, Column, Fact, Link, PageHeader, Pager, Row, Table

from .shown import cited, note_of, said, worded
from .view import COMPUTE, View, crumbs, open_view, outcome_badge, result_badge

PAGE: Final = 50

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
                quarter=clause.pdca,  # type: ignore[arg-type]
                crumbs=crumbs(view, [clause, *view.catalogue.ancestors(clause.number)]),
                actions=_check_actions(view, found, figure),
            ),
            "figure": figure,
            "outcome": outcome_badge(figure.outcome),
            "condition": worded(found.condition),
            "note": note_of(figure),
            "answered": key in answers,
            "tabs": _tabs(view, key, figure, whole=whole),
            "table": _records(view, found, figure, whole=whole),
            "facts": _check_facts(view, found, figure),
            "raised": raising.raised_by(view.person, key),
            "users": [
                (
                    result_badge(view.statement.judgement.verdicts[r.id].result),
                    Link(label=cited(r), url=view.obligation_url(r.id)),
                    r.text,
                )
                for r in users
            ],
        },
    )


def _check_actions(view: View, check: Check, figure: Figure) -> list[Action]:
    if view.past:
        return []
    users = view.catalogue.requirements_using(check.key)
    offers = raising.from_check(view.person, figure, str(worded(check.condition)), users)
    if figure.key in answers and view.person.may(COMPUTE):
        url = reverse("standard-compute-check", args=[figure.key])
        offers.append(Action(label=_("Compute anew"), url=url, method="post"))
    return offers


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
        Fact(
            label=_("Reads"),
            value=", ".join(view.catalogue.record_types[r].label for r in check.reads),
        ),
    ]
    if interval := values.interval(check):
        facts.append(Fact(label=_("Planned interval"), value=interval.words))
    looked = figure.inputs.get("parameters", {})
    for parameter in view.catalogue.parameters.values():
        if check.key not in parameter.checks and parameter.key not in looked:
            continue
        facts.append(
            Fact(
                label=_("Value used"),
                value=said(values.parameter(parameter.key)),
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
    if figure.counted_whole_at and figure.counted_whole_at != figure.computed_at:
        facts.append(
            Fact(
                label=_("Last counted over all records"),
                value=components.moment(figure.counted_whole_at, "exact"),
                why=_("Since then, what has changed was counted again."),
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
    page, pager = _page(view, check.key, records, whole=whole)
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


def _page(
    view: View, key: str, everything: QuerySet[Any], *, whole: bool
) -> tuple[list[Any], Pager]:
    records = _visible(everything, view.person)
    after = view.request.GET.get("after", "")
    query = {"show": "population"} if whole else {}
    ordered = records.order_by("pk")
    number = int(after) if after.isdecimal() and len(after) < 19 else 0
    # By its key a page is found as fast at the end of a long list as at its beginning.
    page = list(ordered.filter(Q(pk__gt=number))[: PAGE + 1] if number else ordered[: PAGE + 1])
    more = len(page) > PAGE
    page = page[:PAGE]
    total = records.count()
    summary = ngettext("%(n)s record", "%(n)s records", total) % {"n": phrases.number(total)}
    if hidden := everything.count() - total:
        summary += " · " + ngettext(
            "%(n)s more is not open to you", "%(n)s more are not open to you", hidden
        ) % {"n": phrases.number(hidden)}
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
    if isinstance(thing, KindOfInformation):
        url = f"{reverse('standard-documented')}#{thing.key}"
        return Row(cells=[format_html('<a href="{}">{}</a>', url, thing)], title=str(thing))
    return Row(cells=[str(thing)], title=str(thing))


def _sheet_row(sheet: Sheet, *, title: str) -> Row:
    model = type(sheet) if isinstance(sheet, Record) else sheet.model
    state = model.lifecycle.states[sheet.state]
    return Row(
        cells=[
            components.ref(sheet.ref, sheet.get_absolute_url(), sheet.title),
            title,
            components.state(state.label, show.tone(state)),
            components.person(sheet.owner),
            components.moment(sheet.filed_at, "day"),
        ],
        title=sheet.ref,
    )


def _examples(view: View, figure: Figure) -> Table | None:
    """The first exceptions of a past day, as the records are called today."""
    if not figure.examples:
        return None
    sheets = Sheet.objects.filter(pk__in=figure.examples).filter(scope(view.person, Sheet))
    page = list(sheets.select_related("owner").order_by("pk"))
    kept = len(figure.examples)
    said = (
        gettext("The first %(kept)s of %(all)s records; state as of today")
        if view.computed
        else gettext("The snapshot names %(kept)s of %(all)s records; state as of today")
    )
    return Table(
        caption=_("Records that broke it then"),
        columns=_columns(Sheet),
        rows=[_row(sheet) for sheet in page],
        pager=Pager(
            summary=said
            % {"kept": phrases.number(kept), "all": phrases.number(figure.exceptions or kept)}
        ),
    )
