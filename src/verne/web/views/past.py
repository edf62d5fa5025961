"""A record as it was: at an instant that can be chosen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from verne.engine import sight
from verne.engine.history import as_it_was, rows_at
from verne.engine.people import Person
from verne.engine.records import Record, Sheet
from verne.engine.register import part_model, register_of

from .. import anatomy, phrases, show
from ..anatomy import Rights
from ..parts import Fact, FieldSection
from .common import person_of, staff
from .record import header, record_at


@staff
def page(request: HttpRequest, ref: str) -> HttpResponse:
    """The record as it was at an instant that can be chosen."""
    person = person_of(request)
    record = record_at(ref, person)
    asked = request.GET.get("at", "")
    at = _instant(asked) if asked else timezone.now()
    context: dict[str, Any] = {
        "it": record,
        "at": at or timezone.now(),
        "said": phrases.exact(at) if at else "",
        "title": _("%(ref)s as it was") % {"ref": record.ref},
    }
    if at is None:
        messages.error(request, _("This is not a date and a time."))
    then = as_it_was(record, at) if at else None
    if at is not None and then is None:
        messages.info(request, _("%(ref)s was not on file then.") % {"ref": record.ref})
    since = register_of(record.kind_name()).open_since(record, person)
    if then is not None and at is not None and since is not None and at < since:
        then = None
        said = _("What it said before %(when)s is not open to you: it was not in force yet.")
        messages.info(request, said % {"when": phrases.exact(since)})
    if then is not None and at is not None:
        rights = Rights(False, False, False, False, False)
        context |= _then(then, at, rights, person)
    context["header"] = header(record, context["title"], record.title)
    return render(request, "records/past.html", context)


def _then(then: Record, at: datetime, rights: Rights, person: Person) -> dict[str, Any]:
    """The record as it was, without naming what this person may not see."""
    parts = _past_parts(then, at)
    own_fields = [f.name for f in then._meta.concrete_fields]
    spared = sight.unseen([then], own_fields, person)
    for name, rows in parts.items():
        spared |= sight.unseen(rows, part_model(type(then), name).part_fields, person)
    for found in type(then)._meta.many_to_many:
        if issubclass(found.related_model, Sheet):
            there = _past_many(then, found, at)
            seen = found.related_model.objects.visible_to(person)
            numbers = {each.pk for each in there}
            spared |= numbers.difference(seen.filter(pk__in=numbers).values_list("pk", flat=True))
    with sight.sparing(spared):
        return {
            "then": then,
            "record": anatomy.header(then, rights, [], past=True),
            "sections": _past_sections(then, at),
            "part_tables": anatomy.part_tables(then, parts),
        }


def _instant(text: str) -> datetime | None:
    try:
        at = parse_datetime(text.strip().replace(" ", "+")) if text else None
    except ValueError:
        return None
    if at is not None and timezone.is_naive(at):
        # Somebody who chooses a minute means all of it.
        at = timezone.make_aware(at).replace(second=59, microsecond=999999)
    return at


def _past_sections(then: Record, at: datetime) -> list[Any]:
    """Fields as they were; relations to many are read from their own history."""
    many = {found.name: _past_many(then, found, at) for found in type(then)._meta.many_to_many}
    return [
        FieldSection(
            title=section.title,
            facts=[
                Fact(label=then.field_label(name), value=show.plain(_open(many[name])))
                if name in many
                else anatomy.fact(then, name)
                for name in section.fields
            ],
        )
        for section in register_of(then.kind_name()).sections
    ]


def _open(things: list[Any]) -> list[Any]:
    return [thing for thing in things if not sight.is_spared(thing)]


def _past_many(then: Record, found: Any, at: datetime) -> list[Any]:
    own, other = found.m2m_column_name(), found.m2m_reverse_name()
    rows = rows_at(found.m2m_db_table(), at, record=then.pk).values()
    keys = [row[other] for row in rows if int(row[own]) == then.pk]
    return list(found.related_model._default_manager.filter(pk__in=keys))


def _past_parts(then: Record, at: datetime) -> dict[str, list[Any]]:
    parts: dict[str, list[Any]] = {}
    for name in register_of(then.kind_name()).parts:
        model: Any = part_model(type(then), name)
        columns = {f.column: f for f in model._meta.concrete_fields}
        rows = rows_at(model._meta.db_table, at, record=then.pk)
        parts[name] = [
            model(
                **{
                    columns[c].attname: columns[c].to_python(v)
                    for c, v in row.items()
                    if c in columns
                }
            )
            for _key, row in sorted(rows.items())
        ]
    return parts
