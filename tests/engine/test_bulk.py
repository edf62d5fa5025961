"""Many records at once leave what one record leaves: checks, history, a place in the search."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.utils import timezone

from verne.engine import search
from verne.engine.acts import file, revise
from verne.engine.bulk import PastAct, as_changed, as_filed, bulk_file, bulk_history
from verne.engine.history import Act, Entry, as_it_was
from verne.engine.people import Organization, Person
from verne.engine.records import Sheet
from verne.sms.portfolio.service.models import Service, ServiceRequirement
from verne.sms.relationship.agreement.models import Agreement

pytestmark = pytest.mark.django_db

MONDAY = datetime(2024, 3, 4, 9, 0, tzinfo=UTC)


def services(count: int, **facts: Any) -> list[dict[str, Any]]:
    return [{"title": f"Print room {n}", "criticality": 2} | facts for n in range(count)]


def test_every_record_gets_a_reference_an_act_and_its_entries(manager: Person) -> None:
    filed = bulk_file(Service, services(30), by=manager, at=MONDAY)
    refs = [record.ref for record in filed.taken]
    assert len(set(refs)) == 30
    assert all(ref.startswith("SVC-") for ref in refs)
    one = Service.objects.get(ref=refs[7])
    assert (one.title, one.state, one.filed_at) == ("Print room 7", "proposed", MONDAY)
    assert list(one.acts.values_list("verb", "via", "at")) == [("file", "import", MONDAY)]
    tables = Entry.objects.filter(record=one.pk, op="I").values_list("table", flat=True)
    assert set(tables) == {"engine_sheet", Service._meta.db_table}


def test_numbers_go_on_where_bulk_filing_ended(manager: Person) -> None:
    last = bulk_file(Service, services(5), by=manager).taken[-1]
    after = file(Service, {"title": "Telephony"}, by=manager)
    assert int(after.ref.split("-")[1]) == int(last.ref.split("-")[1]) + 1
    assert after.pk > last.pk


def test_a_row_that_cannot_be_taken_is_refused_and_the_others_are_not(manager: Person) -> None:
    rows = services(4)
    rows[1]["title"] = ""
    rows[2]["criticality"] = 9
    rows[3]["first_line"] = 4711
    filed = bulk_file(Service, rows, by=manager)
    assert [record is not None for record in filed.records] == [True, False, False, False]
    assert [(r.row, *r.reasons) for r in filed.refused] == [
        (1, "title"),
        (2, "criticality"),
        (3, "first_line"),
    ]
    assert Service.objects.count() == 1


def test_relations_and_rows_of_parts_come_along(manager: Person, harbour: Organization) -> None:
    service = bulk_file(Service, services(1, customers=[harbour]), by=manager).taken[0]
    assert list(service.customers.all()) == [harbour]
    needs = [{"title": f"Need {n}", "service": service} for n in range(3)]
    assert len(bulk_file(ServiceRequirement, needs, by=manager).taken) == 3
    rows = [
        {
            "title": "Counter service",
            "customer": harbour,
            "services": [service.pk],
            "targets": [{"measure": "resolve", "priority": 1, "seconds": 3600}],
        }
    ]
    agreement = bulk_file(Agreement, rows, by=manager).taken[0]
    assert agreement.targets.get().seconds == 3600
    assert Entry.objects.filter(record=agreement.pk, table=agreement.targets.model._meta.db_table)


def test_a_record_comes_as_it_stood_elsewhere(manager: Person) -> None:
    rows = services(1, state="live", source_key="OLD-1", filed_at=MONDAY)
    service = bulk_file(Service, rows, by=manager).taken[0]
    service.refresh_from_db()
    assert (service.state, service.source_key, service.filed_at) == ("live", "OLD-1", MONDAY)


def test_the_same_external_reference_is_refused_twice(manager: Person) -> None:
    again = services(1, source_key="OLD-1")
    assert bulk_file(Service, again, by=manager).taken
    assert not bulk_file(Service, again, by=manager).taken
    assert len(bulk_file(Service, services(2, source_key="OLD-2"), by=manager).taken) == 1


def test_what_is_filed_in_bulk_is_found_by_its_words(manager: Person) -> None:
    record = bulk_file(Service, services(1, title="Plotter in the basement"), by=manager).taken[0]
    assert list(search.narrow(Sheet.objects.all(), "plotter")) == [Sheet.objects.get(pk=record.pk)]


def test_importing_needs_the_right_to(agent: Person) -> None:
    with pytest.raises(PermissionDenied):
        bulk_file(Service, services(1), by=agent)


def test_a_record_imported_with_its_past_is_shown_as_it_was(manager: Person) -> None:
    service = bulk_file(
        Service, services(1, state="live", filed_at=MONDAY), by=manager, trail=False
    ).taken[0]
    friday = MONDAY + timedelta(days=4)
    past = [
        PastAct(
            MONDAY, "file", service.pk, rows=as_filed(service, state="proposed", title="Tender")
        ),
        PastAct(
            friday,
            "move",
            service.pk,
            by=manager.pk,
            name="go_live",
            rows=as_changed(
                Service,
                service.pk,
                {"state": "proposed", "title": "Tender"},
                {"state": "live", "title": service.title},
            ),
        ),
    ]
    assert bulk_history(past, by=manager, note="Their log") == 2

    def state_at(at: datetime) -> tuple[str, str] | None:
        found = as_it_was(service, at)
        return (found.state, found.title) if found else None

    assert state_at(MONDAY - timedelta(seconds=1)) is None
    assert state_at(MONDAY + timedelta(days=1)) == ("proposed", "Tender")
    assert state_at(friday) == ("live", service.title)
    assert state_at(timezone.now()) == ("live", service.title)
    told = Act.objects.get(record=service.pk, name="go_live")
    assert (told.via, told.at) == ("import", friday)
    assert told.recorded_at > timezone.now() - timedelta(minutes=1)
    assert Service.objects.all().after("go_live", since=MONDAY).get() == service


def test_history_of_the_future_is_refused(manager: Person) -> None:
    service = bulk_file(Service, services(1), by=manager).taken[0]
    tomorrow = timezone.now() + timedelta(days=1)
    with pytest.raises(ValueError, match="past"), transaction.atomic():
        bulk_history([PastAct(tomorrow, "revise", service.pk)], by=manager)


def test_a_record_from_a_bulk_is_revised_like_any_other(manager: Person) -> None:
    service = bulk_file(Service, services(1), by=manager).taken[0]
    revised = revise(service, {"title": "Copy shop"}, by=manager, version=1)
    assert (revised.version, revised.title) == (2, "Copy shop")
    with pytest.raises(DatabaseError), transaction.atomic():
        service.save()


def test_checks_cost_queries_by_batch_and_not_by_row(
    manager: Person, django_assert_max_num_queries: Any
) -> None:
    bulk_file(Service, services(1, owner=manager), by=manager)
    with django_assert_max_num_queries(40):
        bulk_file(Service, services(500, owner=manager), by=manager)
