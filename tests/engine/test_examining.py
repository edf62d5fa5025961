"""Whoever changes the database behind the back of the program is found, and where is named."""

from __future__ import annotations

import io
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from verne.engine import triggers
from verne.engine.acts import link, revise
from verne.engine.files import attach
from verne.engine.history import Act, Entry
from verne.engine.links import Link
from verne.engine.people import Person
from verne.engine.seal import keys, outside, sealing, tree
from verne.engine.seal.examining import Counts, examine
from verne.engine.seal.models import Leaf, Node, SealedAt
from verne.sms.resolution.incident.samples import an_incident
from verne.sms.resolution.problem.samples import a_problem
from verne.verifier import Key


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Path) -> Path:
    settings.VERNE_HOME = tmp_path
    return tmp_path


@pytest.fixture
def problem(manager: Person) -> Any:
    """A problem with a history: revised, moved, linked, with a file on it, and sealed."""
    problem = a_problem(manager, owner=manager, title="Mail stops")
    problem = revise(problem, {"title": "Mail stops every Monday at nine"}, by=manager)
    incident = an_incident(manager)
    link(incident, "duplicates", an_incident(manager), by=manager)
    attach(problem, io.BytesIO(b"Monday, 09:02: no answer"), name="log.txt", by=manager)
    sealing.seal()
    problem.refresh_from_db()
    return problem


def behind(*statements: str) -> None:
    """Write as the owner of the database can: past the triggers, and put them back afterwards."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET LOCAL session_replication_role = 'replica'")
        else:
            triggers.remove(connection)
        for statement in statements:
            cursor.execute(statement)
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = 'origin'")
        else:
            triggers.install(connection)


def found(**more: Any) -> list[str]:
    return [finding.says for finding in examine(**more)]


pytestmark = pytest.mark.django_db


def test_a_database_nobody_touched_agrees_with_itself(problem: Any) -> None:
    counts = Counts()
    assert found(against=outside.kept(), counts=counts) == []
    assert counts.leaves == Act.objects.count() + Entry.objects.count()
    assert counts.rows > 20 and counts.files == 1 and counts.checkpoints == 1


def test_a_column_edited_behind_the_triggers_is_named(problem: Any) -> None:
    behind(f"UPDATE engine_sheet SET title = 'Nothing ever stops' WHERE id = {problem.pk}")
    (says,) = found()
    assert says == (
        f'engine_sheet row {problem.pk}, title: it says "Nothing ever stops", its history says '
        '"Mail stops every Monday at nine".'
    )


def test_a_date_moved_behind_the_triggers_is_named(problem: Any) -> None:
    behind("UPDATE engine_sheet SET filed_at = '2020-01-01 00:00:00' WHERE ref = 'PRB-1'")
    (says,) = found()
    assert says.startswith(f"engine_sheet row {problem.pk}, filed_at: it says ")


def test_a_row_removed_behind_the_triggers_is_named(problem: Any) -> None:
    link = Link.objects.get()
    behind("DELETE FROM engine_link")
    assert found() == [f"engine_link row {link.pk} was removed: its history still has it."]


def test_a_row_added_behind_the_triggers_is_named(problem: Any) -> None:
    behind("INSERT INTO engine_organization (id, name, kind, active) VALUES (77, 'X', 'own', true)")
    assert found() == ["engine_organization row 77 was added: its history knows nothing of it."]


def test_an_old_entry_that_was_edited_is_named(problem: Any) -> None:
    entry = Entry.objects.get(table="engine_sheet", row=problem.pk, op="U", after__has_key="title")
    cast = "::jsonb" if connection.vendor == "postgresql" else ""
    behind(
        f'UPDATE engine_entry SET after = \'{{"title": "All is well"}}\'{cast} '
        f"WHERE id = {entry.pk}"
    )
    says = found()
    named = f"Entry {entry.pk} (engine_sheet row {problem.pk} of PRB-1, act {entry.act_id})"
    assert f"{named} was changed." in says


def test_the_time_of_an_act_that_was_changed_is_named(problem: Any) -> None:
    act = Act.objects.filter(record=problem.pk, verb="revise").get()
    behind(f"UPDATE engine_act SET at = '2020-01-01 00:00:00' WHERE id = {act.pk}")
    assert found() == [f"Act {act.pk} (revise of PRB-1, 2020-01-01 00:00 UTC) was changed."]


def test_an_entry_that_was_removed_is_named(problem: Any) -> None:
    entry = Entry.objects.get(table="engine_sheet", row=problem.pk, op="U", after__has_key="title")
    behind(f"DELETE FROM engine_entry WHERE id = {entry.pk}")
    assert f"Entry {entry.pk} was removed." in found()


def test_an_entry_added_to_a_sealed_act_is_named(problem: Any) -> None:
    entry = Entry.objects.filter(record=problem.pk).first()
    assert entry is not None
    behind(
        'INSERT INTO engine_entry (id, act_id, "table", row, record_id, op, before, after) '
        f"SELECT 90001, act_id, \"table\", row, record_id, 'U', before, after FROM engine_entry "
        f"WHERE id = {entry.pk}"
    )
    sealing.seal()
    assert "after that was sealed" in " ".join(found())


def test_a_missing_trigger_is_named(problem: Any) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("DROP TRIGGER verne_history_note ON engine_sheet")
        else:
            cursor.execute("DROP TRIGGER verne_history_update_engine_sheet")
    (says,) = found()
    assert says.startswith("A trigger that keeps the history: ") and "engine_sheet" in says


def test_a_file_that_was_changed_is_named(problem: Any) -> None:
    file = problem.attachments.get().file
    file.path.write_bytes(b"Monday, 09:02: all is well")
    (says,) = found()
    assert says.endswith("(log.txt of PRB-1) was changed.")
    file.path.unlink()
    assert found()[0].endswith("(log.txt of PRB-1) is missing.")


def test_a_checkpoint_that_was_changed_is_named(problem: Any) -> None:
    point = SealedAt.objects.get()
    behind("UPDATE engine_sealedat SET at = '2020-01-01 00:00:00'")
    assert found() == [f"Checkpoint {point.pk}: its at is not what was signed."]
    behind(f"UPDATE engine_sealedat SET note = replace(note, '{point.size}', '{point.size + 1}')")
    assert any(says.startswith(f"Checkpoint {point.pk} is not genuine.") for says in found())


def sealed_anew() -> None:
    """What somebody without the key can do: all leaves, nodes and sizes made to fit again."""
    kept = SealedAt.objects.order_by("-pk").values_list("note", "at").first()
    assert kept is not None
    behind(
        "DELETE FROM engine_sealedat",
        "DELETE FROM engine_node",
        "DELETE FROM engine_leaf",
        "DELETE FROM engine_salt",
    )


def test_a_tree_computed_again_without_the_key_is_found(problem: Any) -> None:
    point, entry = SealedAt.objects.get(), Entry.objects.filter(record=problem.pk).first()
    assert entry is not None
    behind(f"DELETE FROM engine_entry WHERE id = {entry.pk}")
    sealed_anew()
    rows: list[Any] = [(source, row.pk) for source in ("act", "entry") for row in _rows(source)]
    leaves = [Leaf(id=n, source=s, row=pk, hash=bytes(32)) for n, (s, pk) in enumerate(rows)]
    tree.add(leaves)
    root = tree.Tree().root()
    SealedAt.objects.create(at=point.at, size=len(leaves), root=root, note=point.note, reach={})
    says = found()
    assert any("its size is not what was signed" in sentence for sentence in says)
    assert any("history was cut off" in sentence for sentence in says)


def _rows(source: str) -> Any:
    return (Act if source == "act" else Entry).objects.order_by("pk")


def test_a_tree_signed_anew_with_the_stolen_key_is_found_from_outside(problem: Any) -> None:
    """The key alone cannot undo what is kept elsewhere."""
    elsewhere = outside.kept()
    entry = Entry.objects.get(table="engine_sheet", row=problem.pk, op="U", after__has_key="title")
    cast = "::jsonb" if connection.vendor == "postgresql" else ""
    behind(
        f'UPDATE engine_entry SET after = \'{{"title": "All is well", "version": 2}}\'{cast} '
        f"WHERE id = {entry.pk}",
        f"UPDATE engine_sheet SET title = 'All is well' WHERE id = {problem.pk}",
    )
    sealed_anew()
    sealing.seal()
    says = found()
    assert not any("Checkpoint" in sentence or "root" in sentence for sentence in says)
    (sentence,) = [s for s in found(against=elsewhere) if "kept elsewhere" in s]
    assert sentence.endswith("history was rewritten.")


def test_a_tree_signed_with_another_key_is_found_from_outside(problem: Any, home: Path) -> None:
    elsewhere = outside.kept()
    sealed_anew()
    behind("DELETE FROM engine_sealkey")
    sealing.seal()
    assert found() == []
    (says,) = found(against=elsewhere)
    assert "The keys were replaced" in says


def test_a_history_that_was_cut_back_is_found_from_outside(problem: Any, manager: Person) -> None:
    before = tree.size_now()
    act = Act.objects.order_by("-pk").first()
    assert act is not None
    revise(problem, {"title": "Mail stops every Monday at ten"}, by=manager)
    sealing.seal()
    behind(
        f"DELETE FROM engine_leaf WHERE id >= {before}",
        f"DELETE FROM engine_salt WHERE id >= {before}",
        f"DELETE FROM engine_sealedat WHERE size > {before}",
        f"DELETE FROM engine_entry WHERE act_id > {act.pk}",
        f"DELETE FROM engine_act WHERE id > {act.pk}",
        f"UPDATE engine_sheet SET title = 'Mail stops every Monday at nine', version = "
        f"{problem.version}, changed_at = (SELECT max(at) FROM engine_act WHERE record_id = "
        f"{problem.pk} AND verb = 'revise') WHERE id = {problem.pk}",
    )
    assert found() == []
    (says,) = found(against=outside.kept())
    assert says.endswith("history was cut off.")


def test_a_kept_subtree_that_was_changed_is_named(problem: Any) -> None:
    tree.add(
        [
            Leaf(id=n, source="x", row=n, hash=bytes([n % 256]) * 32)
            for n in range(tree.size_now(), 300)
        ]
    )
    node = Node.objects.get()
    odd = "'\\x00'::bytea" if connection.vendor == "postgresql" else "x'00'"
    behind(f"UPDATE engine_node SET hash = {odd} WHERE id = {node.pk}")
    assert any("Node 0 of level 8" in says for says in found())


def test_a_new_key_that_nobody_vouches_for_is_a_warning(problem: Any, home: Path) -> None:
    key: Key = keys.known()[0]
    (home / "keys" / f"seal-{key.id.hex()}.pem").unlink()
    keys.follow()
    (finding,) = examine()
    assert finding.warning and "vouched for by no key" in finding.says


@pytest.mark.django_db(transaction=True)
def test_what_another_program_writes_into_the_file_is_found(problem: Any) -> None:
    """As it would be done: not through Django, with the triggers dropped, and never put back."""
    statements = (
        "UPDATE engine_sheet SET title = 'Nothing ever stops' WHERE ref = 'PRB-1'",
        "DELETE FROM engine_entry WHERE op = 'U'",
    )
    if connection.vendor == "postgresql":
        import psycopg

        parts = connection.get_connection_params()
        chosen = {
            k: parts[k] for k in ("dbname", "user", "password", "host", "port") if parts.get(k)
        }
        with psycopg.connect(**chosen) as other:
            for table in ("engine_sheet", "engine_entry"):
                other.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for statement in statements:
                other.execute(statement)
    else:
        connection.close()
        with sqlite3.connect(connection.settings_dict["NAME"]) as raw:
            for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
                raw.execute(f'DROP TRIGGER "{name}"')
            for statement in statements:
                raw.execute(statement)
        raw.close()
    says = found()
    try:
        assert any(f"engine_sheet row {problem.pk}, title" in sentence for sentence in says)
        assert any("was removed" in sentence for sentence in says)
        assert any("trigger" in sentence for sentence in says)
    finally:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                for table in ("engine_sheet", "engine_entry"):
                    cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        triggers.install(connection)
