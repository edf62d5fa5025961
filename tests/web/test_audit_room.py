"""A guest in the audit room: their pages, and every other address of the program."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from verne.api.models import Token
from verne.engine.acts import act, move, revise
from verne.engine.people import Organization, Person
from verne.engine.testing import a_person
from verne.sms.evaluation.audit.request import EvidenceRequest
from verne.sms.evaluation.room.models import AuditRoom
from verne.sms.evaluation.room.samples import an_auditroom
from verne.sms.evaluation.sampling.models import AuditSample
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.incident.samples import an_incident
from verne.sms.resolution.problem.models import Problem
from verne.sms.resolution.problem.samples import a_problem
from verne.web.pages.audits.confining import OF_ONES_OWN

pytestmark = pytest.mark.django_db

SECRET = "The merger nobody may hear of"


@pytest.fixture
def guest(db: None) -> Person:
    with act("settle", by=None):
        body = Organization.objects.create(name="Hansa Cert", kind="other")
    return a_person("Karl Brandt", roles=["external_auditor"], organization=body)


@pytest.fixture
def room(manager: Person, guest: Person) -> AuditRoom:
    room = an_auditroom(manager, clauses="8.6.1", guests=[guest], may_note=True)
    return move(room, "let_in", by=manager)


@pytest.fixture
def incident(manager: Person) -> Incident:
    return an_incident(manager, title="Terminal offline")


@pytest.fixture
def problem(manager: Person) -> Problem:
    """Of a clause that the room does not show."""
    return a_problem(manager, title=SECRET)


@pytest.fixture
def client(guest: Person) -> Client:
    client = Client()
    client.force_login(guest)
    return client


def addresses(problem: Problem) -> Iterator[tuple[str, str]]:
    """Every address of the program by its name, made to lead to what the room does not show."""
    values = {
        "ref": problem.ref,
        "slug": "problems",
        "name": "owner",
        "key": "problems-prioritized",
        "id": "8.6.3-1",
        "number": "1",
        "what": "parameter",
        "token": "x",
        "path": "x",
    }
    yield from _walk(get_resolver().url_patterns, "/", values)


def _walk(
    patterns: list[URLPattern | URLResolver], before: str, values: dict[str, str]
) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        there = before + re.sub(
            r"<(?:\w+:)?(\w+)>", lambda m: values.get(m[1], "1"), str(pattern.pattern)
        )
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, there, values)
        elif "(?P" not in there:
            yield pattern.name or "", there


def test_every_other_address_is_not_there(
    room: AuditRoom, problem: Problem, client: Client
) -> None:
    found = 0
    for name, address in addresses(problem):
        if name in OF_ONES_OWN | {"room", "room-draw", "room-ask", "room-note"}:
            continue
        for send in (client.get, client.post):
            answer = send(address)
            found += 1
            if name == "today":
                assert answer.headers["Location"] == "/room/"
                continue
            # A move is only ever sent, so that looking at one says nothing of the record.
            usual = {"sign-in": (200, 302), "record-move": (404, 405)}
            gone = usual.get(name, (401, 403, 404))
            assert answer.status_code in gone, f"{name} {address}: {answer.status_code}"
            if not answer.streaming:
                assert SECRET not in answer.content.decode(errors="replace"), address
    assert found > 150


def test_the_room_shows_obligations_records_and_an_end(
    room: AuditRoom, incident: Incident, problem: Problem, client: Client
) -> None:
    page = client.get("/room/").content.decode()
    assert "/room/obligation/8.6.1.a/" in page
    assert "/incidents/" in page
    assert "/problems/" not in page
    assert "Every page you open here is noted." in page
    assert client.get("/room/obligation/8.6.1.a/").status_code == 200
    assert incident.ref in client.get("/room/check/incidents-recorded-classified/").content.decode()
    assert client.get("/room/obligation/8.6.3-1/").status_code == 404
    assert client.get("/room/check/problems-prioritized/").status_code == 404
    assert client.get(f"/r/{incident.ref}").status_code == 200
    assert client.get("/incidents/").status_code == 200


def test_a_record_page_offers_a_guest_nothing_to_change(
    room: AuditRoom, incident: Incident, client: Client
) -> None:
    page = client.get(f"/r/{incident.ref}").content.decode()
    assert f"/r/{incident.ref}/edit" not in page
    assert "<textarea" not in page
    for step in incident.lifecycle.moves:
        client.post(f"/r/{incident.ref}/move/{step}", {"move_note": "Let me"})
    assert Incident.objects.get(pk=incident.pk).version == incident.version
    assert client.post(f"/r/{incident.ref}/comment", {"text": "I was here"}).status_code == 404


def test_each_page_is_noted_once(room: AuditRoom, incident: Incident, client: Client) -> None:
    client.get("/room/")
    client.get(f"/r/{incident.ref}")
    client.get(f"/r/{incident.ref}/panels", headers={"HX-Request": "true"})
    client.get("/profile/")
    assert list(room.views.order_by("pk").values_list("path", "ref")) == [
        ("/room/", ""),
        (f"/r/{incident.ref}", incident.ref),
    ]


def test_a_guest_draws_asks_and_notes(
    room: AuditRoom, incident: Incident, client: Client, guest: Person
) -> None:
    sent = {"title": "Incidents", "source": "/incidents/", "method": "random"}
    drawn = client.post("/room/draw/", sent)
    sample = AuditSample.objects.get()
    assert drawn.headers["Location"] == f"/r/{sample.ref}/bench"
    bench = client.get(drawn.headers["Location"]).content.decode()
    assert "Terminal offline" in bench
    client.post(f"/r/{sample.ref}/bench", {"item": 1, "seen": 1, "verdict": "conform"})
    assert sample.items.get().judged_by == guest
    client.post("/room/ask/", {"title": "Minutes", "wanted": "Of the last three reviews"})
    assert EvidenceRequest.objects.get().room == room
    refused = client.post("/room/note/", {"title": "Odd", "obligation": "8.6.1.zz"})
    assert refused.status_code == 422


def test_what_a_room_does_not_allow_is_not_there(
    room: AuditRoom, manager: Person, client: Client
) -> None:
    revise(room, {"may_sample": False, "may_ask": False, "may_note": False}, by=manager)
    for name in ("draw", "ask", "note"):
        assert client.get(f"/room/{name}/").status_code == 404, name


def test_when_the_room_is_closed_nothing_is_left(
    room: AuditRoom, incident: Incident, manager: Person, client: Client
) -> None:
    move(room, "close", by=manager)
    assert client.get(f"/r/{incident.ref}").status_code == 404
    assert client.get("/incidents/").status_code == 404
    page = client.get("/room/").content.decode()
    assert "No room is open for you" in page
    assert incident.ref not in page


def test_nobody_else_enters_the_room(manager: Person, customer: Person) -> None:
    for person in (manager, customer):
        client = Client()
        client.force_login(person)
        assert client.get("/room/").status_code == 404
    assert Client().get("/room/").status_code == 302


def test_the_programs_interface_knows_no_guests(
    room: AuditRoom, incident: Incident, guest: Person, manager: Person
) -> None:
    _token, secret = Token.issue(guest, name="Script", scope=("read",), by=manager)
    answer = Client().get(
        f"/api/v1/incidents/{incident.ref}", headers={"Authorization": f"Bearer {secret}"}
    )
    assert answer.status_code == 401
