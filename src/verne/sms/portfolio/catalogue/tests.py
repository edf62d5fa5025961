"""What the catalogue promises: who reads which entry, and that it stays right."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from verne.engine.acts import NotOpen, act, link, move, revise, withdraw
from verne.engine.evidence import Asked, answers
from verne.engine.people import Organization, Person
from verne.engine.records import Sheet
from verne.engine.rights import scope

from ..service.samples import a_live_service, a_service, a_service_in_development
from .models import CatalogueEntry
from .register import what_it_depends_on
from .samples import a_catalogueentry, a_published_entry

pytestmark = pytest.mark.django_db


def figures(key: str) -> tuple[int, int]:
    found = answers[key](Asked(timezone.now()))
    return found.population.count(), found.exceptions.count()


def read_by(person: Person) -> list[str]:
    return sorted(CatalogueEntry.objects.visible_to(person).values_list("title", flat=True))


def test_an_entry_says_what_one_achieves_before_it_is_published(manager: Person) -> None:
    entry = a_catalogueentry(manager, intended_outcomes="")
    with pytest.raises(NotOpen, match="Intended outcomes"):
        move(entry, "publish", by=manager)


def test_a_service_in_development_is_announced_for_a_day(manager: Person) -> None:
    entry = a_catalogueentry(manager)
    with pytest.raises(NotOpen, match="announced"):
        move(entry, "publish", by=manager)
    day = timezone.now().date()
    assert move(entry, "publish", by=manager, values={"announced_for": day}).published_at


def test_a_proposed_service_is_not_announced(manager: Person) -> None:
    entry = a_catalogueentry(
        manager, service=a_service(manager), announced_for=timezone.now().date()
    )
    with pytest.raises(NotOpen, match="not live"):
        move(entry, "publish", by=manager)


def test_what_it_depends_on_is_read_from_the_links(manager: Person) -> None:
    service = a_service_in_development(manager, stands_alone=False)
    network = a_service(manager, title="Network")
    entry = a_catalogueentry(manager, service=service, announced_for=timezone.now().date())
    with pytest.raises(NotOpen, match="Link the services it depends on"):
        move(entry, "publish", by=manager)
    link(service, "depends_on", network, by=manager)
    move(entry, "publish", by=manager)
    assert [row[0] for row in what_it_depends_on(entry, manager)] == [network]


def test_a_change_of_the_service_asks_for_confirmation(manager: Person) -> None:
    entry = a_published_entry(manager)
    assert not entry.is_outdated
    revise(entry.service, {"description": "Mail, and chat from now on."}, by=manager)
    entry = CatalogueEntry.objects.get(pk=entry.pk)
    assert entry.is_outdated
    assert list(CatalogueEntry.objects.to_confirm()) == [entry]
    entry = move(entry, "confirm", by=manager)
    assert not entry.is_outdated
    assert not CatalogueEntry.objects.to_confirm().exists()


def test_a_live_service_stays_in_some_view(manager: Person) -> None:
    service = a_live_service(manager)
    entry = service.catalogue_entries.get()
    with pytest.raises(NotOpen, match="no other entry describes it"):
        move(entry, "take_down", by=manager, note="Out of fashion")
    with pytest.raises(ValidationError, match="no other entry describes it"):
        withdraw(entry, by=manager, note="Out of fashion")
    a_published_entry(manager, service=service, title="Mail for branches")
    assert move(entry, "take_down", by=manager, note="Replaced").state == "withdrawn"


def test_customers_read_what_is_published_for_them(
    manager: Person, customer: Person, harbour: Organization
) -> None:
    with act("settle", by=None):
        other = Organization.objects.create(name="Northern Rail", kind="customer")
    a_published_entry(manager, title="For all customers")
    a_published_entry(manager, title="For Harbour", audience=[harbour])
    a_published_entry(manager, title="For both", audience=[harbour, other])
    a_published_entry(manager, title="For Northern", audience=[other])
    a_published_entry(manager, title="For us", readers="internal")
    a_catalogueentry(manager, title="Not published yet")
    assert read_by(customer) == ["For Harbour", "For all customers", "For both"]
    assert len(read_by(manager)) == 6
    sheets = Sheet.objects.filter(scope(customer, Sheet), kind="portfolio.catalogueentry")
    assert sheets.count() == 3


# What the catalogue proves


@pytest.mark.parametrize("key", ["doc-catalogue", "catalogue-entry-content"])
def test_an_empty_catalogue_proves_nothing(key: str, db: None) -> None:
    assert figures(key) == (0, 0)


def test_a_live_service_in_the_catalogue_proves_it(manager: Person) -> None:
    a_live_service(manager)
    assert figures("doc-catalogue") == (1, 0)
    assert figures("catalogue-entry-content") == (1, 0)


def test_a_live_service_without_an_entry_is_an_exception(manager: Person) -> None:
    service = a_live_service(manager)
    with act("settle", by=None, note="As in a database brought from elsewhere"):
        CatalogueEntry.objects.filter(service=service).update(state="draft")
    assert figures("doc-catalogue") == (1, 1)
    assert figures("catalogue-entry-content") == (0, 0)


@pytest.mark.parametrize("field", ["description", "intended_outcomes"])
def test_an_entry_that_says_too_little_is_an_exception(field: str, manager: Person) -> None:
    entry = a_published_entry(manager)
    revise(entry, {field: "  "}, by=manager)
    assert figures("catalogue-entry-content") == (1, 1)


def test_an_entry_of_a_service_with_unknown_dependencies_is_an_exception(manager: Person) -> None:
    entry = a_published_entry(manager)
    facts: dict[str, Any] = {"stands_alone": False}
    revise(entry.service, facts, by=manager)
    assert figures("catalogue-entry-content") == (1, 1)
