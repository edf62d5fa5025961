"""The service map: what a record stands on and takes with it, drawn and as a table."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from verne.engine.acts import link
from verne.engine.people import Person
from verne.sms.portfolio.service.models import Service
from verne.sms.portfolio.service.samples import a_service
from verne.sms.resolution.classification.samples import a_category
from verne.web.pages import map as maps

pytestmark = pytest.mark.django_db

Browse = Callable[[Person], Client]


@pytest.fixture
def shop(manager: Person) -> dict[str, Service]:
    """Tills stand on the network and on sign-in, sign-in on the network; mail on sign-in."""
    made = {name: a_service(manager, title=name) for name in ("Tills", "Mail", "Sign-in", "Lines")}
    for upper, lower in (
        ("Tills", "Lines"),
        ("Tills", "Sign-in"),
        ("Sign-in", "Lines"),
        ("Mail", "Sign-in"),
    ):
        link(made[upper], "depends_on", made[lower], by=manager)
    return made


def test_what_stands_on_a_record_is_above_it_and_what_it_stands_on_below(
    manager: Person, shop: dict[str, Service]
) -> None:
    drawn = maps.gather(shop["Sign-in"], manager, 2)
    levels = {node.sheet.title: node.level for node in drawn.nodes.values()}
    assert levels == {"Sign-in": 0, "Tills": 1, "Mail": 1, "Lines": -1}
    maps.place(drawn)
    heights = {node.sheet.title: node.y for node in drawn.nodes.values()}
    assert heights["Mail"] < heights["Sign-in"] < heights["Lines"]


def test_every_tie_among_the_records_shown_is_drawn_once(
    manager: Person, shop: dict[str, Service]
) -> None:
    drawn = maps.gather(shop["Sign-in"], manager, 2)
    title = {key: node.sheet.title for key, node in drawn.nodes.items()}
    assert {(title[upper], title[lower]) for upper, lower in drawn.ties} == {
        ("Tills", "Lines"),
        ("Tills", "Sign-in"),
        ("Sign-in", "Lines"),
        ("Mail", "Sign-in"),
    }


def test_no_two_boxes_lie_on_one_another(manager: Person) -> None:
    base = a_service(manager, title="Lines")
    for number in range(12):
        link(a_service(manager, title=f"Shop {number}"), "depends_on", base, by=manager)
    drawn = maps.gather(base, manager, 1)
    maps.place(drawn)
    places = {(node.x, node.y) for node in drawn.nodes.values()}
    assert len(places) == 13
    assert all(x >= 0 and x + maps.WIDTH <= drawn.width for x, _y in places)


def test_a_record_chosen_lights_up_what_it_takes_with_it(
    manager: Person, shop: dict[str, Service], browse: Browse
) -> None:
    page = browse(manager).get(f"/r/{shop['Tills'].ref}/map?chosen={shop['Lines'].ref}&depth=2")
    assert {sheet.title for sheet in page.context["taken"]} == {"Tills", "Sign-in"}
    assert "it takes 2 records of this map with it" in page.content.decode()


def test_the_table_holds_what_is_drawn(
    manager: Person, shop: dict[str, Service], browse: Browse
) -> None:
    page = browse(manager).get(f"/r/{shop['Mail'].ref}/map?depth=2")
    rows = {row.title: (row.how, row.through) for row in page.context["rows"]}
    assert rows == {
        "Sign-in": ("carries it", ""),
        "Lines": ("carries it, 2 steps away", shop["Sign-in"].ref),
    }
    assert str(page.context["drawing"]).count("<rect") == 3


def test_what_one_may_not_see_is_on_no_map(
    manager: Person, reader: Person, shop: dict[str, Service], browse: Browse
) -> None:
    from verne.engine.acts import revise

    revise(shop["Lines"], {"restricted": True}, by=manager)
    page = browse(reader).get(f"/r/{shop['Tills'].ref}/map").content.decode()
    assert "Sign-in" in page
    assert "Lines" not in page


def test_a_larger_map_asks_no_more_queries(
    manager: Person, shop: dict[str, Service], browse: Browse
) -> None:
    client = browse(manager)
    address = f"/r/{shop['Lines'].ref}/map?depth=1"
    client.get(address)
    with CaptureQueriesContext(connection) as small:
        client.get(address)
    for number in range(6):
        link(a_service(manager, title=f"Shop {number}"), "depends_on", shop["Lines"], by=manager)
    with CaptureQueriesContext(connection) as large:
        client.get(address)
    assert len(large) == len(small)


def test_a_record_alone_says_how_to_begin_and_other_types_have_no_map(
    manager: Person, browse: Browse
) -> None:
    client = browse(manager)
    assert (
        "Nothing is tied to it yet"
        in client.get(f"/r/{a_service(manager).ref}/map").content.decode()
    )
    assert client.get(f"/r/{a_category(manager).ref}/map").status_code == 404
