"""A migration that fails, or is killed, leaves the former state, and people go on with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test import override_settings

from tests.homes import at_home, new_home, rows_of
from tools import postgres
from verne.cli import start, upgrading
from verne.engine import triggers
from verne.engine.acts import revise
from verne.engine.history import Act, current_act
from verne.engine.keeping import archive
from verne.engine.people import Organization, Role
from verne.engine.records import Sheet
from verne.engine.testing import a_person
from verne.settings import _database
from verne.sms.portfolio.service.samples import a_service

ROOT = Path(__file__).resolve().parent.parent.parent

CHANGES = """
from django.db import migrations, models
from verne.engine import triggers


def rename(apps, schema_editor):
    with triggers.migration(schema_editor.connection, "Names in capitals"):
        for row in apps.get_model("engine", "Organization").objects.all():
            row.name = row.name.upper()
            row.save()


class Migration(migrations.Migration):
    dependencies = [("web", "{last}"), ("engine", "{engine}")]
    operations = [
        migrations.CreateModel("Shelf", [("id", models.BigAutoField(primary_key=True))]),
        migrations.RunPython(rename),
    ]
"""
FAILS = """
from django.db import migrations


def fail(apps, schema_editor):
    {how}


class Migration(migrations.Migration):
    dependencies = [("web", "8001_changes")]
    operations = [
        migrations.DeleteModel("Shelf"),
        migrations.RunPython(fail),
    ]
"""
RAISES = "raise ValueError('the shelf is not empty')"
BREAKS = """schema_editor.execute("UPDATE engine_sheet SET filed_by_id = 424242")"""
KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


@pytest.fixture(autouse=True)
def _may_ask(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def later(tmp_path: Path, monkeypatch: Any) -> Any:
    """A later version, which has two more migrations; the second one does not end well."""

    def make(how: str) -> str:
        loader = MigrationLoader(None)
        last, engine = (
            next(name for label, name in loader.graph.leaf_nodes() if label == app)
            for app in ("web", "engine")
        )
        package = tmp_path / "later_migrations"
        package.mkdir()
        (package / "__init__.py").touch()
        for label, name in loader.disk_migrations:
            if label == "web":
                (package / f"{name}.py").write_text(
                    "from importlib import import_module\n"
                    f"Migration = import_module('verne.web.migrations.{name}').Migration\n"
                )
        (package / "8001_changes.py").write_text(CHANGES.format(last=last, engine=engine))
        (package / "8002_fails.py").write_text(FAILS.format(how=how))
        monkeypatch.syspath_prepend(str(tmp_path))
        return package.name

    yield make
    for name in [name for name in sys.modules if name.startswith("later_migrations")]:
        del sys.modules[name]


def people_at_work() -> Any:
    manager = a_person("Ada Kim", roles=Role.objects.values_list("key", flat=True))
    return manager, a_service(manager, title="Point of sale")


def organizations() -> list[str]:
    return sorted(Organization.objects.values_list("name", flat=True))


def an_upgrade_fails(package: str, why: str) -> None:
    with (
        override_settings(MIGRATION_MODULES={"web": package}),
        pytest.raises(CommandError, match=f"{why}.*\nNothing was changed"),
    ):
        call_command("migrate", verbosity=0, interactive=False)


def the_former_state_goes_on(manager: Any, service: Any, before: list[str]) -> None:
    assert organizations() == before
    with connection.cursor() as cursor:
        assert "web_shelf" not in connection.introspection.table_names(cursor)
    assert start.missing_migrations() == [] and triggers.missing(connection) == []
    assert current_act.get() is None
    assert not Act.objects.filter(note="Names in capitals").exists()
    revise(service, {"title": "Points of sale"}, by=manager)
    assert Sheet.objects.get(pk=service.pk).title == "Points of sale"


def test_the_former_rows_and_tables_stay(tmp_path: Path, later: Any) -> None:
    with at_home(new_home(tmp_path / "home")) as home:
        manager, service = people_at_work()
        names, before = organizations(), rows_of(home / "verne.sqlite3")
        an_upgrade_fails(later(RAISES), "web.8002_fails failed: the shelf is not empty")
        assert rows_of(home / "verne.sqlite3") == before
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA foreign_keys")
            assert cursor.fetchone() == (1,)
        the_former_state_goes_on(manager, service, names)


def test_a_reference_that_a_step_breaks_is_found_at_the_end(tmp_path: Path, later: Any) -> None:
    with at_home(new_home(tmp_path / "home")):
        manager, service = people_at_work()
        names = organizations()
        an_upgrade_fails(later(BREAKS), "at the end failed: .* foreign key")
        the_former_state_goes_on(manager, service, names)


@pytest.mark.thorough
def test_before_an_upgrade_a_backup_is_made_and_named(
    tmp_path: Path, later: Any, capsys: Any
) -> None:
    with at_home(new_home(tmp_path / "home")) as home:
        assert upgrading.back_up_first() is None, "there is nobody in it yet"
        people_at_work()
        with (
            override_settings(MIGRATION_MODULES={"web": later(RAISES)}),
            pytest.raises(click.ClickException, match="Nothing was changed"),
        ):
            upgrading.upgrade(start.missing_migrations())
        (made,) = (home / "backups" / "before-upgrade").glob("verne-*.tar")
        assert str(made) in capsys.readouterr().out
        assert archive.read(made).faults == []


@pytest.mark.thorough
@pytest.mark.xdist_group("postgresql")
def test_the_former_rows_and_tables_stay_on_postgresql(
    tmp_path: Path, later: Any, monkeypatch: Any
) -> None:
    with postgres.server() as url:
        monkeypatch.setenv("DATABASE_URL", url)
        with at_home(tmp_path / "home", _database(tmp_path)):
            call_command("migrate", verbosity=0, interactive=False)
            manager, service = people_at_work()
            before = organizations()
            an_upgrade_fails(later(RAISES), "the shelf is not empty")
            the_former_state_goes_on(manager, service, before)


@pytest.mark.thorough
def test_one_that_is_killed_in_the_middle_leaves_the_former_state(
    tmp_path: Path, later: Any
) -> None:
    with at_home(new_home(tmp_path / "home")) as home:
        manager, service = people_at_work()
        before = organizations()
        connection.close()
        (tmp_path / "later_settings.py").write_text(
            f"from verne.settings import *\nMIGRATION_MODULES = {{'web': '{later(KILLED)}'}}\n"
        )
        killed = subprocess.run(
            [sys.executable, "-m", "verne", "manage", "migrate", "-v", "0"],
            env={k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
            | {
                "VERNE_HOME": str(home),
                "DJANGO_SETTINGS_MODULE": "later_settings",
                "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "src")]),
            },
        )
        assert killed.returncode == -signal.SIGKILL
        the_former_state_goes_on(manager, service, before)
