"""What is wrong with the machine when nobody is to blame: no room, or a database away."""

from __future__ import annotations

import errno
import shutil
from enum import Enum
from pathlib import Path

from django.db import Error, InterfaceError, OperationalError, connection

WORTH_ANOTHER_TRY = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL")
OF_THE_DISK = ("SQLITE_IOERR", "SQLITE_CANTOPEN")
"""What SQLite also says when a disk is so full that it cannot even keep its books."""
LITTLE = 1 << 20


class Trouble(Enum):
    """It passes by itself, or when somebody makes room; what was asked for was not done."""

    NO_ROOM = "no room"
    AWAY = "away"


RETRY_AFTER = {Trouble.NO_ROOM: 30, Trouble.AWAY: 5}
"""Seconds after which it is worth asking again."""


def behind(wrong: BaseException | None) -> Trouble | None:
    """The trouble that stands behind an error; None for a mistake of the program."""
    if isinstance(wrong, OSError):
        return Trouble.NO_ROOM if wrong.errno in (errno.ENOSPC, errno.EDQUOT) else None
    if not isinstance(wrong, Error):
        return None
    cause = wrong.__cause__
    if connection.vendor == "sqlite":
        return _of_sqlite(wrong, getattr(cause, "sqlite_errorname", ""))
    if getattr(cause, "sqlstate", None) == "53100":
        return Trouble.NO_ROOM
    return Trouble.AWAY if isinstance(wrong, (OperationalError, InterfaceError)) else None


def _of_sqlite(wrong: Error, name: str) -> Trouble | None:
    # Whoever waited too long in the line of writers is told in the words of SQLite.
    if name.startswith(WORTH_ANOTHER_TRY) or str(wrong).startswith("database is locked"):
        return Trouble.AWAY
    if name == "SQLITE_FULL":
        return Trouble.NO_ROOM
    if not name.startswith(OF_THE_DISK):
        return None
    free = shutil.disk_usage(Path(str(connection.settings_dict["NAME"])).parent).free
    return Trouble.NO_ROOM if free < LITTLE else Trouble.AWAY
