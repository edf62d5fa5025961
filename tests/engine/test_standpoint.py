"""People who stand alike ask in the same words, and each is answered for themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import EmptyResultSet
from django.db import models

from verne.engine import past
from verne.engine.acts import act
from verne.engine.people import Organization, Person, Team
from verne.engine.records import Sheet
from verne.engine.register import registers
from verne.engine.rights import bundles, scope
from verne.engine.standpoint import NOBODY, PreparedFor, stand_in
from verne.engine.testing import a_person
from verne.sms.portfolio.service.models import Service
from verne.sms.portfolio.service.samples import a_service

pytestmark = pytest.mark.django_db


def owned(person: Person) -> models.QuerySet[Any]:
    return Service.objects.visible_to(person).filter(owner=person).order_by("pk")


def in_words(rows: models.QuerySet[Any]) -> tuple[str, tuple[Any, ...]] | None:
    try:
        return rows.query.sql_with_params()
    except EmptyResultSet:
        return None


def from_outside(kind: str, *roles: str) -> Person:
    with act("settle", by=None):
        theirs = Organization.objects.create(name="Harbour Retail", kind=kind)
    return a_person("Chen Li", roles=list(roles), organization=theirs)


def in_a_team(*roles: str) -> Person:
    person = a_person("Nora Voss", roles=list(roles))
    with act("settle", by=None):
        Team.objects.create(name="Network").members.add(person)
    return person


PEOPLE: dict[str, Callable[[], Person]] = {
    **{role: lambda role=role: a_person("Ada Kim", roles=[role]) for role in sorted(bundles())},
    "somebody in a team": lambda: in_a_team("service_desk_agent"),
    "somebody without a role": lambda: a_person("Sam Stranger", roles=[]),
    "a customer": lambda: from_outside("customer", "customer_user"),
    "a supplier's": lambda: from_outside("supplier", "service_desk_agent"),
}


@pytest.mark.parametrize("who", PEOPLE)
def test_what_people_see_follows_from_where_they_stand_alone(
    who: str, django_assert_num_queries: Any
) -> None:
    """Of every type: a register that looks at anything else would answer one for another."""
    person = PEOPLE[who]()
    other = stand_in(person)
    with django_assert_num_queries(0):
        for model in (Sheet, *(register.model for register in registers.values())):
            theirs = in_words(model.objects.filter(scope(person, model)))
            its = in_words(model.objects.filter(scope(other, model)))
            if its is not None:
                its = its[0], tuple(person.pk if each == NOBODY else each for each in its[1])
            assert its == theirs, model


def test_each_gets_their_own_answer(manager: Person) -> None:
    asked: list[Person] = []

    def build(person: Person) -> models.QuerySet[Any]:
        asked.append(person)
        return owned(person)

    question = PreparedFor(build)
    nora = a_person("Nora Voss", roles=["service_desk_agent"])
    jun = a_person("Jun Park", roles=["service_desk_agent"])
    mail, printing = (a_service(manager, owner=owner) for owner in (nora, jun))
    assert question(nora) == [mail]
    made = len(asked)
    assert question(jun) == [printing]
    assert len(asked) == made, "they stand alike, so nothing is put into words again"


def test_who_loses_a_role_asks_anew(manager: Person) -> None:
    question = PreparedFor(owned)
    nora = a_person("Nora Voss", roles=["service_desk_agent"])
    mail = a_service(manager, owner=nora)
    assert question(nora) == [mail]
    with act("settle", by=None):
        nora.assignments.all().delete()
    nora.forget_rights()
    assert question(nora) == []


def test_places_are_filled_as_well(manager: Person) -> None:
    question = PreparedFor(
        lambda person, title: owned(person).filter(title=title), title=models.CharField()
    )
    mail, printing = (a_service(manager, title=title) for title in ("Mail", "Print"))
    assert question(manager, title="Mail") == [mail]
    assert question(manager, title="Print") == [printing]


def test_words_that_follow_from_anything_else_are_a_mistake(manager: Person) -> None:
    question = PreparedFor(lambda person: Service.objects.filter(title=person.name))
    with pytest.raises(Person.DoesNotExist):
        question(manager)


def test_the_past_is_asked_in_its_own_words(manager: Person) -> None:
    question = PreparedFor(owned)
    mail = a_service(manager, title="Mail")
    assert question(manager) == [mail]
    before = mail.filed_at
    a_service(manager, title="Print")
    with past.reading(before, person=manager):
        assert [service.title for service in question(manager)] == ["Mail"]


def test_no_more_standpoints_are_kept_than_there_is_room_for(
    manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verne.engine.standpoint.MOST", 2)
    question = PreparedFor(owned)
    for role in ("service_desk_agent", "problem_manager", "incident_manager"):
        question(a_person(f"Holder of {role}", roles=[role]))
    assert len(question._made) == 2
