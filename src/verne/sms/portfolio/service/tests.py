"""What services promise: stages with guards, requirements, overlaps, and what they prove."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from verne.engine.acts import NotOpen, act, link, move, revise, withdraw
from verne.engine.evidence import Asked, Evidence, answers
from verne.engine.people import Person, Team
from verne.engine.testing import a_person
from verne.sms.support.awareness.samples import a_campaign
from verne.sms.support.awareness.signing import acknowledge

from .models import Service, ServiceLife, go_live_needs
from .register import what_it_must_do
from .samples import (
    a_live_service,
    a_service,
    a_service_in_development,
    a_serviceoverlap,
    a_servicerequirement,
    an_agreed_requirement,
)

pytestmark = pytest.mark.django_db


def ask(key: str, **asked: Any) -> Evidence:
    return answers[key](Asked(**{"at": timezone.now()} | asked))


def figures(key: str, **asked: Any) -> tuple[int, int]:
    found = ask(key, **asked)
    return found.population.count(), found.exceptions.count()


def obstacles(service: Service, name: str) -> list[str]:
    fresh = Service.objects.get(pk=service.pk)
    return fresh.lifecycle.moves[name].obstacles(fresh)


def test_a_service_is_planned_only_with_a_need_and_a_priority(manager: Person) -> None:
    service = a_service(manager)
    with pytest.raises(NotOpen) as refused:
        move(service, "plan", by=manager)
    assert len(refused.value.messages) == 3


def test_development_waits_for_an_agreed_requirement(manager: Person) -> None:
    service = a_service(
        manager,
        portfolio_priority=1,
        requested_by="Sales",
        need="Reach us",
        criticality_basis="All",
    )
    service = move(service, "plan", by=manager)
    with pytest.raises(NotOpen, match="No requirement of it is agreed yet"):
        move(service, "develop", by=manager)
    an_agreed_requirement(manager, service=service)
    assert move(service, "develop", by=manager).state == "in_development"


def test_a_service_goes_live_when_every_process_agrees(manager: Person) -> None:
    service = a_live_service(manager)
    assert service.state == "live"
    assert service.value_confirmed_at is not None


def test_each_later_process_says_what_it_misses(manager: Person) -> None:
    service = a_service_in_development(manager)
    missing = obstacles(service, "go_live")
    assert len(missing) == len(go_live_needs) == 4
    assert all(guard in ServiceLife.go_live.guards for guard in go_live_needs)


def test_a_requirement_in_draft_keeps_it_from_going_live(manager: Person) -> None:
    service = a_service_in_development(manager)
    a_servicerequirement(manager, service=service)
    assert "A requirement of it is still in draft." in obstacles(service, "go_live")


def test_dependencies_are_linked_or_stated_as_none(manager: Person) -> None:
    service = a_service_in_development(manager, stands_alone=False)
    missing = "Link the services it depends on, or state that there are none."
    assert missing in obstacles(service, "go_live")
    link(service, "depends_on", a_service(manager, title="Network"), by=manager)
    assert missing not in obstacles(service, "go_live")


def test_a_service_in_use_is_removed_with_a_date_and_a_reason(manager: Person) -> None:
    service = a_live_service(manager)
    with pytest.raises(NotOpen):
        move(service, "begin_removal", by=manager, note="Nobody uses it")
    day = timezone.now().date() + timedelta(days=30)
    service = move(
        service, "begin_removal", by=manager, note="Nobody uses it", values={"removal_date": day}
    )
    assert move(service, "remove", by=manager, note="Switched off").state == "removed"


def test_customers_see_the_services_they_are_given(
    manager: Person, customer: Person, harbour: Any
) -> None:
    mine = a_service(manager, title="Payments", customers=[harbour])
    a_service(manager, title="Payroll")
    assert list(Service.objects.visible_to(customer)) == [mine]


def test_its_page_shows_what_it_must_do(manager: Person, stranger: Person) -> None:
    service = a_service(manager)
    requirement = an_agreed_requirement(manager, service=service)
    assert [row[0] for row in what_it_must_do(service, manager)] == [requirement]
    assert what_it_must_do(service, stranger) == []


def test_a_service_does_not_overlap_with_itself(manager: Person) -> None:
    service = a_service(manager)
    with pytest.raises(ValidationError, match="two different services"):
        a_serviceoverlap(manager, service=service, other=service)


def test_an_overlap_is_settled_by_a_decision(manager: Person) -> None:
    overlap = a_serviceoverlap(manager)
    with pytest.raises(NotOpen, match="Decision is not filled in"):
        move(overlap, "decide", by=manager)
    decided = move(
        overlap, "decide", by=manager, values={"decision": "Join them in the document library."}
    )
    assert decided.decided_at is not None


# What services prove


@pytest.mark.parametrize(
    "key",
    [
        "service-value-stated",
        "doc-service-requirements",
        "requirements-per-service",
        "criticality-set",
        "dependencies-managed",
    ],
)
def test_without_services_there_is_nothing_to_prove(key: str, db: None) -> None:
    assert figures(key) == (0, 0)


@pytest.mark.parametrize(
    "key",
    [
        "service-value-stated",
        "doc-service-requirements",
        "requirements-per-service",
        "criticality-set",
        "dependencies-managed",
    ],
)
def test_a_service_that_went_live_by_the_rules_proves_it(key: str, manager: Person) -> None:
    a_live_service(manager)
    assert figures(key) == (1, 0)


def test_value_that_is_blank_or_old_is_no_proof(manager: Person) -> None:
    service = a_live_service(manager)
    later = timezone.now() + timedelta(days=400)
    assert figures("service-value-stated", at=later) == (1, 1)
    revise(service, {"value_to_customer": "   "}, by=manager)
    assert figures("service-value-stated") == (1, 1)


def test_confirming_renews_value_and_criticality(manager: Person) -> None:
    past = timezone.now() - timedelta(days=400)
    service = a_live_service(manager, at=past)
    assert figures("service-value-stated") == (1, 1)
    assert figures("criticality-set") == (1, 1)
    move(service, "confirm", by=manager, note="Nothing has changed")
    assert figures("service-value-stated") == (1, 0)
    assert figures("criticality-set") == (1, 0)


def test_a_live_service_outside_the_scope_is_not_counted(manager: Person) -> None:
    revise(a_live_service(manager), {"in_scope": False}, by=manager)
    assert figures("doc-service-requirements") == (0, 0)


def test_a_live_service_whose_requirements_are_retired_has_none(manager: Person) -> None:
    service = a_live_service(manager)
    for requirement in service.requirements.all():
        move(requirement, "retire", by=manager, note="No longer asked for")
    assert figures("doc-service-requirements") == (1, 1)
    assert figures("requirements-per-service") == (1, 1)


def test_a_requirement_without_a_source_does_not_count(manager: Person) -> None:
    service = a_live_service(manager)
    for requirement in service.requirements.all():
        revise(requirement, {"source": ""}, by=manager)
    assert figures("requirements-per-service") == (1, 1)


def test_a_planned_service_needs_a_requirement_too(manager: Person) -> None:
    service = a_service(manager, portfolio_priority=1, requested_by="Sales", need="Reach us")
    move(service, "plan", by=manager)
    assert figures("requirements-per-service") == (1, 1)


def test_amending_after_going_live_does_not_make_it_an_early_start(manager: Person) -> None:
    service = a_live_service(manager)
    other = an_agreed_requirement(manager, service=service, title="Mail is kept for ten years")
    move(other, "amend", by=manager, note="Seven years will do")
    a_servicerequirement(manager, service=service, title="Mail can be signed")
    assert figures("requirements-per-service") == (1, 0)


def test_a_service_live_while_a_requirement_was_in_draft_is_told(manager: Person) -> None:
    # The guard would not have it, so it happens as it would in a database brought from elsewhere.
    service = a_service_in_development(manager)
    a_servicerequirement(manager, service=service)
    with act("move", by=manager, record=service.pk, name="go_live", kind="portfolio.service"):
        Service.objects.filter(pk=service.pk).update(state="live")
    assert figures("requirements-per-service") == (1, 1)


def test_criticality_without_its_basis_is_no_proof(manager: Person) -> None:
    service = a_live_service(manager)
    revise(service, {"criticality_basis": " "}, by=manager)
    assert figures("criticality-set") == (1, 1)


def test_a_proposal_needs_no_criticality_yet(manager: Person) -> None:
    a_service(manager, criticality=None)
    assert figures("criticality-set") == (0, 0)


def test_an_undecided_overlap_is_an_exception(manager: Person) -> None:
    service = a_live_service(manager)
    other = a_service(manager, title="Chat")
    overlap = a_serviceoverlap(manager, service=service, other=other)
    assert figures("dependencies-managed") == (2, 1)
    move(overlap, "decide", by=manager, values={"decision": "Keep both: one is for the shops."})
    assert figures("dependencies-managed") == (2, 0)


def test_a_dependency_on_a_withdrawn_service_does_not_count(manager: Person) -> None:
    service = a_live_service(manager)
    network = a_service(manager, title="Network")
    link(service, "depends_on", network, by=manager)
    revise(service, {"stands_alone": False}, by=manager)
    assert figures("dependencies-managed") == (1, 0)
    withdraw(network, by=manager, note="Filed twice")
    assert figures("dependencies-managed") == (1, 1)


def test_a_service_owner_confirms_but_does_not_put_live(manager: Person) -> None:
    owner = a_person("Olga Owner", roles=["service_owner"])
    service = a_live_service(manager)
    move(service, "confirm", by=owner, note="Still right")
    with pytest.raises(Exception, match="roles do not let you"):
        move(service, "begin_removal", by=owner, note="Old")


def test_people_know_the_services_their_work_is_for(manager: Person, reader: Person) -> None:
    assert figures("aware-services") == (2, 2)
    service = a_live_service(manager)
    known = move(a_campaign(manager, about_services=True), "launch", by=manager)
    acknowledge(known, by=manager)
    acknowledge(known, by=reader)
    # The reader signed, yet nothing ties them to a service.
    assert figures("aware-services") == (2, 1)
    with act("settle", by=None):
        desk = Team.objects.create(name="Service desk")
        desk.members.add(reader)
    revise(service, {"first_line": desk}, by=manager)
    assert figures("aware-services") == (2, 0)
    assert figures("aware-services", at=timezone.now() + timedelta(days=400)) == (2, 2)
