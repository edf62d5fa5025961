"""A read-only copy of the database, for lists, searches, reports and exports.

    page = replica.answer(person, lambda: listing.fetch(wanted, person))

Inside, queries go to the copy, if `VERNE_REPLICA_URL` names one and it may be believed:

- it has replayed the last write of this person, wherever they made it (`LastWrite`);
- it is no further behind than `VERNE_REPLICA_LAG` seconds;
- it can be reached, and is a standby of the same server.

Otherwise they go where they always go, and so they do when the copy fails in the middle. Who
somebody is and what they may do is never read from the copy: sessions, tokens, people, teams and
roles come from the primary, so a role taken away is gone with the next click. Guests read nothing
from it, for what they are admitted to is a record. What is written, and the past, which needs
temporary tables, stay on the primary too. Without a replica all this asks no query.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.conf import settings
from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    connections,
    models,
    transaction,
)
from django.utils.translation import gettext_lazy as _

from . import guests

if TYPE_CHECKING:
    from .history import Act
    from .people import Person

log = logging.getLogger("verne.replica")

T = TypeVar("T")

ALIAS = "replica"
LOOK_EVERY = 1.0
"""Seconds for which what was found out about the copy is believed."""
LEAVE_ALONE = 5.0
"""Seconds for which a copy that failed is not asked again."""

FRESH_APPS = frozenset({"admin", "api", "auth", "contenttypes", "sessions", "web"})
"""Sessions, tokens, and what the pages remember of a person."""
FRESH_MODULES = frozenset({"verne.engine.people"})
"""Who somebody is, and what they may do."""

PAGE, HEADER = 8192, 24

_reading: ContextVar[bool] = ContextVar("reading_from_replica", default=False)


class LastWrite(models.Model):
    """Up to where the copy must have come before a person may read from it."""

    # It tells of the database, not of the management system.
    history: ClassVar[bool] = False

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    position = models.BigIntegerField(_("position in the log of the database"))

    class Meta:
        app_label = "engine"
        verbose_name = _("last write")

    def __str__(self) -> str:
        return f"{self.person_id} {self.position}"


def answer(person: Person, ask: Callable[[], T]) -> T:
    """What a question that changes nothing is answered, from the copy if it may be believed."""
    if not _may_read(person):
        return ask()
    try:
        with reading():
            return ask()
    except (OperationalError, InterfaceError, ProgrammingError):
        # It went away, gave up the query for what it replays, or has yet to replay a migration.
        _copy.doubt()
        connections[ALIAS].close()
        return ask()


@contextmanager
def reading() -> Iterator[None]:
    """Read from the copy until the end of the block, or until something is written."""
    token = _reading.set(True)
    try:
        yield
    finally:
        _reading.reset(token)


@contextmanager
def on_primary() -> Iterator[None]:
    """Read from the primary until the end of the block: what is read decides what is written."""
    token = _reading.set(False)
    try:
        yield
    finally:
        _reading.reset(token)


def pinned(rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Rows that are read later, while an answer is sent, from where they would be read now."""
    return rows.using(rows.db)


class Router:
    """Where a query goes; Django asks it only if there is a replica."""

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str:
        if not _reading.get() or _primary().in_atomic_block or _is_always_fresh(model):
            return "default"
        return ALIAS

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str:
        return "default"

    def allow_relation(self, one: models.Model, other: models.Model, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db != ALIAS


@cache
def _is_always_fresh(model: type[models.Model]) -> bool:
    owner: Any = model._meta.auto_created or model
    return owner._meta.app_label in FRESH_APPS or owner.__module__ in FRESH_MODULES


def _primary() -> Any:
    return connections["default"]


# --- Whether the copy may be believed -------------------------------------------------------------


def _may_read(person: Person) -> bool:
    if ALIAS not in settings.DATABASES or _reading.get() or _primary().in_atomic_block:
        return False
    if guests.is_guest(person) or not _copy.is_near():
        return False
    last = LastWrite.objects.filter(person=person.pk).values_list("position", flat=True).first()
    return last is None or _copy.has_reached(last)


@dataclass(frozen=True)
class Sight:
    """How far the copy had come, and how far the primary, at an instant."""

    at: float
    primary: int
    copy: int


class Copy:
    """What this process knows of the copy; it looks once a second at most, while it is asked."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.lock = threading.Lock()
        self.reached = 0
        self.waited_for: tuple[float, int] | None = None
        """When the primary had come to where; the copy has not been seen there yet."""
        self.as_of: float | None = None
        """The copy holds all that the primary held then."""
        self.looked_at: float | None = None
        self.leave_until = 0.0
        self.well = True

    def is_near(self) -> bool:
        """Whether it is reached, and holds what the primary held a few seconds ago."""
        if not self._look(older_than=LOOK_EVERY):
            return False
        return self.as_of is not None and self.clock() - self.as_of <= settings.REPLICA_LAG

    def has_reached(self, position: int) -> bool:
        """Whether it has replayed the log up to there; it is asked anew before it is said no."""
        if position <= self.reached:
            return True
        return self._look(older_than=0) and position <= self.reached

    def doubt(self) -> None:
        """Something went wrong: look before it is asked again."""
        self.looked_at = None

    def note(self, sight: Sight) -> None:
        """Take in what was seen."""
        self.reached, self.looked_at = max(self.reached, sight.copy), sight.at
        since, position = self.waited_for or (sight.at, sight.primary)
        if sight.copy >= sight.primary:
            self.as_of, self.waited_for = sight.at, None
        elif sight.copy >= position:
            self.as_of, self.waited_for = since, (sight.at, sight.primary)
        else:
            self.waited_for = since, position

    def _look(self, *, older_than: float) -> bool:
        """See where it stands, unless that was seen just now; whether it could be seen."""
        # Somebody else is looking: what was known before will do, unless it must be newer.
        if not self.lock.acquire(blocking=older_than == 0):
            return self.well
        try:
            if self.clock() < self.leave_until:
                return False
            if self.looked_at is not None and self.clock() - self.looked_at < older_than:
                return True
            self.note(_sight(self.clock()))
            if not self.well:
                log.warning("The replica answers again.")
            self.well = True
        except DatabaseError as wrong:
            if self.well:
                log.warning("The replica is not used, the primary answers: %s", str(wrong).strip())
            self.well, self.as_of = False, None
            self.leave_until = self.clock() + LEAVE_ALONE
            connections[ALIAS].close()
            return False
        finally:
            self.lock.release()
        return True


_copy = Copy()


def look() -> Sight:
    """Where both stand now; a DatabaseError when the copy cannot be read from, and why."""
    return _sight(time.monotonic())


def _sight(now: float) -> Sight:
    with _primary().cursor() as cursor:
        cursor.execute(
            "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn, system_identifier"
            " FROM pg_control_system()"
        )
        primary, ours = cursor.fetchone()
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(
            "SELECT pg_last_wal_replay_lsn() - '0/0'::pg_lsn, system_identifier,"
            " pg_is_in_recovery() FROM pg_control_system()"
        )
        copy, theirs, is_standby = cursor.fetchone()
    if ours != theirs:
        raise DatabaseError("VERNE_REPLICA_URL names a server that is no copy of DATABASE_URL's.")
    if not is_standby:
        raise DatabaseError("VERNE_REPLICA_URL names a server that is no standby (any more).")
    return Sight(now, _end(int(primary)), int(copy))


def _end(position: int) -> int:
    """Where the last entry of the log ends: the next may begin behind the header of a page."""
    return position - HEADER if position % PAGE == HEADER else position


# --- Whose last write it was ----------------------------------------------------------------------


def note_writer(act: Act, kinds: set[str]) -> None:
    """Called with every act: once it is committed, its person reads nothing older."""
    if ALIAS not in settings.DATABASES or act.by_id is None:
        return
    # What else this request reads may follow from what it wrote.
    _reading.set(False)
    _writers(_primary()).add(act.by_id)
    transaction.on_commit(partial(_remember, act.by_id), robust=True)


def _remember(person: int) -> None:
    """One statement for a person and a transaction, however many acts it held."""
    primary = _primary()
    if person not in _writers(primary):
        return
    _writers(primary).discard(person)
    with primary.cursor() as cursor:
        # A position beyond the end of the log is from before a restore.
        cursor.execute(
            f"INSERT INTO {LastWrite._meta.db_table} AS w (person_id, position)"
            " VALUES (%s, pg_current_wal_insert_lsn() - '0/0'::pg_lsn)"
            " ON CONFLICT (person_id) DO UPDATE SET position = CASE"
            " WHEN w.position > pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
            " THEN excluded.position ELSE greatest(w.position, excluded.position) END",
            [person],
        )


def _writers(primary: Any) -> set[int]:
    """Who wrote in the transaction of this thread's connection."""
    found: set[int] = primary.__dict__.setdefault("verne_writers", set())
    return found
