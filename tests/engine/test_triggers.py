"""The database keeps the history by itself, and nobody writes behind its back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, IntegrityError, connection, migrations, models, transaction
from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.migrations.state import ModelState, ProjectState
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from verne.engine import triggers
from verne.engine.acts import act, file, revise, withdraw
from verne.engine.history import Act, Entry, current_act
from verne.engine.people import Organization, Person, Team
from verne.engine.records import Counter, Sheet
from verne.engine.testing import a_person
from verne.sms.portfolio.service.models import Service

pytestmark = pytest.mark.django_db

UTC = timezone.get_fixed_timezone(0)
SQLITE = connection.vendor == "sqlite"


def entries(table: str | None = None) -> list[Entry]:
    """The entries of the latest act, of one table or of all."""
    found = Entry.objects.filter(act=Act.objects.latest("id")).order_by("id")
    return list(found.filter(table=table) if table else found)


def run(statement: str, *arguments: Any) -> int:
    # What waits for the commit is checked now, or PostgreSQL refuses a TRUNCATE for that reason.
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments or None)
        return int(cursor.rowcount)


# What is noted


def test_a_row_added_is_noted_with_all_its_columns() -> None:
    with act("settle", by=None):
        harbour = Organization.objects.create(name="Harbour Retail", kind="customer")
    (entry,) = entries()
    assert (entry.table, entry.op, entry.row) == ("engine_organization", "I", harbour.pk)
    assert entry.before is None
    assert entry.after == {
        "id": harbour.pk,
        "name": "Harbour Retail",
        "kind": "customer",
        "active": True,
    }


def test_a_row_changed_is_noted_with_what_changed(harbour: Organization) -> None:
    harbour.name, harbour.active = "Harbour & Söhne 항구", False
    with act("settle", by=None):
        harbour.save()
    (entry,) = entries()
    assert entry.op == "U"
    assert entry.before == {"name": "Harbour Retail", "active": True}
    assert entry.after == {"name": "Harbour & Söhne 항구", "active": False}


def test_a_row_saved_as_it_was_leaves_nothing(harbour: Organization) -> None:
    with act("settle", by=None):
        harbour.save()
    assert entries() == []


def test_a_row_removed_is_noted_with_all_that_is_lost(harbour: Organization) -> None:
    with act("settle", by=None):
        harbour.delete()
    (entry,) = entries()
    assert (entry.op, entry.after) == ("D", None)
    assert entry.before["name"] == "Harbour Retail"


def test_adding_and_changing_a_thousand_rows_leaves_a_thousand_entries() -> None:
    with act("settle", by=None):
        Organization.objects.bulk_create(Organization(name=f"Shop {n}") for n in range(1000))
    assert len(entries("engine_organization")) == 1000
    with act("settle", by=None):
        Organization.objects.filter(name__startswith="Shop ").update(kind="supplier")
    changed = entries("engine_organization")
    assert len(changed) == 1000
    assert {(e.before["kind"], e.after["kind"]) for e in changed} == {("own", "supplier")}
    assert len({e.row for e in changed}) == 1000


def test_an_upsert_is_noted_as_what_it_does(harbour: Organization) -> None:
    both = [
        Organization(name=harbour.name, kind="supplier"),
        Organization(name="Meridian", kind="supplier"),
    ]
    with act("settle", by=None):
        Organization.objects.bulk_create(
            both, update_conflicts=True, unique_fields=["name"], update_fields=["kind"]
        )
    assert sorted((e.op, e.after["kind"]) for e in entries()) == [
        ("I", "supplier"),
        ("U", "supplier"),
    ]
    with act("settle", by=None):
        Organization.objects.bulk_create(
            [Organization(name="Meridian"), Organization(name="Elm Street")],
            ignore_conflicts=True,
        )
    assert [(e.op, e.after["name"]) for e in entries()] == [("I", "Elm Street")]


def test_joining_and_leaving_a_team_is_noted(harbour: Organization) -> None:
    ada, jun = (a_person(name, roles=[]) for name in ("Ada Kim", "Jun Park"))
    with act("settle", by=None):
        night = Team.objects.create(name="Night watch")
        night.members.add(ada, jun)
    assert [e.op for e in entries("engine_team_members")] == ["I", "I"]
    with act("settle", by=None):
        night.members.remove(ada)
    (left,) = entries()
    assert (left.op, left.before["person_id"]) == ("D", ada.pk)
    with act("settle", by=None):
        night.members.clear()
    (left,) = entries()
    assert (left.op, left.before["person_id"]) == ("D", jun.pk)


def test_sql_written_by_hand_is_noted_like_the_rest(harbour: Organization) -> None:
    with act("settle", by=None):
        run("UPDATE engine_organization SET name = 'Port Retail' WHERE id = %s", harbour.pk)
        run("DELETE FROM engine_organization WHERE id = %s", harbour.pk)
    assert [(e.op, e.row) for e in entries()] == [("U", harbour.pk), ("D", harbour.pk)]


def test_a_password_is_never_shown(harbour: Organization) -> None:
    ada = a_person("Ada Kim", roles=[])
    with act("settle", by=None):
        ada.set_password("a-long-passphrase")
        ada.save()
    (entry,) = entries()
    assert entry.before == entry.after == {"password": "•••"}
    whole = Entry.objects.get(table="engine_person", op="I", row=ada.pk)
    assert whole.after["password"] == "•••"


def test_every_row_of_a_record_leads_to_it(manager: Person, harbour: Organization) -> None:
    mail = file(Service, {"title": "E-mail", "owner": manager}, by=manager)
    revise(mail, {"title": "Mail", "customers": [harbour]}, by=manager)
    noted = Entry.objects.filter(record=mail.pk).values_list("table", "op")
    assert set(noted) >= {
        ("engine_sheet", "I"),
        ("portfolio_service", "I"),
        ("engine_sheet", "U"),
        ("portfolio_service_customers", "I"),
    }
    revise(mail, {"customers": []}, by=manager)
    assert Entry.objects.filter(
        record=mail.pk, table="portfolio_service_customers", op="D"
    ).exists()


def test_rows_that_belong_to_no_record_lead_to_none(harbour: Organization) -> None:
    assert set(Entry.objects.values_list("record", flat=True)) == {None}


def test_counters_and_the_history_itself_are_not_noted(manager: Person) -> None:
    file(Service, {"title": "E-mail", "owner": manager}, by=manager)
    tracked = {model._meta.label for model in triggers.tracked_models()}
    assert not tracked & {"engine.Counter", "engine.Act", "engine.Entry"}
    assert {"engine.Person", "engine.Team_members", "portfolio.Service"} <= tracked
    assert not Entry.objects.filter(table=Counter._meta.db_table).exists()


# What is refused

WRITES = [
    "UPDATE engine_organization SET name = 'Quietly'",
    "UPDATE engine_organization SET name = name",
    "DELETE FROM engine_organization",
    "INSERT INTO engine_organization (name, kind, active) VALUES ('Quietly', 'own', true)",
    "INSERT INTO engine_organization (name, kind, active) VALUES ('Harbour Retail', 'own', true)"
    " ON CONFLICT (name) DO UPDATE SET kind = 'other'",
] + (
    [
        "INSERT OR REPLACE INTO engine_organization SELECT id, name, 'other', 1"
        " FROM engine_organization",
        "INSERT OR IGNORE INTO engine_organization (name, kind, active) VALUES ('Q', 'own', 1)",
        "UPDATE OR REPLACE engine_organization SET name = 'Quietly'",
        "UPDATE OR IGNORE engine_organization SET name = 'Quietly'",
    ]
    if SQLITE
    else ["TRUNCATE engine_organization CASCADE"]
)


@pytest.mark.parametrize("statement", WRITES)
def test_no_write_without_an_act(statement: str, harbour: Organization) -> None:
    before = list(Organization.objects.order_by("id").values())
    with pytest.raises(IntegrityError, match="verne: "), transaction.atomic():
        run(statement)
    assert list(Organization.objects.order_by("id").values()) == before


HISTORY = [
    "UPDATE engine_act SET note = 'It was not me'",
    "UPDATE engine_entry SET after = NULL",
    "DELETE FROM engine_act",
    "DELETE FROM engine_entry",
    "INSERT INTO engine_act SELECT * FROM engine_act WHERE id = (SELECT max(id) FROM engine_act)"
    " ON CONFLICT (id) DO UPDATE SET note = 'It was not me'",
] + (
    [
        "INSERT OR REPLACE INTO engine_act SELECT * FROM engine_act",
        "INSERT OR REPLACE INTO engine_entry SELECT * FROM engine_entry",
        "INSERT OR IGNORE INTO engine_entry SELECT * FROM engine_entry",
        "UPDATE OR REPLACE engine_entry SET id = id + 1",
        "UPDATE OR IGNORE engine_act SET note = 'It was not me'",
    ]
    if SQLITE
    else ["TRUNCATE engine_act CASCADE", "TRUNCATE engine_entry"]
)


@pytest.mark.parametrize("statement", HISTORY)
def test_history_is_never_changed_not_even_in_an_act(statement: str, harbour: Organization) -> None:
    acts, noted = list(Act.objects.values()), list(Entry.objects.order_by("id").values())
    with pytest.raises(IntegrityError, match="verne: "), act("tamper", by=None):
        run(statement)
    assert list(Act.objects.values()) == acts
    assert list(Entry.objects.order_by("id").values()) == noted


def test_an_entry_needs_an_open_act(harbour: Organization) -> None:
    forged = Entry(act=Act.objects.latest("id"), table="engine_organization", row=1, op="D")
    with pytest.raises(IntegrityError, match="no act is open"), transaction.atomic():
        forged.save()


def test_nothing_of_a_refused_write_remains(harbour: Organization) -> None:
    with pytest.raises(IntegrityError), act("settle", by=None):
        Organization.objects.create(name="Meridian")
        Organization.objects.create(name="Harbour Retail")
    assert not Organization.objects.filter(name="Meridian").exists()
    assert not Entry.objects.filter(after__name="Meridian").exists()
    assert current_act.get() is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statement", [*WRITES[:4], *HISTORY[:4]])
def test_a_stray_shell_is_refused(statement: str, harbour: Organization) -> None:
    refusal = "no such function: verne_act|verne: what is written here" if SQLITE else "verne: "
    shell = a_shell()
    with pytest.raises(Exception, match=refusal):
        shell.execute(statement)
    shell.close()


def a_shell() -> Any:
    """A connection of somebody who knows nothing of Verne."""
    facts = connection.settings_dict
    if SQLITE:
        return sqlite3.connect(facts["NAME"], uri=True)
    import psycopg

    return psycopg.connect(
        host=facts["HOST"] or None,
        port=facts["PORT"] or None,
        user=facts["USER"],
        password=facts["PASSWORD"],
        dbname=facts["NAME"],
    )


def test_an_act_that_fails_inside_another_leaves_that_one_open(harbour: Organization) -> None:
    with act("settle", by=None) as outer:
        with pytest.raises(IntegrityError, match="(?i)unique"), act("settle", by=None):
            run("INSERT INTO engine_organization SELECT * FROM engine_organization")
        Organization.objects.create(name="Meridian")
    (entry,) = Entry.objects.filter(after__name="Meridian")
    assert entry.act_id == outer.act.pk


def test_replacing_a_row_notes_the_one_that_went(harbour: Organization) -> None:
    replace = (
        "REPLACE INTO engine_organization (name, kind, active)"
        " VALUES ('Harbour Retail', 'other', 1)"
        if SQLITE
        else "WITH gone AS (DELETE FROM engine_organization RETURNING name, active)"
        " INSERT INTO engine_organization (name, kind, active) SELECT name || '', 'other', active"
        " FROM gone"
    )
    with act("settle", by=None):
        if not SQLITE:
            run("ALTER TABLE engine_organization DROP CONSTRAINT engine_organization_name_key")
        run(replace)
    assert sorted((e.op, (e.after or e.before)["kind"]) for e in entries()) == [
        ("D", "customer"),
        ("I", "other"),
    ]


# Every kind of column


@pytest.fixture
def specimen(transactional_db: None) -> Iterator[type[models.Model]]:
    """A model with a column of every kind, which belongs to a record."""

    class Specimen(models.Model):
        history_record = "of"
        history_secrets = ("secret",)

        of = models.ForeignKey("engine.Sheet", models.PROTECT, null=True, related_name="+")
        words = models.TextField(default="", null=True)
        secret = models.CharField(max_length=50, default="hunter2")
        yes = models.BooleanField(null=True)
        large = models.BigIntegerField(null=True)
        ratio = models.FloatField(null=True)
        money = models.DecimalField(max_digits=12, decimal_places=2, null=True)
        at = models.DateTimeField(null=True)
        day = models.DateField(null=True)
        hour = models.TimeField(null=True)
        span = models.DurationField(null=True)
        key = models.UUIDField(null=True)
        facts = models.JSONField(null=True)
        address = models.GenericIPAddressField(null=True)

        class Meta:
            app_label = "engine"

    with connection.schema_editor() as editor:
        editor.create_model(Specimen)
    triggers.install(connection)
    yield Specimen
    with connection.schema_editor() as editor:
        editor.delete_model(Specimen)
    del apps.all_models["engine"]["specimen"]
    apps.clear_cache()
    triggers.install(connection)


VALUES: list[dict[str, Any]] = [
    {
        "words": 'Mail "stops" every Monday\nat nine; it\'s 메일 邮件 \\ / \x07 😀',
        "yes": True,
        "large": 2**62 + 1,
        "ratio": 0.1,
        "money": Decimal("1234567.10"),
        "at": datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC),
        "day": date(2026, 2, 28),
        "hour": time(23, 59, 59, 5),
        "span": timedelta(days=3, hours=2, microseconds=7),
        "key": UUID("12345678-1234-5678-1234-567812345678"),
        "facts": {"tags": ["a", None, 1.5, True], "이름": "값"},
        "address": "2001:db8::1",
    },
    {
        "words": "",
        "yes": False,
        "large": -1,
        "ratio": 1 / 3,
        "money": Decimal("-0.05"),
        "at": datetime(1999, 12, 31, 23, 59, tzinfo=UTC),
        "span": timedelta(seconds=-90),
        "facts": [],
        "address": "10.0.0.7",
    },
    {"words": None, "ratio": 1e300, "facts": "only words", "money": Decimal("5.00")},
    {"ratio": -2.5e-7, "facts": {}, "span": timedelta(0), "yes": None},
]


def read_back(model: type[models.Model], noted: dict[str, Any]) -> dict[str, Any]:
    return {f.attname: f.to_python(noted[f.column]) for f in model._meta.concrete_fields}


@pytest.mark.parametrize("values", VALUES)
def test_what_is_noted_reads_back_as_it_was(
    values: dict[str, Any], specimen: type[models.Model]
) -> None:
    with act("settle", by=None):
        row = specimen.objects.create(**values)
    row.refresh_from_db()
    stored = {f.attname: getattr(row, f.attname) for f in specimen._meta.concrete_fields}
    (added,) = entries()
    assert read_back(specimen, added.after) == stored | {"secret": "•••"}
    with act("settle", by=None):
        row.delete()
    (removed,) = entries()
    assert removed.before == added.after


def test_each_kind_of_column_is_noted_when_it_changes(specimen: type[models.Model]) -> None:
    with act("settle", by=None):
        row = specimen.objects.create(**VALUES[0])
    before = {f.column: getattr(row, f.attname) for f in specimen._meta.concrete_fields}
    for name, value in VALUES[1].items():
        setattr(row, name, value)
    with act("settle", by=None):
        row.save()
    (entry,) = entries()
    assert set(entry.before) == set(entry.after) == set(VALUES[1])
    field = specimen._meta.get_field
    for name in VALUES[1]:
        assert field(name).to_python(entry.before[name]) == before[name], name
        assert field(name).to_python(entry.after[name]) == VALUES[1][name], name


def test_a_column_that_becomes_empty_is_noted_as_null(specimen: type[models.Model]) -> None:
    with act("settle", by=None):
        row = specimen.objects.create(**VALUES[0])
    for name in VALUES[0]:
        setattr(row, name, None)
    with act("settle", by=None):
        row.save()
    (entry,) = entries()
    assert entry.after == dict.fromkeys(VALUES[0])


def test_a_very_wide_table_is_noted_too(transactional_db: None) -> None:
    names = [f"column_{n}" for n in range(150)]
    body = {name: models.CharField(max_length=10, default="x") for name in names}
    meta = type("Meta", (), {"app_label": "engine"})
    wide = type("Wide", (models.Model,), {**body, "Meta": meta, "__module__": __name__})
    with connection.schema_editor() as editor:
        editor.create_model(wide)
    triggers.install(connection)
    with act("settle", by=None):
        wide.objects.create()
        wide.objects.update(column_149="y")
    added, changed = entries()
    assert added.after["column_0"] == "x"
    assert changed.after == {"column_149": "y"}
    with connection.schema_editor() as editor:
        editor.delete_model(wide)
    del apps.all_models["engine"]["wide"]
    apps.clear_cache()


def a_model(**body: Any) -> type[models.Model]:
    meta = type("Meta", (), {"app_label": "nowhere"})
    model = type("Thing", (models.Model,), {**body, "Meta": meta, "__module__": __name__})
    del apps.all_models["nowhere"]
    apps.clear_cache()
    return model


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"name": models.CharField(primary_key=True, max_length=9)}, "history = False"),
        ({"scan": models.BinaryField()}, "keep them in a file"),
        ({"history_record": "on"}, "history_record names 'on'"),
        ({"history_secrets": ("pin",)}, "history_secrets names 'pin'"),
    ],
)
def test_a_model_the_history_cannot_keep_is_complained_of(
    body: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=complaint):
        triggers._table(a_model(**body))


# Putting them there


def test_when_all_is_well_nothing_is_missing_and_nothing_is_written() -> None:
    assert triggers.missing(connection) == []
    with CaptureQueriesContext(connection) as queries:
        assert triggers.install(connection) == []
    assert len(queries) <= 3
    assert all(query["sql"].lstrip().startswith("SELECT") for query in queries)


DAMAGE = (
    [
        "DROP TRIGGER verne_history_update_engine_team",
        "CREATE TRIGGER verne_history_stray AFTER INSERT ON engine_team BEGIN SELECT 1; END",
    ]
    if SQLITE
    else [
        "DROP TRIGGER verne_history_note ON engine_team",
        "ALTER TABLE engine_team DISABLE TRIGGER verne_history_note",
        "CREATE TRIGGER verne_history_stray AFTER INSERT ON engine_team"
        " FOR EACH ROW EXECUTE FUNCTION verne_history_note('id', '', '{}', '{}')",
        "CREATE OR REPLACE FUNCTION verne_history_refuse() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RETURN NEW; END'",
        "DROP FUNCTION verne_history_note() CASCADE",
    ]
)


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_told_and_mended(damage: str) -> None:
    run(damage)
    assert triggers.missing(connection)
    assert triggers.install(connection)
    assert triggers.missing(connection) == []


def test_a_weakened_trigger_is_told_and_mended(harbour: Organization) -> None:
    if SQLITE:
        run("DROP TRIGGER verne_history_keep_update_engine_entry")
        run(
            "CREATE TRIGGER verne_history_keep_update_engine_entry BEFORE UPDATE ON engine_entry"
            " BEGIN SELECT 1; END"
        )
    else:
        run("DROP TRIGGER verne_history_keep ON engine_entry")
        run(
            "CREATE TRIGGER verne_history_keep BEFORE DELETE ON engine_entry"
            " FOR EACH ROW EXECUTE FUNCTION verne_history_refuse('no')"
        )
    (sentence,) = triggers.missing(connection)
    assert "is not as it should be" in sentence
    triggers.install(connection)
    with pytest.raises(IntegrityError), transaction.atomic():
        run("UPDATE engine_entry SET op = 'D'")


def test_without_triggers_nothing_is_noted_until_they_are_back(manager: Person) -> None:
    file(Service, {"title": "E-mail", "owner": manager}, by=manager)
    assert triggers.remove(connection)
    Organization.objects.create(name="In the dark")
    Service.objects.update(need="In the dark too")
    assert not Entry.objects.filter(table="engine_organization").exists()
    assert triggers.install(connection)
    with pytest.raises(IntegrityError), transaction.atomic():
        Organization.objects.create(name="In the light")


def test_tests_alone_may_empty_the_tables(harbour: Organization) -> None:
    # conftest.py wraps Django's own function for the length of the test run.
    assert BaseDatabaseOperations.execute_sql_flush.__module__ == "verne.engine.testing"
    with pytest.raises(IntegrityError), transaction.atomic():
        Act.objects.all()._raw_delete(connection.alias)


# Migrations


def migrate(model: type[models.Model], *steps: Any) -> ProjectState:
    """Change the table of a model as a migration would; gives how it stands afterwards."""
    state = ProjectState()
    for known in (Person, Organization, Team, Sheet, Act, Entry, model):
        state.add_model(ModelState.from_model(known))
    for step in steps:
        after = state.clone()
        step.state_forwards("engine", after)
        with connection.schema_editor() as editor:
            step.database_forwards("engine", editor, state, after)
        state = after
    return state


def add(table: str = "engine_specimen") -> Entry:
    """Add an empty row under an act, and give its entry."""
    with act("settle", by=None):
        run(f"INSERT INTO {table} (secret) VALUES ('hunter2')")
    return entries(table)[-1]


@pytest.mark.parametrize(
    ("steps", "gone", "new"),
    [
        (
            [migrations.AddField("specimen", "size", models.IntegerField(null=True))],
            set(),
            {"size"},
        ),
        (
            [migrations.AddField("specimen", "open", models.BooleanField(default=True))],
            set(),
            {"open"},
        ),
        ([migrations.RemoveField("specimen", "hour")], {"hour"}, set()),
        ([migrations.RemoveField("specimen", "of")], {"of_id"}, set()),
        ([migrations.RenameField("specimen", "large", "larger")], {"large"}, {"larger"}),
        ([migrations.RenameField("specimen", "secret", "pin")], {"secret"}, {"pin"}),
        (
            [
                migrations.AlterField("specimen", "large", models.TextField(null=True)),
                migrations.RenameField("specimen", "facts", "details"),
            ],
            {"facts"},
            {"details"},
        ),
    ],
)
def test_a_changed_table_is_noted_as_it_is_now(
    steps: list[Any], gone: set[str], new: set[str], specimen: type[models.Model]
) -> None:
    columns = {f.column for f in specimen._meta.concrete_fields}
    with act("settle", by=None):
        specimen.objects.create(**VALUES[0])
    migrate(specimen, *steps)
    with pytest.raises(IntegrityError, match="no act is open"), transaction.atomic():
        run("DELETE FROM engine_specimen")
    with act("settle", by=None):
        run("UPDATE engine_specimen SET words = 'Later'")
        run("DELETE FROM engine_specimen")
    changed, removed = entries()
    assert changed.after == {"words": "Later"}
    assert set(removed.before) == columns - gone | new


def test_a_renamed_table_keeps_its_history(specimen: type[models.Model]) -> None:
    there = migrations.AlterModelTable("specimen", "engine_exhibit")
    back = migrations.AlterModelTable("specimen", "engine_specimen")
    with act("settle", by=None):
        specimen.objects.create(words="Before")
    migrate(specimen, there, back)
    with act("settle", by=None):
        specimen.objects.update(words="After")
    (entry,) = entries()
    assert (entry.table, entry.after) == ("engine_specimen", {"words": "After"})


def test_the_table_of_entries_can_be_changed(specimen: type[models.Model]) -> None:
    wider = migrations.AlterField("entry", "op", models.CharField(max_length=2))
    usual = migrations.AlterField("entry", "op", models.CharField(max_length=1))
    with act("settle", by=None):
        kept = specimen.objects.create(words="Before")
    count = Entry.objects.count()
    migrate(specimen, wider, usual)
    assert triggers.missing(connection) == []
    assert Entry.objects.count() == count
    with act("settle", by=None):
        kept.delete()
    assert len(entries()) == 1


def test_a_data_migration_is_an_act_like_any_other(specimen: type[models.Model]) -> None:
    with act("settle", by=None):
        specimen.objects.create(words="mail")

    def shout(historical: Any, editor: Any) -> None:
        with triggers.migration(editor.connection, "Words in capitals"):
            historical.get_model("engine", "specimen").objects.update(words="MAIL")

    migrate(
        specimen,
        migrations.AddField("specimen", "size", models.IntegerField(default=0)),
        migrations.RunPython(shout),
    )
    assert Act.objects.latest("id").verb == "migrate"
    assert Act.objects.latest("id").note == "Words in capitals"
    assert [e.after for e in entries()] == [{"words": "MAIL"}]
    assert current_act.get() is None


def test_a_data_migration_that_forgets_its_act_is_refused(specimen: type[models.Model]) -> None:
    with act("settle", by=None):
        specimen.objects.create(words="mail")

    def shout(historical: Any, editor: Any) -> None:
        historical.get_model("engine", "specimen").objects.update(words="MAIL")

    with pytest.raises(IntegrityError, match="no act is open"):
        migrate(specimen, migrations.RunPython(shout))


def test_a_data_migration_that_fails_leaves_no_act_open(specimen: type[models.Model]) -> None:
    def fail(historical: Any, editor: Any) -> None:
        with triggers.migration(editor.connection, "This will not do"):
            run("INSERT INTO engine_specimen (nonsense) VALUES (1)")

    with pytest.raises(DatabaseError, match="nonsense"):
        migrate(specimen, migrations.RunPython(fail))
    assert current_act.get() is None
    with pytest.raises(IntegrityError, match="no act is open"), transaction.atomic():
        specimen.objects.create()


def test_a_column_that_becomes_obligatory_is_filled_under_the_act_of_the_upgrade(
    specimen: type[models.Model],
) -> None:
    with act("settle", by=None):
        specimen.objects.create(words=None)
    engine = apps.get_app_config("engine")
    upgrade = migrations.Migration("0007_words_are_obligatory", "engine")
    triggers.open_act_for_migration(engine, using=connection.alias, plan=[(upgrade, False)])
    migrate(specimen, migrations.AlterField("specimen", "words", models.TextField(default="none")))
    assert Act.objects.latest("id").note == "engine.0007_words_are_obligatory"
    triggers.install_after_migrate(engine, using=connection.alias)
    assert [row.words for row in specimen.objects.all()] == ["none"]
    with pytest.raises(IntegrityError, match="no act is open"), transaction.atomic():
        specimen.objects.update(words="quietly")


def test_a_start_without_migrations_opens_no_act() -> None:
    count = Act.objects.count()
    triggers.open_act_for_migration(apps.get_app_config("engine"), plan=[])
    assert Act.objects.count() == count
    assert current_act.get() is None


def test_a_withdrawn_record_is_still_all_there(manager: Person) -> None:
    mail = file(Service, {"title": "E-mail", "owner": manager}, by=manager)
    withdraw(mail, by=manager, note="Filed twice")
    with pytest.raises(IntegrityError), transaction.atomic():
        Sheet.objects.filter(pk=mail.pk)._raw_delete(connection.alias)
