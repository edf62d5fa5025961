"""Lists are asked for by parameters alone, and every page of them is reached."""

from __future__ import annotations

import base64
import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from verne.engine import listing
from verne.engine.acts import act, file, revise, withdraw
from verne.engine.listing import NotUnderstood, words
from verne.engine.people import Organization, Person
from verne.engine.register import by_slug
from verne.engine.testing import a_person
from verne.sms.portfolio.service.models import Service
from verne.sms.portfolio.service.samples import a_service
from verne.sms.resolution.classification.samples import a_category

pytestmark = pytest.mark.django_db

SERVICES = by_slug("services")


def titles(rows: list[Any]) -> list[str]:
    return [row.title for row in rows]


def walked(person: Person, size: int, **params: str) -> list[str]:
    """Every row, by following `next` from the first page to the last."""
    found: list[str] = []
    after = ""
    while True:
        page = listing.page(SERVICES, person, params | {"after": after}, size)
        found += titles(page.rows)
        if page.next is None:
            return found
        after = page.next


@pytest.fixture
def nine(manager: Person) -> list[Service]:
    """Nine services; three have no removal date, and two share one."""
    today = date(2027, 3, 1)
    days = [today + timedelta(days=n // 2) if n < 6 else None for n in range(9)]
    return [
        a_service(manager, title=f"Service {n}", removal_date=day) for n, day in enumerate(days)
    ]


@pytest.mark.parametrize("sort", ["title", "-title", "removal_date", "-removal_date", "ref"])
@pytest.mark.parametrize("size", [1, 2, 4, 9, 20])
def test_following_next_shows_every_record_once(
    manager: Person, nine: list[Service], sort: str, size: int
) -> None:
    whole = titles(listing.page(SERVICES, manager, {"sort": sort}, 50).rows)
    assert sorted(whole) == sorted(service.title for service in nine)
    assert walked(manager, size, sort=sort) == whole


@pytest.mark.parametrize("sort", ["title", "-removal_date", "removal_date"])
def test_previous_leads_back_to_the_page_one_came_from(
    manager: Person, nine: list[Service], sort: str
) -> None:
    first = listing.page(SERVICES, manager, {"sort": sort}, 3)
    second = listing.page(SERVICES, manager, {"sort": sort, "after": first.next or ""}, 3)
    third = listing.page(SERVICES, manager, {"sort": sort, "after": second.next or ""}, 3)
    back = listing.page(SERVICES, manager, {"sort": sort, "before": third.previous or ""}, 3)
    assert titles(back.rows) == titles(second.rows)
    again = listing.page(SERVICES, manager, {"sort": sort, "before": back.previous or ""}, 3)
    assert titles(again.rows) == titles(first.rows)
    assert again.previous is None
    assert third.next is None


def test_what_has_no_date_comes_last_in_both_directions(
    manager: Person, nine: list[Service]
) -> None:
    for sort in ("removal_date", "-removal_date"):
        rows = listing.page(SERVICES, manager, {"sort": sort}, 50).rows
        assert [row.removal_date is None for row in rows] == [False] * 6 + [True] * 3


def test_a_page_deep_in_the_list_asks_no_more_queries(manager: Person, nine: list[Service]) -> None:
    first = listing.page(SERVICES, manager, {}, 2)
    with CaptureQueriesContext(connection) as near:
        second = listing.page(SERVICES, manager, {"after": first.next or ""}, 2)
    third = listing.page(SERVICES, manager, {"after": second.next or ""}, 2)
    with CaptureQueriesContext(connection) as far:
        listing.page(SERVICES, manager, {"after": third.next or ""}, 2)
    assert len(far) == len(near) == 1
    assert "COUNT(" not in far.captured_queries[0]["sql"]


def test_an_order_of_the_cover_sheet_is_one_its_index_has(
    manager: Person, nine: list[Service]
) -> None:
    first = listing.page(SERVICES, manager, {"sort": "-filed_at"}, 2)
    with CaptureQueriesContext(connection) as queries:
        listing.page(SERVICES, manager, {"sort": "-filed_at", "after": first.next or ""}, 2)
    order = queries.captured_queries[0]["sql"].rpartition("ORDER BY")[2]
    # Numbered by the table of the type, every record would be sorted for every page.
    assert order.count('"engine_sheet".') == 2


def test_counts_stop_at_a_limit(manager: Person, nine: list[Service]) -> None:
    rows = listing.page(SERVICES, manager, {}).selection
    assert listing.bounded_count(rows, 5) == (5, True)
    assert listing.bounded_count(rows, 9) == (9, False)


@pytest.fixture
def common(manager: Person, monkeypatch: pytest.MonkeyPatch) -> list[Service]:
    """Twenty services, of which every third says "lift": more than are sorted without a thought."""
    monkeypatch.setattr(words, "MANY", 4)
    monkeypatch.setattr(words, "GROUPS", (2, 30))
    monkeypatch.setattr(words, "SCATTERED", 1_000)
    day = date(2027, 3, 1)
    return [
        a_service(
            manager,
            title=f"Lift {n}" if n % 3 == 0 else f"Stairs {n}",
            removal_date=day + timedelta(days=n % 4) if n % 2 else None,
        )
        for n in range(20)
    ]


@pytest.mark.parametrize("sort", ["", "-filed_at", "ref", "-ref", "removal_date", "-removal_date"])
@pytest.mark.parametrize("groups", [(2, 30), (1, 3), (100,)])
def test_a_common_word_gives_the_list_that_any_word_does(
    manager: Person,
    common: list[Service],
    monkeypatch: pytest.MonkeyPatch,
    sort: str,
    groups: tuple[int, ...],
) -> None:
    monkeypatch.setattr(words, "GROUPS", groups)
    wanted = {"q": "lift", "sort": sort}
    found = [walked(manager, size, **wanted) for size in (1, 3, 50)]
    page = listing.page(SERVICES, manager, wanted, 2)
    second = listing.page(SERVICES, manager, wanted | {"after": page.next or ""}, 2)
    before = listing.page(SERVICES, manager, wanted | {"before": second.previous or ""}, 2)
    assert titles(before.rows) == titles(page.rows) and before.previous is None
    assert page.count == (7, False)
    monkeypatch.setattr(words, "MANY", 1_000)
    expected = walked(manager, 50, **wanted)
    assert len(expected) == 7
    assert found == [expected] * 3


def test_a_common_word_is_looked_for_along_the_list(manager: Person, common: list[Service]) -> None:
    with CaptureQueriesContext(connection) as queries:
        page = listing.page(SERVICES, manager, {"q": "lift", "sort": "-ref"}, 2)
    assert titles(page.rows) == ["Lift 18", "Lift 15"]
    if connection.vendor == "sqlite":
        assert "BETWEEN" in queries.captured_queries[2]["sql"]
    with CaptureQueriesContext(connection) as queries:
        assert listing.page(SERVICES, manager, {"q": "lift 18"}, 2).count == (1, False)
    assert not any("BETWEEN" in query["sql"] for query in queries.captured_queries)


def test_a_filter_takes_any_of_its_values(manager: Person) -> None:
    for title, criticality in (("Mail", 1), ("Print", 2), ("Fax", 3)):
        a_service(manager, title=title, criticality=criticality)
    page = listing.page(SERVICES, manager, {"criticality": ["1", "3"], "sort": "title"})
    assert titles(page.rows) == ["Fax", "Mail"]


def test_mine_and_nobodys(manager: Person, approver: Person) -> None:
    a_service(manager, title="Mine")
    a_service(manager, title="Theirs", owner=approver)
    a_service(manager, title="Nobody's", owner=None)
    assert titles(listing.page(SERVICES, manager, {"owner": "me"}).rows) == ["Mine"]
    assert titles(listing.page(SERVICES, manager, {"owner": "none"}).rows) == ["Nobody's"]
    both = listing.page(SERVICES, manager, {"owner": ["none", str(approver.pk)], "sort": "title"})
    assert titles(both.rows) == ["Nobody's", "Theirs"]


def test_a_record_of_many_customers_is_listed_once(manager: Person) -> None:
    with act("settle", by=None):
        customers = [
            Organization.objects.create(name=f"Customer {n}", kind="customer") for n in range(3)
        ]
    user = a_person("Nora Voss", roles=["customer_user"], organization=customers[0])
    a_service(manager, title="Shared", customers=customers)
    keys = [str(c.pk) for c in customers]
    register = by_slug("services")
    assert register is not None
    rows = register.model.objects.filter(listing.filter_of(Service, "customers", keys, manager))
    assert titles(list(rows)) == ["Shared"]
    assert titles(listing.page(SERVICES, user, {}).rows) == ["Shared"]


def test_relations_are_filtered_by_reference(manager: Person) -> None:
    mail, fax = a_service(manager, title="Mail"), a_service(manager, title="Fax")
    from verne.sms.portfolio.service.samples import a_servicerequirement

    a_servicerequirement(manager, service=mail, title="Fast")
    a_servicerequirement(manager, service=fax, title="Loud")
    register = by_slug("service-requirements")
    page = listing.page(register, manager, {"service": mail.ref.lower()})
    assert titles(page.rows) == ["Fast"]


def test_withdrawn_records_are_left_out_unless_asked_for(manager: Person) -> None:
    a_service(manager, title="Stays")
    withdraw(a_service(manager, title="Slip"), by=manager, note="Filed twice")
    assert titles(listing.page(SERVICES, manager, {}).rows) == ["Stays"]
    assert titles(listing.page(SERVICES, manager, {"standing": "withdrawn"}).rows) == ["Slip"]
    assert len(listing.page(SERVICES, manager, {"standing": "all"}).rows) == 2


def test_open_and_closed_follow_the_lifecycle(manager: Person) -> None:
    from verne.engine.testing import walk

    network, printing = a_category(manager, title="Network"), a_category(manager, title="Printing")
    walk(printing, "retire", by=manager, note="Nobody prints any more")
    register = by_slug("categories")
    assert titles(listing.page(register, manager, {"standing": "open"}).rows) == [network.title]
    assert titles(listing.page(register, manager, {"standing": "closed"}).rows) == [printing.title]


def test_times_are_filtered_by_days_ago_and_by_spans(manager: Person) -> None:
    file(Service, {"title": "Old"}, by=manager, at=timezone.now() - timedelta(days=40))
    file(Service, {"title": "New"}, by=manager)
    assert titles(listing.page(SERVICES, manager, {"filed_at": "-7d"}).rows) == ["New"]
    today = timezone.localdate().isoformat()
    assert titles(listing.page(SERVICES, manager, {"filed_at": f"..{today}"}).rows) == [
        "New",
        "Old",
    ]
    assert titles(listing.page(SERVICES, manager, {"filed_at": f"{today}.."}).rows) == ["New"]


def test_words_narrow_the_list(manager: Person) -> None:
    a_service(manager, title="Payment terminal")
    a_service(manager, title="Warehouse")
    assert titles(listing.page(SERVICES, manager, {"q": "payment"}).rows) == ["Payment terminal"]


@pytest.mark.parametrize(
    ("params", "parameter", "hint"),
    [
        ({"ownr": "me"}, "ownr", "owner"),
        ({"sort": "colour"}, "sort", "title"),
        ({"sort": "description"}, "sort", "title"),
        ({"state": "asleep"}, "state", "live"),
        ({"columns": "ref,colour"}, "columns", "title"),
        ({"after": "!!"}, "after", "first page"),
        ({"size": "9999"}, "size", "200"),
        ({"in_scope": "perhaps"}, "in_scope", "yes"),
        ({"filed_at": "yesterday"}, "filed_at", "-7d"),
        ({"owner": "Ada"}, "owner", "me"),
        ({"standing": "asleep"}, "standing", "open"),
    ],
)
def test_a_parameter_that_means_nothing_is_refused_with_what_could_be_asked(
    manager: Person, params: dict[str, str], parameter: str, hint: str
) -> None:
    with pytest.raises(NotUnderstood) as refused:
        listing.page(SERVICES, manager, params)
    assert refused.value.parameter == parameter
    assert hint in refused.value.sentence


def test_a_cursor_of_another_order_is_refused(manager: Person, nine: list[Service]) -> None:
    page = listing.page(SERVICES, manager, {"sort": "title"}, 2)
    with pytest.raises(NotUnderstood):
        listing.page(SERVICES, manager, {"sort": "-title", "after": page.next or ""}, 2)


def test_the_parameters_of_a_list_ask_for_it_again(manager: Person) -> None:
    asked = {"state": ["live", "planned"], "q": "mail", "sort": "-title", "columns": "ref,title"}
    wanted = listing.understand(SERVICES, asked)
    params: dict[str, list[str]] = {}
    for name, value in wanted.params():
        params.setdefault(name, []).append(value)
    assert listing.understand(SERVICES, params) == wanted


# --- Lists that are asked for all the time -------------------------------------------------------


def test_who_stands_alike_asks_in_the_same_words_and_sees_their_own(
    manager: Person, nine: list[Service]
) -> None:
    people = [a_person(name, roles=["sms_manager"]) for name in ("Mina Seo", "Jun Park")]
    for person, service in zip(people, nine, strict=False):
        revise(service, {"owner": person}, by=manager)
    for person, service in zip(people, nine, strict=False):
        page = listing.page(SERVICES, person, {"owner": "me"}, 1)
        assert titles(page.rows) == [service.title]
        assert page.count == (1, False)


def test_a_list_follows_what_changes_between_two_askings(
    manager: Person, nine: list[Service]
) -> None:
    for _round in range(2):
        page = listing.page(SERVICES, manager, {"sort": "title"}, 4)
        assert titles(page.rows) == [f"Service {n}" for n in range(4)]
    withdraw(nine[0], by=manager, note="Filed twice")
    page = listing.page(SERVICES, manager, {"sort": "title"}, 4)
    assert titles(page.rows) == [f"Service {n}" for n in range(1, 5)]
    assert page.count == (8, False)


@pytest.mark.parametrize(
    ("params", "usual"),
    [
        ({}, True),
        ({"standing": "open", "sort": "-title"}, True),
        ({"state": "live", "owner": "me"}, True),
        ({"q": "mail"}, False),
        ({"filed_at": "-7d"}, False),
        ({"at": "2026-11-01"}, False),
    ],
)
def test_what_somebody_types_and_what_means_another_time_tomorrow_is_not_kept(
    params: dict[str, str], usual: bool
) -> None:
    assert listing.is_usual(listing.understand(SERVICES, params)) is usual


def test_where_every_row_is_numbered_only_the_number_of_a_cursor_counts(
    manager: Person, nine: list[Service]
) -> None:
    first = listing.page(SERVICES, manager, {"sort": "ref"}, 2)
    order, _value, number = json.loads(base64.urlsafe_b64decode(f"{first.next}=="))
    made_up = base64.urlsafe_b64encode(json.dumps([order, "x", number]).encode()).decode()
    page = listing.page(SERVICES, manager, {"sort": "ref", "after": made_up.rstrip("=")}, 2)
    assert titles(page.rows) == ["Service 2", "Service 3"]
