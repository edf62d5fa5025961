"""A crawl over every address as everybody who could be curious: nothing is told that is not theirs.

It grows by itself: registers, moves, fields and addresses are read from the program. An address
that takes something the crawl does not know makes it fail and say what to add to tests/crawl.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from verne.engine.printing import press

from . import crawl
from .crawl import World, addresses, ask, cases, client_of, leaks, routes

WHOLE = os.environ.get("VERNE_CRAWL") == "whole"
"""`VERNE_CRAWL=whole ./verne test tests/test_crawl.py` asks everything, and takes three minutes;
any other run asks a part of it."""

WHO = (
    "customer",
    "other customer",
    "supplier",
    "guest",
    "stranger",
    "gone",
    "nobody",
    "reader",
    "agent",
)
pytestmark = pytest.mark.django_db
each = pytest.mark.parametrize("who", WHO)


def built(blocker: Any, patch: pytest.MonkeyPatch) -> Iterator[World]:
    # Of a PDF no word can be read back; what the press is given can, and is given sooner.
    patch.setattr(press, "_compiled", lambda compiler, at, *, standards: compiler)
    with blocker.unblock(), transaction.atomic():
        yield crawl.build(whole=WHOLE)
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Every variant of every register; in a run of less than everything one of each, in turn."""
    with pytest.MonkeyPatch.context() as patch:
        yield from built(django_db_blocker, patch)


def test_every_address_can_be_asked() -> None:
    wrong = crawl.what_cannot_be_filled(routes())
    assert not wrong, "\n".join(wrong)


@each
def test_nobody_is_told_what_is_not_theirs(world: World, who: str) -> None:
    client = client_of(world, who)
    found, asked = [], set()
    for route, known in cases(world, who, share=1 if WHOLE else 24):
        for address in addresses(world, route, known):
            if address not in asked:
                asked.add(address)
                found += leaks(world, who, ask(world, who, client, "get", address), address)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("who", ["customer", "supplier", "stranger", "gone", "nobody", "reader"])
def test_nobody_changes_what_is_not_theirs(world: World, who: str) -> None:
    client = client_of(world, who)
    found = []
    for route, known in cases(world, who, share=8 if WHOLE else 48):
        if route.name in crawl.OF_ONES_OWN or world.may_be_told(who, known.number, "p"):
            continue
        for address in addresses(world, route, known):
            if "?" not in address:
                found += crawl.changes(world, who, client, address, known)
    assert not found, "\n".join(found)


def test_what_is_told_and_done_is_noticed(world: World) -> None:
    """Somebody who may do everything is told much and does much: the crawl would say so."""
    world.people["manager"] = world.by
    client = client_of(world, "manager")
    known = next(k for k in world.records if k.variant == "open")
    page = ask(world, "manager", client, "get", f"/r/{known.record.ref}")
    assert {(known.number, "t"), (known.number, "i"), (known.number, "j")} <= crawl.told(page)
    assert leaks(world, "stranger", page, "/")
    assert leaks(world, "customer", page, "/")
    done = crawl.changes(world, "manager", client, f"/r/{known.record.ref}/comment", known)
    assert any("did comment" in each for each in done)
    export = f"/{known.register.slug}/export?format=xlsx"
    assert (known.number, "t") in crawl.told(ask(world, "manager", client, "get", export))
    del world.people["manager"]


def test_an_address_that_nobody_thought_of_is_named() -> None:
    new = [crawl.Route("weather", "weather/<int:number>/"), crawl.Route("wind", "wind/<str:way>/")]
    wrong = "\n".join(crawl.what_cannot_be_filled([*routes(), *new]))
    assert "weather: add 'weather number' to FILLS of tests/crawl.py" in wrong
    assert "wind: add 'wind way' to FILLS" in wrong
