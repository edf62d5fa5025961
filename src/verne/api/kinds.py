"""Values as they travel in JSON: strict, bounded by the model's field, and named for OpenAPI."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, Union

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.backends.base.operations import BaseDatabaseOperations
from django.utils.dateparse import parse_duration
from django.utils.duration import duration_iso_string
from django.utils.translation import gettext as _
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from verne.engine.names import name_field, name_of
from verne.engine.records import Sheet
from verne.engine.register import registers

_INSTANT = re.compile(r"(\d{4})-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?\d*)?([Zz]|[+-]\d\d:\d\d)")
_DAY = re.compile(r"(\d{4})-\d\d-\d\d")

FIRST_YEAR, LAST_YEAR = 1900, 2200
"""Outside of these an instant is a slip of the pen, and in some zones no instant at all."""


def _storable(text: str) -> str:
    """JSON can write what no database keeps: NUL, and half of a pair of characters."""
    if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError(_("A text cannot hold the character NUL or half a character."))
    return text


def _instant(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(_("Write an instant with its zone, such as 2026-03-31T14:30:00Z."))
    if not FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
        raise ValueError(
            _("The year must lie between %(first)d and %(last)d.")
            % {"first": FIRST_YEAR, "last": LAST_YEAR}
        )
    return datetime.fromisoformat(value.upper()).astimezone(UTC)


def _day(value: Any) -> date:
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError(_("Write a date such as 2026-03-31."))
    return date.fromisoformat(value)


def _decimal(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,30}(\.\d{1,30})?", value, re.ASCII):
        raise ValueError(_("Write a decimal number as a text, such as “99.5”."))
    return Decimal(value)


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    found = parse_duration(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(_("Write a duration as in ISO 8601, such as PT4H."))
    return found


def _plain_json(value: Any) -> Any:
    """JSON that both databases keep."""
    match value:
        case str():
            _storable(value)
        case list():
            for each in value:
                _plain_json(each)
        case dict():
            for key, each in value.items():
                _plain_json(key)
                _plain_json(each)
        case float() if value != value or value in (float("inf"), float("-inf")):
            raise ValueError(_("JSON knows no such number."))
    return value


Text = Annotated[str, AfterValidator(_storable)]
Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "format": "duration"}),
]
Json = Annotated[Any, AfterValidator(_plain_json)]

REF = r"^[A-Z]{2,6}-[0-9]{1,18}$"


def kind_of(field: Any) -> Any:
    """The type of a field's value, without the question whether it may be missing or empty."""
    if field.is_relation:
        name = _name_type(field.related_model)
        return list[name] if field.many_to_many else name  # type: ignore[valid-type]
    if field.choices:
        values = tuple(value for value, _label in field.flatchoices)
        return Literal[values]
    for kind, make in _MAKERS.items():
        if isinstance(field, kind):
            return make(field)
    return Text


def nullable(field: Any) -> Any:
    """The type of a field's value, where it may be missing or empty."""
    kind = kind_of(field)
    if field.many_to_many:
        return kind
    if field.choices and field.blank and not field.null:
        kind = Union[kind, Literal[""]]  # noqa: UP007 (built at run time)
    return Union[kind, None] if field.null else kind  # noqa: UP007


def described(field: Any) -> str:
    """A field's label and help, as the description of a value."""
    label = str(getattr(field, "verbose_name", field.name))
    label = label[:1].upper() + label[1:]
    words = [label + ".", str(getattr(field, "help_text", "") or "")]
    if field.choices:
        words.append(", ".join(f"{value}: {label}" for value, label in field.flatchoices) + ".")
    if field.is_relation:
        words.append(_how_named(field.related_model))
    return " ".join(word for word in words if word)


def out(value: Any) -> Any:
    """A value as JSON says it."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case timedelta():
            return duration_iso_string(value)
        case models.Model():
            return name_of(value)
    return value


def _name_type(model: type[models.Model]) -> Any:
    if issubclass(model, Sheet):
        schema = {"type": "string", "pattern": REF, "examples": [f"{_prefix(model)}-1"]}
        return Annotated[Text, Field(min_length=1, max_length=40), WithJsonSchema(schema)]
    return Annotated[Text, Field(min_length=1, max_length=250)]


def _prefix(model: type[models.Model]) -> str:
    register = registers.get(model._meta.label_lower)
    return register.prefix if register else "INC"


def _how_named(model: type[models.Model]) -> str:
    noun = str(model._meta.verbose_name)
    noun = noun[:1].upper() + noun[1:]
    example = f", such as {_prefix(model)}-1" if issubclass(model, Sheet) else ""
    return f"{noun}, by its {name_field(model)}{example}."


def _text(field: Any) -> Any:
    least = 0 if field.blank else 1
    return Annotated[Text, Field(min_length=least, max_length=field.max_length)]


def _whole(field: Any) -> Any:
    # The narrower ranges of PostgreSQL, so that the API is the same on either database.
    low, high = BaseDatabaseOperations.integer_field_ranges[field.get_internal_type()]
    for check in field.validators:
        limit = check.limit_value if hasattr(check, "limit_value") else None
        if isinstance(check, MinValueValidator) and isinstance(limit, int):
            low = max(low, limit)
        if isinstance(check, MaxValueValidator) and isinstance(limit, int):
            high = min(high, limit)
    return Annotated[int, Field(ge=low, le=high)]


def _decimal_of(field: Any) -> Any:
    whole = field.max_digits - field.decimal_places
    shape = rf"^-?[0-9]{{1,{whole}}}(\.[0-9]{{1,{field.decimal_places}}})?$"
    return Annotated[
        Decimal,
        BeforeValidator(_decimal),
        WithJsonSchema({"type": "string", "pattern": shape, "examples": ["99.5"]}),
    ]


_MAKERS: dict[type[models.Field[Any, Any]], Callable[[Any], Any]] = {
    models.BooleanField: lambda field: bool,
    models.IntegerField: _whole,
    models.DecimalField: _decimal_of,
    models.FloatField: lambda field: Annotated[float, Field(allow_inf_nan=False)],
    models.DateTimeField: lambda field: Instant,
    models.DateField: lambda field: Day,
    models.DurationField: lambda field: Duration,
    models.JSONField: lambda field: Json,
    models.CharField: _text,
    models.TextField: _text,
}
"""How the type of a field is made, by its kind; the first that fits."""
