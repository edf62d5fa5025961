"""Many records in one go, for imports: the checks and the history of the verbs, in batches.

`bulk_file` puts new records on file. `bulk_history` adds what happened to them before they came
here, at its original instants. `insert` writes rows of any other kind (comments, links, clocks).
What the verbs do one record at a time and this does not: automatic moves, clocks and approvals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DEFAULT_DB_ALIAS, IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from . import search
from .acts import act, via
from .history import Act, Entry
from .jobs import later, take_sizes
from .once import forget
from .records import Counter, Record, Sheet, next_ids, next_sheet_ids
from .register import part_model, register_of
from .rights import right
from .rows import insert, insert_values

if TYPE_CHECKING:
    from .acts import Work
    from .people import Person

R = TypeVar("R", bound=Record)
T = TypeVar("T")

Told = Callable[[int], None]
"""Told after each batch how many rows are done."""

ARRIVAL = frozenset(
    {"state", "source_key", "filed_at", "filed_by", "changed_at", "withdrawn_at", "due_at"}
)
"""Fields of the cover sheet that only an import may set: how the record stood when it came."""
MANY = 1_000
"""Records that change how queries are best planned, when so many come at once."""
_OURS = frozenset({"id", "sheet", "ref", "kind", "version"})


@dataclass
class Refused:
    """A row that could not be taken: its place among the rows, and why, by field."""

    row: int
    reasons: dict[str, list[str]]


@dataclass
class Filed(Generic[R]):
    """What came of a bulk filing: a record for each row, or None where the row was refused."""

    records: list[R | None] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    @property
    def taken(self) -> list[R]:
        return [record for record in self.records if record is not None]


def bulk_file(
    kind: type[R],
    rows: Iterable[Mapping[str, Any]],
    *,
    by: Person,
    at: datetime | None = None,
    note: str = "",
    trail: bool = True,
    batch: int = 1000,
    told: Told | None = None,
) -> Filed[R]:
    """Put many new records on file under one act, in one transaction.

    A row holds what `file` takes (fields, lists for many-to-many fields and parts) and may say how
    the record stood when it came (`ARRIVAL`): its state, its external reference, when and by whom
    it was filed. A row that cannot be taken is refused with its reasons; the others are taken.
    With `trail`, each record gets an act "file" of its own at its `filed_at`, for its timeline;
    leave it out when you bring a fuller story with `bulk_history`. What `set_derived` reads should
    be named in the record's `derives_from`, and asked for with `once`: it then costs a query a
    batch instead of one a row.
    """
    if not (by.may(right("file", kind)) and by.may("engine.import_records")):
        raise PermissionDenied(
            _("Your roles do not let you import this: %(kind)s.")
            % {"kind": kind._meta.verbose_name_plural}
        )
    filed: Filed[R] = Filed()
    checker = _Checker(kind, by)
    note = note or str(kind._meta.verbose_name_plural)
    with umbrella(by=by, at=at, note=note) as work:
        work.kinds.add(kind.kind_name())
        for group in _batches(rows, batch):
            drafts = [
                _draft(kind, row, by=by, at=work.act.at, number=len(filed.records) + n)
                for n, row in enumerate(group)
            ]
            for draft in drafts:
                filed.records.append(draft.record)
            checker.check(drafts)
            _write_or_split(kind, [d for d in drafts if not d.faults], trail=trail)
            for draft in drafts:
                if draft.faults:
                    filed.records[draft.number] = None
                    filed.refused.append(Refused(draft.number, draft.faults))
            if told is not None:
                told(len(filed.records))
        if len(filed.records) >= MANY:
            later(take_sizes)
    return filed


@contextmanager
def umbrella(*, by: Person | None, at: datetime | None = None, note: str = "") -> Iterator[Work]:
    """The act under which an import writes; inside another one it is a part of that."""
    face = via.set("import")
    try:
        with act("import", by=by, at=at, note=note) as work:
            yield work
    finally:
        via.reset(face)


@dataclass
class PastRow:
    """A row before and after something that happened elsewhere; see `history.Entry`."""

    table: str
    row: int
    op: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass
class PastAct:
    """Something that was done to a record before it came here. `by` is the key of a person."""

    at: datetime
    verb: str
    record: int
    by: int | None = None
    name: str = ""
    note: str = ""
    rows: Sequence[PastRow] = ()


def bulk_history(
    past: Iterable[PastAct],
    *,
    by: Person,
    note: str = "",
    batch: int = 2000,
    told: Told | None = None,
) -> int:
    """Add acts at their original instants, with what they changed; gives back how many.

    They say that they were imported, and `recorded_at` says when. Use `as_filed` and `as_changed`
    to write the rows of an act.
    """
    if not by.may("engine.import_records"):
        raise PermissionDenied(_("Your roles do not let you import records."))
    done = 0
    with umbrella(by=by, note=note):
        now = timezone.now()
        for group in _batches(past, batch):
            for told_act in group:
                if told_act.at > now or timezone.is_naive(told_act.at):
                    raise ValueError(f"An imported act needs a past, aware instant: {told_act}")
            _write_past(group, now)
            done += len(group)
            if told is not None:
                told(done)
    return done


def as_filed(record: Record, **otherwise: Any) -> list[PastRow]:
    """The rows of the act that filed a record: all its columns as they are now.

    `otherwise` says where they differed then, by field: `state="new"`, `owner=17`.
    """
    found = []
    for model in _tables(type(record)):
        after: dict[str, Any] = {}
        for f in model._meta.local_concrete_fields:
            value = otherwise[f.name] if f.name in otherwise else getattr(record, f.attname)
            after[str(f.column)] = jsonable(value)
        found.append(PastRow(model._meta.db_table, record.pk, Entry.Op.INSERT, None, after))
    return found


def as_changed(
    kind: type[Record], number: int, before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[PastRow]:
    """The rows of an act that changed fields of record `number`, from one value to another."""
    found = []
    for model in _tables(kind):
        fields = [f for f in model._meta.local_concrete_fields if f.name in after]
        columns = {f.name: str(f.column) for f in fields}
        if columns:
            found.append(
                PastRow(
                    model._meta.db_table,
                    number,
                    Entry.Op.UPDATE,
                    {column: jsonable(before.get(name)) for name, column in columns.items()},
                    {column: jsonable(after[name]) for name, column in columns.items()},
                )
            )
    return found


def jsonable(value: Any) -> Any:
    """A field's value as history keeps it."""
    if isinstance(value, models.Model):
        return value.pk
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value


@dataclass
class _Draft(Generic[R]):
    """A row on its way to become a record."""

    number: int
    record: R
    many: dict[str, list[Any]]
    parts: dict[str, list[Any]]
    faults: dict[str, list[str]] = field(default_factory=dict)

    def fault(self, name: str, *words: str) -> None:
        self.faults.setdefault(name, []).extend(words)


def _draft(
    kind: type[R], row: Mapping[str, Any], *, by: Person, at: datetime, number: int
) -> _Draft[R]:
    """The record that a row describes, not yet checked."""
    plain: dict[str, Any] = {}
    many: dict[str, list[Any]] = {}
    parts: dict[str, list[Any]] = {}
    for name, value in row.items():
        f = kind._meta.get_field(name)
        if name in _OURS:
            raise ValueError(f"{name} is given out by the register: leave it out of the rows.")
        if f.one_to_many:
            model = part_model(kind, name)
            parts[name] = [
                model(**{_attribute(model, k, v): v for k, v in part.items() if k != "pk"})
                for part in value
            ]
        elif f.many_to_many:
            many[name] = [getattr(v, "pk", v) for v in value]
        else:
            plain[_attribute(kind, name, value)] = value
    record = kind(**plain)
    record.kind = kind.kind_name()
    record.state = str(plain.get("state") or kind.lifecycle.initial.name)
    record.filed_at = plain.get("filed_at") or at
    record.changed_at = plain.get("changed_at") or record.filed_at
    if "filed_by" not in row:
        record.filed_by = by
    return _Draft(number, record, many, parts)


def _attribute(model: type[models.Model], name: str, value: Any) -> str:
    f = model._meta.get_field(name)
    if f.many_to_one and not isinstance(value, models.Model):
        return f.attname  # type: ignore[union-attr]
    return name


class _Checker(Generic[R]):
    """What `full_clean` checks, with one query a relation and batch instead of one a row."""

    def __init__(self, kind: type[R], by: Person) -> None:
        self.kind, self.by = kind, by
        self.clean: dict[tuple[str, type, Any], Any] = {}
        self.there: dict[str, set[Any]] = {}
        self.unique = [
            f
            for f in kind._meta.concrete_fields
            if f.unique and f.name not in ("id", "sheet", "ref")
        ]

    def check(self, drafts: Sequence[_Draft[R]]) -> None:
        """Note on each draft everything that is wrong with it."""
        parts = [p for d in drafts for rows in d.parts.values() for p in rows]
        self._look_up(self.kind, [d.record for d in drafts])
        for model, rows in _by_model(parts):
            self._look_up(model, rows)
        for many in self.kind._meta.many_to_many:
            self._look_up_keys(many, {k for d in drafts for k in d.many.get(many.name, ())})
        for draft in drafts:
            self._check_fields(draft)
        sound = [draft for draft in drafts if not draft.faults]
        for group in _batches((draft.record for draft in sound), 500):
            models.prefetch_related_objects(group, *self.kind.derives_from)
        for draft in sound:
            self._check_whole(draft)
        for f in self.unique:
            self._refuse_doubles(f, [d for d in drafts if not d.faults])

    def _check_fields(self, draft: _Draft[R]) -> None:
        record = draft.record
        if record.state not in self.kind.lifecycle.states:
            draft.fault("state", _("There is no state called %(name)s.") % {"name": record.state})
            return
        self._check_row(draft, record, skip=_OURS, prefix="")

    def _check_whole(self, draft: _Draft[R]) -> None:
        record = draft.record
        record.set_derived()
        if type(record).clean is not models.Model.clean:
            _collect(draft, record.clean)
        for name, keys in draft.many.items():
            if missing := [k for k in keys if k not in self.there[_name(self.kind, name)]]:
                draft.fault(name, _("There is no %(key)s to choose.") % {"key": missing[0]})
        for name, rows in draft.parts.items():
            for n, row in enumerate(rows):
                self._check_row(draft, row, skip=frozenset({"of", "id"}), prefix=f"{name}.{n}.")
                if type(row).clean is not models.Model.clean:
                    row.of = record
                    _collect(draft, row.clean)

    def _check_row(
        self, draft: _Draft[Any], row: models.Model, *, skip: frozenset[str], prefix: str
    ) -> None:
        for f in row._meta.concrete_fields:
            if f.name in skip:
                continue
            value = getattr(row, f.attname)
            if f.is_relation:
                if value is None and not f.null:
                    draft.fault(prefix + f.name, str(f.error_messages["null"]))
                elif value is not None and value not in self.there[_name(type(row), f.name)]:
                    draft.fault(
                        prefix + f.name, _("There is no %(key)s to choose.") % {"key": value}
                    )
                continue
            if f.blank and value in f.empty_values:
                continue
            try:
                setattr(row, f.attname, self._cleaned(f, value, row))
            except ValidationError as wrong:
                draft.fault(prefix + f.name, *wrong.messages)

    def _cleaned(self, f: Any, value: Any, row: models.Model) -> Any:
        """A value as the field takes it. Short ones come again and again: judge each once."""
        short = (
            value is None
            or isinstance(value, bool | int)
            or (isinstance(value, str) and len(value) < 60)
        )
        if not short:
            return f.clean(value, row)
        key = (f"{f.model._meta.label}.{f.name}", type(value), value)
        if key not in self.clean:
            if len(self.clean) > 100_000:
                self.clean.clear()
            self.clean[key] = f.clean(value, row)
        return self.clean[key]

    def _look_up(self, model: type[models.Model], rows: Sequence[models.Model]) -> None:
        for f in model._meta.concrete_fields:
            if f.is_relation and f.name not in ("sheet", "of"):
                self._look_up_keys(f, {getattr(row, f.attname) for row in rows} - {None})

    def _look_up_keys(self, f: Any, keys: set[Any]) -> None:
        """Which of these the field may point at: they exist, and this person sees them."""
        known = self.there.setdefault(_name(f.model, f.name), set())
        if not (asked := keys - known):
            return
        target = f.related_model
        if issubclass(target, Record):
            choices = target.objects.visible_to(self.by)
        else:
            choices = target._base_manager.all()
        choices = choices.complex_filter(f.get_limit_choices_to())
        for group in _batches(sorted(asked, key=str), 500):
            known.update(choices.filter(pk__in=group).values_list("pk", flat=True))

    def _refuse_doubles(self, f: Any, drafts: Sequence[_Draft[R]]) -> None:
        values = {v for d in drafts if (v := getattr(d.record, f.attname)) not in (None, "")}
        taken: set[Any] = set()
        for group in _batches(sorted(values, key=str), 500):
            rows = f.model._base_manager.filter(**{f"{f.name}__in": group})
            taken.update(rows.values_list(f.attname, flat=True))
        for draft in drafts:
            value = getattr(draft.record, f.attname)
            if value in taken:
                draft.fault(
                    f.name,
                    _("%(value)s is on file already: revise that record instead.")
                    % {"value": value},
                )
            elif value not in (None, ""):
                taken.add(value)


def _collect(draft: _Draft[Any], clean: Callable[[], None]) -> None:
    try:
        clean()
    except ValidationError as wrong:
        named = wrong.message_dict if hasattr(wrong, "error_dict") else {"": wrong.messages}
        for name, words in named.items():
            draft.fault("" if name == "__all__" else name, *words)


def _write_or_split(kind: type[R], drafts: list[_Draft[R]], *, trail: bool) -> None:
    """Write a batch; when the database refuses a row, find out which one."""
    if not drafts:
        return
    try:
        with transaction.atomic():
            _write(kind, drafts, trail=trail)
    except IntegrityError as refusal:
        if len(drafts) == 1:
            drafts[0].fault("", _("The database refuses it: %(why)s") % {"why": refusal})
            return
        middle = len(drafts) // 2
        _write_or_split(kind, drafts[:middle], trail=trail)
        _write_or_split(kind, drafts[middle:], trail=trail)


def _write(kind: type[R], drafts: Sequence[_Draft[R]], *, trail: bool) -> None:
    """Cover sheets, then what lies under them, then what belongs to them."""
    register = register_of(kind.kind_name())
    forget(kind.kind_name())
    keys = next_sheet_ids(len(drafts))
    numbers = Counter.take(register.prefix, len(drafts))
    for draft, key, number in zip(drafts, keys, numbers, strict=True):
        record = draft.record
        record.id = record.pk = key
        record.ref = f"{register.prefix}-{number}"
    records = [draft.record for draft in drafts]
    for model in _tables(kind):
        insert(model, records)
    for record in records:
        record._state.adding, record._state.db = False, DEFAULT_DB_ALIAS
    _write_many(kind, drafts)
    parts = [part for d in drafts for rows in d.parts.values() for part in rows]
    for draft in drafts:
        for part in (p for rows in draft.parts.values() for p in rows):
            part.of = draft.record
    for part_kind, rows in _by_model(parts):
        insert(part_kind, rows)
    search.index_many((r.pk, r.kind, register.search_text(r)) for r in records)
    if trail:
        _write_past(
            [PastAct(r.filed_at, "file", r.pk, by=r.filed_by_id) for r in records], timezone.now()
        )


def _write_many(kind: type[Record], drafts: Sequence[_Draft[Any]]) -> None:
    many: list[Any] = list(kind._meta.many_to_many)
    for f in many:
        through = f.remote_field.through
        here, there = f"{f.m2m_field_name()}_id", f"{f.m2m_reverse_field_name()}_id"
        rows = [
            through(**{here: d.record.pk, there: key})
            for d in drafts
            for key in dict.fromkeys(d.many.get(f.name, ()))
        ]
        insert(through, rows)


def _write_past(group: Sequence[PastAct], now: datetime) -> None:
    """Acts and what they changed, as rows without objects: an incident brings a dozen of them."""
    numbers = next_ids(Act, len(group))
    told_acts = list(zip(numbers, group, strict=True))
    insert_values(
        Act,
        _fields(Act, "id", "at", "recorded_at", "by", "verb", "name", "note", "via", "record"),
        (
            (number, t.at, now, t.by, t.verb, t.name, t.note, "import", t.record)
            for number, t in told_acts
        ),
    )
    insert_values(
        Entry,
        _fields(Entry, "act", "table", "row", "record", "op", "before", "after"),
        (
            (number, row.table, row.row, t.record, row.op, row.before, row.after)
            for number, t in told_acts
            for row in t.rows
        ),
    )


def _fields(model: type[models.Model], *names: str) -> list[Any]:
    return [model._meta.get_field(name) for name in names]


def _tables(kind: type[Record]) -> list[type[models.Model]]:
    """The tables a record lies in, cover sheet first."""
    return [Sheet, *(p for p in kind._meta.get_parent_list() if p is not Sheet), kind]


def _name(model: type[models.Model], name: str) -> str:
    """A field by the model that declares it, so that cover sheet fields are known by one name."""
    f = model._meta.get_field(name)
    return f"{f.model._meta.label}.{f.name}"


def _by_model(rows: Iterable[models.Model]) -> list[tuple[type[models.Model], list[models.Model]]]:
    groups: dict[type[models.Model], list[models.Model]] = {}
    for row in rows:
        groups.setdefault(type(row), []).append(row)
    return list(groups.items())


def _batches(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    stream = iter(rows)
    while group := list(islice(stream, size)):
        yield group
