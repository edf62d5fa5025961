"""Changes of tables on SQLite, where a trigger hinders them: it goes aside and comes back after."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.sqlite3 import schema


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """SQLite refuses to rename a table, or to drop a column, while any trigger speaks of it.

    The triggers of the history are removed before the first such statement and written anew, from
    the columns as they are then, in the same transaction.
    """

    _set_aside = False

    def execute(self, sql: Any, params: Any = ()) -> None:
        if not self.collect_sql and str(sql).lstrip().upper().startswith(
            ("ALTER TABLE", "DROP TABLE")
        ):
            self._set_triggers_aside()
        super().execute(sql, params)

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        if exc_type is not None:
            # Django would check constraints first. In a broken transaction that fails too: the
            # reason of the failure is lost, and the transaction left open.
            BaseDatabaseSchemaEditor.__exit__(self, exc_type, exc_value, traceback)
            self.connection.enable_constraint_checking()
            return
        if self._set_aside:
            from verne.engine.triggers import install

            install(self.connection)
        if self.connection.references_put_off:  # type: ignore[attr-defined]
            BaseDatabaseSchemaEditor.__exit__(self, exc_type, exc_value, traceback)
            return
        super().__exit__(exc_type, exc_value, traceback)

    def _set_triggers_aside(self) -> None:
        from verne.engine.triggers import remove

        # Asked each time: a data migration in between may have put them back.
        if remove(self.connection):
            self._set_aside = True
