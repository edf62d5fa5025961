"""SQLite with fair writers, and with the function by which the triggers ask for the open act."""

from __future__ import annotations

import os
from functools import cache, lru_cache
from sqlite3 import SQLITE_BUSY
from time import monotonic, sleep
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db import OperationalError
from django.db.backends.sqlite3 import base
from django.utils.asyncio import async_unsafe

from verne.engine import giving_way

from .line import Line, Turn
from .schema import DatabaseSchemaEditor

PATIENCE = 5.0
"""Seconds to wait for a lock when the settings name no `timeout`; the default of sqlite3."""


PAGES_ON_THE_WAY = 4_000
"""Pages in the write-ahead log after which whoever commits carries them into the file.

An incident writes 75, many of them the same as the last one did: carried at 1,000, everybody waited
30 ms at each thirteenth incident for pages that were soon written anew. It is a file of 16 MB.
"""


@lru_cache(maxsize=1_000)
def _as_sqlite_writes_it(query: str) -> str:
    """A statement with the marks that sqlite3 knows; Django looks for them at every call."""
    converted: str = base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%")
    return converted


class Cursor(base.SQLiteCursorWrapper):
    """Remembers how statements are written for SQLite."""

    def convert_query(self, query: str, *, param_names: Any = None) -> str:
        if param_names is None:
            return _as_sqlite_writes_it(query)
        converted: str = super().convert_query(query, param_names=param_names)
        return converted


class DatabaseWrapper(base.DatabaseWrapper):
    """SQLite lets writers elbow: one of eight may wait four seconds while another writes on.

    So a transaction that will write stands in a line of its database file before it begins. The
    line is one of this process; against other processes the busy timeout remains. Reads, and
    single statements outside `atomic()`, do not stand in line.
    """

    SchemaEditorClass = DatabaseSchemaEditor
    # What Django's type stubs leave out of the base class.
    transaction_mode: str | None
    references_put_off = False
    """Whether somebody else checks, after all steps of an upgrade, that no reference is broken."""
    _turn: Turn | None = None
    _line: Line | None = None

    @async_unsafe
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        # Imported here because Django loads the backend before it can load models.
        from verne.engine.history import current_act

        connection = self._open(conn_params)
        connection.execute(f"PRAGMA wal_autocheckpoint = {PAGES_ON_THE_WAY}")
        connection.create_function("verne_act", 0, current_act.get)
        # Without it REPLACE removes rows behind the back of the delete triggers.
        connection.execute("PRAGMA recursive_triggers = ON")
        # Some builds forbid triggers to call functions that the program has added.
        connection.execute("PRAGMA trusted_schema = ON")
        return connection

    @async_unsafe
    def create_cursor(self, name: str | None = None) -> Any:
        return self.connection.cursor(factory=Cursor)

    def _open(self, conn_params: dict[str, Any]) -> Any:
        """Open the file; turning a new one to WAL fails at once when another is just doing it."""
        deadline = monotonic() + self._patience()
        while True:
            try:
                return super().get_new_connection(conn_params)
            except self.Database.OperationalError as refusal:
                if refusal.sqlite_errorcode != SQLITE_BUSY or monotonic() > deadline:
                    raise
                sleep(0.01)

    def _start_transaction_under_autocommit(self) -> None:
        if self.transaction_mode not in ("IMMEDIATE", "EXCLUSIVE"):
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
            return
        left = self._wait_for_turn()
        try:
            self._begin(left)
        except BaseException:
            self._give_up_turn()
            raise

    def _begin(self, left: float | None) -> None:
        """Begin; when time was spent in the line, other processes may use up only the rest."""
        if left is None:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
            return
        self._set_busy_timeout(left)
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        finally:
            self._set_busy_timeout(self._patience())

    def _wait_for_turn(self) -> float | None:
        """Stand in line; gives the seconds of patience left, or None when there was no waiting."""
        line = line_of(str(self.settings_dict["NAME"]))
        if line is None or self._turn is not None:
            return None
        giving_way.stand_back()
        patience, start = self._patience(), monotonic()
        self._turn, self._line = line.enter(self, timeout=patience), line
        waited = monotonic() - start
        if self._turn is None:
            raise OperationalError(
                f"database is locked: other writers have held it for {waited:.1f} seconds"
            )
        return max(patience - waited, 0.0) if waited > 0.01 else None

    def _give_up_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None and self._line is not None:
            self._line.leave(turn)

    def _give_up_turn_if_done(self) -> None:
        """A commit that failed has not ended the transaction; the rollback that follows does."""
        if self._turn is not None and not self._in_transaction():
            self._give_up_turn()

    def _in_transaction(self) -> bool:
        try:
            return self.connection is not None and self.connection.in_transaction
        except self.Database.ProgrammingError:  # somebody closed it under our hands
            return False

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]
        finally:
            self._give_up_turn_if_done()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._give_up_turn_if_done()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._give_up_turn()

    def _patience(self) -> float:
        return float(self.settings_dict["OPTIONS"].get("timeout", PATIENCE))

    def _set_busy_timeout(self, seconds: float) -> None:
        self.connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")


@cache
def line_of(name: str) -> Line | None:
    """The line of a database; None for a private one in memory, which nobody else can open."""
    if name == ":memory:":
        return None
    if name.startswith("file:") and "mode=memory" not in name:
        name = unquote(urlsplit(name).path)
    return _line_at(name if "mode=memory" in name else os.path.realpath(name))


def others_write(name: str) -> bool:
    """Whether somebody of this process is writing to a database, or waits for it."""
    line = line_of(name)
    return line is not None and len(line) > 0


@cache
def _line_at(place: str) -> Line:
    return Line()


def _forget_lines() -> None:
    line_of.cache_clear()
    _line_at.cache_clear()


if hasattr(os, "register_at_fork"):
    # Those who stand in line in the parent do not exist in the child.
    os.register_at_fork(after_in_child=_forget_lines)
