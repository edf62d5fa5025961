"""SQLite knows how large its tables are, the empty ones among them; PostgreSQL does by itself."""

from __future__ import annotations

import pytest
from django.db import connection
from django_tasks_db.models import DBTaskResult

from verne.engine.bulk import bulk_file
from verne.engine.jobs import take_sizes
from verne.engine.sqlite import planning
from verne.sms.portfolio.configuration.models import CIType
from verne.sms.resolution.problem.models import KnownError, Problem

pytestmark = pytest.mark.django_db


def types(many: int) -> list[dict[str, str]]:
    return [{"title": f"Type {n}", "level_of_detail": "As a whole."} for n in range(many)]


def test_the_records_of_an_empty_table_are_not_looked_for_among_all(manager):
    bulk_file(CIType, types(1_500), by=manager)
    assert DBTaskResult.objects.filter(task_path=take_sizes.module_path).exists()
    take_sizes()
    plan = KnownError.objects.filter(withdrawn_at=None).explain()
    if connection.vendor == "sqlite":
        assert "SCAN resolution_knownerror" in plan
        assert "SEARCH engine_sheet USING INTEGER PRIMARY KEY" in plan


def test_sizes_are_taken_again_when_the_records_have_grown_by_a_fifth(manager, monkeypatch):
    if connection.vendor != "sqlite":
        assert take_sizes() is None, "there is nothing to do"
        return
    monkeypatch.setattr(planning, "WORTH_IT", 10)
    bulk_file(CIType, types(5), by=manager)
    assert not planning.inform(connection), "a small database is fast with any plan"
    bulk_file(CIType, types(20), by=manager)
    assert planning.inform(connection)
    assert not planning.inform(connection)
    bulk_file(CIType, types(8), by=manager)
    assert planning.inform(connection)


def test_an_index_that_an_upgrade_has_added_is_known_at_once(manager, monkeypatch):
    if connection.vendor != "sqlite":
        return
    monkeypatch.setattr(planning, "WORTH_IT", 10)
    bulk_file(CIType, types(20), by=manager)
    assert planning.inform(connection)
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX added ON engine_sheet (kind, state)")
        assert planning.inform(connection)
        cursor.execute("SELECT stat FROM sqlite_stat1 WHERE idx = 'added'")
        assert cursor.fetchall() == [("20 20 20",)]
    assert not planning.inform(connection)


def test_a_table_with_millions_of_rows_is_not_read_again(manager, monkeypatch):
    """Writers wait meanwhile, and have patience for seconds only."""
    if connection.vendor != "sqlite":
        return
    monkeypatch.setattr(planning, "WORTH_IT", 10)
    bulk_file(CIType, types(40), by=manager)
    assert planning.inform(connection)
    before = figures_of("engine_entry")
    monkeypatch.setattr(planning, "LARGE", 150)
    bulk_file(CIType, types(40), by=manager)
    read: list[str] = []

    def listen(execute, sql, *call):
        read.extend([sql] if sql.startswith("ANALYZE") else [])
        return execute(sql, *call)

    with connection.execute_wrapper(listen):
        assert planning.inform(connection)
    assert 'ANALYZE "sheet_kind"' in read
    assert 'ANALYZE "entry_of_row"' not in read
    after = figures_of("engine_entry")
    for index, (rows, *of_each) in before.items():
        assert after[index] == [2 * rows, *of_each]


def test_a_look_that_was_cut_off_is_taken_anew(manager, monkeypatch):
    if connection.vendor != "sqlite":
        return
    monkeypatch.setattr(planning, "WORTH_IT", 10)
    bulk_file(CIType, types(40), by=manager)
    assert planning.inform(connection)
    monkeypatch.setattr(planning, "LARGE", 50)
    with connection.cursor() as cursor:
        # As if it had come to the history and not yet to the records.
        cursor.execute("DELETE FROM sqlite_stat1 WHERE tbl = 'engine_sheet'")
    assert planning.inform(connection)
    assert figures_of("engine_sheet")["sheet_kind"][0] >= 40
    assert not planning.inform(connection)


def figures_of(table: str) -> dict[str | None, list[int]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT idx, stat FROM sqlite_stat1 WHERE tbl = %s", [table])
        return {index: [int(n) for n in stat.split()] for index, stat in cursor.fetchall()}


def test_a_table_that_was_empty_is_known_when_it_has_come_into_use(manager, monkeypatch):
    if connection.vendor != "sqlite":
        return
    bulk_file(CIType, types(1_500), by=manager)
    assert planning.inform(connection)
    assert figures_of("resolution_problem") == {None: [0]}
    # Too few for another look at everything.
    monkeypatch.setattr(planning, "WORTH_IT", 20)
    bulk_file(Problem, [{"title": f"Problem {n}"} for n in range(30)], by=manager)
    assert planning.inform(connection)
    figures = figures_of("resolution_problem")
    assert None not in figures
    assert all(rows == 30 for rows, *_of_each in figures.values())
    assert not planning.inform(connection)
