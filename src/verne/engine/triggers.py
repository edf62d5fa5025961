"""The triggers that write the history: one entry for each row changed, and none without an act.

They are generated from the models and the columns there are, so they follow every migration. What
each database is told stands in `sqlite/capture.py` and `postgresql/capture.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import connections, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from .history import Act, Entry, current_act
from .postgresql import pooler

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

SECRET = "•••"
"""What the history shows of a column named in a model's `history_secrets`."""

NO_ACT = "verne: no act is open: write through verne.engine.acts"
APPEND_ONLY = "verne: what is written here is never changed or removed"
NO_TRUNCATE = "verne: a table of records is never emptied"

KEY_TYPES = ("AutoField", "BigAutoField", "SmallAutoField", "IntegerField", "BigIntegerField")


@dataclass(frozen=True)
class Table:
    """A table whose rows are kept in the history, as the triggers need to know it."""

    name: str
    key: str
    record: str = ""
    """The column with the number of the record that the row belongs to; empty without one."""
    secrets: frozenset[str] = frozenset()
    fields: dict[str, models.Field[Any, Any]] = field(default_factory=dict, hash=False)
    """The model's fields by their column."""


@dataclass(frozen=True)
class Piece:
    """A trigger or function: how it is recognised when it is right, how it is made and unmade."""

    mark: str
    make: tuple[str, ...] = ()
    """Statements that put it there, in place of what may be there under its name."""
    unmake: str = ""


def tracked_models() -> list[type[models.Model]]:
    """Every table of Verne, many-to-many tables included, but those that say `history = False`."""
    return [model for model in our_models() if _wants_history(model)]


def guarded_models() -> list[type[models.Model]]:
    """Tables to which rows are added and never changed: the history itself."""
    return [Act, Entry]


def append_only_models() -> list[type[models.Model]]:
    """The history, and whatever says `append_only`: nothing of it is ever changed."""
    kept = [model for model in our_models() if getattr(model, "append_only", False)]
    return [*guarded_models(), *kept]


def tracked_tables() -> list[Table]:
    return [_table(model) for model in tracked_models()]


def install(connection: BaseDatabaseWrapper) -> list[str]:
    """Make the triggers what they should be; gives the names of those that were not."""
    if not _differences(connection):
        return []
    with transaction.atomic(using=connection.alias):
        capture = capture_of(connection)
        capture.lock(connection)
        differences = _differences(connection)
        with connection.cursor() as cursor:
            for wanted, present in differences.values():
                if wanted is not None:
                    for statement in wanted.make:
                        cursor.execute(statement)
                elif present is not None:
                    cursor.execute(present.unmake)
    return list(differences)


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """What is wrong with the triggers, a sentence each; empty when history is complete and safe."""
    sentences = []
    for name, (wanted, present) in _differences(connection).items():
        if present is None:
            sentences.append(_("%(name)s is missing.") % {"name": name})
        elif wanted is None:
            sentences.append(_("%(name)s should not be there.") % {"name": name})
        else:
            sentences.append(_("%(name)s is not as it should be.") % {"name": name})
    return sentences


def remove(connection: BaseDatabaseWrapper, of: Collection[str] = ()) -> list[str]:
    """Take the triggers of the history away: all, or at least those of some tables.

    Until `install`, nothing there is noted or refused.
    """
    present: dict[str, Piece] = capture_of(connection).present(connection)
    if of:
        ends = tuple(f"_{table}" for table in of)
        present = {name: piece for name, piece in present.items() if name.endswith(ends)}
    if not present:
        return []
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        for piece in reversed(present.values()):
            cursor.execute(piece.unmake)
    return list(present)


@contextmanager
def laid_open(connection: BaseDatabaseWrapper, tables: Iterable[str]) -> Iterator[None]:
    """Let rows of append-only tables be changed inside, in one transaction: only for erasures.

    Their guards are back before the transaction ends, so nobody else ever sees them gone.
    """
    names = set(tables)
    with transaction.atomic(using=connection.alias):
        capture = capture_of(connection)
        capture.lock(connection)
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # A table with checks still to be made lets nobody take its triggers away.
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for piece in capture.guards(capture.present(connection), names):
                cursor.execute(piece.unmake)
        try:
            yield
        finally:
            if not connection.needs_rollback:
                install(connection)


@contextmanager
def migration(connection: BaseDatabaseWrapper, note: str) -> Iterator[None]:
    """Write rows from a data migration: `with triggers.migration(schema_editor.connection, "…"):`.

    Everything written inside is one act named *migrate*, captured like any other.
    """
    install(connection)
    outer = current_act.get()
    with transaction.atomic(using=connection.alias):
        number = _open_act(connection, note)
        _set_current(connection, number)
        try:
            yield
        except BaseException:
            # PostgreSQL takes no statement now; its setting goes with the transaction.
            current_act.set(outer)
            raise
        _set_current(connection, outer)


def open_act_for_migration(
    sender: Any, using: str = "default", plan: Any = (), **kwargs: Any
) -> None:
    """Before tables change: note what is about to run, as an act under which it may touch rows.

    PostgreSQL fills a column that becomes obligatory with an UPDATE, which needs an act like any
    other. It ends with `install_after_migrate`.
    """
    connection = connections[using]
    if sender.label != "engine" or not plan or not _is_ready(connection):
        return
    # The act lasts for many transactions; on a connection that others share it would be theirs too.
    pooler.refuse(connection, "Migrating")
    note = "\n".join(f"{step.app_label}.{step.name}" for step, _backwards in plan)
    _set_current(connection, _open_act(connection, note), lasting=True)


def install_after_migrate(sender: Any, using: str = "default", **kwargs: Any) -> None:
    """After all tables have changed: bring the triggers up to date."""
    connection = connections[using]
    if sender.label != "engine" or not _is_ready(connection):
        return
    _set_current(connection, None, lasting=True)
    install(connection)


def _differences(
    connection: BaseDatabaseWrapper,
) -> dict[str, tuple[Piece | None, Piece | None]]:
    """Pieces that are not as they should be, as (wanted, present), in the order to make them."""
    capture = capture_of(connection)
    present: dict[str, Piece] = capture.present(connection)
    wanted: dict[str, Piece] = _wanted(connection, capture)
    names = [name for name in present if name not in wanted][::-1] + list(wanted)
    return {
        name: (wanted.get(name), present.get(name))
        for name in names
        if name not in wanted or name not in present or wanted[name].mark != present[name].mark
    }


def _wanted(connection: BaseDatabaseWrapper, capture: ModuleType) -> dict[str, Piece]:
    columns: dict[str, dict[str, str]] = capture.columns(connection)
    if not all(model._meta.db_table in columns for model in guarded_models()):
        return {}
    tables = [table for table in tracked_tables() if table.key in columns.get(table.name, ())]
    present = (model._meta.db_table for model in append_only_models())
    guarded = [name for name in present if name in columns]
    pieces: dict[str, Piece] = capture.wanted(tables, guarded, Entry._meta.db_table, columns)
    return pieces


def capture_of(connection: BaseDatabaseWrapper) -> ModuleType:
    """What this kind of database is told."""
    if connection.vendor == "postgresql":
        from .postgresql import capture

        return capture
    if connection.vendor == "sqlite":
        from .sqlite import capture as sqlite_capture

        return sqlite_capture
    raise ImproperlyConfigured(
        f"{connection.vendor} cannot keep the history: use SQLite or PostgreSQL."
    )


def _is_ready(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
    return all(model._meta.db_table in tables for model in guarded_models())


def our_models() -> list[type[models.Model]]:
    """Every table of Verne, in the history or not."""
    return [
        model
        for config in apps.get_app_configs()
        if config.name.startswith("verne.")
        for model in config.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    ]


def _wants_history(model: type[models.Model]) -> bool:
    owner = model._meta.auto_created or model
    return model not in guarded_models() and getattr(owner, "history", True) is not False


def _table(model: type[models.Model]) -> Table:
    meta = model._meta
    if _root(meta.pk).get_internal_type() not in KEY_TYPES:
        raise ImproperlyConfigured(
            f"{meta.label} has a key that is not a number, so the history cannot name its rows: "
            "give it a number, or say history = False if it holds no facts."
        )
    secrets = getattr(model, "history_secrets", ())
    table = Table(
        name=meta.db_table,
        key=str(meta.pk.column),
        record=_record_column(model),
        secrets=frozenset(_column(model, name, "history_secrets") for name in secrets),
        fields={str(f.column): _root(f) for f in meta.local_concrete_fields},
    )
    for column, kind in table.fields.items():
        if isinstance(kind, models.BinaryField) and column not in table.secrets:
            raise ImproperlyConfigured(
                f"{meta.label}.{column} holds bytes, which the history cannot show: keep them in a "
                "file, or name the column in history_secrets."
            )
    return table


def _record_column(model: type[models.Model]) -> str:
    from .records import Sheet

    if name := getattr(model, "history_record", ""):
        return _column(model, name, "history_record")
    if issubclass(model, Sheet):
        return str(model._meta.pk.column)
    owner = model._meta.auto_created
    if not isinstance(owner, type) or not issubclass(owner, Sheet):
        return ""
    ours = (f for f in owner._meta.local_many_to_many if f.remote_field.through is model)
    return next((str(f.m2m_column_name()) for f in ours), "")


def _column(model: type[models.Model], name: str, attribute: str) -> str:
    try:
        return str(model._meta.get_field(name).column)  # type: ignore[union-attr]
    except FieldDoesNotExist:
        raise ImproperlyConfigured(
            f"{model._meta.label}.{attribute} names {name!r}, which is no field of it."
        ) from None


def _root(kind: Any) -> Any:
    """The field that decides how a column is stored: for a relation, the key it points at."""
    while kind.remote_field is not None:
        kind = kind.target_field
    return kind


def _open_act(connection: BaseDatabaseWrapper, note: str) -> int:
    """Write the act of a migration in the columns the table has at this moment."""
    now = timezone.now()
    act = Act(at=now, recorded_at=now, verb="migrate", note=note, via=Act.Via.CLI)
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, Act._meta.db_table)
        there = {column.name for column in described}
        quote = connection.ops.quote_name
        chosen = [f for f in Act._meta.concrete_fields if f.column in there and not f.primary_key]
        names, marks = (
            ", ".join(quote(str(f.column)) for f in chosen),
            ", ".join(["%s"] * len(chosen)),
        )
        cursor.execute(
            f"INSERT INTO {quote(Act._meta.db_table)} ({names}) VALUES ({marks}) RETURNING id",
            [f.get_db_prep_save(getattr(act, f.attname), connection) for f in chosen],
        )
        return int(cursor.fetchone()[0])


def _set_current(
    connection: BaseDatabaseWrapper, number: int | None, *, lasting: bool = False
) -> None:
    current_act.set(number)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('verne.act', %s, %s)", [str(number or ""), not lasting]
            )
