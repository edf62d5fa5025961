"""Working through a pooler such as pgbouncer, which lends a connection for one transaction only.

Whatever is left on a connection then meets somebody else. The history leaves nothing: the number of
an act is set for its transaction (`acts.py`), and temporary tables of the past are dropped with
theirs (`past.py`). Two things would be left, so they are looked after here: cursors of the server
outside a transaction are not used, and what must keep a setting for longer is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

NO_CURSORS = "DISABLE_SERVER_SIDE_CURSORS"


def look(sender: Any, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """When the first connection to a server is made: is anything in between?"""
    told = connection.settings_dict
    if connection.vendor != "postgresql" or "POOLER" in told:
        return
    told["POOLER"] = found = _in_between(connection.connection)
    if found:
        told[NO_CURSORS] = True


def is_between(connection: BaseDatabaseWrapper) -> bool:
    """Whether a pooler stands between this program and its database."""
    connection.ensure_connection()
    return bool(connection.settings_dict.get("POOLER"))


def refuse(connection: BaseDatabaseWrapper, what: str) -> None:
    """Say that something needs the server itself."""
    if is_between(connection):
        raise CommandError(
            f"{what} needs a connection of its own, and DATABASE_URL leads through a pooler: "
            "name the server itself for this command."
        )


def _in_between(raw: Any) -> bool:
    # A pooler tells each client the number of a process that there is not.
    (process,) = raw.execute("SELECT pg_backend_pid()").fetchone()
    return bool(process != raw.info.backend_pid)
