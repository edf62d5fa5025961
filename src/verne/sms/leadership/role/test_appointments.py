"""What an appointment promises: rights from a day to a day, accepted by the one who has them."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from verne.engine.acts import NotOpen, act, file, move, revise, withdraw
from verne.engine.evidence import Asked, answers
from verne.engine.people import Assignment, Organization, Person, Role, holders
from verne.engine.signing import signatures_of
from verne.engine.testing import a_person, proof_of
from verne.sms.leadership.jobs import expire_appointments

from .models import Appointment, RoleDefinition
from .samples import a_roledefinition
from .seats import Flaw, seats
from .starters import begin_with_starters, starters

pytestmark = pytest.mark.django_db


@pytest.fixture
def director(db: None) -> Person:
    return a_person("Dina Director", roles=["top_management"])


@pytest.fixture
def colleague(db: None) -> Person:
    """Holds a role already, so that they see the appointments."""
    return a_person("Petr Novak", roles=["change_manager"])


def role(key: str) -> Role:
    return Role.objects.get(key=key)


def appoint(person: Person, key: str, *, by: Person, **facts: Any) -> Appointment:
    return file(Appointment, {"role": role(key), "person": person} | facts, by=by)


def flaws(key: str) -> list[Flaw]:
    seat = next(s for s in seats(timezone.now()) if s.role.key == key)
    return [finding.flaw for finding in seat.findings]


def may_now(person: Person, right: str) -> bool:
    return Person.objects.get(pk=person.pk).may(right)


def test_rights_come_with_the_appointment_and_go_with_it(
    director: Person, stranger: Person
) -> None:
    appointment = appoint(stranger, "problem_manager", by=director)
    assert may_now(stranger, "resolution.close_problem")
    move(appointment, "end", by=director, note="Takes over the network team")
    assert not may_now(stranger, "resolution.close_problem")
    assert stranger in holders("problem_manager", at=appointment.since)


def test_rights_begin_on_the_day_and_end_on_the_day(director: Person, stranger: Person) -> None:
    now = timezone.now()
    days = {"since": now + timedelta(days=1), "until": now + timedelta(days=9)}
    appoint(stranger, "risk_manager", by=director, **days)
    assert stranger not in holders("risk_manager")
    assert stranger in holders("risk_manager", at=now + timedelta(days=2))
    assert stranger not in holders("risk_manager", at=now + timedelta(days=9))


def test_only_the_person_appointed_accepts_and_signs_what_the_role_is(
    director: Person, colleague: Person
) -> None:
    a_roledefinition(director, role=role("risk_manager"), title="Risk manager")
    appointment = appoint(colleague, "risk_manager", by=director)
    somebody = a_person("Ada Kim", roles=["change_manager"])
    with pytest.raises(NotOpen, match="Only the person appointed"):
        move(appointment, "accept", by=somebody, proof=proof_of(somebody))
    appointment = move(appointment, "accept", by=colleague, proof=proof_of(colleague))
    assert appointment.state == "in_force"
    assert appointment.grant.acknowledged_at == appointment.accepted_at
    assert signatures_of(appointment, meaning="acceptance").get().what.endswith("Risk manager")


def test_what_was_accepted_no_longer_holds_when_the_duties_change(
    director: Person, colleague: Person
) -> None:
    from verne.engine.signing import is_still_true

    definition = a_roledefinition(director, role=role("risk_manager"))
    appointment = appoint(colleague, "risk_manager", by=director)
    move(appointment, "accept", by=colleague, proof=proof_of(colleague))
    signature = signatures_of(appointment).get()
    revise(appointment, {"deputy": director}, by=director)
    assert is_still_true(signature)
    revise(definition, {"duties": "Also those of every customer."}, by=director)
    assert not is_still_true(signature)


def test_access_alone_needs_no_acceptance(director: Person, stranger: Person) -> None:
    assert appoint(stranger, "reader", by=director).state == "in_force"


def test_who_declines_has_no_rights_any_more(director: Person, colleague: Person) -> None:
    person = a_person("Jun Park", roles=["change_manager"])
    appointment = appoint(person, "risk_manager", by=director)
    move(appointment, "decline", by=person, note="I own most of the risks.")
    assert person not in holders("risk_manager")


def test_a_deputy_has_the_rights_only_while_standing_in(
    director: Person, colleague: Person, stranger: Person
) -> None:
    now = timezone.now()
    since = now - timedelta(days=1)
    appointment = appoint(colleague, "problem_manager", by=director, deputy=stranger, since=since)
    appointment = move(appointment, "accept", by=colleague, proof=proof_of(colleague))
    assert not may_now(stranger, "resolution.close_problem")
    away = {"away_since": now - timedelta(minutes=1), "away_until": now + timedelta(days=9)}
    appointment = move(appointment, "hand_over", by=colleague, values=away, note="Holidays")
    assert may_now(stranger, "resolution.close_problem")
    assert stranger not in holders("problem_manager", at=now + timedelta(days=9))
    assert Assignment.objects.filter(person=stranger).get().absence.why == "Holidays"
    move(appointment, "end", by=director, note="Left us")
    assert not may_now(stranger, "resolution.close_problem")


def test_a_deputy_stands_in_no_longer_than_the_appointment_runs(
    director: Person, colleague: Person, stranger: Person
) -> None:
    now = timezone.now()
    row = {"deputy": stranger, "since": now + timedelta(days=1), "until": now + timedelta(days=9)}
    appointment = appoint(colleague, "risk_manager", by=director, absences=[row])
    revise(appointment, {"until": now + timedelta(days=5)}, by=director)
    assert stranger in holders("risk_manager", at=now + timedelta(days=4))
    assert stranger not in holders("risk_manager", at=now + timedelta(days=6))
    revise(appointment, {"absences": []}, by=director)
    assert stranger not in holders("risk_manager", at=now + timedelta(days=4))


def test_who_held_a_role_when_stays_as_it_was(director: Person, colleague: Person) -> None:
    appointment = appoint(colleague, "risk_manager", by=director)
    with pytest.raises(ValidationError, match="It has begun already"):
        revise(appointment, {"since": timezone.now() + timedelta(days=3)}, by=director)
    with pytest.raises(ValidationError, match="end this one and appoint anew"):
        revise(appointment, {"person": director}, by=director)


def test_somebody_can_always_give_roles(director: Person) -> None:
    only = appoint(director, "top_management", by=director)
    with act("settle", by=None):
        Assignment.objects.exclude(pk=only.grant_id).update(until=timezone.now())
    fresh = Person.objects.get(pk=director.pk)
    with pytest.raises(NotOpen, match="Nobody else may give roles"):
        move(only, "end", by=fresh, note="Retires")
    with pytest.raises(ValidationError, match="Nobody else may give roles"):
        withdraw(only, by=fresh, note="Filed twice")


def test_nobody_gives_themselves_a_role_without_the_right(agent: Person, reader: Person) -> None:
    for person in (agent, reader):
        with pytest.raises(PermissionDenied):
            appoint(person, "administrator", by=person)


def test_roles_of_customers_are_for_their_people(
    director: Person, customer: Person, harbour: Organization
) -> None:
    with pytest.raises(ValidationError, match="roles of customers only"):
        appoint(customer, "administrator", by=director)
    with pytest.raises(ValidationError, match="for people of a customer"):
        appoint(director, "customer_manager", by=director)


def test_an_appointment_that_ran_out_is_a_finding_until_it_is_ended(
    director: Person, colleague: Person
) -> None:
    now = timezone.now()
    values = {
        "role": role("risk_manager"),
        "person": colleague,
        "since": now - timedelta(days=9),
        "until": now - timedelta(hours=1),
    }
    appointment = file(Appointment, values, by=director, at=now - timedelta(days=9))
    assert appointment.state == "awaiting"
    assert expire_appointments() == 1
    appointment.refresh_from_db()
    assert appointment.state == "expired"
    assert Flaw.EXPIRED in flaws("risk_manager")
    move(appointment, "end", by=director, note="Nobody follows")
    assert Flaw.EXPIRED not in flaws("risk_manager")


def test_findings_of_a_seat_say_what_is_wrong(director: Person, stranger: Person) -> None:
    assert flaws("risk_manager") == [Flaw.VACANT, Flaw.UNDESCRIBED]
    definition = a_roledefinition(director, role=role("risk_manager"), least_holders=2)
    move(definition, "put_in_force", by=director)
    first = appoint(stranger, "risk_manager", by=director)
    assert flaws("risk_manager") == [Flaw.VACANT, Flaw.UNACCEPTED]
    revise(definition, {"least_holders": 1}, by=director)
    move(first, "accept", by=Person.objects.get(pk=stranger.pk), proof=proof_of(stranger))
    assert flaws("risk_manager") == []
    appoint(director, "risk_manager", by=director, until=timezone.now() + timedelta(days=20))
    assert Flaw.BY_THEMSELVES in flaws("risk_manager")
    with act("settle", by=None):
        Person.objects.filter(pk=stranger.pk).update(active=False)
    assert Flaw.LEFT in flaws("risk_manager")


def test_duties_in_conflict_are_a_finding_unless_somebody_says_why(
    director: Person, stranger: Person
) -> None:
    why = "Who decides on a change does not bring it live."
    rows = [{"role": role("release_manager"), "why": why}]
    a_roledefinition(director, role=role("change_manager"), conflicts=rows)
    appoint(stranger, "release_manager", by=director)
    assert Flaw.CONFLICT not in flaws("change_manager")
    both = appoint(stranger, "change_manager", by=director)
    assert Flaw.CONFLICT in flaws("change_manager")
    revise(both, {"conflict_reason": "We are four; the director looks at each."}, by=director)
    assert Flaw.CONFLICT not in flaws("change_manager")


def test_starter_texts_describe_every_role_of_the_standard_once(director: Person) -> None:
    from verne.engine.roles import NAMES, OF_THE_PROGRAM

    assert set(starters()) == set(NAMES) - OF_THE_PROGRAM
    assert all(other in NAMES for told in starters().values() for other, _why in told.conflicts)
    assert len(begin_with_starters(director)) == len(starters())
    assert begin_with_starters(director) == []
    audit = RoleDefinition.objects.get(role__key="sms_manager")
    assert {str(c.role) for c in audit.conflicts.all()} == {
        "Internal audit manager",
        "Internal auditor",
    }


def test_the_duty_where_a_role_is_chosen_follows_its_description(director: Person) -> None:
    definition = a_roledefinition(director, role=role("risk_manager"))
    revise(definition, {"duties": "Knows what can go wrong."}, by=director)
    assert role("risk_manager").duty == "Knows what can go wrong."


def test_seats_ask_as_many_queries_however_many_people_hold_roles(
    director: Person, django_assert_num_queries: Any
) -> None:
    for name in ("Ada Kim", "Petr Novak", "Jun Park"):
        appoint(a_person(name, roles=[]), "service_owner", by=director)
    with django_assert_num_queries(7):
        seats(timezone.now())


def test_holders_accept_the_role_with_what_it_contributes(
    director: Person, colleague: Person
) -> None:
    def contribution() -> tuple[int, int]:
        found = answers["aware-contribution"](Asked(timezone.now()))
        return found.population.count(), found.exceptions.count()

    before, _broken = contribution()
    appointment = appoint(colleague, "risk_manager", by=director)
    assert contribution() == (before + 1, before + 1)
    move(appointment, "accept", by=colleague, proof=proof_of(colleague))
    a_roledefinition(director, role=role("risk_manager"))
    assert contribution() == (before + 1, before)


def test_a_role_that_needs_two_is_not_held_by_one(director: Person, colleague: Person) -> None:
    def held() -> bool:
        found = answers["roles-assigned-communicated"](Asked(timezone.now()))
        return not found.exceptions.filter(key="risk_manager").exists()

    appointment = appoint(colleague, "risk_manager", by=director)
    move(appointment, "accept", by=colleague, proof=proof_of(colleague))
    assert held()
    a_roledefinition(director, role=role("risk_manager"), least_holders=2)
    assert not held()
