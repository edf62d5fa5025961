"""Filters of a list: what is said of a field, as a condition of the database."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from ..people import Person
from ..records import Record, Sheet
from .wanted import NotUnderstood, Wanted

NOBODY = "none"
ME = "me"

_SPAN = re.compile(r"(\d{4}-\d\d-\d\d)?\.\.(\d{4}-\d\d-\d\d)?")
_DAYS = re.compile(r"([+-])(\d{1,4})d")


def standing(wanted: Wanted) -> Q:
    life = wanted.register.model.lifecycle
    if wanted.standing == "all":
        return Q()
    if wanted.standing == "withdrawn":
        return Q(withdrawn_at__isnull=False)
    here = Q(withdrawn_at=None)
    if wanted.standing == "open":
        return here & Q(state__in=life.open_states())
    if wanted.standing == "closed":
        return here & Q(state__in=life.final_states())
    return here


def filter_of(model: type[Record], name: str, values: Iterable[str], person: Person) -> Q:
    """A filter for one field: any of these values."""
    found: Any = model._meta.get_field(name)
    either = Q(pk__in=[])
    for value in values:
        either |= _one_value(model, found, name, value, person)
    if found.many_to_many:
        # A join would list a record once for each of its values.
        return Q(pk__in=model._default_manager.filter(either).values("pk"))
    return either


def _one_value(model: type[Record], found: Any, name: str, value: str, person: Person) -> Q:
    if value == NOBODY and (found.null or found.many_to_many):
        return Q(**{f"{name}__isnull": True})
    if found.is_relation:
        return _related(found, name, value, person)
    if name == "state":
        _require_one_of(name, value, list(model.lifecycle.states))
        return Q(state=value)
    if isinstance(found, models.BooleanField):
        return Q(**{name: _yes_or_no(name, value)})
    if isinstance(found, models.DateField):
        return _in_time(found, name, value)
    if found.choices:
        _require_one_of(name, value, [str(key) for key, _label in found.flatchoices])
    elif isinstance(found, models.CharField | models.TextField):
        return Q(**{f"{name}__icontains": value})
    try:
        return Q(**{name: found.to_python(value)})
    except ValidationError as error:
        raise NotUnderstood(name, " ".join(error.messages)) from error


def _related(found: Any, name: str, value: str, person: Person) -> Q:
    related = found.related_model
    if related is Person and value == ME:
        return Q(**{name: person.pk})
    if value.isdecimal():
        return Q(**{name: int(value)})
    if issubclass(related, Sheet):
        return Q(**{f"{name}__ref": value.upper()})
    raise NotUnderstood(name, _("“%(value)s” is not a number, “me” or “none”.") % {"value": value})


def _require_one_of(name: str, value: str, values: list[str]) -> None:
    if value not in values:
        raise NotUnderstood(
            name,
            _("“%(value)s” is not one of %(values)s.")
            % {"value": value, "values": ", ".join(values)},
        )


def _yes_or_no(name: str, value: str) -> bool:
    said = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if value.lower() not in said:
        raise NotUnderstood(name, _("“%(value)s” is not yes or no.") % {"value": value})
    return said[value.lower()]


def _in_time(found: Any, name: str, value: str) -> Q:
    """`past`, `-7d` (the last seven days), `+7d` (the next), `2026-01-01..2026-03-31`, a date."""
    exact = isinstance(found, models.DateTimeField)
    now: date = timezone.now() if exact else timezone.localdate()
    if value == "past":
        return Q(**{f"{name}__lt": now})
    if match := _DAYS.fullmatch(value):
        away = timedelta(days=int(match[2]))
        since, until = (now - away, now) if match[1] == "-" else (now, now + away)
        return Q(**{f"{name}__gte": since, f"{name}__lte": until})
    match = _SPAN.fullmatch(value)
    first, last = (match[1], match[2]) if match else (value, value)
    try:
        since_day = date.fromisoformat(first) if first else None
        until_day = date.fromisoformat(last) if last else None
    except ValueError as error:
        raise NotUnderstood(
            name,
            _("“%(value)s” is not a time: write a date, from..until, -7d, +7d or past.")
            % {"value": value},
        ) from error
    between = Q()
    if since_day:
        between &= Q(**{f"{name}__gte": _midnight(since_day) if exact else since_day})
    if until_day:
        after = until_day + timedelta(days=1)
        between &= Q(**{f"{name}__lt": _midnight(after) if exact else after})
    return between


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
