"""Shorthand for tests and demonstrations: people with roles, and records walked along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.backends.base.operations import BaseDatabaseOperations
from django.utils import timezone
from django.utils.text import slugify

from . import search, triggers
from .acts import act, move
from .people import Assignment, Person, Role
from .signing import TOLD, Proof

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from .records import Record
    from .register import Register


def a_person(name: str, *, roles: Iterable[str], **facts: Any) -> Person:
    """Somebody who holds these roles from now on, or from `since`; given to them by `by`."""
    since = facts.pop("since", None) or timezone.now()
    keys = set(roles)
    with act("settle", by=facts.pop("by", None), note=f"{name} joins"):
        person = Person(
            **{"name": name, "username": slugify(name) or name, "language": "en"} | facts
        )
        person.set_unusable_password()
        person.save()
        Assignment.objects.bulk_create(
            Assignment(
                role=role,
                person=person,
                since=since,
                communicated_at=since,
                acknowledged_at=since,
                reviewed_at=since,
            )
            for role in Role.objects.filter(key__in=keys)
        )
    return person


def proof_of(person: Person) -> Proof:
    """What stands for a password typed by somebody who has none."""
    return Proof(person.pk, TOLD.key, timezone.now())


def walk(record: Any, *moves: str, by: Person, note: str = "") -> Any:
    """Make moves one after the other."""
    for name in moves:
        record = move(record, name, by=by, note=note)
    return record


def sample(register: type[Register], by: Person, **facts: Any) -> Record:
    """The sample of a register: `a_problem` or `an_incident` of its `samples.py`."""
    samples = import_module(f"{register.__module__.rpartition('.')[0]}.samples")
    name = register.model._meta.model_name
    make = getattr(samples, f"a_{name}", None) or getattr(samples, f"an_{name}")
    record: Record = make(by, **facts)
    return record


@contextmanager
def flush_allowed() -> Iterator[None]:
    """Let Django empty the tables of the test database between tests with real transactions.

    The history refuses that like any other loss, so its triggers step aside for that moment.
    """
    empty = BaseDatabaseOperations.execute_sql_flush

    def empty_all(self: BaseDatabaseOperations, sql_list: Iterable[str]) -> None:
        connection = self.connection
        with transaction.atomic(using=connection.alias):
            guarded = triggers.remove(connection, of=_tables_with_rows(connection))
            empty(self, sql_list)
            if guarded:
                search.clear(connection)
                triggers.install(connection)

    BaseDatabaseOperations.execute_sql_flush = empty_all  # type: ignore[method-assign]
    try:
        yield
    finally:
        BaseDatabaseOperations.execute_sql_flush = empty  # type: ignore[method-assign]


def _tables_with_rows(connection: BaseDatabaseWrapper) -> set[str]:
    """Those whose triggers are in the way; PostgreSQL empties all tables at once, so there: all."""
    if connection.vendor == "postgresql":
        return set()
    with connection.cursor() as cursor:
        names = connection.introspection.django_table_names(only_existing=True)
        found = set()
        for name in names:
            cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(name)} LIMIT 1")
            if cursor.fetchone():
                found.add(name)
    return found
