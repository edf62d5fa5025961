"""A question put into SQL once answers as the queryset would, whatever goes into its places."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, models
from django.db.models import F, Value
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from verne.engine.acts import act
from verne.engine.people import Assignment, Organization, Person
from verne.engine.prepared import Numbers, Prepared, Remembered, listed
from verne.engine.testing import a_person
from verne.sms.portfolio.service.models import Service
from verne.sms.portfolio.service.samples import a_service

pytestmark = pytest.mark.django_db


def named(name: Any) -> Any:
    return Person.objects.filter(name=name).order_by("pk")


by_name = Prepared(named, name=models.CharField())


def test_each_value_gets_its_own_answer() -> None:
    ada, jun = a_person("Ada Kim", roles=[]), a_person("Jun Park", roles=[])
    assert by_name(name="Ada Kim") == [ada]
    assert by_name(name="Jun Park") == [jun]
    assert by_name(name="' OR 1=1 --") == []


def test_it_is_one_query_and_the_same_as_djangos() -> None:
    a_person("Ada Kim", roles=[])
    by_name(name="Ada Kim")
    with CaptureQueriesContext(connection) as ours:
        by_name(name="Ada Kim")
    with CaptureQueriesContext(connection) as theirs:
        list(named("Ada Kim"))
    # Django puts what is no plain value into brackets.
    (mine,), (its,) = ([q["sql"] for q in asked] for asked in (ours, theirs))
    assert mine.replace("('Ada Kim')", "'Ada Kim'") == its


def test_instants_are_understood() -> None:
    """SQLite keeps them as text, so what goes into the place has to be put into words too."""
    since = timezone.now()
    person = a_person("Ada Kim", roles=["incident_manager"], since=since)
    held = Prepared(
        lambda at: Assignment.objects.valid(at).select_related("role"), at=models.DateTimeField()
    )
    (assignment,) = [each for each in held(at=since) if each.person_id == person.pk]
    assert assignment.since == since
    assert held(at=since - timedelta(seconds=1)) == []


def test_related_rows_and_annotations_come_along(django_assert_num_queries: Any) -> None:
    with act("settle", by=None):
        ours = Organization.objects.create(name="Harbour Retail", kind="customer")
    a_person("Chen Li", roles=[], organization=ours)
    question = Prepared(
        lambda name: (
            named(name)
            .select_related("organization")
            .annotate(whom=F("organization__name"), what=Value(7))
        ),
        name=models.CharField(),
    )
    question(name="")
    with django_assert_num_queries(1):
        (chen,) = question(name="Chen Li")
        assert (chen.organization.name, chen.whom, chen.what) == ("Harbour Retail",) * 2 + (7,)
    assert not chen._state.adding


def test_rows_of_several_tables_are_whole(manager: Person) -> None:
    service = a_service(manager)
    question = Prepared(lambda ref: Service.objects.filter(ref=ref), ref=models.CharField())
    (found,) = question(ref=service.ref)
    assert (found, found.title, found.state) == (service, service.title, service.state)


def test_tuples_are_tuples_with_the_types_of_their_fields() -> None:
    since = timezone.now()
    person = a_person("Ada Kim", roles=["incident_manager"], since=since)
    question = Prepared(
        lambda person: Assignment.objects.filter(person=person).values_list("role__key", "since"),
        person=models.BigIntegerField(),
    )
    assert question(person=person.pk) == [("incident_manager", since)]


def test_nothing_is_equal_to_none() -> None:
    a_person("Ada Kim", roles=[])
    question = Prepared(
        lambda whom: Person.objects.filter(organization=whom), whom=models.BigIntegerField()
    )
    assert question(whom=None) == []


def test_what_nothing_can_answer_is_not_asked(django_assert_num_queries: Any) -> None:
    question = Prepared(lambda name: named(name).filter(pk__in=[]), name=models.CharField())
    with django_assert_num_queries(0):
        assert question(name="Ada Kim") == question(name="Jun Park") == []


def test_any_number_of_numbers_goes_into_one_place() -> None:
    ada, jun = a_person("Ada Kim", roles=[]), a_person("Jun Park", roles=[])
    question = Prepared(
        lambda keys: Person.objects.filter(pk__in=listed(keys)).order_by("pk"), keys=Numbers()
    )
    assert question(keys=[ada.pk, jun.pk]) == [ada, jun]
    assert question(keys=range(jun.pk, jun.pk + 5_000)) == [jun]
    assert question(keys=[]) == []
    assert list(Person.objects.filter(pk__in=listed([ada.pk]))) == [ada]


def test_a_place_left_empty_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        by_name()


@pytest.mark.django_db(transaction=True)
def test_threads_ask_it_at_once_each_on_its_own_connection() -> None:
    people = {name: a_person(name, roles=[]) for name in ("Ada Kim", "Jun Park", "Chen Li")}
    wrong: list[str] = []

    def ask(name: str) -> None:
        try:
            wrong.extend(name for _ in range(50) if by_name(name=name) != [people[name]])
        except Exception as error:
            wrong.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(name,)) for name in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_what_was_made_is_kept_as_long_as_the_rows_are_the_same() -> None:
    made: list[int] = []

    def names(rows: list[Person]) -> list[str]:
        made.append(len(rows))
        return [person.name for person in rows]

    named_so = Remembered(
        lambda: Person.objects.filter(name__startswith="Ada").order_by("pk"), names
    )
    assert named_so.answer() == []
    ada = a_person("Ada Kim", roles=[])
    assert (named_so.answer(), named_so.answer()) == (["Ada Kim"], ["Ada Kim"])
    with act("settle", by=None):
        Person.objects.filter(pk=ada.pk).update(name="Ada Lee")
    assert named_so.answer() == ["Ada Lee"]
    with act("settle", by=None):
        Person.objects.filter(pk=ada.pk).update(theme="dark")
    assert (named_so.answer(), made) == (["Ada Lee"], [0, 1, 1, 1])


@pytest.mark.parametrize("name", ["100 % Ada's \\ %s", '50%% of "Kim"', "' OR 1=1 --"])
def test_values_that_stay_the_same_may_hold_any_mark(name: str) -> None:
    one, _other = a_person(name, roles=[]), a_person("Ada Kim", roles=[])
    asked = Prepared(
        lambda since: Person.objects.filter(name=name, pk__gte=since), since=models.IntegerField()
    )
    assert asked(since=0) == [one]
    assert asked(since=one.pk + 1) == []
    whole = Prepared(lambda: Person.objects.filter(name=name))
    assert whole() == [one]
