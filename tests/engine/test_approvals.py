"""Agreement before a move: over what is on file, by somebody else, and good for one move."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from verne.engine import moment
from verne.engine.acts import NotOpen, act, move, revise, withdraw
from verne.engine.approvals import Approval, Vote, ask, awaiting, current, may_vote, vote
from verne.engine.people import Organization, Person
from verne.engine.testing import a_person
from verne.sms.resolution.incident.major import MajorIncidentCriteria
from verne.sms.resolution.incident.samples import a_majorincidentcriteria
from verne.sms.resolution.problem.models import Problem
from verne.sms.resolution.problem.samples import a_knownerror, a_problem
from verne.sms.resolution.request.models import ServiceRequest
from verne.sms.resolution.request.samples import a_model_in_force, a_servicerequest

pytestmark = pytest.mark.django_db


@pytest.fixture
def criteria(manager: Person) -> MajorIncidentCriteria:
    return a_majorincidentcriteria(manager)


@pytest.fixture
def request_awaiting(manager: Person, harbour: Organization) -> ServiceRequest:
    model = a_model_in_force(manager, approvals_needed=1)
    return a_servicerequest(manager, request_model=model, customer=harbour)


def standings(record: Any) -> list[str]:
    rows = Approval.objects.filter(record=record.pk).order_by("id")
    return list(rows.values_list("standing", flat=True))


# Asking


def test_a_move_waits_for_agreement(criteria: MajorIncidentCriteria, manager: Person) -> None:
    with pytest.raises(NotOpen, match="1 person must approve it first"):
        move(criteria, "put_in_force", by=manager)
    ask(criteria, "put_in_force", by=manager)
    with pytest.raises(NotOpen, match="0 of 1 approvals given"):
        move(criteria, "put_in_force", by=manager)


def test_it_is_asked_once(criteria: MajorIncidentCriteria, manager: Person) -> None:
    ask(criteria, "put_in_force", by=manager)
    with pytest.raises(ValidationError, match="asked for already"):
        ask(criteria, "put_in_force", by=manager)


def test_it_is_asked_about_the_whole_and_not_before(manager: Person) -> None:
    criteria = a_majorincidentcriteria(manager, criteria="")
    with pytest.raises(NotOpen, match="Criteria is not filled in"):
        ask(criteria, "put_in_force", by=manager)


@pytest.mark.parametrize("name", ["supersede", "explode"])
def test_a_step_without_agreement_is_not_asked_about(
    name: str, criteria: MajorIncidentCriteria, manager: Person
) -> None:
    with pytest.raises(ValidationError, match="needs no approval"):
        ask(criteria, name, by=manager)


def test_a_step_that_is_not_open_is_not_asked_about(manager: Person) -> None:
    with pytest.raises(ValidationError, match="not open now"):
        ask(a_problem(manager), "accept", by=manager)


def test_those_who_may_not_revise_do_not_ask(
    criteria: MajorIncidentCriteria, reader: Person
) -> None:
    with pytest.raises(PermissionDenied):
        ask(criteria, "put_in_force", by=reader)


# Voting


def test_somebody_else_agrees_and_the_move_is_open(
    criteria: MajorIncidentCriteria, manager: Person, approver: Person
) -> None:
    asked = ask(criteria, "put_in_force", by=manager)
    assert vote(asked, by=approver, agrees=True).standing == "given"
    assert move(criteria, "put_in_force", by=manager).state == "in_force"
    assert standings(criteria) == ["used"]


def test_nobody_agrees_with_what_they_asked_for_or_filed(
    criteria: MajorIncidentCriteria, manager: Person, approver: Person
) -> None:
    asked = ask(criteria, "put_in_force", by=approver)
    for person in (manager, approver):
        with pytest.raises(PermissionDenied, match="what they asked for themselves"):
            vote(asked, by=person, agrees=True)


def test_the_right_to_the_step_is_the_right_to_agree(
    criteria: MajorIncidentCriteria, manager: Person, agent: Person
) -> None:
    asked = ask(criteria, "put_in_force", by=manager)
    with pytest.raises(PermissionDenied, match="do not let you approve"):
        vote(asked, by=agent, agrees=True)


def test_a_refusal_says_why_and_closes_the_asking(
    criteria: MajorIncidentCriteria, manager: Person, approver: Person
) -> None:
    asked = ask(criteria, "put_in_force", by=manager)
    with pytest.raises(ValidationError, match="Say why you refuse"):
        vote(asked, by=approver, agrees=False, note="  ")
    assert vote(asked, by=approver, agrees=False, note="Too vague").standing == "refused"
    with pytest.raises(NotOpen, match="refused: change it and ask again"):
        move(criteria, "put_in_force", by=manager)
    with pytest.raises(PermissionDenied, match="no longer open"):
        vote(asked, by=approver, agrees=True)


def test_after_a_refusal_it_is_asked_anew(
    criteria: MajorIncidentCriteria, manager: Person, approver: Person
) -> None:
    vote(ask(criteria, "put_in_force", by=manager), by=approver, agrees=False, note="Too vague")
    criteria = revise(criteria, {"criteria": "Two sites are down."}, by=manager)
    again = ask(criteria, "put_in_force", by=manager)
    vote(again, by=approver, agrees=True)
    assert move(criteria, "put_in_force", by=manager).state == "in_force"
    assert standings(criteria) == ["void", "used"]


def test_several_may_have_to_agree_each_once(manager: Person, approver: Person) -> None:
    model = a_model_in_force(manager, approvals_needed=2)
    request = a_servicerequest(manager, request_model=model)
    asked = current(request, "approve")
    assert asked is not None
    assert vote(asked, by=approver, agrees=True).standing == "open"
    with pytest.raises(PermissionDenied, match="voted already"):
        vote(asked, by=approver, agrees=True)
    second = a_person("Olga Owner", roles=["service_owner"])
    assert vote(asked, by=second, agrees=True).standing == "used"
    assert ServiceRequest.objects.get(pk=request.pk).state == "in_fulfilment"


def test_a_vote_happens_when_its_act_does(
    criteria: MajorIncidentCriteria, manager: Person, approver: Person
) -> None:
    asked = ask(criteria, "put_in_force", by=manager)
    later = timezone.now() + timedelta(days=3)
    with moment.at(later):
        vote(asked, by=approver, agrees=True)
    assert Vote.objects.get(of=asked).at == later


# What was agreed to


def test_changed_content_voids_what_was_said(
    criteria: MajorIncidentCriteria, manager: Person, approver: Person
) -> None:
    asked = ask(criteria, "put_in_force", by=manager)
    vote(asked, by=approver, agrees=True)
    revise(criteria, {"criteria": "Anything I like."}, by=manager)
    assert standings(criteria) == ["void"]
    with pytest.raises(NotOpen, match="1 person must approve it first"):
        move(criteria, "put_in_force", by=manager)


def test_nothing_is_changed_together_with_the_step_that_was_agreed_to(
    criteria: MajorIncidentCriteria, manager: Person, approver: Person
) -> None:
    vote(ask(criteria, "put_in_force", by=manager), by=approver, agrees=True)
    with pytest.raises(NotOpen, match="something else than what was asked about"):
        move(criteria, "put_in_force", by=manager, values={"criteria": "Anything I like."})
    assert MajorIncidentCriteria.objects.get(pk=criteria.pk).state == "draft"


def test_words_among_ourselves_change_nothing(
    criteria: MajorIncidentCriteria, manager: Person, approver: Person
) -> None:
    from verne.engine.comments import comment

    asked = ask(criteria, "put_in_force", by=manager)
    comment(criteria, "Please look at it today.", by=manager)
    revise(criteria, {"criteria": criteria.criteria}, by=manager)
    vote(asked, by=approver, agrees=True)
    assert standings(criteria) == ["given"]


def test_an_approval_is_good_for_one_move(manager: Person, approver: Person) -> None:
    problem = a_problem(manager, workaround="Restart it.", review_date="2030-01-31")
    a_knownerror(manager, problem=problem)
    for name in ("investigate", "work_around"):
        problem = move(problem, name, by=manager)
    problem = revise(problem, {"stop_reason": "The device is replaced in May."}, by=manager)
    vote(ask(problem, "accept", by=manager), by=approver, agrees=True)
    problem = move(problem, "accept", by=manager, note="Cheaper than looking further")
    problem = move(problem, "take_up_again", by=manager, note="It got worse")
    problem = move(problem, "work_around", by=manager)
    with pytest.raises(NotOpen, match="1 person must approve it first"):
        move(problem, "accept", by=manager, note="Still cheaper")
    assert standings(problem) == ["used"]
    assert Problem.objects.get(pk=problem.pk).state == "workaround_known"


def test_an_asking_ends_with_the_state_it_was_asked_in(
    request_awaiting: ServiceRequest, manager: Person, approver: Person
) -> None:
    asked = current(request_awaiting, "approve")
    assert asked is not None
    move(request_awaiting, "cancel", by=manager, note="She does not start after all")
    assert standings(request_awaiting) == ["void"]
    asked.refresh_from_db()
    with pytest.raises(PermissionDenied, match="no longer open"):
        vote(asked, by=approver, agrees=True)


def test_nobody_votes_on_what_was_withdrawn(
    criteria: MajorIncidentCriteria, manager: Person, approver: Person
) -> None:
    asked = ask(criteria, "put_in_force", by=manager)
    withdraw(criteria, by=manager, note="Filed twice")
    assert standings(criteria) == ["void"]
    with pytest.raises(ValidationError, match="was withdrawn"):
        vote(asked, by=approver, agrees=True)
    assert awaiting(approver) == []


# Asked by the program


def test_what_the_program_asked_it_asks_anew_when_the_content_changes(
    request_awaiting: ServiceRequest, manager: Person, approver: Person
) -> None:
    revise(request_awaiting, {"description": "She starts in June."}, by=approver)
    assert standings(request_awaiting) == ["void", "open"]
    asked = current(request_awaiting, "approve")
    assert asked is not None
    with pytest.raises(PermissionDenied, match="what they asked for themselves"):
        vote(asked, by=approver, agrees=True)
    third = a_person("Olga Owner", roles=["service_owner"])
    vote(asked, by=third, agrees=True)
    request = ServiceRequest.objects.get(pk=request_awaiting.pk)
    assert request.state == "in_fulfilment"


def test_the_requester_does_not_agree_to_their_own_wish(manager: Person, approver: Person) -> None:
    model = a_model_in_force(manager, approvals_needed=1)
    wish = a_servicerequest(manager, request_model=model, requester=approver)
    asked = current(wish, "approve")
    assert asked is not None
    with pytest.raises(PermissionDenied, match="what they asked for themselves"):
        vote(asked, by=approver, agrees=True)
    assert awaiting(approver) == []


# Who is asked


def test_people_see_what_awaits_them_and_nobody_elses(
    request_awaiting: ServiceRequest, harbour: Organization, manager: Person
) -> None:
    with act("settle", by=None):
        rail = Organization.objects.create(name="Northern Rail", kind="customer")
    theirs = a_person("Minji Park", roles=["customer_manager"], organization=harbour)
    others = a_person("Dohyun Yoo", roles=["customer_manager"], organization=rail)
    asked = current(request_awaiting, "approve")
    assert asked is not None
    assert awaiting(theirs) == [asked]
    assert awaiting(others) == []
    assert awaiting(manager) == []
    assert may_vote(asked, request_awaiting, others) == "There is no such record for you."
    with pytest.raises(PermissionDenied, match="no such record for you"):
        vote(asked, by=others, agrees=True)
    vote(asked, by=theirs, agrees=True)
    assert awaiting(theirs) == []
