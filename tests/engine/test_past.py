"""The past can be read: records, lists and checks say what they said at an instant."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from verne.conformity import then
from verne.engine import listing, past
from verne.engine.acts import revise, withdraw
from verne.engine.history import Act, as_it_was
from verne.engine.people import Person, Role
from verne.engine.register import registers
from verne.sms.resolution.problem.models import Problem
from verne.sms.resolution.problem.samples import a_problem

MARCH, APRIL, MAY, JUNE = (datetime(2026, month, 1, 9, tzinfo=UTC) for month in (3, 4, 5, 6))

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(manager: Person) -> Problem:
    """Filed in March, renamed in April, another filed in May; both withdrawn today."""
    from verne.engine.acts import file

    service = a_problem(manager).service
    first = file(Problem, {"title": "Mail stops", "service": service}, by=manager, at=MARCH)
    revise(first, {"title": "Mail stops every Monday"}, by=manager, at=APRIL)
    file(Problem, {"title": "Printer eats paper", "service": service}, by=manager, at=MAY)
    withdraw(first, by=manager, note="It was the clock")
    return first


def titles(at: datetime, person: Person | None = None) -> list[str]:
    with past.reading(at, person=person):
        return list(Problem.objects.order_by("pk").values_list("title", flat=True))


def test_a_list_holds_what_it_held_then(told: Problem) -> None:
    assert titles(datetime(2026, 2, 1, tzinfo=UTC)) == []
    assert titles(MARCH) == ["Mail stops"]
    assert titles(APRIL) == ["Mail stops every Monday"]
    assert titles(MAY) == ["Mail stops every Monday", "Printer eats paper"]
    assert Problem.objects.count() == 3


def test_membership_by_state_is_that_of_the_instant(told: Problem, manager: Person) -> None:
    register = registers[Problem.kind_name()]
    with past.reading(JUNE, person=manager):
        page = listing.page(register, manager, {"standing": ["open"]})
        assert {row.title for row in page.rows} == {"Mail stops every Monday", "Printer eats paper"}
    page = listing.page(register, manager, {"standing": ["open"]})
    assert "Mail stops every Monday" not in {row.title for row in page.rows}


def test_it_says_the_same_as_the_record_as_it_was(told: Problem) -> None:
    with past.reading(APRIL):
        then = Problem.objects.get(pk=told.pk)
    shown = as_it_was(Problem.objects.get(pk=told.pk), APRIL)
    assert shown is not None
    for field in Problem._meta.concrete_fields:
        assert getattr(then, field.attname) == getattr(shown, field.attname), field.name


def test_the_history_itself_ends_there(told: Problem) -> None:
    with past.reading(APRIL):
        assert not Act.objects.filter(at__gt=APRIL).exists()
        assert set(Act.objects.filter(record=told.pk).values_list("verb", flat=True)) == {
            "file",
            "revise",
        }
    assert Act.objects.filter(record=told.pk, verb="withdraw").exists()


def test_what_the_program_brought_along_was_always_there(told: Problem) -> None:
    """The roles of the standard came with the installation, today; people were appointed before."""
    roles = Role.objects.count()
    with past.reading(MARCH):
        assert Role.objects.count() == roles > 30


def test_nobody_sees_there_what_they_may_not_see_today(
    told: Problem, manager: Person, reader: Person
) -> None:
    other = Problem.objects.get(title="Printer eats paper")
    revise(other, {"restricted": True}, by=manager)
    with past.reading(JUNE, person=reader):
        seen = Problem.objects.visible_to(reader).values_list("title", flat=True)
        assert list(seen) == ["Mail stops every Monday"]


def test_after_an_error_the_present_is_back(told: Problem) -> None:
    with pytest.raises(ZeroDivisionError), past.reading(MARCH):
        raise ZeroDivisionError
    assert Problem.objects.count() == 3 and past.instant() is None


@pytest.mark.django_db(transaction=True)
def test_reading_the_past_keeps_nobody_from_writing(told: Problem, manager: Person) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    def write() -> str:
        try:
            problem = Problem.objects.get(title="Printer eats paper")
            return revise(problem, {"title": "Printer ate a hand"}, by=manager).title
        finally:
            connection.close()

    with past.reading(MAY), ThreadPoolExecutor(1) as pool:
        assert pool.submit(write).result(timeout=5) == "Printer ate a hand"
        assert Problem.objects.filter(title="Printer eats paper").exists()
    assert Problem.objects.filter(title="Printer ate a hand").exists()


def test_the_statement_of_a_past_instant_is_computed_from_the_records_then(
    told: Problem, manager: Person
) -> None:
    now = then.computed(JUNE)
    before = then.computed(APRIL)
    key = "problems-prioritized"
    assert (now.figures[key].population, before.figures[key].population) == (2, 1)


def test_somebody_without_a_role_sees_nothing_of_the_past(told: Problem, stranger: Person) -> None:
    with past.reading(MAY, person=stranger):
        assert not listing.page(registers[Problem.kind_name()], stranger, {}).rows
