"""Who may do what, from when to when, and which records they see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from verne.engine.acts import act, file
from verne.engine.people import Assignment, Organization, Person, Role, Team, holders
from verne.engine.records import Sheet
from verne.engine.register import registers
from verne.engine.rights import (
    SYSTEM_ROLES,
    UnknownRight,
    bundles,
    known,
    may,
    people_who_may,
    right,
    rights_of,
    scope,
    verbs_of,
    who_may,
)
from verne.engine.roles import NAMES
from verne.engine.testing import a_person
from verne.sms.portfolio.service.models import Service
from verne.sms.portfolio.service.samples import a_service
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.incident.samples import an_incident

pytestmark = pytest.mark.django_db

RESOLVE = "resolution.resolve_incident"


def again(person: Person) -> Person:
    """The same person, as the next request meets them."""
    return Person.objects.get(pk=person.pk)


def assigned(person: Person, role: str, *, since: timedelta, until: timedelta | None) -> Person:
    now = timezone.now()
    with act("settle", by=None, note="Roles"):
        Assignment.objects.create(
            role=Role.objects.get(key=role),
            person=person,
            since=now + since,
            until=None if until is None else now + until,
        )
    return again(person)


def test_a_right_nobody_declared_is_a_mistake_and_never_a_no(agent: Person) -> None:
    for name in ("resolution.explode_incident", "resolution.close_incidents", ""):
        with pytest.raises(UnknownRight, match="No right is called"):
            agent.may(name)
    assert known(RESOLVE) == RESOLVE
    assert right("resolve", Incident) == RESOLVE


def test_every_verb_and_every_move_is_a_right() -> None:
    assert {"view", "file", "revise", "link", "comment", "withdraw", "reopen"} <= set(
        verbs_of(Incident)
    )


def test_a_role_that_does_something_with_a_type_sees_it_too() -> None:
    blind = [
        f"{role}: {register.model.__name__}"
        for register in registers.values()
        for role, granted in bundles().items()
        if {right(v, register.model) for v in verbs_of(register.model)} & granted
        and right("view", register.model) not in granted
    ]
    assert blind == []


def test_every_role_that_grants_something_has_a_name() -> None:
    assert set(bundles()) <= set(NAMES)
    assert set(SYSTEM_ROLES) <= set(NAMES)
    assert rights_of(["nobody_knows_me"]) == frozenset()


@pytest.mark.parametrize(
    ("since", "until", "holds"),
    [
        (timedelta(hours=-1), None, True),
        (timedelta(days=-9), timedelta(days=1), True),
        (timedelta(hours=1), None, False),
        (timedelta(days=-9), timedelta(hours=-1), False),
    ],
    ids=["begun", "under way", "to come", "over"],
)
def test_a_role_is_held_from_one_day_to_another(
    since: timedelta, until: timedelta | None, holds: bool, stranger: Person
) -> None:
    person = assigned(stranger, "service_desk_agent", since=since, until=until)
    assert person.may(RESOLVE) is holds
    assert (person in holders("service_desk_agent")) is holds
    assert (person in people_who_may(RESOLVE)) is holds
    assert ("service_desk_agent" in person.roles_at(timezone.now() - timedelta(minutes=5))) is holds


def test_a_role_ends_after_it_begins(stranger: Person) -> None:
    now = timezone.now()
    backwards = Assignment(
        role=Role.objects.get(key="reader"), person=stranger, since=now, until=now
    )
    with pytest.raises(ValidationError, match="The end must come after the beginning"):
        backwards.full_clean()


def test_somebody_who_left_may_and_sees_nothing(manager: Person) -> None:
    agent = a_person("Jun Park", roles=["service_desk_agent"])
    incident = an_incident(manager, owner=agent)
    with act("settle", by=None, note="Left us"):
        Person.objects.filter(pk=agent.pk).update(active=False)
    agent = again(agent)
    assert agent.rights == frozenset()
    assert not Incident.objects.visible_to(agent).exists()
    assert agent not in people_who_may(RESOLVE)
    assert who_may(incident, "resolve") == manager


def test_roles_given_meanwhile_are_found_on_asking_anew(stranger: Person) -> None:
    assert not stranger.may(RESOLVE)
    assigned(stranger, "service_desk_agent", since=timedelta(hours=-1), until=None)
    assert not stranger.may(RESOLVE)
    stranger.forget_rights()
    assert stranger.may(RESOLVE)


# Who sees what


@pytest.fixture
def rail(db: None) -> Organization:
    with act("settle", by=None):
        return Organization.objects.create(name="Northern Rail", kind="customer")


def seen_by(person: Person, kind: Any = Incident) -> set[int]:
    person = again(person)
    of_type = set(kind.objects.visible_to(person).values_list("pk", flat=True))
    sheets = Sheet.objects.filter(scope(person, Sheet), kind=kind.kind_name())
    assert set(sheets.values_list("pk", flat=True)) == of_type, "lists and search must agree"
    return of_type


def test_customers_see_what_is_theirs_and_what_they_filed(
    manager: Person, customer: Person, harbour: Organization, rail: Organization
) -> None:
    ours = an_incident(manager, customer=harbour)
    an_incident(manager, customer=rail)
    an_incident(manager)
    filed = file(Incident, {"title": "Tills are slow"}, by=customer)
    colleague = a_person("Rosa Diaz", roles=["customer_user"], organization=harbour)
    assert seen_by(customer) == {ours.pk, filed.pk}
    assert seen_by(colleague) == {ours.pk, filed.pk}
    elsewhere = a_person("Ole Berg", roles=["customer_user"], organization=rail)
    assert ours.pk not in seen_by(elsewhere)


def test_a_restricted_record_is_seen_by_those_it_concerns_and_those_cleared(
    manager: Person, customer: Person, harbour: Organization, agent: Person, reader: Person
) -> None:
    with act("settle", by=None):
        team = Team.objects.create(name="Security")
        insider = a_person("Hana Seo", roles=["service_desk_agent"])
        team.members.add(insider)
    owner = a_person("Erik Sandberg", roles=["service_desk_agent"])
    secret = an_incident(manager, customer=harbour, restricted=True, team=team, owner=owner)
    for person in (agent, reader, customer):
        assert secret.pk not in seen_by(person)
    for person in (owner, insider, manager):
        assert secret.pk in seen_by(person)


def test_a_supplier_sees_what_was_handed_to_it(manager: Person) -> None:
    with act("settle", by=None):
        lines = Organization.objects.create(name="Line Works", kind="supplier")
        team = Team.objects.create(name="Line Works on call")
    engineer = a_person("Uwe Kabel", roles=["service_desk_agent"], organization=lines)
    with act("settle", by=None):
        team.members.add(engineer)
    an_incident(manager)
    handed = an_incident(manager, team=team)
    owned = an_incident(manager, owner=engineer)
    assert seen_by(engineer) == {handed.pk, owned.pk}


def test_without_the_right_to_view_a_type_there_is_none_of_it(
    manager: Person, stranger: Person, customer: Person, harbour: Organization
) -> None:
    from verne.sms.resolution.problem.models import Problem
    from verne.sms.resolution.problem.samples import a_problem

    an_incident(manager, owner=stranger)
    assert seen_by(stranger) == set()
    a_problem(manager, customer=harbour)
    assert not may(customer, "view", Problem)
    assert seen_by(customer, Problem) == set()


def test_a_register_may_widen_what_customers_see(
    manager: Person, customer: Person, harbour: Organization
) -> None:
    given = a_service(manager, title="Payments", customers=[harbour])
    a_service(manager, title="Payroll")
    assert seen_by(customer, Service) == {given.pk}


def test_a_wider_scope_never_narrows_what_everybody_sees(manager: Person, agent: Person) -> None:
    services = {a_service(manager).pk, a_service(manager, title="Chat").pk}
    assert seen_by(agent, Service) == services


# Who makes a step whose time has come


def test_the_owner_makes_a_step_if_it_is_theirs_to_make(manager: Person, agent: Person) -> None:
    incident = an_incident(manager, owner=agent)
    assert who_may(incident, "resume") == agent


def test_where_the_owner_may_not_the_first_who_may_and_sees_it_does(
    manager: Person, reader: Person
) -> None:
    hidden = a_person("Zoe Early", roles=["service_desk_agent"])
    incident = an_incident(manager, owner=reader, restricted=True)
    assert hidden in people_who_may(right("resume", Incident))
    assert who_may(incident, "resume") == manager


def test_sometimes_nobody_may(stranger: Person) -> None:
    agent = a_person("Jun Park", roles=["incident_manager", "service_portfolio_manager"])
    incident = an_incident(agent)
    with act("settle", by=None, note="Left us"):
        Person.objects.filter(pk=agent.pk).update(active=False)
    assert who_may(Incident.objects.get(pk=incident.pk), "resume") is None
