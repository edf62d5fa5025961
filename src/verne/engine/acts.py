"""The only ways to write: file, revise, move, link and withdraw. Each is one act in the history."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, models, transaction
from django.utils.translation import gettext as _

from . import moment
from .history import Act, current_act
from .once import asked_once, forget
from .prepared import Prepared
from .records import Counter, Record, Sheet, next_sheet_ids
from .register import Register, part_model, register_of
from .rights import right
from .rows import insert_one

if TYPE_CHECKING:
    from .lifecycle import Move
    from .people import Person
    from .signing import Proof

R = TypeVar("R", bound=Record)

via: ContextVar[str] = ContextVar("via", default="")
"""Through which face people are writing now (`Act.Via`); each face says so once."""

after_act: list[Callable[[Act, set[str]], None]] = []
"""Called inside the transaction after each act, with the kinds of record it touched."""

after_verb: list[Callable[[Touched], None]] = []
"""Called inside the transaction once a verb and all that followed from it are written, with what
they touched."""

OF_THE_ENGINE = "engine."
"""Stands for what the engine keeps that belongs to no record: people, roles, calendars."""


@dataclass
class Touched:
    """What was changed: records one by one, or a whole kind where nobody says which of them."""

    kinds: set[str] = field(default_factory=set)
    records: set[tuple[str, int]] = field(default_factory=set)
    """Kind and number of the cover sheet."""

    def all_kinds(self) -> set[str]:
        return self.kinds | {kind for kind, _number in self.records}

    def take(self, other: Touched) -> None:
        self.kinds |= other.kinds
        self.records |= other.records


_touched: ContextVar[Touched | None] = ContextVar("_touched", default=None)


class Conflict(ValidationError):
    """Somebody else changed the record meanwhile. Holds both versions, field by field."""

    def __init__(self, record: Record, theirs: dict[str, Any], mine: dict[str, Any]) -> None:
        super().__init__(
            _(
                "%(ref)s was changed by somebody else while you were working on it. "
                "Choose what should stand."
            )
            % {"ref": record.ref},
            code="conflict",
        )
        self.record, self.theirs, self.mine = record, theirs, mine


class NotOpen(ValidationError):
    """A move that cannot be made now, with everything that stands in its way."""


@dataclass
class Work:
    """An act that is being written."""

    act: Act
    touched: Touched

    @property
    def kinds(self) -> set[str]:
        """To be added to: kinds of which it cannot be said which records change."""
        return self.touched.kinds

    @property
    def records(self) -> set[tuple[str, int]]:
        """To be added to: the records that change, as kind and number of the cover sheet."""
        return self.touched.records


@contextmanager
def act(
    verb: str,
    *,
    by: Person | None,
    record: int | None = None,
    name: str = "",
    note: str = "",
    at: datetime | None = None,
    kind: str = "",
) -> Iterator[Work]:
    """Open an act: one transaction, every row written inside is noted under it.

    `record` is the number of a cover sheet, `kind` its type; `at` the instant it happened, now
    unless it is told from elsewhere. Acts may lie inside one another.
    """
    with (
        _one_verb(),
        _opened(verb, by=by, record=record, name=name, note=note, at=at, kind=kind) as work,
    ):
        yield work


@contextmanager
def _opened(
    verb: str,
    *,
    by: Person | None,
    record: int | None,
    kind: str,
    name: str = "",
    note: str = "",
    at: datetime | None = None,
) -> Iterator[Work]:
    """An act of a verb that is under way. What fails in it fails the verb, and so takes no
    savepoint of its own.
    """
    touched = _touched.get()
    assert touched is not None
    with moment.at(at):
        recorded_at = _recorded_at()
        row = Act(
            at=moment.told() or recorded_at,
            recorded_at=recorded_at,
            by=by,
            verb=verb,
            name=name,
            note=note,
            via=via.get(),
            record_id=record,
        )
        work = Work(row, _named(kind, record))
        outer = current_act.get()
        insert_one(row, also=_TELL if connection.vendor == "postgresql" else "")
        current_act.set(row.pk)
        try:
            yield work
            kinds = work.touched.all_kinds()
            for tell in after_act:
                tell(row, kinds)
            touched.take(work.touched if kinds else Touched({OF_THE_ENGINE}))
        except BaseException:
            # PostgreSQL takes no statement in a broken transaction; its setting goes with it.
            current_act.set(outer)
            raise
        _set_current(outer)


def _named(kind: str, record: int | None) -> Touched:
    if kind and record is not None:
        return Touched(records={(kind, record)})
    return Touched({kind} if kind else set())


def _recorded_at() -> datetime:
    """Now, after everything that was recorded, though the clock may have been set back.

    What others recorded is looked up when this process begins, and while the clock is behind.
    """
    global _began
    if _began != os.getpid() or moment.is_behind():
        newest = Act.objects.order_by("-pk").values_list("recorded_at", flat=True)[:SEVERAL]
        for instant in newest:
            moment.learn(instant)
        _began = os.getpid()
    return moment.onwards()


SEVERAL = 50
"""Acts looked at for the latest: those of several processes are not numbered in their order."""

_began: int | None = None
"""The process that has looked up when the newest act was recorded."""


@contextmanager
def _one_verb() -> Iterator[Touched]:
    """One transaction for a verb with the acts that follow from it; holds what they touch."""
    outer = _touched.get()
    with transaction.atomic(), asked_once():
        if outer is not None:
            yield outer
            return
        touched = Touched()
        token = _touched.set(touched)
        try:
            yield touched
            if touched.kinds or touched.records:
                for tell in after_verb:
                    tell(touched)
        finally:
            _touched.reset(token)


_TELL = "set_config('verne.act', id::text, true)"
"""What tells PostgreSQL with the act itself, and not on a way of its own, which it is."""


def _set_current(number: int | None) -> None:
    current_act.set(number)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('verne.act', %s, true)", [str(number or "")])


def file(
    kind: type[R],
    values: Mapping[str, Any],
    *,
    by: Person,
    note: str = "",
    at: datetime | None = None,
    source_key: str | None = None,
) -> R:
    """Put a new record on file, in the first state of its lifecycle, and walk its automatic moves.

    `values` holds fields, lists of records for many-to-many fields and lists of rows for parts.
    """
    _require(by, "file", kind)
    register = register_of(kind.kind_name())
    _refuse_ours(values)
    if by.is_customer:
        _refuse_beyond_portal(kind, values)
        values = {**values, **register.filed_by_customer(by)}
    plain, many, parts = _sorted_out(kind, values)
    _require_visible(by, kind, values)
    with _one_verb():
        number = next_sheet_ids()[0]
        with _opened("file", by=by, record=number, note=note, at=at, kind=kind.kind_name()) as work:
            record = kind(**plain)
            record.pk = number
            record.id = number
            record.kind = kind.kind_name()
            record.state = kind.lifecycle.initial.name
            record.filed_at = record.changed_at = work.act.at
            record.filed_by = by
            if by.is_customer:
                # What a customer files is theirs, whatever the form said.
                record.customer = by.organization
            record.source_key = source_key
            record.ref = "0"
            record.set_derived()
            _check(record)
            # Last, so that what is refused takes no number.
            record.ref = f"{register.prefix}-{Counter.take(register.prefix)[0]}"
            record.save(force_insert=(Sheet, kind))
            _save_related(record, many, parts)
            _settle(record, work, changed=None)
        _walk_automatic(record, by=by, at=at)
    return record


def revise(
    record: R,
    values: Mapping[str, Any],
    *,
    by: Person,
    version: int | None = None,
    note: str = "",
    at: datetime | None = None,
) -> R:
    """Change what a record says, not where it stands.

    With `version`, the version the person saw: when somebody else changed one of the same fields
    since, `Conflict` holds both and nothing is written.
    """
    _require(by, "revise", type(record))
    _require_seen(by, record)
    _refuse_ours(values)
    if by.is_customer:
        _refuse_beyond_portal(type(record), values)
    _require_visible(by, type(record), values)
    with _one_verb():
        record = _locked(record)
        _require_standing(record)
        changed = _changes(record, values)
        if not changed:
            return record
        if version is not None and version != record.version:
            _refuse_conflict(record, changed, version)
        with _opened(
            "revise", by=by, record=record.pk, note=note, at=at, kind=record.kind_name()
        ) as work:
            _apply(record, changed, work)
        _walk_automatic(record, by=by, at=at)
    return record


def move(
    record: R,
    name: str,
    *,
    by: Person,
    note: str = "",
    values: Mapping[str, Any] | None = None,
    version: int | None = None,
    at: datetime | None = None,
    proof: Proof | None = None,
) -> R:
    """Take a record to its next state, or say everything that stands in the way.

    `values` are fields filled in together with the move; a signed move asks for `proof`.
    """
    step = record.lifecycle.moves.get(name)
    if step is None:
        raise NotOpen(_("There is no move called %(name)s.") % {"name": name})
    _require(by, name, type(record))
    _require_seen(by, record)
    _refuse_ours(values or {})
    if by.is_customer:
        _refuse_beyond_portal(type(record), values or {})
    _require_visible(by, type(record), values or {})
    with _one_verb():
        record = _locked(record)
        _require_standing(record)
        if version is not None and version != record.version and values:
            _refuse_conflict(record, _changes(record, values), version)
        _make(record, step, by=by, note=note, values=values or {}, at=at, chosen=True, proof=proof)
        _walk_automatic(record, by=by, at=at)
    return record


def move_by_rule(
    record: R,
    name: str,
    *,
    by: Person | None,
    note: str,
    at: datetime | None = None,
) -> R:
    """A move that follows from another act and is nobody's decision, so it asks for no right.

    `by` is whoever brought it about: the user whose answer wakes what waited for it.
    """
    with _one_verb():
        record = _locked(record)
        _require_standing(record)
        _make(record, record.lifecycle.moves[name], by=by, note=note, values={}, at=at)
        _walk_automatic(record, by=by, at=at)
    return record


def link(
    record: Record,
    name: str,
    other: Record,
    *,
    by: Person,
    note: str = "",
    at: datetime | None = None,
) -> Any:
    """Tie two records with a declared type of link; tying them twice changes nothing."""
    from .links import Link, refuse_wrong_ends, resolve

    _require(by, "link", type(record))
    _require_seen(by, record)
    _require_seen(by, other)
    kind, source, target = resolve(name, record, other)
    refuse_wrong_ends(kind, source, target)
    with transaction.atomic():
        standing = Link.objects.filter(kind=kind.name, source=source, target=target, ended_at=None)
        if (there := standing.first()) is not None:
            return there
        with act(
            "link", by=by, record=record.pk, name=kind.name, note=note, at=at, kind=record.kind
        ) as work:
            work.records.add((other.kind, other.pk))
            row = Link.objects.create(
                kind=kind.name, source_id=source.pk, target_id=target.pk, since=work.act.at
            )
            if kind.on_link is not None:
                kind.on_link(source, target, work.act)
        return row


def unlink(
    record: Record,
    name: str,
    other: Record,
    *,
    by: Person,
    note: str = "",
    at: datetime | None = None,
) -> None:
    """End a link; what it was stays in the history."""
    from .links import Link, resolve

    _require(by, "link", type(record))
    _require_seen(by, record)
    _require_seen(by, other)
    kind, source, target = resolve(name, record, other)
    with (
        transaction.atomic(),
        act(
            "unlink", by=by, record=record.pk, name=kind.name, note=note, at=at, kind=record.kind
        ) as work,
    ):
        work.records.add((other.kind, other.pk))
        rows = Link.objects.filter(kind=kind.name, source=source, target=target, ended_at=None)
        if not rows.update(ended_at=work.act.at):
            raise ValidationError(_("These two are not linked like that."))


def withdraw(record: R, *, by: Person, note: str) -> R:
    """Take back a record that should not have been filed. It stays readable, with the reason."""
    _require(by, "withdraw", type(record))
    _require_seen(by, record)
    if not note.strip():
        raise ValidationError(_("Say why it is withdrawn."))
    with _one_verb():
        record = _locked(record)
        _require_standing(record)
        with _opened(
            "withdraw", by=by, record=record.pk, note=note, kind=record.kind_name()
        ) as work:
            before = _columns(record)
            record.withdrawn_at = work.act.at
            record.due_at = None
            _save(record, work, before=before)
    return record


def blockers(record: Record, step: Move, *, by: Person) -> list[str]:
    """Everything that keeps this person from making this move now; empty when it is open."""
    from .approvals import missing_approval

    reasons = []
    if not by.may(right(step.name, type(record))):
        reasons.append(_("Your roles do not include this step."))
    if step not in record.moves():
        reasons.append(_("It cannot be done while the record is where it stands."))
    reasons += step.obstacles(record) + step.objections(record, by)
    if step.approval is not None and (why := missing_approval(record, step)):
        reasons.append(why)
    return reasons


def _make(
    record: R,
    step: Move,
    *,
    by: Person | None,
    note: str,
    values: Mapping[str, Any],
    at: datetime | None,
    chosen: bool = False,
    proof: Proof | None = None,
) -> None:
    """Make one move on a locked record; `chosen` by a person, not by a rule."""
    from . import approvals, signing
    from .links import cascade

    if step not in record.moves():
        raise NotOpen(
            _("%(ref)s is %(state)s: “%(move)s” cannot be done from there.")
            % {"ref": record.ref, "state": record.standing.label, "move": step.label}
        )
    with _opened(
        "move",
        by=by,
        record=record.pk,
        name=step.name,
        note=note,
        at=at,
        kind=record.kind_name(),
    ) as work:
        before = _columns(record)
        if changed := _changes(record, values):
            _assign(record, changed)
        obstacles = step.obstacles(record)
        if chosen and by is not None:
            obstacles += step.objections(record, by)
        if step.note and not note.strip():
            obstacles.append(_("Say why."))
        if step.approval is not None and (why := approvals.missing_approval(record, step)):
            obstacles.append(why)
        if obstacles:
            raise NotOpen(obstacles)
        if step.signed and chosen and by is not None:
            signing.require_proof(proof, by)
        if step.approval is not None:
            approvals.use(record, step)
        record.state = step.target.name
        for effect in step.then:
            effect(record, work.act)
        _save(record, work, before=before, related=bool(changed))
        if step.signed and chosen and by is not None:
            signing.sign(
                record,
                meaning=step.signed,
                what=record.what_is_signed(),
                by=by,
                proof=proof,
                note=note,
                at=work.act.at,
            )
        if step.submits:
            approvals.open_asking(record, step.submits, by=by, at=work.act.at)
        if by is not None:
            cascade(record, step, by=by, at=at)


def _walk_automatic(record: Record, *, by: Person | None, at: datetime | None) -> None:
    """Make the automatic moves that are open, each its own act.

    They are made by the rule, not by the person, so they ask for no right of theirs; a cycle would
    be endless, hence one round per state.
    """
    with moment.at(at):
        for _round in record.lifecycle.states:
            step = _first_automatic(record)
            if step is None:
                return
            _make(record, step, by=by, note="", values={}, at=at)


def _first_automatic(record: Record) -> Move | None:
    """The first automatic move with nothing in its way."""
    from .approvals import missing_approval

    for step in record.moves():
        if not step.auto or step.obstacles(record):
            continue
        if step.approval is None or not missing_approval(record, step):
            return step
    return None


def _locked(record: R) -> R:
    """The record as it is now, with its cover sheet locked against other writers.

    Its key never changes, so rows that only name it need not wait: whoever rings a clock of it
    holds that clock when the database looks whether the record is there, and we may want the
    clock next.
    """
    if connection.features.has_select_for_update:
        Sheet.objects.select_for_update(no_key=True).get(pk=record.pk)
    # Else the transaction itself keeps all other writers out.
    found: list[R] = _by_number(type(record))(number=record.pk)
    if not found:
        raise type(record).DoesNotExist
    return found[0]


@cache
def _by_number(model: type[Record]) -> Prepared:
    return Prepared(
        lambda number: model._default_manager.filter(pk=number), number=models.BigIntegerField()
    )


def _require(by: Person, verb: str, kind: type[Record]) -> None:
    if not by.may(right(verb, kind)):
        raise PermissionDenied(
            _("Your roles do not let you do this: %(verb)s, %(kind)s.")
            % {"verb": verb, "kind": kind._meta.verbose_name}
        )


def _require_seen(by: Person, record: Record) -> None:
    """Nobody does anything with a record they may not see, nor learns that it exists."""
    if not type(record).objects.visible_to(by).filter(pk=record.pk).exists():
        raise PermissionDenied(_("There is no such record for you."))


def _require_visible(by: Person, kind: type[Record], values: Mapping[str, Any]) -> None:
    """Nobody points at a record they may not see: it would tell them that it exists."""
    for name, value in values.items():
        model = kind._meta.get_field(name).related_model
        if not value or not isinstance(model, type) or not issubclass(model, Record):
            continue
        things = value if isinstance(value, list | set | tuple) else [value]
        keys = {getattr(v, "pk", v) for v in things if getattr(v, "seen_by", None) != by.pk}
        if keys and model.objects.visible_to(by).filter(pk__in=keys).count() != len(keys):
            raise ValidationError({name: _("Choose a record that you can see.")})


def _refuse_ours(values: Mapping[str, Any]) -> None:
    """Where a record stands and who filed it follow from acts; nobody writes them."""
    for name in sorted(WRITTEN_BY_ACTS & values.keys()):
        raise ValidationError(
            _("%(field)s cannot be filled in: the program keeps it.") % {"field": name}
        )


def _refuse_beyond_portal(kind: type[Record], values: Mapping[str, Any]) -> None:
    """A customer fills in what the portal asks; priority, owner and the like are ours to decide."""
    register = register_of(kind.kind_name())
    for name in sorted(values.keys() - set(register.portal)):
        raise ValidationError({name: _("This is filled in by whoever works on it.")})


def _require_standing(record: Record) -> None:
    if record.withdrawn_at is not None:
        raise ValidationError(_("%(ref)s was withdrawn.") % {"ref": record.ref})


def _sorted_out(
    kind: type[Record], values: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Values by where they are stored: own columns, many-to-many, parts."""
    plain: dict[str, Any] = {}
    many: dict[str, Any] = {}
    parts: dict[str, Any] = {}
    for name, value in values.items():
        field = kind._meta.get_field(name)
        if field.one_to_many:
            parts[name] = value
        elif field.many_to_many:
            many[name] = value
        else:
            plain[name] = value
    return plain, many, parts


def _changes(record: Record, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that differ from what the record says."""
    from .register import part_rows, plain

    plain_values, many, parts = _sorted_out(type(record), values)
    changed: dict[str, Any] = {}
    for name, value in plain_values.items():
        field: Any = record._meta.get_field(name)
        before = getattr(record, field.attname)
        after = getattr(value, "pk", value) if field.is_relation else value
        if after != before:
            changed[name] = value
    for name, value in many.items():
        if sorted(getattr(v, "pk", v) for v in value) != plain(record, name):
            changed[name] = value
    for name, rows in parts.items():
        if not _same_rows(part_rows(record, name), rows, type(record), name):
            changed[name] = rows
    return changed


def _same_rows(
    before: list[dict[str, Any]], after: list[Mapping[str, Any]], model: type[Record], name: str
) -> bool:
    fields = part_model(model, name).part_fields
    flat = [
        tuple(str(getattr(row.get(f), "pk", row.get(f))) for f in ("pk", *fields)) for row in after
    ]
    return flat == [tuple(str(row.get(f)) for f in ("pk", *fields)) for row in before]


def _refuse_conflict(record: Record, changed: Mapping[str, Any], version: int) -> None:
    """Raise when somebody changed one of these fields after the version the person saw."""
    from .history import Entry

    sheet = Sheet._meta.db_table
    own = {sheet, type(record)._meta.db_table}
    since = Entry.objects.filter(table=sheet, row=record.pk, after__version__gt=version)
    later = Entry.objects.filter(act__in=since.values("act"), record=record.pk)
    tables: set[str] = set()
    columns: set[str] = set()
    for table, after in later.values_list("table", "after"):
        tables.add(table)
        if table in own:
            columns |= set(after or {})
    plain, many, parts = _sorted_out(type(record), changed)
    homes = {name: record._meta.get_field(name).remote_field.through for name in many}  # type: ignore[union-attr]
    homes |= {name: part_model(type(record), name) for name in parts}
    clash = {n for n in plain if str(getattr(record._meta.get_field(n), "column", "")) in columns}
    clash |= {name for name, home in homes.items() if home._meta.db_table in tables}
    if clash:
        theirs = {
            name: list(getattr(record, name).all()) if name in homes else getattr(record, name)
            for name in sorted(clash)
        }
        raise Conflict(record, theirs, {name: changed[name] for name in sorted(clash)})


def _apply(record: Record, changed: Mapping[str, Any], work: Work) -> None:
    before = _columns(record)
    _assign(record, changed)
    _save(record, work, before=before, related=True)


def _assign(record: Record, changed: Mapping[str, Any]) -> None:
    plain, many, parts = _sorted_out(type(record), changed)
    for name, value in plain.items():
        field: Any = record._meta.get_field(name)
        by_key = field.is_relation and not isinstance(value, models.Model)
        setattr(record, field.attname if by_key else name, value)
    _save_related(record, many, parts)


def _columns(record: Record) -> dict[str, Any]:
    """The record's own columns as they are now, to tell afterwards which of them changed."""
    return {f.name: getattr(record, f.attname) for f in record._meta.concrete_fields}


OURS = frozenset(
    {"ref", "source_key", "sheet", "sheet_ptr", "id", "filed_by", "kind", "state", "version"}
)
"""Columns that the engine gives out itself, so that nobody else's value needs checking."""

WRITTEN_BY_ACTS = OURS | {"filed_at", "changed_at", "withdrawn_at"}
"""Columns that no value of a verb may name."""


def _check(record: Record, *, unchanged: Iterable[str] = ()) -> None:
    """Validate the row, as far as it is new: what stood before was checked when it came."""
    record.full_clean(exclude={*OURS, *unchanged})


def _save(record: Record, work: Work, *, before: Mapping[str, Any], related: bool = False) -> None:
    """Write the columns that differ from `before`. `related` says that other rows changed too."""
    record.set_derived()
    now = _columns(record)
    changed = {name for name, value in now.items() if before[name] != value}
    _check(record, unchanged=now.keys() - changed)
    record.version += 1
    record.changed_at = work.act.at
    record.save(update_fields=changed | {"version", "changed_at"})
    _settle(record, work, changed=changed - {"state"}, related=related)


def _save_related(record: Record, many: Mapping[str, Any], parts: Mapping[str, Any]) -> None:
    for name, value in many.items():
        getattr(record, name).set(value)
    for name, rows in parts.items():
        _save_parts(record, name, rows)


def _save_parts(record: Record, name: str, rows: list[Mapping[str, Any]]) -> None:
    """Make the part's rows what `rows` says: those with a `pk` are revised, others added."""
    model = part_model(type(record), name)
    present = {row.pk: row for row in getattr(record, name).all()}
    kept = {int(row["pk"]) for row in rows if row.get("pk")}
    if strange := kept - present.keys():
        raise ValidationError(
            {name: _("Row %(row)s is not part of this record.") % {"row": min(strange)}}
        )
    for pk in present.keys() - kept:
        present[pk].delete()
    for n, row in enumerate(rows):
        part: Any = present[int(row["pk"])] if row.get("pk") else model()
        if part.pk is None:
            part.of = record
        facts = {f: row[f] for f in model.part_fields if f in row}
        for key, value in facts.items():
            related = part._meta.get_field(key).is_relation
            setattr(
                part, f"{key}_id" if related and not isinstance(value, models.Model) else key, value
            )
        try:
            # With `of`, for what must not come twice must not come twice in one record.
            part.full_clean()
        except ValidationError as wrong:
            raise ValidationError(
                {f"{name}.{n}.{field}": each for field, each in wrong.error_dict.items()}
            ) from wrong
        part.save()


def _settle(record: Record, work: Work, *, changed: set[str] | None, related: bool = False) -> None:
    """What follows every written act: clocks, the search index, approvals that no longer hold.

    `changed` names the columns that did, None when all are new; `related` says that rows of other
    tables changed with them.
    """
    from . import approvals, clock, search

    work.records.add((record.kind_name(), record.pk))
    forget(record.kind_name())
    retarget = changed is None or not changed.isdisjoint(record.clock_fields)
    clock.follow(record, work.act, retarget=retarget)
    if changed is None or changed or related:
        register: type[Register] = register_of(record.kind_name())
        search.index(record.pk, record.kind_name(), register.search_text(record))
    if record.lifecycle.needs_approvals() and changed is not None:
        approvals.keep_true(record, work.act)
