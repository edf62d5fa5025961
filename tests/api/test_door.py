"""Who comes in, and how everything that goes wrong is told."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from verne.api import once
from verne.api.models import Answer, Token, TokenUse
from verne.engine.acts import act
from verne.engine.history import Entry
from verne.engine.people import Person
from verne.engine.register import register_of
from verne.engine.testing import sample
from verne.sms.portfolio.service.models import Service

pytestmark = pytest.mark.django_db

SERVICES = register_of("portfolio.service")


def assert_problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("/api/v1/docs#problem-")
    assert problem["title"] and problem["detail"]
    return problem


# --- Tokens --------------------------------------------------------------------------------------


def test_a_token_is_kept_as_a_hash_and_its_history_hides_even_that(manager: Person) -> None:
    token, secret = Token.issue(manager, name="Monitoring", by=manager)
    assert secret.startswith("vrn_") and len(secret) > 44
    row = Token.objects.get(pk=token.pk)
    assert secret not in json.dumps(row.__dict__, default=str)
    entry = Entry.objects.get(table=Token._meta.db_table, row=token.pk)
    assert row.digest not in json.dumps(entry.after)
    assert 89 <= (row.expires_at - timezone.now()).days <= 90


def test_an_expired_revoked_or_wrong_token_opens_nothing(manager: Person, program: Any) -> None:
    caller = program(manager)
    assert caller.get("/me").status_code == 200
    token = Token.objects.get()
    with act("settle", by=manager):
        Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert_problem(caller.get("/me"), 401)
    with act("settle", by=manager):
        Token.objects.update(expires_at=timezone.now() + timedelta(days=1))
    assert caller.get("/me").status_code == 200
    token.revoke(by=manager)
    answer = caller.get("/me")
    assert_problem(answer, 401)
    assert answer["WWW-Authenticate"].startswith("Bearer")
    for wrong in ("Bearer vrn_guess", "Bearer", "Basic YTpi", "vrn_x", "Bearer \x00"):
        assert_problem(caller.get("/me", Authorization=wrong), 401)


def test_a_token_dies_with_the_person(manager: Person, program: Any) -> None:
    caller = program(manager)
    with act("settle", by=manager):
        Person.objects.filter(pk=manager.pk).update(active=False)
    assert_problem(caller.get("/me"), 401)


def test_a_token_for_reading_reads_and_no_more(manager: Person, program: Any) -> None:
    record = sample(SERVICES, manager)
    reading = program(manager, "read")
    assert reading.get(f"/services/{record.ref}").status_code == 200
    assert_problem(reading.patch(f"/services/{record.ref}", {"title": "x"}), 403)
    rights = reading.get("/me").json()["rights"]
    assert rights
    assert all(".view_" in right or right == "engine.export_records" for right in rights)


def test_a_token_for_some_rights_does_only_that(manager: Person, program: Any) -> None:
    record = sample(SERVICES, manager)
    filing = program(manager, "portfolio.view_service", "portfolio.file_service")
    assert filing.post("/services", {"title": "Maps"}).status_code == 201
    assert_problem(filing.patch(f"/services/{record.ref}", {"title": "x"}), 403)
    assert filing.get("/incidents").json()["items"] == []


def test_when_a_token_was_last_used_is_known(manager: Person, api: Any) -> None:
    api.get("/me")
    use = TokenUse.objects.get()
    assert timezone.now() - use.last_at < timedelta(minutes=1)
    assert not Entry.objects.filter(table=TokenUse._meta.db_table).exists()


# --- Sessions ------------------------------------------------------------------------------------


def test_a_session_reads_and_writes_with_the_csrf_token_only(manager: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(manager)
    assert client.get("/api/v1/services").status_code == 200
    body = json.dumps({"title": "Maps"})
    refused = client.post("/api/v1/services", body, content_type="application/json")
    assert_problem(refused, 403)
    client.cookies["csrftoken"] = token = "a" * 32
    taken = client.post(
        "/api/v1/services",
        body,
        content_type="application/json",
        headers={"X-CSRFToken": token},
    )
    assert taken.status_code == 201, taken.content


def test_a_session_is_not_lent_to_other_sites(manager: Person, client: Client) -> None:
    client.force_login(manager)
    elsewhere = client.get("/api/v1/services", headers={"Sec-Fetch-Site": "cross-site"})
    assert_problem(elsewhere, 401)


# --- Problems ------------------------------------------------------------------------------------


def test_without_a_token_there_is_nothing(client: Client) -> None:
    assert_problem(client.get("/api/v1/services"), 401)
    assert_problem(client.post("/api/v1/services", "{}", content_type="application/json"), 401)


def test_an_address_that_leads_nowhere_is_a_problem_too(api: Any, client: Client) -> None:
    assert_problem(api.get("/nothing/here"), 404)
    assert_problem(api.get("/colours/RED-1/history"), 404)
    assert_problem(api.get("/services/SVC-999"), 404)
    assert_problem(api.post("/services/SVC-999/moves/plan", {}), 404)
    assert_problem(client.get("/api/v2/"), 404)
    assert_problem(client.get("/api/"), 404)


def test_a_wrong_method_says_which_are_right(api: Any) -> None:
    answer = api("delete", "/services")
    assert_problem(answer, 405)
    assert set(answer["Allow"].replace(" ", "").split(",")) >= {"GET", "POST"}


def test_a_body_in_another_format_is_refused(api: Any) -> None:
    answer = api.client.post(
        "/api/v1/services", {"title": "x"}, headers={"Authorization": f"Bearer {api.secret}"}
    )
    assert_problem(answer, 415)


@pytest.mark.parametrize("body", ["{", "[" * 100_000, '{"title": NaN}', '"', "\udcff"])
def test_broken_json_is_refused(body: str, api: Any) -> None:
    answer = api.client.generic(
        "POST",
        "/api/v1/services",
        body.encode("utf-8", "surrogateescape"),
        content_type="application/json",
        headers={"Authorization": f"Bearer {api.secret}"},
    )
    assert answer.status_code in (400, 422)
    assert_problem(answer, answer.status_code)


def test_a_body_that_is_too_large_is_refused(api: Any, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert_problem(api.post("/services", {"title": "x", "need": "y" * 2000}), 413)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/title"),
        ({"title": ""}, "/title"),
        ({"title": "x" * 201}, "/title"),
        ({"title": 7}, "/title"),
        ({"title": "x", "colour": "red"}, "/colour"),
        ({"title": "x", "in_scope": "yes"}, "/in_scope"),
        ({"title": "x", "portfolio_priority": "1"}, "/portfolio_priority"),
        ({"title": "x", "portfolio_priority": -1}, "/portfolio_priority"),
        ({"title": "x", "portfolio_priority": 99999}, "/portfolio_priority"),
        ({"title": "x", "criticality": 9}, "/criticality"),
        ({"title": "x", "removal_date": 20260101}, "/removal_date"),
        ({"title": "x", "removal_date": "2026-02-30"}, "/removal_date"),
        ({"title": "x", "owner": "nobody"}, "/owner"),
        ({"title": "x", "customers": ["Nobody & Co"]}, "/customers"),
        ({"title": "a\x00b"}, "/title"),
        ({"title": "a\ud800b"}, "/title"),
        ({"title": "x", "a\ud800": 1}, ""),
        ([], ""),
        ("x", ""),
    ],
)
def test_a_wrong_field_is_pointed_at(body: Any, pointer: str, api: Any) -> None:
    problem = assert_problem(api.post("/services", body), 422)
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert not Service.objects.exists()


def test_instants_need_a_zone(api: Any, manager: Person) -> None:
    incident = sample(register_of("resolution.incident"), manager)
    schema = register_of("resolution.incident")
    name = next(
        f.name
        for f in schema.model._meta.fields
        if f.get_internal_type() == "DateTimeField" and f.editable and f.name in schema.fields()
    )
    path = f"/incidents/{incident.ref}"
    for wrong in ("2026-03-31 14:30", 1774967400, "2026-03-31T25:00:00Z", "0001-01-01T00:00:00Z"):
        problem = assert_problem(api.patch(path, {name: wrong}), 422)
        assert problem["errors"][0]["pointer"] == f"/{name}"
    taken = api.patch(path, {name: "2026-03-31T14:30:00+02:00"})
    assert taken.status_code in (200, 422)
    if taken.status_code == 200:
        assert taken.json()[name] == "2026-03-31T12:30:00Z"


def test_a_fault_of_ours_is_a_problem_without_its_secrets(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from verne.engine import listing

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(listing, "understand", broken)
    problem = assert_problem(api.get("/services"), 500)
    assert "hunter2" not in json.dumps(problem)


# --- Idempotency ---------------------------------------------------------------------------------


def test_a_request_sent_twice_is_done_once(api: Any) -> None:
    first = api.post("/services", {"title": "Maps"}, Idempotency_Key="order-7")
    second = api.post("/services", {"title": "Maps"}, Idempotency_Key="order-7")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second["Idempotent-Replayed"] == "true"
    assert (second["ETag"], second["Location"]) == (first["ETag"], first["Location"])
    assert Service.objects.count() == 1


def test_the_same_key_for_something_else_is_refused(api: Any) -> None:
    api.post("/services", {"title": "Maps"}, Idempotency_Key="order-7")
    problem = assert_problem(
        api.post("/services", {"title": "Fax"}, Idempotency_Key="order-7"), 422
    )
    assert problem["type"].endswith("key-reused")
    assert Service.objects.count() == 1


def test_a_request_that_failed_may_be_sent_again_with_its_key(api: Any) -> None:
    assert api.post("/services", {"title": ""}, Idempotency_Key="k").status_code == 422
    assert (
        api.post("/services", {"title": "x", "owner": "no"}, Idempotency_Key="k").status_code == 422
    )
    assert api.post("/services", {"title": "Maps"}, Idempotency_Key="k").status_code == 201


def test_a_key_belongs_to_one_person(api: Any, approver: Person, program: Any) -> None:
    api.post("/services", {"title": "Maps"}, Idempotency_Key="1")
    assert program(approver).post("/services", {"title": "Fax"}, Idempotency_Key="1").json()[
        "title"
    ] == ("Fax")


def test_after_a_day_a_key_is_forgotten(api: Any) -> None:
    api.post("/services", {"title": "Maps"}, Idempotency_Key="1")
    Answer.objects.update(at=timezone.now() - timedelta(hours=25))
    assert api.post("/services", {"title": "Fax"}, Idempotency_Key="1").status_code == 201
    Answer.objects.update(at=timezone.now() - timedelta(hours=25))
    assert once.forget(timezone.now()) == 1


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_once_with_one_key_have_one_effect(manager: Person, program: Any) -> None:
    callers = [program(manager) for _n in range(4)]
    barrier = threading.Barrier(len(callers))
    answers: list[Any] = []

    def send(caller: Any) -> None:
        barrier.wait()
        try:
            answers.append(caller.post("/services", {"title": "Maps"}, Idempotency_Key="one"))
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=[caller]) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["ref"] for answer in answers}) == 1
    assert Service.objects.count() == 1
