"""Putting a new record on file."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from verne.engine.people import Person
from verne.engine.raising import raise_from
from verne.engine.records import Record, Sheet
from verne.engine.register import Register

from .. import forms, tables
from ..anatomy import FROM
from ..context import plural, quarter_of, singular
from ..parts import Link, PageHeader
from .common import person_of, register_at, staff
from .record import groups, record_at


@staff
def new(request: HttpRequest, slug: str) -> HttpResponse:
    """The form of a register; parameters of the address fill it in beforehand."""
    person = person_of(request)
    register = register_at(slug, person, "file")
    data = request.POST if request.method == "POST" else None
    form = forms.RecordForm(
        register,
        person,
        register.filing_fields(),
        data=data,
        initial=_given(register, person, request),
    )
    sources = _sources(register, person, request)
    rows = [forms.Rows(register, person, name, data=data) for name in register.parts]
    status = 200
    if data is not None and not any(part.asks_for_more for part in rows):
        status = 422
        if all([form.is_valid(), *(part.is_valid() for part in rows)]):
            values: dict[str, Any] = form.values()
            values |= {part.name: part.values() for part in rows if part.values()}
            try:
                record = raise_from(register.model, values, sources, by=person)
            except ValidationError as error:
                form.refuse(error)
            else:
                messages.success(request, _("%(ref)s is on file.") % {"ref": record.ref})
                return redirect("record", record.ref)
    context = {
        "header": PageHeader(
            title=_("File: %(kind)s") % {"kind": singular(register)},
            lead=register.purpose,
            quarter=quarter_of(register),
            crumbs=[Link(label=plural(register), url=f"/{slug}/")],
            clauses=tables.clauses(register),
        ),
        "form": form,
        "groups": groups(register, form),
        "rows": rows,
        "sources": [(source.ref, source.get_absolute_url(), source.title) for source in sources],
        "url": request.get_full_path(),
        "submit": _("File it"),
        "cancel_url": sources[0].get_absolute_url() if sources else f"/{slug}/",
        "draft": ":".join(["new", register.model.kind_name(), *(s.ref for s in sources)]),
    }
    return render(request, "records/new.html", context, status=status)


def _sources(register: type[Register], person: Person, request: HttpRequest) -> list[Record]:
    """The records a new one is raised from, as the address names them."""
    if register.anywhere is None:
        return []
    return [record_at(ref, person) for ref in _named(request)]


def _named(request: HttpRequest) -> list[str]:
    return list(dict.fromkeys(request.GET.getlist(FROM)))[:20]


def _given(register: type[Register], person: Person, request: HttpRequest) -> dict[str, Any]:
    """What the address says of the new record; a relation by its number or reference."""
    given: dict[str, Any] = {}
    for name in register.filing_fields():
        if name not in request.GET:
            continue
        found: Any = register.model._meta.get_field(name)
        values = [text.strip() for text in request.GET.getlist(name) if text.strip()]
        if not values:
            continue
        if found.is_relation:
            keys = [_key(found.related_model, text) for text in values]
            known = [key for key in keys if key is not None]
            if known:
                given[name] = known if found.many_to_many else known[0]
        elif isinstance(found, models.BooleanField):
            given[name] = values[-1].lower() in ("yes", "true", "1", "on")
        else:
            given[name] = values[-1]
    return given


def _key(model: Any, text: str) -> int | None:
    if text.isdecimal():
        return int(text)
    if issubclass(model, Sheet):
        found: int | None = (
            Sheet.objects.filter(ref=text.upper()).values_list("pk", flat=True).first()
        )
        return found
    if issubclass(model, Person):
        return Person.objects.filter(username=text).values_list("pk", flat=True).first()
    return None
