"""Lists: filtered, sorted and paged by the address alone; moved in bulk."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import FieldDoesNotExist, PermissionDenied, ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from verne.engine import acts, listing, past
from verne.engine.lifecycle import Move
from verne.engine.listing import NotUnderstood, Wanted
from verne.engine.people import Person
from verne.engine.records import Record, Sheet
from verne.engine.register import Register, part_model
from verne.engine.rights import may

from .. import forms, tables
from ..context import plural, quarter_of, singular
from ..models import SavedView
from ..parts import Action, Empty, Link, PageHeader
from .common import from_replica, one, params_of, person_of, refusals, register_at, staff

MOST_AT_ONCE = 200
"""Records that are moved in one go."""


@staff
@from_replica
def index(request: HttpRequest, slug: str) -> HttpResponse:
    """A list, as its address asks for it."""
    person = person_of(request)
    register = register_at(slug, person)
    status = 200
    try:
        wanted = listing.understand(register, params_of(request))
    except NotUnderstood as error:
        messages.error(request, error.sentence)
        wanted, status = listing.understand(register, {}), 400
    try:
        context = _shown(wanted, person)
    except NotUnderstood as error:
        messages.error(request, error.sentence)
        context, status = _shown(listing.understand(register, {}), person), 400
    return render(request, "records/list.html", context, status=status)


def _shown(wanted: Wanted, person: Person) -> dict[str, Any]:
    """A list with everything around it, of now or as it stood."""
    then = past.reading(wanted.at, person=person) if wanted.at else nullcontext()
    with then:
        page = listing.fetch(wanted, person)
        return {
            "header": _header(wanted.register, person, at=wanted.at),
            "filters": tables.filter_bar(wanted, person),
            "table": tables.table(page, person),
            "empty": None if page.rows else _empty(wanted, person),
            "then": _Then.of(wanted),
        }


@dataclass(frozen=True)
class _Then:
    """records/then.html: the instant a list shows, and another to choose."""

    at: datetime | None
    now_url: str
    keep: list[tuple[str, str]]
    today: date

    @classmethod
    def of(cls, wanted: Wanted) -> _Then:
        return cls(
            at=wanted.at,
            now_url=tables.address(wanted, at=None),
            keep=wanted.params(at=None),
            today=timezone.localdate(),
        )


def _header(register: type[Register], person: Person, *, at: datetime | None = None) -> PageHeader:
    actions = []
    if at is None and may(person, "file", register.model):
        label = _("File: %(kind)s") % {"kind": singular(register)}
        new = f"/{register.slug}/new"
        actions.append(Action(label=label, url=new, kind="primary", icon="add", key="n"))
    return PageHeader(
        title=plural(register),
        quarter=quarter_of(register),
        actions=actions,
        clauses=tables.clauses(register),
    )


def _empty(wanted: Wanted, person: Person) -> Empty:
    register = wanted.register
    if wanted.at is not None:
        return Empty(
            title=_("Nothing was on file then that fits"),
            text=_("Choose a later day, or take the filters away."),
            actions=[Action(label=_("Back to now"), url=tables.address(wanted, at=None))],
        )
    if wanted.filters or wanted.text or wanted.standing or wanted.after or wanted.before:
        return Empty(
            title=_("Nothing fits these filters"),
            text=_("Take one away, or begin again with the whole list."),
            actions=[Action(label=_("The whole list"), url=f"/{register.slug}/")],
        )
    actions = []
    if may(person, "file", register.model):
        label = _("File: %(kind)s") % {"kind": singular(register)}
        actions.append(Action(label=label, url=f"/{register.slug}/new", kind="primary"))
    return Empty(
        title=register.purpose or plural(register),
        text=register.first_step,
        quarter=quarter_of(register),
        clauses=tables.clauses(register),
        actions=actions,
    )


# --- Choosing a value of a filter ----------------------------------------------------------------


@staff
def choose(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Everything a relation can be filtered by, to choose from, where a menu would be too long."""
    person = person_of(request)
    register = register_at(slug, person)
    try:
        wanted = listing.understand(
            register, {k: v for k, v in params_of(request).items() if k != "find"}
        )
    except NotUnderstood as error:
        raise Http404 from error
    if name not in listing.filter_names(register):
        raise Http404
    found: Any = register.model._meta.get_field(name)
    if not found.is_relation:
        raise Http404
    text = request.GET.get("find", "").strip()
    rows = _filterable(found, person)
    shown = list(_called(rows, text)[: MOST_AT_ONCE + 1])
    chosen = wanted.filters.get(name, ())
    options = []
    for thing in shown[:MOST_AT_ONCE]:
        value = thing.ref if isinstance(thing, Sheet) else str(thing.pk)
        values = [v for v in chosen if v != value]
        if value not in chosen:
            values.append(value)
        options.append(
            Link(
                label=str(thing),
                url=tables.address(wanted, **{name: values}),
                current=value in chosen,
            )
        )
    label = register.model.field_label(name)
    context = {
        "header": PageHeader(
            title=_("%(list)s by %(field)s") % {"list": plural(register), "field": label},
            crumbs=[Link(label=plural(register), url=tables.address(wanted))],
        ),
        "options": options,
        "find": text,
        "keep": wanted.params(),
        "more": len(shown) > MOST_AT_ONCE,
    }
    return render(request, "records/choose.html", context)


def _filterable(found: Any, person: Person) -> models.QuerySet[Any]:
    related: Any = found.related_model
    if issubclass(related, Record):
        rows: models.QuerySet[Any] = related.objects.visible_to(person).standing()
        return rows.order_by("title")
    return related._default_manager.order_by("name")  # type: ignore[no-any-return]


def _called(rows: models.QuerySet[Any], text: str) -> models.QuerySet[Any]:
    if not text:
        return rows
    if issubclass(rows.model, Sheet):
        return rows.filter(models.Q(title__icontains=text) | models.Q(ref__istartswith=text))
    return rows.filter(name__icontains=text)


# --- Saved views ---------------------------------------------------------------------------------


@staff
def views(request: HttpRequest, slug: str) -> HttpResponse:
    """Save the list one came from under a name; remove views that are no longer wanted."""
    person = person_of(request)
    register = register_at(slug, person)
    kind = register.model.kind_name()
    query = request.GET.urlencode()
    error = ""
    if request.method == "POST":
        if remove := one(request, "remove"):
            SavedView.objects.filter(person=person, kind=kind, pk=remove).delete()
            messages.success(request, _("The view is removed."))
            return redirect(request.get_full_path())
        name = one(request, "name")[:60]
        query = request.POST.get("query", "")[:2000]
        if name:
            SavedView.objects.update_or_create(
                person=person, kind=kind, name=name, defaults={"query": query}
            )
            messages.success(request, _("The view “%(name)s” is saved.") % {"name": name})
            return redirect(f"/{slug}/?{query}")
        error = _("Give the view a name.")
    context = {
        "header": PageHeader(
            title=_("Views of this list: %(list)s") % {"list": plural(register)},
            crumbs=[Link(label=plural(register), url=f"/{slug}/?{query}")],
        ),
        "query": query,
        "error": error,
        "kept": SavedView.objects.filter(person=person, kind=kind),
        "slug": slug,
    }
    return render(request, "records/views.html", context, status=422 if error else 200)


# --- Many at once --------------------------------------------------------------------------------


@require_POST
@staff
def bulk(request: HttpRequest, slug: str) -> HttpResponse:
    """Make one move on every picked record; each succeeds or is refused on its own."""
    person = person_of(request)
    register = register_at(slug, person)
    step = register.model.lifecycle.moves.get(one(request, "move"))
    refs = list(dict.fromkeys(request.POST.getlist("pick")))[:MOST_AT_ONCE]
    if step is None or not refs:
        messages.error(request, _("Pick some records and a step first."))
        return redirect(f"/{slug}/")
    if not may(person, step.name, register.model):
        raise PermissionDenied
    form = _bulk_form(register, step, person, request)
    if form is not None and not form.is_valid():
        context = {
            "header": PageHeader(
                title=ngettext(
                    "%(step)s: %(number)d record", "%(step)s: %(number)d records", len(refs)
                )
                % {"step": step.label, "number": len(refs)},
                crumbs=[Link(label=plural(register), url=f"/{slug}/")],
            ),
            "form": form,
            "refs": refs,
            "step": step,
            "url": request.path,
        }
        status = 422 if form.is_bound else 200
        return render(request, "records/bulk.html", context, status=status)
    note, values = "", {}
    if form is not None:
        note, values = form.note, form.changed()
    report = list(_make_all(register, step, refs, person, note=note, values=values))
    done = sum(1 for line in report if not line["why"])
    context = {
        "header": PageHeader(
            title=_("%(step)s: %(done)d of %(number)d done")
            % {"step": step.label, "done": done, "number": len(report)},
            crumbs=[Link(label=plural(register), url=f"/{slug}/")],
        ),
        "report": report,
    }
    return render(request, "records/bulk_report.html", context)


def _bulk_form(
    register: type[Register], step: Move, person: Person, request: HttpRequest
) -> forms.RecordForm | None:
    """What the move asks for, once for all; None when it asks for nothing."""
    if not step.fields and not step.note:
        return None
    data = request.POST if "sure" in request.POST else None
    return forms.bulk_move_form(register, step, person, data)


def _make_all(
    register: type[Register],
    step: Move,
    refs: Iterable[str],
    person: Person,
    *,
    note: str,
    values: dict[str, Any],
) -> Iterable[dict[str, Any]]:
    found = {
        record.ref: record
        for record in register.model.objects.visible_to(person).filter(ref__in=list(refs))
    }
    for ref in refs:
        record = found.get(ref)
        if record is None:
            yield {"ref": ref, "title": "", "why": [_("There is no such record for you.")]}
            continue
        why: list[str] = []
        try:
            acts.move(record, step.name, by=person, note=note, values=values)
        except (ValidationError, PermissionDenied) as error:
            why = refusals(error)
        yield {"ref": ref, "title": record.title, "why": why}


# --- Suggestions ---------------------------------------------------------------------------------


@staff
def suggest(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """What somebody who types a name into a form may mean; a fragment for its list."""
    person = person_of(request)
    register = register_at(slug, person)
    found = _relation(register, name)
    if not forms.can_be_named(found.related_model):
        raise Http404
    typed = (k for k in request.GET if k.removesuffix("-more").endswith(name))
    said = str(request.GET.get(next(typed, ""), ""))
    # Of several names with commas between them, the last is being typed.
    before, comma, text = said.rpartition(",")
    text = text.strip()
    before = f"{before}{comma} " if comma else ""
    rows = forms.choices_for(
        person, register, name, found.related_model, found.get_limit_choices_to()
    )
    offered = forms.suggestions(rows, text) if text else []
    offered = [(before + word, meaning) for word, meaning in offered]
    return render(request, "records/suggestions.html", {"offered": offered})


def _relation(register: type[Register], name: str) -> Any:
    """A relation of a record or of one of its parts."""
    models_ = [register.model, *(part_model(register.model, part) for part in register.parts)]
    for model in models_:
        with suppress(FieldDoesNotExist):
            found = model._meta.get_field(name)
            if found.is_relation:
                return found
    raise Http404
