"""What roles prove: they are held, known, given by top management, and their access is reviewed."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from verne.engine.acts import act
from verne.engine.evidence import Asked, answers
from verne.engine.people import Assignment, Person, Role
from verne.engine.roles import NAMES, OF_THE_PROGRAM
from verne.engine.testing import a_person

pytestmark = pytest.mark.django_db

OF_THE_STANDARD = len(NAMES) - len(OF_THE_PROGRAM)


def figures(key: str, **asked: Any) -> tuple[int, int]:
    found = answers[key](Asked(**{"at": timezone.now()} | asked))
    return found.population.count(), found.exceptions.count()


def assign(role: str, person: Person, *, by: Person | None, **facts: Any) -> Assignment:
    with act("settle", by=by, note=f"{person} is {role}"):
        return Assignment.objects.create(role=Role.objects.get(key=role), person=person, **facts)


def describe(role: str, duty: str) -> None:
    with act("settle", by=None, note="The role is described"):
        Role.objects.filter(key=role).update(duty=duty)


@pytest.fixture
def director(db: None) -> Person:
    return a_person("Dina Director", roles=["top_management"])


def test_a_role_that_nobody_holds_is_an_exception(db: None) -> None:
    assert figures("roles-assigned-communicated") == (OF_THE_STANDARD, OF_THE_STANDARD)


def test_every_role_held_and_known_proves_it(manager: Person) -> None:
    assert figures("roles-assigned-communicated") == (OF_THE_STANDARD, 0)


def test_a_role_that_was_not_acknowledged_is_an_exception(manager: Person) -> None:
    with act("settle", by=None):
        Assignment.objects.filter(role__key="risk_manager").update(acknowledged_at=None)
    assert figures("roles-assigned-communicated") == (OF_THE_STANDARD, 1)


def test_a_role_held_by_somebody_who_left_is_an_exception(manager: Person) -> None:
    with act("settle", by=None):
        Person.objects.filter(pk=manager.pk).update(active=False)
    assert figures("roles-assigned-communicated") == (OF_THE_STANDARD, OF_THE_STANDARD)


def test_nobody_answers_for_conformity_at_first(db: None) -> None:
    assert figures("sms-conformity-role-held") == (0, 0)


def test_top_management_gives_the_role(director: Person) -> None:
    keeper = a_person("Kim Keeper", roles=[])
    assign("sms_manager", keeper, by=director)
    describe("sms_manager", "")
    assert figures("sms-conformity-role-held") == (0, 0)  # its duty is not described
    describe("sms_manager", "Keeps the SMS conforming to ISO/IEC 20000-1.")
    assert figures("sms-conformity-role-held") == (1, 0)


def test_a_role_that_somebody_else_gave_does_not_count(director: Person) -> None:
    describe("sms_manager", "Keeps the SMS conforming to ISO/IEC 20000-1.")
    clerk = a_person("Carl Clerk", roles=["administrator"])
    assign("sms_manager", a_person("Kim Keeper", roles=[]), by=clerk)
    assert figures("sms-conformity-role-held") == (0, 0)


def test_a_former_director_gives_no_role(director: Person) -> None:
    describe("sms_manager", "Keeps the SMS conforming to ISO/IEC 20000-1.")
    with act("settle", by=None):
        Assignment.objects.filter(person=director).update(
            since=timezone.now() - timedelta(days=9), until=timezone.now() - timedelta(days=1)
        )
    assign("sms_manager", a_person("Kim Keeper", roles=[]), by=director)
    assert figures("sms-conformity-role-held") == (0, 0)


def test_without_grants_there_is_no_access_to_review(stranger: Person) -> None:
    assert figures("docs-access-reviewed") == (0, 0)


def test_access_is_reviewed_in_time(reader: Person) -> None:
    assert figures("docs-access-reviewed") == (1, 0)
    later = timezone.now() + timedelta(days=400)
    assert figures("docs-access-reviewed", at=later) == (1, 1)
    assert figures("docs-access-reviewed", at=later, interval=timedelta(days=500)) == (1, 0)
    with act("settle", by=None, note="Reviewed"):
        Assignment.objects.update(reviewed_at=later - timedelta(days=30))
    assert figures("docs-access-reviewed", at=later) == (1, 0)


def test_access_of_somebody_who_left_is_an_exception(reader: Person, agent: Person) -> None:
    with act("settle", by=None, note="Left us"):
        Person.objects.filter(pk=reader.pk).update(active=False)
    assert figures("docs-access-reviewed") == (2, 1)


def test_access_that_has_ended_needs_no_review(reader: Person) -> None:
    with act("settle", by=None, note="Moved on"):
        Assignment.objects.update(until=timezone.now() + timedelta(seconds=1))
    assert figures("docs-access-reviewed", at=timezone.now() + timedelta(days=1)) == (0, 0)
