"""On PostgreSQL nobody waits for a number, and none is given out twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections, transaction

from verne.engine.people import Person
from verne.engine.postgresql import numbers
from verne.engine.records import Counter
from verne.sms.resolution.problem.samples import a_problem

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer."),
]


@pytest.fixture
def another() -> Iterator[Any]:
    """Somebody else's connection, whose statements are each a transaction."""
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SET lock_timeout = '5s'")
        yield cursor
        numbers.begin_anew(cursor, "TST")
    other.close()


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_who_has_not_committed(another: Any) -> None:
    first = numbers.take(another, "TST", 1)
    with transaction.atomic():
        mine = Counter.take("TST")
        theirs = numbers.take(another, "TST", 2)
        assert [*first, *mine, *theirs, *Counter.take("TST")] == [1, 2, 3, 4, 5]


def test_the_first_follows_what_was_given_out_before() -> None:
    Counter.objects.create(prefix="TST", last=41)
    assert Counter.reached()["TST"] == 41
    assert Counter.take("TST", 3) == [42, 43, 44]
    assert Counter.reached()["TST"] == 44


def test_what_is_taken_back_in_the_end_borrows_its_numbers() -> None:
    assert Counter.take("TST") == [1]
    with numbers.borrowed():
        tried = [*Counter.take("TST"), *Counter.take("TST", 2)]
    assert len(set(tried)) == 3 and min(tried) >= 10**9
    assert Counter.take("TST") == [2]


def test_after_a_restoration_they_go_on_after_the_records(manager: Person) -> None:
    problem = a_problem(manager)
    number = int(problem.ref.removeprefix("PRB-"))
    Counter.objects.update_or_create({"last": 7}, prefix="TST")
    Counter.take("TST")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        numbers.follow_records(cursor)
    assert Counter.take("PRB") == [number + 1]
    assert Counter.take("TST") == [8]


def test_a_prefix_can_be_sent_back(manager: Person) -> None:
    assert Counter.take("TST", 2) == [1, 2]
    Counter.go_on_after("TST", 9)
    assert Counter.take("TST") == [10]
