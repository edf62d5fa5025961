"""When the disk is full or the database is away: what people and programs are told."""

from __future__ import annotations

import contextlib
import errno
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, ProgrammingError, connection
from django.test import Client

from verne.engine.people import Person
from verne.engine.sqlite.base import line_of
from verne.engine.trouble import Trouble, behind
from verne.sms.portfolio.service.models import Service

from .test_door import assert_problem

pytestmark = pytest.mark.django_db(transaction=True)

FULL = """
CREATE FUNCTION pg_temp.full() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN RAISE SQLSTATE ''53100'' USING MESSAGE = ''could not extend file''; END';
CREATE TRIGGER full_disk BEFORE INSERT ON portfolio_service
    FOR EACH ROW EXECUTE FUNCTION pg_temp.full();
"""


@contextlib.contextmanager
def no_room() -> Iterator[None]:
    """The file of the database may not grow; PostgreSQL says what it says when its disk is full."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(FULL)
        else:
            # So that no page is left over from earlier tests.
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA page_count")
            cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("DROP TRIGGER full_disk ON portfolio_service")
            else:
                cursor.execute("PRAGMA max_page_count = 1073741823")


@contextlib.contextmanager
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Somebody writes for too long; PostgreSQL ends our connection under our hands."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor, contextlib.suppress(OperationalError):
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        yield
        connection.close()
        return
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.05)
    line = line_of(str(connection.settings_dict["NAME"]))
    assert line is not None
    turn = line.enter(threading.current_thread(), timeout=1)
    assert turn is not None
    try:
        yield
    finally:
        line.leave(turn)


def filed(api: Any, title: str, key: str) -> Any:
    # More than what is left of the last page.
    body = {"title": title, "description": "Where everything is. " * 10_000}
    return api.post("/services", body, Idempotency_Key=key)


def test_a_program_is_told_that_the_disk_is_full_and_goes_on_with_its_key(api: Any) -> None:
    with no_room():
        answer = filed(api, "Maps", "one")
    problem = assert_problem(answer, 507)
    assert "no room left" in problem["detail"]
    assert int(answer["Retry-After"]) > 0
    assert not Service.objects.exists()
    assert filed(api, "Maps", "one").status_code == 201
    assert Service.objects.count() == 1


def test_a_program_is_told_to_come_back_when_the_database_is_away(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with away(monkeypatch):
        answer = filed(api, "Maps", "one")
    problem = assert_problem(answer, 503)
    assert "does not answer" in problem["detail"]
    assert int(answer["Retry-After"]) > 0
    assert filed(api, "Maps", "one").status_code == 201


def test_people_read_that_it_passes_and_that_nothing_was_changed(
    manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(manager)
    with no_room():
        page = client.post("/services/new", {"title": "M" * 190, "description": "x" * 200_000})
    assert page.status_code == 507
    assert "The disk is full" in page.content.decode()
    with away(monkeypatch):
        page = client.post("/services/new", {"title": "Maps"})
    assert page.status_code == 503
    assert "Nothing was changed" in page.content.decode()
    assert page["Retry-After"]


def test_a_mistake_of_the_program_is_no_trouble_of_the_machine() -> None:
    with pytest.raises((OperationalError, ProgrammingError)) as mistake:
        connection.cursor().execute("SELECT * FROM what_is_not_there")
    assert behind(mistake.value) is None
    assert behind(OSError(errno.ENOSPC, "No space left on device")) is Trouble.NO_ROOM
    assert behind(OSError(errno.ENOENT, "No such file")) is None
    assert behind(ValueError("no")) is None
