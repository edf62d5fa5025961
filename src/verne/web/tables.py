"""A list of records as its page shows it: filters as links, columns, rows, the way on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from verne.engine import sight
from verne.engine.listing import (
    ME,
    NOBODY,
    Page,
    Wanted,
    column_name,
    columns_of,
    is_sortable,
    label_of,
)
from verne.engine.people import Person
from verne.engine.prepared import Prepared
from verne.engine.records import Record, Sheet
from verne.engine.register import Column as RegisterColumn
from verne.engine.register import Register
from verne.engine.rights import may

from . import components, phrases, show
from .models import SavedView
from .pages import imports
from .parts import Bulk, Chosen, Column, Facet, FilterBar, Link, Option, Pager, Row, Table
from .views.common import url

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

ALWAYS_SHOWN = frozenset({"ref", "title", "state", "priority", "due_at"})
"""Columns that stay on a small screen."""

STANDINGS: dict[str, StrOrPromise] = {
    "open": gettext_lazy("Open"),
    "closed": gettext_lazy("Closed"),
    "withdrawn": gettext_lazy("Withdrawn"),
    "all": gettext_lazy("Withdrawn ones too"),
}

PERIODS: dict[str, StrOrPromise] = {
    "-1d": gettext_lazy("The last 24 hours"),
    "-7d": gettext_lazy("The last 7 days"),
    "-30d": gettext_lazy("The last 30 days"),
    "-365d": gettext_lazy("The last 12 months"),
    "past": gettext_lazy("Over"),
    "+7d": gettext_lazy("The next 7 days"),
    "+30d": gettext_lazy("The next 30 days"),
}


def address(wanted: Wanted, **changes: str | Sequence[str] | None) -> str:
    """The address of this list, with some parameters changed."""
    return url(f"/{wanted.register.slug}/", wanted.params(**changes))


# --- The table -----------------------------------------------------------------------------------


def table(page: Page, person: Person) -> Table:
    wanted = page.wanted
    model = wanted.register.model
    moves = [] if wanted.at else bulk_moves(wanted.register, person)
    paths = [p for c in wanted.columns for p in ((c,) if isinstance(c, str) else c.needs)]
    with sight.sparing(sight.unseen(page.rows, paths, person)):
        told = [_cells(wanted, column) for column in wanted.columns]
        rows = [
            Row(
                cells=[tell(record) for tell in told],
                pick=record.ref,
                title=f"{record.ref} {record.title}",
            )
            for record in page.rows
        ]
    return Table(
        caption=capfirst(str(model._meta.verbose_name_plural)),
        columns=[_column(wanted, column) for column in wanted.columns],
        rows=rows,
        pager=pager(page),
        bulk=Bulk(url=f"/{wanted.register.slug}/bulk", moves=moves) if moves else None,
    )


def _cells(wanted: Wanted, column: str | RegisterColumn) -> show.Cell:
    if wanted.at is None or column != "ref":
        return show.cells(wanted.register.model, column)
    # Who looks at the past goes on looking at it.
    then = timezone.localtime(wanted.at).strftime("%Y-%m-%dT%H:%M:%S")
    return lambda record: components.ref(
        record.ref, url(f"/r/{record.ref}/as-it-was", [("at", then)])
    )


def _column(wanted: Wanted, column: str | RegisterColumn) -> Column:
    model = wanted.register.model
    name = column_name(column)
    sort_url, sorted_ = "", ""
    if isinstance(column, str) and is_sortable(model, name):
        here = wanted.order.lstrip("-") == name
        down = wanted.order.startswith("-")
        if here:
            sorted_ = "descending" if down else "ascending"
        # Times read newest first; all else from the beginning.
        first = "-" if isinstance(model._meta.get_field(name), models.DateTimeField) else ""
        other = name if down else f"-{name}"
        sort_url = address(wanted, sort=other if here else first + name)
    return Column(
        label=label_of(model, column),
        sort_url=sort_url,
        sorted=sorted_,  # type: ignore[arg-type]
        numeric=_is_numeric(model, column),
        wide=name == "title",
        minor=name not in ALWAYS_SHOWN,
    )


def _is_numeric(model: type[Record], column: str | RegisterColumn) -> bool:
    if not isinstance(column, str):
        return False
    found: Any = model._meta.get_field(column)
    number = isinstance(found, models.IntegerField | models.DecimalField | models.FloatField)
    return bool(number and not found.choices and column != "priority")


def pager(page: Page) -> Pager:
    """How much there is, and the ways on and back."""
    wanted, shown = page.wanted, len(page.rows)
    if page.next is None and page.previous is None:
        said = ngettext("%(number)s record", "%(number)s records", shown)
        said = said % {"number": phrases.number(shown)}
    else:
        number, more = page.count
        said = (
            _("%(shown)s of more than %(number)s records")
            if more
            else _("%(shown)s of %(number)s records")
        )
        said = said % {"shown": phrases.number(shown), "number": phrases.number(number)}
    paged = bool(wanted.after or wanted.before)
    return Pager(
        summary=said,
        first_url=address(wanted) if paged else "",
        previous_url=address(wanted, before=page.previous) if page.previous else "",
        next_url=address(wanted, after=page.next) if page.next else "",
    )


def bulk_moves(register: type[Register], person: Person) -> list[tuple[str, StrOrPromise]]:
    """The moves this person may make on records of a type; what is signed is signed one by one."""
    return [
        (name, step.label)
        for name, step in register.model.lifecycle.moves.items()
        if may(person, name, register.model) and not step.signed
    ]


# --- Filters -------------------------------------------------------------------------------------


def filter_bar(wanted: Wanted, person: Person) -> FilterBar:
    register = wanted.register
    names = list(register.filters)
    names += [name for name in wanted.filters if name not in names]
    labels = {name: _labels(register, name, wanted.filters.get(name, ())) for name in names}
    return FilterBar(
        search_url=f"/{register.slug}/",
        search=wanted.text,
        keep=[pair for pair in wanted.params() if pair[0] != "q"],
        facets=[_standing(wanted), *(_facet(wanted, name, labels[name], person) for name in names)],
        chosen=_chosen(wanted, labels),
        clear_url=address(wanted, **dict.fromkeys(wanted.filters), standing=None, q=None),
        tools=_tools(wanted, person),
        views=_views(wanted, person),
    )


def _toggle(wanted: Wanted, name: str, value: str) -> str:
    """The list with one value of a filter chosen, or taken back if it was."""
    values = list(wanted.filters.get(name, ()))
    values = [v for v in values if v != value] if value in values else [*values, value]
    return address(wanted, **{name: values})


def _standing(wanted: Wanted) -> Facet:
    return Facet(
        label=_("Standing"),
        options=[
            Option(
                label=label,
                url=address(wanted, standing=None if wanted.standing == key else key),
                chosen=wanted.standing == key,
            )
            for key, label in STANDINGS.items()
        ],
    )


def _facet(wanted: Wanted, name: str, labels: dict[str, StrOrPromise], person: Person) -> Facet:
    model = wanted.register.model
    found: Any = model._meta.get_field(name)
    chosen = wanted.filters.get(name, ())
    offered: dict[str, StrOrPromise] = dict(_offered(model, found))
    offered |= {value: label for value, label in labels.items() if value not in offered}
    options = [
        Option(label=label, url=_toggle(wanted, name, value), chosen=value in chosen)
        for value, label in offered.items()
    ]
    if found.is_relation:
        choose = url(f"/{wanted.register.slug}/choose/{name}", wanted.params())
        options.append(Option(label=_("Choose…"), url=choose))
    return Facet(label=model.field_label(name), options=options)


def _offered(model: type[Record], found: Any) -> list[tuple[str, StrOrPromise]]:
    """The values of a filter that can be offered without asking the database."""
    if found.name == "state":
        return [(name, state.label) for name, state in model.lifecycle.states.items()]
    if found.is_relation:
        me = [(ME, _("Me"))] if issubclass(found.related_model, Person) else []
        nobody = _("Nobody") if me else _("None")
        return [*me, *([(NOBODY, nobody)] if found.null or found.many_to_many else [])]
    if isinstance(found, models.BooleanField):
        return [("yes", _("Yes")), ("no", _("No"))]
    if isinstance(found, models.DateField):
        return list(PERIODS.items())
    if found.choices:
        return [(str(key), label) for key, label in found.flatchoices if key not in (None, "")]
    return []


def _labels(register: type[Register], name: str, values: Sequence[str]) -> dict[str, StrOrPromise]:
    """The words for the values that were chosen."""
    found: Any = register.model._meta.get_field(name)
    known: dict[str, StrOrPromise] = dict(_offered(register.model, found))
    strange = [value for value in values if value not in known]
    if strange and found.is_relation:
        known |= _names(found.related_model, strange)
    return {value: known.get(value, value) for value in values}


def _names(model: Any, values: Sequence[str]) -> dict[str, StrOrPromise]:
    if issubclass(model, Sheet):
        refs = {value.upper(): value for value in values}
        rows = Sheet.objects.filter(
            models.Q(ref__in=refs) | models.Q(pk__in=[v for v in values if v.isdecimal()])
        )
        named: dict[str, StrOrPromise] = {}
        for sheet in rows:
            named[refs.get(sheet.ref, str(sheet.pk))] = str(sheet)
        return named
    rows = model._default_manager.filter(pk__in=[v for v in values if v.isdecimal()])
    return {str(row.pk): str(row) for row in rows}


def _chosen(wanted: Wanted, labels: dict[str, dict[str, StrOrPromise]]) -> list[Chosen]:
    model = wanted.register.model
    chips = []
    if wanted.standing:
        label = STANDINGS[wanted.standing]
        chips.append(Chosen(label=label, url=address(wanted, standing=None)))
    for name, values in wanted.filters.items():
        for value in values:
            words = _("%(field)s: %(value)s") % {
                "field": model.field_label(name),
                "value": labels[name][value],
            }
            chips.append(Chosen(label=words, url=_toggle(wanted, name, value)))
    return chips


# --- Tools ---------------------------------------------------------------------------------------


def _tools(wanted: Wanted, person: Person) -> list[Facet]:
    tools = [_columns(wanted)]
    if wanted.at is not None:
        return tools
    slug = wanted.register.slug
    more = [
        Option(label=_("Save this view…"), url=url(f"/{slug}/views", wanted.params())),
    ]
    if person.may("engine.export_records"):
        export = f"/{slug}/export"
        more += [
            Option(label=_("As CSV"), url=url(export, [*wanted.params(), ("format", "csv")])),
            Option(label=_("As XLSX"), url=url(export, [*wanted.params(), ("format", "xlsx")])),
        ]
    if person.may("engine.import_records"):
        more.append(Option(label=_("Import…"), url=f"/{slug}/import"))
    more += imports.options(wanted.register.model.kind_name(), person)
    tools.append(Facet(label=_("More"), options=more, icon="download"))
    return tools


def _columns(wanted: Wanted) -> Facet:
    model = wanted.register.model
    shown = [column_name(column) for column in wanted.columns]
    options = []
    for name, column in columns_of(wanted.register).items():
        if name in ("ref", "title"):
            continue
        names = [n for n in shown if n != name] if name in shown else [*shown, name]
        usual = [column_name(c) for c in wanted.register.columns]
        text = None if names == usual else ",".join(names)
        options.append(
            Option(
                label=label_of(model, column),
                url=address(wanted, columns=text),
                chosen=name in shown,
            )
        )
    return Facet(label=_("Columns"), options=options, icon="columns")


_saved_views = Prepared(
    lambda person, kind: SavedView.objects.filter(person=person, kind=kind),
    person=models.BigIntegerField(),
    kind=models.CharField(),
)


def _views(wanted: Wanted, person: Person) -> list[Link]:
    """Every list has three views; people save their own beside them."""
    slug = wanted.register.slug
    here = sorted(wanted.params())
    kept = _saved_views(person=person.pk, kind=wanted.register.model.kind_name())
    usual: list[tuple[StrOrPromise, list[tuple[str, str]]]] = [
        (_("All"), []),
        (_("Open"), [("standing", "open")]),
        (_("Mine"), [("owner", ME), ("standing", "open")]),
    ]
    links = [
        Link(label=label, url=url(f"/{slug}/", pairs), current=sorted(pairs) == here)
        for label, pairs in usual
    ]
    from urllib.parse import parse_qsl

    links += [
        Link(
            label=view.name,
            url=f"/{slug}/?{view.query}",
            current=sorted(parse_qsl(view.query)) == here,
        )
        for view in kept
    ]
    return links


def clauses(register: type[Register]) -> list[Any]:
    """The clauses a register answers to, as chips."""
    from .context import clause_url, quarter_of

    return [
        components.clause(number, clause_url(number), quarter=quarter_of(register))
        for number in register.clauses
    ]
