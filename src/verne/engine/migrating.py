"""Migrating whole or not at all, in a time that grows with what changes, not with all there is.

An upgrade is one transaction, on either database: when one of its steps fails, or the power does,
the former state is there and the former version of the program goes on with it.

Django keeps a picture of every model while it migrates. When a table or an index is added, it draws
anew every model that is related to it, and those related to these; as each record lies under the
cover sheet, that is nearly all of them, each time. A new database took three times as long, and
would take nine times as long with twice the tables. Here the added model alone is drawn, and an
added index is noted on the model that is there. What the database is told stays the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import migrations, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ModelState, ProjectState

from .history import current_act

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def all_or_nothing(connection: BaseDatabaseWrapper) -> Iterator[bool]:
    """One transaction around all that waits; says whether it is one.

    It is not where nothing can be lost yet, and where a step says that it cannot be in a
    transaction (`atomic = False`): then each step stands for itself, as Django does it.
    """
    if connection.in_atomic_block or not _belongs_together(connection):
        yield connection.in_atomic_block
        return
    outer = current_act.get()
    # Before the transaction begins: SQLite ignores it afterwards, and moves tables about.
    connection.disable_constraint_checking()
    try:
        with transaction.atomic(using=connection.alias), _references_checked_once(connection):
            yield True
    except BaseException:
        current_act.set(outer)
        raise
    finally:
        connection.enable_constraint_checking()


@contextmanager
def _references_checked_once(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """On SQLite, which looks at all references of the file each time: a minute at 12 GB."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.references_put_off = True  # type: ignore[attr-defined]
    try:
        yield
    finally:
        connection.references_put_off = False  # type: ignore[attr-defined]
    connection.check_constraints()


def between_migrations(connection: BaseDatabaseWrapper) -> Callable[..., None]:
    """For the executor: makes the checks a step has put off before the next one changes tables.

    PostgreSQL lets nobody change a table with such checks to come in the same transaction.
    """

    def look(action: str, *_args: Any) -> None:
        if action == "apply_success" and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute("SET CONSTRAINTS ALL DEFERRED")

    return look


def _belongs_together(connection: BaseDatabaseWrapper) -> bool:
    executor = MigrationExecutor(connection)
    if connection.vendor == "postgresql" and not executor.loader.applied_migrations:
        # Hundreds of new tables in one transaction take more locks than a small server has.
        return False
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return all(migration.atomic for migration, _backwards in plan)


@contextmanager
def drawing_only_what_is_added() -> Iterator[None]:
    """While migrating forwards. Backwards, pictures are shared between before and after."""
    pictures: Any = ProjectState
    usual = pictures.add_model, pictures._append_option
    pictures.add_model, pictures._append_option = _add_model, _append_option
    try:
        yield
    finally:
        pictures.add_model, pictures._append_option = usual


def _add_model(self: Any, model_state: ModelState) -> None:
    key = model_state.app_label, model_state.name_lower
    self.models[key] = model_state
    if self._relations is not None:
        self.resolve_model_relations(key)
    if "apps" in self.__dict__:
        self.apps.render_multiple([model_state])


def _append_option(self: Any, app_label: str, model_name: str, option_name: str, obj: Any) -> None:
    """An index or a constraint; tables with either are written from the options of their model."""
    options = self.models[app_label, model_name].options
    options[option_name] = [*options[option_name], obj]
    if "apps" in self.__dict__:
        meta = self.apps.get_model(app_label, model_name)._meta
        setattr(meta, option_name, list(options[option_name]))
        meta.__dict__.pop("total_unique_constraints", None)


def lead_by_another_index(
    app: str, model: str, name: str, field: models.Field[Any, Any]
) -> migrations.SeparateDatabaseAndState:
    """A step that drops the plain index of a foreign key, where a longer one begins alike.

    `field` is the key with `db_index=False`. Changing it as usual would write SQLite's table anew,
    a minute for millions of rows.
    """

    def drop(apps: Any, schema_editor: Any) -> None:
        connection = schema_editor.connection
        meta = apps.get_model(app, model)._meta
        column = meta.get_field(name).column
        with connection.cursor() as cursor:
            found = connection.introspection.get_constraints(cursor, meta.db_table)
        for index, what in found.items():
            if what["index"] and what["columns"] == [column]:
                schema_editor.execute(f"DROP INDEX {connection.ops.quote_name(index)}")

    def make(apps: Any, schema_editor: Any) -> None:
        plain = models.Index(fields=[name], name=f"{model}_{name}_plain")
        schema_editor.add_index(apps.get_model(app, model), plain)

    return migrations.SeparateDatabaseAndState(
        database_operations=[migrations.RunPython(drop, make)],
        state_operations=[migrations.AlterField(model_name=model, name=name, field=field)],
    )
