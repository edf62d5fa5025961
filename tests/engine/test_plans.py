"""PostgreSQL keeps the plans of what it is asked again and again, and never a wrong one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from verne.engine import only, past, search
from verne.engine.acts import revise
from verne.engine.people import Person
from verne.sms.resolution.problem.models import Problem
from verne.sms.resolution.problem.samples import a_problem

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite plans in no time."),
]


@pytest.fixture
def two(manager: Person) -> list[Problem]:
    first = a_problem(manager)
    second = a_problem(manager, service=first.service)
    return [first, second]


def numbers(above: int = 0) -> list[int]:
    return list(Problem.objects.filter(pk__gt=above).order_by("pk").values_list("pk", flat=True))


def kept() -> int:
    return len([None for sql in _kept() if "problem" in sql])


def _kept() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return [sql for (sql,) in cursor.fetchall()]


def test_what_is_asked_for_the_fourth_time_is_planned_no_more(two: list[Problem]) -> None:
    there = [problem.pk for problem in two]
    before = kept()
    for _time in range(6):
        assert numbers() == there
    assert kept() == before + 1
    assert numbers(above=there[0]) == there[1:]


def test_a_plan_is_not_used_where_other_tables_stand_in_front(two: list[Problem]) -> None:
    first, second = (problem.pk for problem in two)
    with only.reading(Problem, [(first, first)]):
        assert numbers() == [first]
    for _time in range(6):
        assert numbers() == [first, second]
    with only.reading(Problem, [(second, second)]):
        for _time in range(6):
            assert numbers() == [second]
    assert numbers() == [first, second]


def test_nor_where_the_past_is_read(two: list[Problem], manager: Person) -> None:
    revise(two[0], {"title": "Mail stops"}, by=manager)
    for _time in range(6):
        assert len(numbers()) == 2
    with past.reading(datetime(2020, 1, 1, tzinfo=UTC)):
        for _time in range(6):
            assert numbers() == []
    assert len(numbers()) == 2


def test_through_a_pooler_none_is_kept(two: list[Problem], monkeypatch: Any) -> None:
    from verne.engine.postgresql import plans

    monkeypatch.setitem(connection.settings_dict, "POOLER", True)
    raw: Any = connection.connection
    monkeypatch.setattr(raw, "prepare_threshold", raw.prepare_threshold)
    plans.look(None, connection)
    before = kept()
    for _time in range(6):
        numbers(above=-1)
    assert kept() == before


def test_the_words_of_a_search_are_planned_for(two: list[Problem], manager: Person) -> None:
    revise(two[0], {"title": "Mail's stopped"}, by=manager)
    before = set(_kept())
    for _time in range(6):
        assert search.ranked(Problem.objects.all(), "stopped") == [two[0].pk]
    (kept,) = (sql for sql in set(_kept()) - before if "ts_rank" in sql)
    assert "stopped" in kept


def test_more_things_can_be_asked_for_than_a_statement_takes_values(two: list[Problem]) -> None:
    """As an attachment each of a hundred thousand records would be."""
    wanted = range(two[0].pk, two[0].pk + 70_000)
    assert sorted(Problem.objects.in_bulk(wanted)) == [problem.pk for problem in two]
