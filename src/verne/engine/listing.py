"""Lists of records as people and programs ask for them: filters, search, order and keyset pages."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import connection, models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.db.models.lookups import GreaterThan, LessThan
from django.utils import timezone
from django.utils.translation import gettext as _

from . import past, search
from .people import Person
from .prepared import listed
from .records import Record, Sheet
from .register import Column, Register
from .standpoint import PreparedFor

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    Params = Mapping[str, "str | Sequence[str]"]

SIZE = 50
LARGEST = 200
"""Rows on a page, unless asked otherwise, and at most."""

COUNTED = 100
"""Rows that are counted; of more it is only said that there are more."""

MANY = 5_000
"""Hits that are sorted without anybody noticing."""
GROUPS = (1_000, 5_000)
"""Records that are asked whether they hold the words, one group after the other."""
LED = frozenset(index.fields[1] for index in Sheet._meta.indexes if index.fields[0] == "kind")
"""Columns in whose order an index leads through the records of a type."""
SCATTERED = 100
"""Times as many numbers as rows, in a group that lies all over the index."""

WORDS = ("q", "sort", "after", "before", "size", "columns", "standing", "at")
"""Parameters of every list; all others are filters."""

STANDINGS = ("open", "closed", "withdrawn", "all")
"""Values of `standing`; without it, all that is not withdrawn."""

GENERAL = (
    "state",
    "owner",
    "team",
    "customer",
    "priority",
    "restricted",
    "due_at",
    "filed_at",
    "filed_by",
    "changed_at",
)
"""Fields of the cover sheet that any list can be filtered by and show."""

NOBODY = "none"
ME = "me"

_SPAN = re.compile(r"(\d{4}-\d\d-\d\d)?\.\.(\d{4}-\d\d-\d\d)?")
_DAYS = re.compile(r"([+-])(\d{1,4})d")


class NotUnderstood(ValidationError):
    """A parameter of a list that cannot be followed; the message says what can be asked instead."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__({parameter: message})
        self.parameter = parameter
        self.sentence = message


@dataclass(frozen=True)
class Wanted:
    """What is asked of a list, understood: independent of who asks."""

    register: type[Register]
    filters: dict[str, tuple[str, ...]] = field(default_factory=dict)
    text: str = ""
    standing: str = ""
    sort: str = ""
    columns: tuple[str | Column, ...] = ()
    after: str = ""
    before: str = ""
    size: int = SIZE
    at: datetime | None = None
    """The instant whose records are wanted; None for those of now."""

    @property
    def order(self) -> str:
        """The order that applies: the one asked for, else the register's own."""
        return self.sort or self.register.order

    def params(self, **changes: str | Sequence[str] | None) -> list[tuple[str, str]]:
        """The parameters that ask for this list, with some changed (None takes one away).

        A change of anything but the page begins at the first page again.
        """
        said: dict[str, str | Sequence[str] | None] = dict(self.filters)
        said |= {"q": self.text, "standing": self.standing, "sort": self.sort}
        if self.columns != self.register.columns:
            said["columns"] = ",".join(column_name(column) for column in self.columns)
        if self.size != SIZE:
            said["size"] = str(self.size)
        if self.at is not None:
            said["at"] = self.at.isoformat()
        said |= changes
        pairs: list[tuple[str, str]] = []
        for name, value in said.items():
            values = [value] if isinstance(value, str) else value or ()
            pairs += [(name, each) for each in values if each]
        return pairs


@dataclass(frozen=True)
class Page:
    """Some rows of a list, and the cursors that lead on and back (None where nothing follows)."""

    wanted: Wanted
    rows: list[Any]
    next: str | None
    previous: str | None
    person: Person
    only: Q | None = None
    some: models.QuerySet[Any] | None = None
    """Some of the rows of the list, where it takes long to find all."""

    @cached_property
    def selection(self) -> models.QuerySet[Any]:
        """All rows of the list, on every page of it, in no order."""
        return _chosen(self.wanted, self.person, self.only)

    @cached_property
    def count(self) -> tuple[int, bool]:
        """How many there are, counted to a hundred; and whether there are more than that."""
        if self.only is None and is_usual(self.wanted):
            number = len(_usual_numbers(_Usual.of(self.wanted))(self.person))
            return min(number, COUNTED), number > COUNTED
        if self.some is not None and (found := bounded_count(self.some))[1]:
            return found
        return bounded_count(self.selection)


def page(
    register: type[Register],
    person: Person,
    params: Params,
    size: int | None = None,
    *,
    only: Q | None = None,
) -> Page:
    """One page of a register as this person may see it. `only` narrows it beyond the parameters."""
    wanted = understand(register, params)
    if size is not None:
        wanted = replace(wanted, size=size)
    return fetch(wanted, person, only=only)


def fetch(wanted: Wanted, person: Person, *, only: Q | None = None) -> Page:
    """The page that is wanted."""
    if wanted.at is not None and past.instant() != wanted.at:
        with past.reading(wanted.at, person=person):
            found = fetch(wanted, person, only=only)
            assert found.count  # counted while the past can be read
            return found
    back = bool(wanted.before)
    cursor = _read_cursor(wanted)
    rows: list[Any] | None
    if only is None and is_usual(wanted):
        rows, common = _walk_as_usual(wanted, person, cursor, back=back), None
    else:
        chosen = _chosen(wanted, person, only)
        rows, common = _found_on_the_way(wanted, person, only, cursor, back=back)
        if rows is None:
            rows = _walk(_furnished(chosen, wanted), wanted, cursor, back=back)
    more, rows = len(rows) > wanted.size, rows[: wanted.size]
    if back:
        rows.reverse()
    first = _cursor(wanted, rows[0]) if rows else None
    last = _cursor(wanted, rows[-1]) if rows else None
    return Page(
        wanted=wanted,
        rows=rows,
        next=last if (more or back) else None,
        previous=first if (more if back else bool(wanted.after)) else None,
        person=person,
        only=only,
        some=common,
    )


def _chosen(wanted: Wanted, person: Person, only: Q | None) -> models.QuerySet[Any]:
    rows = select(wanted, person)
    return rows if only is None else rows.filter(only)


def understand(register: type[Register], params: Params) -> Wanted:
    """Read the parameters of a list; one that cannot be followed is refused."""
    said = {name: _texts(value) for name, value in params.items()}
    said = {name: values for name, values in said.items() if values}
    known = filter_names(register)
    filters: dict[str, tuple[str, ...]] = {}
    for name, values in said.items():
        if name in WORDS:
            continue
        if name not in known:
            raise NotUnderstood(
                name,
                _("This list has no filter “%(name)s”. It has %(names)s.")
                % {"name": name, "names": ", ".join(known)},
            )
        filters[name] = values
    wanted = Wanted(
        register=register,
        filters=filters,
        text=_one(said, "q"),
        standing=_one(said, "standing"),
        sort=_one(said, "sort"),
        columns=_read_columns(register, _one(said, "columns")),
        after=_one(said, "after"),
        before=_one(said, "before"),
        size=_read_size(_one(said, "size")),
        at=read_instant(_one(said, "at")),
    )
    if wanted.standing and wanted.standing not in STANDINGS:
        raise NotUnderstood(
            "standing",
            _("“%(value)s” is not one of %(values)s.")
            % {"value": wanted.standing, "values": ", ".join(STANDINGS)},
        )
    if wanted.order.lstrip("-") not in sortable(register):
        raise NotUnderstood(
            "sort",
            _("This list cannot be sorted by “%(name)s”. It can by %(names)s.")
            % {"name": wanted.sort, "names": ", ".join(sortable(register))},
        )
    return wanted


def select(wanted: Wanted, person: Person) -> models.QuerySet[Any]:
    """All rows of the list that this person may see, in no order."""
    if wanted.at is not None and wanted.at != past.instant():
        # Answered with the present, somebody would take it for the past.
        raise NotUnderstood("at", _("Only the pages of a list tell of the past."))
    rows = _select(wanted, person)
    return search.narrow(rows, wanted.text) if wanted.text else rows


def _select(wanted: Wanted, person: Person) -> models.QuerySet[Any]:
    """The rows of the list, whatever words they hold."""
    model = wanted.register.model
    rows = model.objects.visible_to(person)
    if wanted.register.widen(person) is not None:
        # What widens may reach over a table of many: each record is listed once all the same.
        rows = model.objects.filter(pk__in=rows.values("pk"))
    # The kind is named though the table says it, for the indexes of the cover sheet begin with it.
    rows = rows.filter(_standing(wanted), kind=model.kind_name())
    for name, values in wanted.filters.items():
        rows = rows.filter(filter_of(model, name, values, person))
    return rows


def ordered(wanted: Wanted, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """The rows in the order of the list, for whoever takes all of them (an export)."""
    name, down = _order(wanted)
    number = _number().desc() if down else _number().asc()
    if name == "id":
        return rows.order_by(number)
    column = F(name).desc(nulls_last=True) if down else F(name).asc(nulls_last=True)
    return rows.order_by(column, number)


def bounded_count(rows: models.QuerySet[Any], limit: int = COUNTED) -> tuple[int, bool]:
    """How many rows there are up to a limit, and whether there are more; never a full count."""
    number = rows.order_by()[: limit + 1].count()
    return min(number, limit), number > limit


# --- Names ---------------------------------------------------------------------------------------


def column_name(column: str | Column) -> str:
    return column if isinstance(column, str) else column.name


def filter_names(register: type[Register]) -> list[str]:
    """The filters of a register: its own, and those of every cover sheet."""
    return list(dict.fromkeys((*register.filters, *GENERAL)))


def columns_of(register: type[Register]) -> dict[str, str | Column]:
    """Every column a list of this register can show, its usual ones first."""
    usual = {column_name(column): column for column in register.columns}
    others = (*register.fields(), "ref", "title", *GENERAL)
    return usual | {name: name for name in others if name not in usual}


def sortable(register: type[Register]) -> list[str]:
    """The columns a list can be sorted by: plain columns of the database, and not long texts."""
    return [
        name
        for name, column in columns_of(register).items()
        if isinstance(column, str) and is_sortable(register.model, name)
    ] + (["filed_at"] if "filed_at" not in columns_of(register) else [])


def is_sortable(model: type[Record], name: str) -> bool:
    try:
        found = model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    unsorted = (models.TextField, models.JSONField, models.ForeignKey, models.ManyToManyField)
    return bool(found.concrete) and not isinstance(found, unsorted)


def label_of(model: type[Record], column: str | Column) -> StrOrPromise:
    """The heading of a column."""
    return model.field_label(column) if isinstance(column, str) else column.label


# --- Filters -------------------------------------------------------------------------------------


def _standing(wanted: Wanted) -> Q:
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


# --- Reading parameters --------------------------------------------------------------------------


def _texts(value: str | Sequence[str]) -> tuple[str, ...]:
    values = (value,) if isinstance(value, str) else tuple(value)
    return tuple(dict.fromkeys(text.strip() for text in values if text.strip()))


def _one(said: Mapping[str, tuple[str, ...]], name: str) -> str:
    return said[name][-1] if name in said else ""


def _read_columns(register: type[Register], text: str) -> tuple[str | Column, ...]:
    if not text:
        return register.columns
    known = columns_of(register)
    names = [name for name in text.split(",") if name]
    if strange := [name for name in names if name not in known]:
        raise NotUnderstood(
            "columns",
            _("This list has no column “%(name)s”. It has %(names)s.")
            % {"name": strange[0], "names": ", ".join(known)},
        )
    return tuple(known[name] for name in dict.fromkeys(names))


def read_instant(text: str) -> datetime | None:
    """A day, which means its end, or an instant; neither may lie ahead."""
    if not text:
        return None
    try:
        if len(text) == 10:
            day = datetime.combine(date.fromisoformat(text), time.max)
            found = min(timezone.make_aware(day), timezone.now())
        else:
            found = datetime.fromisoformat(text)
            found = found if timezone.is_aware(found) else timezone.make_aware(found)
    except ValueError as error:
        raise NotUnderstood(
            "at", _("“%(value)s” is no day: write one such as 2026-01-31.") % {"value": text}
        ) from error
    ahead = len(text) == 10 and date.fromisoformat(text) > timezone.localdate()
    if ahead or found > timezone.now():
        raise NotUnderstood("at", _("What will be, no record tells: choose a day that is past."))
    return found


def _read_size(text: str) -> int:
    if not text:
        return SIZE
    if not text.isdecimal() or not 1 <= int(text) <= LARGEST:
        raise NotUnderstood(
            "size", _("A page has between 1 and %(largest)d rows.") % {"largest": LARGEST}
        )
    return int(text)


# --- Keyset paging -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Cursor:
    """The row a page begins after: its value in the sorted column, and its number."""

    value: Any
    number: int


def _order(wanted: Wanted) -> tuple[str, bool]:
    """The column sorted by, and whether downwards. References are sorted by number."""
    name = wanted.order.lstrip("-")
    return ("id" if name == "ref" else name), wanted.order.startswith("-")


def _found_on_the_way(
    wanted: Wanted, person: Person, only: Q | None, cursor: _Cursor | None, *, back: bool
) -> tuple[list[Any] | None, models.QuerySet[Any] | None]:
    """As `_walk`, where many records hold the words; None where few do, or it is not the way.

    SQLite sorts all hits for a page of fifty: of a common word half a second at a million. Then it
    is quicker to go along the list and to ask, group by group, who holds the words. Also gives
    the newest hits among the rows, to count. PostgreSQL knows how common words are, and goes the
    better way by itself.
    """
    if not wanted.text or connection.vendor == "postgresql" or past.instant() is not None:
        return None, None
    name, _down = _order(wanted)
    if name not in LED:
        return None, None
    kind = wanted.register.model.kind_name()
    newest = search.newest(wanted.text, connection, MANY, kind=kind)
    if len(newest) < MANY:
        return None, None
    rows = _select(wanted, person)
    rows = rows if only is None else rows.filter(only)
    some = rows.filter(pk__in=listed(newest[: 10 * SIZE]))
    held: list[int] = []
    for size in GROUPS:
        # Whatever the filters leave, no more is read of the index than a group.
        group = _walk(
            Sheet.objects.filter(kind=kind).values_list("pk", name),
            replace(wanted, size=size),
            cursor,
            back=back,
        )
        keys = [number for number, _value in group]
        if keys and max(keys) - min(keys) > SCATTERED * len(keys):
            break
        there = search.holding(keys, wanted.text, connection, kind=kind)
        there &= set(rows.filter(pk__in=listed(list(there))).values_list("pk", flat=True))
        held += [number for number in keys if number in there]
        if len(held) > wanted.size or len(keys) <= size:
            found = rows.filter(pk__in=listed(held[: wanted.size + 1]))
            return _walk(_furnished(found, wanted), wanted, None, back=back), some
        number, value = group[-1]
        cursor = _Cursor(value, number)
    return None, some


def _walk(
    rows: models.QuerySet[Any], wanted: Wanted, cursor: _Cursor | None, *, back: bool
) -> list[Any]:
    """One row more than a page holds, from the cursor on; backwards they come in reverse.

    Empty values come last in both directions. Rows with a value and rows without are two
    queries: so each is a range of an index, however deep the page lies.
    """
    room = wanted.size + 1
    found: list[Any] = []
    for half, start in _halves(wanted, cursor, back=back):
        found += _along(rows, wanted, half, start, back=back)[: room - len(found)]
        if len(found) >= room:
            break
    return found


def _halves(
    wanted: Wanted, cursor: _Cursor | None, *, back: bool
) -> Iterator[tuple[bool | None, _Cursor | None]]:
    """What is walked through, in turn: with a value, without; and where it begins.

    None is both at once, in an order in which every row has a value.
    """
    name, _down = _order(wanted)
    if name == "id" or not wanted.register.model._meta.get_field(name).null:
        yield None, cursor
        return
    first = not back
    for filled in (first, not first):
        if cursor is None or (cursor.value is not None) == filled:
            yield filled, cursor
        elif filled != first:
            yield filled, None
        # Else the cursor lies in the other half: this one was passed already.


def _along(
    rows: models.QuerySet[Any],
    wanted: Wanted,
    half: bool | None,
    start: _Cursor | None,
    *,
    back: bool,
) -> models.QuerySet[Any]:
    """One half of a list, from the cursor on."""
    name, down = _order(wanted)
    ascending = down == back
    if start is not None:
        rows = rows.filter(_beyond(name, start, ascending))
    if half is not None:
        rows = rows.filter(**{f"{name}__isnull": not half})
    number = _number().asc() if ascending else _number().desc()
    column = F(name).asc() if ascending else F(name).desc()
    keys = [number] if name == "id" or half is False else [column, number]
    return rows.order_by(*keys)


def _number() -> RawSQL:
    """The number of a record as the cover sheet holds it.

    Django names the same number by the type's own table, where no index of the cover sheet leads:
    each page would then sort all records of the type.
    """
    table = connection.ops.quote_name(Sheet._meta.db_table)
    return RawSQL(f"{table}.id", (), output_field=models.BigIntegerField())


def _beyond(name: str, cursor: _Cursor, ascending: bool) -> Q:
    than = "gt" if ascending else "lt"
    compare: Any = GreaterThan if ascending else LessThan
    further = Q(compare(_number(), cursor.number))
    if name == "id" or cursor.value is None:
        return further
    # The first half alone is what an index can seek; the second settles equal values.
    return Q(**{f"{name}__{than}e": cursor.value}) & (
        Q(**{f"{name}__{than}": cursor.value}) | further
    )


def _cursor(wanted: Wanted, row: Any) -> str:
    name, _down = _order(wanted)
    value = row.pk if name == "id" else getattr(row, name)
    said = value.isoformat() if hasattr(value, "isoformat") else value
    if said is not None and not isinstance(said, str | int | bool):
        said = str(said)
    text = json.dumps([wanted.order, said, row.pk], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(wanted: Wanted) -> _Cursor | None:
    text = wanted.before or wanted.after
    if not text:
        return None
    try:
        said = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        order, value, number = said
        if order != wanted.order or isinstance(number, bool) or not isinstance(number, int):
            raise ValueError(order)
        name, _down = _order(wanted)
        if value is not None and name != "id":
            field: Any = wanted.register.model._meta.get_field(name)
            value = field.to_python(value)
    except (ValueError, TypeError, ValidationError) as error:
        raise NotUnderstood(
            "before" if wanted.before else "after",
            _("This place in the list does not exist in this order: begin at the first page."),
        ) from error
    return _Cursor(value, number)


# --- Lists that are asked for all the time -------------------------------------------------------


class _OfFew(PreparedFor):
    """There are as many of these as lists: each is kept for no more people than use it."""

    most = 8


@dataclass(frozen=True)
class _Usual:
    """What the words of a list follow from, besides where its reader stands."""

    register: type[Register]
    filters: tuple[tuple[str, tuple[str, ...]], ...]
    standing: str
    sort: str = ""
    columns: tuple[str | Column, ...] = ()
    size: int = 0

    @classmethod
    def of(cls, wanted: Wanted, *, furnished: bool = False) -> _Usual:
        filters = tuple(wanted.filters.items())
        if not furnished:
            return cls(wanted.register, filters, wanted.standing)
        of_rows = (wanted.sort, wanted.columns, wanted.size)
        return cls(wanted.register, filters, wanted.standing, *of_rows)

    def wanted(self) -> Wanted:
        return Wanted(
            register=self.register,
            filters=dict(self.filters),
            standing=self.standing,
            sort=self.sort,
            columns=self.columns,
            size=self.size,
        )


def is_usual(wanted: Wanted) -> bool:
    """Whether a list is one of a few, that many ask for: then its questions are prepared.

    Not so what somebody types: words, texts, and times, which mean something else the next day.
    """
    if wanted.text or wanted.at is not None or past.instant() is not None:
        return False
    model = wanted.register.model
    if any(not _is_one_of_few(model._meta.get_field(name)) for name in wanted.filters):
        return False
    return not _needs(model, wanted.columns).many


def _is_one_of_few(found: Any) -> bool:
    return bool(
        found.name == "state"
        or found.is_relation
        or found.choices
        or isinstance(found, models.BooleanField)
    )


def _walk_as_usual(
    wanted: Wanted, person: Person, cursor: _Cursor | None, *, back: bool
) -> list[Any]:
    """As `_walk`."""
    room = wanted.size + 1
    usual = _Usual.of(wanted, furnished=True)
    found: list[Any] = []
    for half, start in _halves(wanted, cursor, back=back):
        known: dict[str, Any] = {}
        if start is not None:
            known["number"] = start.number
            if start.value is not None and _order(wanted)[0] != "id":
                known["value"] = start.value
        found += _usual_rows(usual, half, tuple(known), back)(person, **known)
        if len(found) >= room:
            break
    return found[:room]


@lru_cache(maxsize=60)
def _usual_rows(
    usual: _Usual, half: bool | None, known: tuple[str, ...], back: bool
) -> PreparedFor:
    """The rows of a half of a list, with places for what is known of the cursor."""
    wanted = usual.wanted()
    name, _down = _order(wanted)
    places: dict[str, Any] = {
        "number": models.BigIntegerField(),
        "value": wanted.register.model._meta.get_field(name),
    }

    def build(person: Person, number: Any = None, value: Any = None) -> models.QuerySet[Any]:
        rows = _furnished(_select(wanted, person), wanted)
        start = _Cursor(value, number) if known else None
        return _along(rows, wanted, half, start, back=back)[: wanted.size + 1]

    return _OfFew(build, **{each: places[each] for each in known})


@lru_cache(maxsize=60)
def _usual_numbers(usual: _Usual) -> PreparedFor:
    """As many rows of a list as are counted, and one more."""
    wanted = usual.wanted()

    def build(person: Person) -> models.QuerySet[Any]:
        return _select(wanted, person).order_by().values_list("pk")[: COUNTED + 1]

    return _OfFew(build)


def _furnished(rows: models.QuerySet[Any], wanted: Wanted) -> models.QuerySet[Any]:
    """Fetch with the rows what their columns show, and where it is known, nothing else."""
    needs = _needs(wanted.register.model, wanted.columns)
    rows = rows.select_related(*needs.joins) if needs.joins else rows
    rows = rows.prefetch_related(*needs.many) if needs.many else rows
    name, _down = _order(wanted)
    # A computed column may read anything: then the whole row is fetched, in the same query.
    return rows if needs.whole else rows.only(*dict.fromkeys((*needs.fields, name)))


@dataclass(frozen=True)
class _Needs:
    """What columns read: relations to one and to many, fields, or anything of the row."""

    joins: tuple[str, ...]
    many: tuple[str, ...]
    fields: tuple[str, ...]
    whole: bool


@lru_cache(maxsize=200)
def _needs(model: type[Record], columns: tuple[str | Column, ...]) -> _Needs:
    joins: list[str] = []
    many: list[str] = []
    fields: list[str] = ["id", "ref", "title", "state", "kind", "version", "withdrawn_at"]
    whole = False
    for column in columns:
        if isinstance(column, Column):
            whole = True
            for need in column.needs:
                (many if _is_many(model, need) else joins).append(need)
            continue
        found: Any = model._meta.get_field(column)
        if found.many_to_many or found.one_to_many:
            many.append(column)
        elif found.is_relation:
            joins.append(column)
            fields += [column, f"{column}__{_name_field(found.related_model)}"]
            if issubclass(found.related_model, Sheet):
                fields += [f"{column}__ref", f"{column}__kind"]
        else:
            fields.append(column)
    return _Needs(tuple(joins), tuple(many), tuple(fields), whole)


def _is_many(model: type[models.Model], path: str) -> bool:
    first, _dot, rest = path.partition("__")
    found: Any = model._meta.get_field(first)
    if found.many_to_many or found.one_to_many:
        return True
    return bool(rest) and _is_many(found.related_model, rest)


def _name_field(model: type[models.Model]) -> str:
    names = {f.name for f in model._meta.fields}
    return next((name for name in ("name", "title") if name in names), "pk")
