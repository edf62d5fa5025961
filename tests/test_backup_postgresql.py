"""The same drill on PostgreSQL, and the move there from SQLite."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, connections

from tests.homes import at_home, new_home
from tools import postgres
from verne import settings as program
from verne.cli import examination
from verne.engine import search
from verne.engine.acts import revise
from verne.engine.files import Attachment, attach
from verne.engine.keeping import age, making, restoring
from verne.engine.keeping import postgresql as keeping
from verne.engine.keeping.manifest import LEFT_OUT
from verne.engine.keeping.restoring import CannotRestore
from verne.engine.people import Person, Role
from verne.engine.records import Sheet
from verne.engine.seal import sealing
from verne.engine.seal.examining import Counts, examine
from verne.engine.testing import a_person
from verne.sms.portfolio.service.samples import a_service
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.incident.samples import an_incident
from verne.sms.resolution.problem.samples import a_problem

pytestmark = [pytest.mark.thorough, pytest.mark.xdist_group("postgresql")]

KEY = age.Identity.new()
PLAN = b"Call the shop first, then the bank."


@pytest.fixture(scope="module")
def server(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A server; its first database has tables, and the others are made like it."""
    with postgres.server() as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        home = tmp_path_factory.mktemp("tables")
        with django_db_blocker.unblock(), at_home(home, program._database(home)):
            call_command("migrate", verbosity=0, interactive=False)
        yield url


@pytest.fixture
def database(server: str, request: pytest.FixtureRequest, monkeypatch: Any) -> Any:
    """Makes databases on the server, with tables in them if asked, and gives their settings."""
    names = iter(range(100))

    def make(*, like: str = "template1") -> dict[str, Any]:
        name = f"{request.node.name[:40]}_{next(names)}".lower()
        with psycopg.connect(server, autocommit=True) as plain:
            plain.execute(f'CREATE DATABASE "{name}" TEMPLATE {like}')
        monkeypatch.setenv("DATABASE_URL", server.replace("/verne?", f"/{name}?"))
        return program._database(Path("nowhere"))

    return make


@pytest.fixture(autouse=True)
def _may_ask(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


def never(_database: Path) -> None:
    raise AssertionError("Nothing was to be migrated.")


def tell_a_story() -> None:
    # PostgreSQL says such an instant with fewer digits than SQLite.
    a_person("Chen Li", roles=["reader"], since=datetime(2026, 3, 1, 9, 0, 0, 120_000, UTC))
    manager = a_person("Ada Kim", roles=Role.objects.values_list("key", flat=True))
    incident = an_incident(manager, title="Nobody can pay by card")
    revise(incident, {"title": "Nobody can pay by card in Busan\\n\t서버"}, by=manager)
    a_problem(manager, owner=manager, title="Mail stops every Monday at nine")
    attach(incident, io.BytesIO(PLAN), name="plan.txt", by=manager)
    sealing.seal()


def everything() -> dict[str, list[Any]]:
    """Every row of every table, as PostgreSQL says it."""
    with connection.cursor() as cursor:
        found = {}
        for table in keeping.columns(cursor):
            if table not in LEFT_OUT:
                cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')
                found[table] = cursor.fetchall()
        return found


def faults() -> list[str]:
    return [finding.says for finding in examine()]


def test_every_row_comes_back_into_another_database(tmp_path: Path, database: Any) -> None:
    with at_home(tmp_path / "home", database(like="verne")):
        tell_a_story()
        before = everything()
        last = Incident.objects.latest("pk")
        made = making.make(tmp_path / "backups")
    with at_home(tmp_path / "elsewhere", database()):
        done = restoring.restore(made.path, bring_forward=never)
        assert everything() == before
        assert done.manifest.records == Sheet.objects.count()
        assert Attachment.objects.get().file.path.read_bytes() == PLAN
        counts = Counts()
        assert list(examine(counts=counts)) == [] and counts.leaves == made.manifest.seal.size
        # Numbers go on where they stopped, and the history is written again.
        following = an_incident(Person.objects.get(name="Ada Kim"))
        assert following.pk > last.pk and not faults()
        assert int(following.ref.removeprefix("INC-")) == int(last.ref.removeprefix("INC-")) + 1


def test_whatever_was_acknowledged_before_it_is_in_it(tmp_path: Path, database: Any) -> None:
    with at_home(tmp_path / "home", database(like="verne")):
        tell_a_story()
        acknowledged: list[str] = []
        enough, stop = threading.Event(), threading.Event()

        def work() -> None:
            manager = Person.objects.get(name="Ada Kim")
            service = a_service(manager)
            while not stop.is_set():
                acknowledged.append(an_incident(manager, service=service).ref)
                if len(acknowledged) >= 10:
                    enough.set()
            connections.close_all()

        people = [threading.Thread(target=work) for _ in range(3)]
        for person in people:
            person.start()
        assert enough.wait(60)
        before = list(acknowledged)
        made = making.make(tmp_path / "backups")
        stop.set()
        for person in people:
            person.join()
    with at_home(tmp_path / "elsewhere", database()):
        restoring.restore(made.path, bring_forward=never)
        refs = set(Sheet.objects.values_list("ref", flat=True))
        assert refs.issuperset(before)
        assert not faults()


def test_a_database_in_use_is_refused_or_moved_into_a_schema(tmp_path: Path, database: Any) -> None:
    with at_home(tmp_path / "home", database(like="verne")):
        tell_a_story()
        made = making.make(tmp_path / "backups")
        a_service(Person.objects.get(name="Ada Kim"), title="Came later")
        with pytest.raises(CannotRestore, match="knows 2 people"):
            restoring.restore(made.path, bring_forward=never)
        done = restoring.restore(made.path, replace=True, bring_forward=never)
        assert not Sheet.objects.filter(title="Came later").exists()
        assert not faults()
        with connection.cursor() as cursor:
            schema = done.aside.removeprefix("schema ")
            cursor.execute(f"SELECT 1 FROM {schema}.engine_sheet WHERE title = 'Came later'")
            assert cursor.fetchone()


def test_a_failure_in_the_middle_leaves_the_former_rows(
    tmp_path: Path, database: Any, monkeypatch: Any
) -> None:
    with at_home(tmp_path / "home", database(like="verne")):
        tell_a_story()
        made = making.make(tmp_path / "backups")
        before = everything()

        def full(*_args: Any) -> None:
            raise OSError("No space left on device")

        monkeypatch.setattr(keeping, "set_sequences", full)
        with pytest.raises(CannotRestore, match="No space left.*is as it was"):
            restoring.restore(made.path, replace=True, bring_forward=never)
        assert everything() == before
        assert not faults()


def test_somebody_who_still_uses_the_tables_is_named_as_the_reason(
    tmp_path: Path, database: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(restoring, "PATIENCE", 1)
    with at_home(tmp_path / "home", database(like="verne")):
        tell_a_story()
        made = making.make(tmp_path / "backups")
        other = connections.create_connection("default")
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT count(*) FROM engine_sheet")
            with pytest.raises(CannotRestore, match="end every verne up, web and work"):
                restoring.restore(made.path, replace=True, bring_forward=never)
        other.close()
        assert not faults()


def test_a_database_of_somebody_else_is_left_alone(tmp_path: Path, database: Any) -> None:
    with at_home(new_home(tmp_path / "home")):
        made = making.make(tmp_path / "backups")
    with at_home(tmp_path / "elsewhere", database()):
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE payroll (id integer)")
        with pytest.raises(CannotRestore, match="payroll"):
            restoring.restore(made.path, bring_forward=never)


def test_what_was_begun_on_sqlite_goes_on_in_postgresql(tmp_path: Path, database: Any) -> None:
    with at_home(new_home(tmp_path / "home")):
        tell_a_story()
        made = making.make(tmp_path / "backups", ways=[KEY.recipient()])
        records = list(Sheet.objects.order_by("pk").values())
    with at_home(tmp_path / "elsewhere", database()):
        restoring.restore(made.path, [KEY], bring_forward=never)
        assert list(Sheet.objects.order_by("pk").values()) == records
        # The history came word for word, so it agrees with the rows and the seal with it.
        assert faults() == []
        assert [Incident.objects.get().pk] == search.ranked(Sheet.objects.all(), "Busan")
        an_incident(Person.objects.get(name="Ada Kim"))
        sealing.seal()
        assert faults() == []


def test_the_doctor_finds_numbers_behind_their_rows_and_mends_them(
    tmp_path: Path, database: Any
) -> None:
    with at_home(tmp_path / "home", database(like="verne")):
        tell_a_story()
        with connection.cursor() as cursor:
            cursor.execute("SELECT setval('engine_sheet_id_seq', 1)")
        (found,) = (f for f in examination.database() if f.level == "fault")
        assert "The numbers of engine_sheet are behind" in found.says and found.mend
        found.mend()
        an_incident(Person.objects.get(name="Ada Kim"))
        assert [f.level for f in examination.database()] == ["ok"]
