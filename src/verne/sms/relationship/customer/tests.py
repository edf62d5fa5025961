"""What customers promise: somebody looks after each, and talks with them in an agreed way."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from verne.engine.acts import NotOpen, act, move, revise, withdraw
from verne.engine.evidence import Asked, answers
from verne.engine.people import Organization, Person
from verne.engine.testing import a_person
from verne.sms.portfolio.service.samples import a_live_service, a_service

from .models import Customer
from .register import what_it_receives
from .samples import a_customer, an_active_customer

pytestmark = pytest.mark.django_db


def figures(key: str) -> tuple[int, int]:
    found = answers[key](Asked(timezone.now()))
    return found.population.count(), found.exceptions.count()


def test_a_customer_is_taken_on_with_a_manager_and_an_arrangement(manager: Person) -> None:
    customer = a_customer(manager, relationship_manager=None, communication="")
    with pytest.raises(NotOpen) as refused:
        move(customer, "activate", by=manager)
    assert len(refused.value.messages) == 2
    values = {"relationship_manager": manager, "communication": "A call every Monday."}
    assert move(customer, "activate", by=manager, values=values).state == "active"


def test_nobody_who_left_looks_after_a_customer(manager: Person) -> None:
    gone = a_person("Gone Geller", roles=["business_relationship_manager"], active=False)
    customer = a_customer(manager, relationship_manager=gone)
    with pytest.raises(NotOpen, match="no longer active"):
        move(customer, "activate", by=manager)


def test_a_customer_does_not_look_after_itself(manager: Person, customer: Person) -> None:
    with pytest.raises(NotOpen, match="no longer active here"):
        move(a_customer(manager, relationship_manager=customer), "activate", by=manager)


def test_an_organization_is_on_file_once(manager: Person, harbour: Organization) -> None:
    first = a_customer(manager, organization=harbour)
    with pytest.raises(ValidationError, match="on file as a customer already"):
        a_customer(manager, organization=harbour)
    withdraw(first, by=manager, note="A slip")
    assert a_customer(manager, organization=harbour).state == "prospective"


def test_only_customers_are_filed_as_customers(manager: Person) -> None:
    with act("settle", by=None):
        supplier = Organization.objects.create(name="Line Works", kind="supplier")
    with pytest.raises(ValidationError, match="organization that is a customer"):
        a_customer(manager, organization=supplier)


def test_we_do_not_part_while_services_are_live(manager: Person) -> None:
    service = a_live_service(manager)
    customer = Customer.objects.get(organization__services=service)
    with pytest.raises(NotOpen, match="still receives live services"):
        move(customer, "part", by=manager, note="The contract ends")
    revise(service, {"customers": []}, by=manager)
    assert move(customer, "part", by=manager, note="The contract ends").state == "former"


def test_its_page_shows_what_it_receives(manager: Person, harbour: Organization) -> None:
    customer = a_customer(manager, organization=harbour)
    service = a_service(manager, customers=[harbour])
    assert [row[0] for row in what_it_receives(customer, manager)] == [service]


def test_its_representative_reads_its_own_record(manager: Person, harbour: Organization) -> None:
    mine = a_customer(manager, organization=harbour)
    a_customer(manager)
    head = a_person("Minji Park", roles=["customer_manager"], organization=harbour)
    assert list(Customer.objects.visible_to(head)) == [mine]


# What customers prove


def test_without_customers_there_is_nothing_to_prove(db: None) -> None:
    assert figures("customer-owner-designated") == (0, 0)


def test_a_prospect_needs_no_manager_yet(manager: Person) -> None:
    a_customer(manager, relationship_manager=None)
    assert figures("customer-owner-designated") == (0, 0)


def test_a_customer_whose_manager_left_is_an_exception(manager: Person) -> None:
    keeper = a_person("Kim Keeper", roles=["business_relationship_manager"])
    an_active_customer(manager, relationship_manager=keeper)
    assert figures("customer-owner-designated") == (1, 0)
    with act("settle", by=manager, note="Left us"):
        Person.objects.filter(pk=keeper.pk).update(active=False)
    assert figures("customer-owner-designated") == (1, 1)
