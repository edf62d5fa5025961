"""Reading the past: inside `reading(at)` every query sees the records as they stood at an instant.

    with past.reading(at, person=person):
        page = listing.page(register, person, params)

Tables whose rows have changed since are hidden, on this connection only, behind temporary tables of
the same name, filled from the history. Both databases look for temporary tables first, so no query
need know of it. Nothing is written, and nobody else notices.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connection, models, transaction
from django.db.models import Case, Q, When
from django.db.models.expressions import RawSQL

from . import moment, triggers
from .history import Act, Entry
from .postgresql.plans import none_kept

if TYPE_CHECKING:
    from .people import Person

Rows = TypeVar("Rows", bound="models.QuerySet[Any]")

_at: ContextVar[datetime | None] = ContextVar("past", default=None)
_narrowed: ContextVar[bool] = ContextVar("past_narrowed", default=False)

SETTLED = "e.op = 'I' AND e.record_id IS NULL AND a.by_id IS NULL AND a.record_id IS NULL"
"""Rows that the program brought along, such as the roles of the standard: they were always there.

What is told of a time before the installation may refer to them.
"""

TOUCHED, SEEN = "verne_touched", "verne_seen"


def instant() -> datetime | None:
    """The instant that is being read; None in the present."""
    return _at.get()


@contextmanager
def reading(at: datetime, *, person: Person | None = None) -> Iterator[None]:
    """See the records as they stood at an instant, until the end of the block.

    A person sees what they might have seen then, as far as they may still see it today.
    """
    if person is not None:
        _remember(person)
    with _for_this_connection():
        if person is not None:
            _note_what_is_seen(person)
        _hide_what_changed(at)
        tokens = _at.set(at), _narrowed.set(person is not None)
        try:
            with moment.at(at):
                yield
        finally:
            _at.reset(tokens[0])
            _narrowed.reset(tokens[1])


def narrow(rows: Rows) -> Rows:
    """While the past is read for somebody: only records they may see today."""
    if not _narrowed.get():
        return rows
    return rows.filter(pk__in=RawSQL(f"SELECT id FROM {SEEN}", ()))


def _remember(person: Person) -> None:
    """What a person may do is what they may do today, so it is looked up before."""
    for fact in ("roles", "rights", "team_ids", "kind_of_party"):
        getattr(person, fact)


@contextmanager
def _for_this_connection() -> Iterator[None]:
    """One view of the database, given up in the end with all that was made for it."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        # Not `atomic()`: that would keep everybody from writing while somebody reads.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
        return
    with none_kept(), transaction.atomic():
        yield
        transaction.set_rollback(True)


def _note_what_is_seen(person: Person) -> None:
    from .records import Sheet
    from .rights import scope

    rows = Sheet.objects.filter(scope(person, Sheet)).values("id").query
    try:
        query, values = rows.sql_with_params()
    except EmptyResultSet:
        # Django knows without asking that somebody without a role sees nothing.
        query, values = f"SELECT id FROM {Sheet._meta.db_table} WHERE 1 = 0", ()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE {SEEN} AS {query}", values)


def _hide_what_changed(at: datetime) -> None:
    main = home()
    when = connection.ops.adapt_datetimefield_value(at)
    act, entry = Act._meta.db_table, Entry._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f'CREATE TEMP TABLE {TOUCHED} AS SELECT DISTINCT e."table" AS tab, e.row AS num'
            f" FROM {entry} e JOIN {act} a ON a.id = e.act_id WHERE a.at > %s AND NOT ({SETTLED})",
            [when],
        )
        cursor.execute(f"CREATE INDEX {TOUCHED}_row ON {TOUCHED} (tab, num)")
        cursor.execute(f"SELECT DISTINCT tab FROM {TOUCHED}")
        touched = {name for (name,) in cursor.fetchall()}
    columns = triggers.capture_of(connection).columns(connection)
    tables = {table.name: table for table in triggers.tracked_tables() if table.name in columns}
    for name in sorted(touched & tables.keys()):
        _copy_the_rest(tables[name], main)
    for name, entries in groupby(_entries(at), key=lambda each: each[0]):
        if name in tables:
            _put_back(tables[name], list(columns[name]), entries)
    _hide_later_acts(main, at)


def _copy_the_rest(table: triggers.Table, main: str) -> None:
    """The rows of a table that have not changed since, in a temporary table of the same name."""
    name, key = connection.ops.quote_name(table.name), connection.ops.quote_name(table.key)
    with connection.cursor() as cursor:
        rest = f"SELECT * FROM {main}.{name} WHERE {key} NOT IN (SELECT num FROM {TOUCHED} "
        if connection.vendor == "postgresql":
            cursor.execute(f"CREATE TEMP TABLE {name} (LIKE {main}.{name})")
            cursor.execute(f"INSERT INTO pg_temp.{name} {rest} WHERE tab = %s)", [table.name])
        else:
            text = "'" + table.name.replace("'", "''") + "'"
            cursor.execute(f"CREATE TEMP TABLE {name} AS {rest} WHERE tab = {text})")
        schema = "" if connection.vendor == "postgresql" else "temp."
        for number, column in enumerate(_searched(table)):
            index = connection.ops.quote_name(f"past_{table.name}_{number}"[:60])
            quoted = connection.ops.quote_name(column)
            cursor.execute(f"CREATE INDEX {schema}{index} ON {name} ({quoted})")


def _searched(table: triggers.Table) -> list[str]:
    """Columns by which rows are looked up: the key, and what points at other tables."""
    return [c for c in table.fields if c == table.key or c.endswith("_id")]


def _entries(at: datetime) -> Iterator[tuple[str, int, str, Any]]:
    """What was noted up to the instant of rows that changed later, in the order it happened."""
    changed = RawSQL(
        f'EXISTS (SELECT 1 FROM {TOUCHED} t WHERE t.tab = "engine_entry"."table"'
        ' AND t.num = "engine_entry"."row")',
        (),
        output_field=models.BooleanField(),
    )
    settled = Q(op=Entry.Op.INSERT, record=None, act__by=None, act__record=None)
    rows = Entry.objects.filter(Q(act__at__lte=at) | settled)
    rows = rows.alias(changed=changed).filter(changed=True)
    ordered = rows.order_by("table", "row", SETTLED_FIRST, "act__at", "id")
    # All at once: a cursor that is read bit by bit would hold the tables that are being made.
    yield from list(ordered.values_list("table", "row", "op", "after"))


SETTLED_FIRST = Case(When(op=Entry.Op.INSERT, then=0), default=1)
"""What was brought along begins a row, whatever time its act has."""


def _put_back(
    table: triggers.Table, columns: list[str], entries: Iterator[tuple[str, int, str, Any]]
) -> None:
    """Add the rows of a table that changed later, as they stood."""
    found = []
    for key, noted in groupby(entries, key=lambda each: each[1]):
        state: dict[str, Any] | None = None
        for _table, _row, op, after in noted:
            state = None if op == Entry.Op.DELETE else (state or {}) | (after or {})
        if state is not None:
            found.append([_stored(table, c, state, key) for c in columns])
    if not found:
        return
    names = ", ".join(connection.ops.quote_name(column) for column in columns)
    marks = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {connection.ops.quote_name(table.name)} ({names}) VALUES ({marks})", found
        )


def _stored(table: triggers.Table, column: str, state: dict[str, Any], key: int) -> Any:
    """A value of the history as the database stores it."""
    if column == table.key:
        return key
    field = table.fields.get(column)
    if field is None:
        return state.get(column)
    if column not in state:
        # The column came later: then nothing was said.
        value = None if field.null else field.get_default()
    else:
        value = field.to_python(state[column])
    return field.get_db_prep_save(value, connection)


def _hide_later_acts(main: str, at: datetime) -> None:
    """The history itself ends at the instant."""
    act, entry = Act._meta.db_table, Entry._meta.db_table
    # A view takes no parameters; the text is the program's own.
    said = str(connection.ops.adapt_datetimefield_value(at))
    until = f"'{said}'::timestamptz" if connection.vendor == "postgresql" else f"'{said}'"
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP VIEW {entry} AS SELECT e.* FROM {main}.{entry} e"
            f" JOIN {main}.{act} a ON a.id = e.act_id WHERE a.at <= {until}"
        )
        cursor.execute(f"CREATE TEMP VIEW {act} AS SELECT * FROM {main}.{act} WHERE at <= {until}")


def home() -> str:
    """The schema that holds the real tables."""
    if connection.vendor == "sqlite":
        return "main"
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return str(connection.ops.quote_name(cursor.fetchone()[0]))
