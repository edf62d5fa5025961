"""Every released state of the tables, with data, is brought to this version: nothing is lost.

`tools/snapshot.py` keeps such a state at each release, on both databases.
"""

from __future__ import annotations

import gzip
import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from tests.homes import at_home, pages_with
from tools import postgres
from verne.cli import examination, start
from verne.engine.acts import revise
from verne.engine.history import Act
from verne.engine.keeping import making, restoring, sqlite
from verne.engine.people import Person
from verne.engine.records import Sheet
from verne.engine.seal.examining import Counts, examine
from verne.settings import _database
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.incident.samples import an_incident

HERE = Path(__file__).parent
RELEASES = sorted(path.name for path in HERE.iterdir() if (path / "sqlite.sql.gz").exists())
PLAN = b"Call the shop first."

MEANT: dict[str, str] = {}
"""Columns and tables that a migration changes on purpose (`table.column` or `table`), and why."""

DERIVED = ("engine_search", "django_migrations")
"""What is made anew, or only grows."""


def sql(release: str, engine: str) -> str:
    return gzip.decompress((HERE / release / f"{engine}.sql.gz").read_bytes()).decode()


@pytest.fixture(autouse=True)
def _may_ask(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Any:
    def make(release: str) -> Any:
        home = tmp_path / release
        home.mkdir()
        with sqlite.connected(home / "verne.sqlite3") as here:
            here.executescript(f"BEGIN; {sql(release, 'sqlite')} COMMIT;")
        keep_plan(home)
        return at_home(home)

    return make


@pytest.fixture
def on_postgresql(tmp_path: Path, monkeypatch: Any) -> Iterator[Any]:
    with postgres.server() as url:

        def make(release: str) -> Any:
            with psycopg.connect(url, autocommit=True) as plain:
                plain.execute(sql(release, "postgresql").encode())
            monkeypatch.setenv("DATABASE_URL", url)
            keep_plan(tmp_path / release)
            return at_home(tmp_path / release, _database(tmp_path))

        yield make


def keep_plan(home: Path) -> None:
    """The content of the attached file, which is in no table."""
    digest = hashlib.sha256(PLAN).hexdigest()
    place = home / "files" / digest[:2] / digest[2:]
    place.parent.mkdir(parents=True)
    place.write_bytes(PLAN)


def columns() -> dict[str, list[str]]:
    with connection.cursor() as cursor:
        tables = [t for t in connection.introspection.table_names(cursor) if t not in DERIVED]
        return {
            table: [c.name for c in connection.introspection.get_table_description(cursor, table)]
            for table in tables
            if not table.startswith("engine_search")
        }


def rows(of: dict[str, list[str]]) -> dict[str, Counter[Any]]:
    """How often each row is there, told by the columns named."""
    quote = connection.ops.quote_name
    found = {}
    with connection.cursor() as cursor:
        for table, names in of.items():
            chosen = ", ".join(
                f"{quote(n)}::text" if connection.vendor == "postgresql" else quote(n)
                for n in names
            )
            cursor.execute(f"SELECT {chosen} FROM {quote(table)}")
            found[table] = Counter(cursor.fetchall())
    return found


def bring_forward() -> None:
    """Migrate, and compare every row and column that was there and still is."""
    was = columns()
    before_all = rows(was)
    call_command("migrate", verbosity=0, interactive=False)
    is_now = columns()
    gone = [t for t in was if t not in is_now and t not in MEANT]
    gone += [
        f"{t}.{c}"
        for t in was.keys() & is_now.keys()
        for c in set(was[t]) - set(is_now[t])
        if f"{t}.{c}" not in MEANT
    ]
    assert gone == [], "a migration dropped these; say in MEANT why nothing is lost"
    both = {
        table: [c for c in names if c in is_now[table] and f"{table}.{c}" not in MEANT]
        for table, names in was.items()
        if table in is_now and table not in MEANT
    }
    after = rows(both)
    for table, names in both.items():
        kept = [was[table].index(name) for name in names]
        before: Counter[Any] = Counter()
        for row, number in before_all[table].items():
            before[tuple(row[n] for n in kept)] += number
        assert before - after[table] == Counter(), f"rows of {table} were lost or changed"
    assert sum(number.total() for number in before_all.values()) > 1_000


def nothing_is_wrong() -> None:
    counts = Counts()
    assert [finding.says for finding in examine(counts=counts)] == []
    assert counts.leaves > 100 and counts.files == 1
    faults = [f for f in examination.examine() if f.level == "fault" and f.subject != "seal"]
    # The key of the seal was made for the story and thrown away with it.
    assert [fault.says for fault in faults] == []


def people_go_on() -> None:
    """Old records are read, revised and found; new ones get the numbers that follow."""
    manager = Person.objects.get(name="Ada Kim")
    last = Incident.objects.latest("pk")
    for sheet in Sheet.objects.all():
        assert sheet.opened().pk == sheet.pk
    incident = Incident.objects.get(title="Nobody can pay by card in Busan")
    revise(incident, {"title": "Nobody can pay by card"}, by=manager)
    following = an_incident(manager)
    assert following.pk > last.pk and int(following.ref[4:]) > int(last.ref[4:])
    acts = Act.objects.filter(record=incident.pk).values_list("verb", flat=True)
    assert {"file", "revise", "comment", "attach", "link"} <= set(acts)
    assert pages_with(manager, "/", incident.get_absolute_url()) == [200, 200]


@pytest.mark.parametrize("release", RELEASES)
def test_a_release_on_sqlite_is_brought_to_this_version(release: str, on_sqlite: Any) -> None:
    with on_sqlite(release):
        bring_forward()
        nothing_is_wrong()


@pytest.mark.thorough
@pytest.mark.xdist_group("postgresql")
@pytest.mark.parametrize("release", RELEASES)
def test_a_release_on_postgresql_is_brought_to_this_version(
    release: str, on_postgresql: Any
) -> None:
    with on_postgresql(release):
        bring_forward()
        nothing_is_wrong()
        people_go_on()


@pytest.mark.thorough
@pytest.mark.parametrize("release", RELEASES)
def test_a_backup_of_a_release_is_restored_into_this_version(
    release: str, on_sqlite: Any, tmp_path: Path
) -> None:
    from verne.cli.restore import _bring_forward

    with on_sqlite(release):
        made = making.make(tmp_path / "backups")
        count = Sheet.objects.count()
    with at_home(tmp_path / "elsewhere"):
        done = restoring.restore(made.path, bring_forward=_bring_forward)
        assert done.forward == restoring.waiting(made.manifest)
        assert start.missing_migrations() == [] and Sheet.objects.count() == count
        nothing_is_wrong()
        people_go_on()


@pytest.mark.thorough
@pytest.mark.xdist_group("postgresql")
@pytest.mark.parametrize("release", RELEASES)
def test_a_backup_of_a_release_on_postgresql_is_restored_into_this_version(
    release: str, on_postgresql: Any, tmp_path: Path
) -> None:
    with on_postgresql(release):
        made = making.make(tmp_path / "backups")
        count = Sheet.objects.count()
        done = restoring.restore(made.path, replace=True, bring_forward=lambda path: None)
        assert done.forward == restoring.waiting(made.manifest)
        assert start.missing_migrations() == [] and Sheet.objects.count() == count
        nothing_is_wrong()
        people_go_on()
