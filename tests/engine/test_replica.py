"""When a copy of the database may be believed, by what was seen of it; without one it is free."""

from __future__ import annotations

import pytest
from django.db import models
from pytest_django import DjangoAssertNumQueries

from verne.api.models import Token
from verne.engine import replica
from verne.engine.people import Assignment, Person, Team
from verne.engine.records import Sheet
from verne.engine.replica import Copy, Sight
from verne.web.models import SavedView

NOW = 1000.0


def seen(*sights: Sight) -> Copy:
    copy = Copy(clock=lambda: NOW)
    for sight in sights:
        copy.note(sight)
    return copy


def test_a_copy_that_holds_all_is_as_of_the_moment_it_was_looked_at() -> None:
    assert seen(Sight(NOW, primary=500, copy=500)).as_of == NOW


def test_a_copy_behind_is_as_of_the_moment_whose_end_it_has_reached() -> None:
    copy = seen(Sight(NOW - 9, primary=500, copy=400), Sight(NOW - 8, primary=600, copy=450))
    assert copy.as_of is None
    copy.note(Sight(NOW - 7, primary=700, copy=510))
    assert copy.as_of == NOW - 9
    copy.note(Sight(NOW - 6, primary=800, copy=705))
    assert copy.as_of == NOW - 7


def test_what_it_has_replayed_is_never_forgotten() -> None:
    copy = seen(Sight(NOW - 2, primary=500, copy=500), Sight(NOW - 1, primary=900, copy=450))
    assert copy.has_reached(500)


def test_the_header_of_a_page_of_the_log_is_nothing_to_wait_for() -> None:
    assert replica._end(3 * 8192 + 24) == 3 * 8192
    assert replica._end(3 * 8192 + 32) == 3 * 8192 + 32


@pytest.mark.django_db
def test_without_a_replica_nothing_is_asked(
    manager: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert replica.answer(manager, lambda: "an answer") == "an answer"


@pytest.mark.parametrize(
    "model", [Person, Team, Team.members.through, Assignment, Token, SavedView]
)
def test_who_somebody_is_is_never_read_from_the_copy(model: type[models.Model]) -> None:
    with replica.reading():
        assert replica.Router().db_for_read(model) == "default"


def test_records_are_read_from_the_copy_only_while_somebody_only_reads() -> None:
    router = replica.Router()
    with replica.reading():
        assert router.db_for_read(Sheet) == "replica"
        assert router.db_for_write(Sheet) == "default"
        with replica.on_primary():
            assert router.db_for_read(Sheet) == "default"
    assert router.db_for_read(Sheet) == "default"
