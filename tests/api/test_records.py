"""Programs do what people do, by the same verbs, and are told in the same words why not."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from jsonschema_rs import Draft202012Validator

from verne.api.api import description
from verne.api.words import shown
from verne.engine.acts import act, file, revise
from verne.engine.history import Act
from verne.engine.people import Organization, Person
from verne.engine.register import Register, register_of, registers
from verne.engine.testing import a_person, sample
from verne.sms.portfolio.service.models import Service
from verne.sms.support.document.samples import a_disposal

pytestmark = pytest.mark.django_db

each = pytest.mark.parametrize("register", registers.values(), ids=lambda r: r.model.__name__)
SERVICES = register_of("portfolio.service")


def validator(name: str) -> Draft202012Validator:
    schema = description()
    return Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": schema["components"]}
    )


# --- Every register ------------------------------------------------------------------------------


@each
def test_a_record_is_read_as_its_schema_says(
    register: type[Register], manager: Person, api: Any
) -> None:
    record = sample(register, manager)
    answer = api.get(f"/{register.slug}/{record.ref}")
    assert answer.status_code == 200
    validator(register.model.__name__).validate(answer.json())
    assert set(register.fields()) | set(register.parts) <= answer.json().keys()
    listed = api.get(f"/{register.slug}")
    validator(f"{register.model.__name__}List").validate(listed.json())
    assert answer.json() in listed.json()["items"]


@each
def test_sending_back_what_was_read_changes_nothing(
    register: type[Register], manager: Person, api: Any
) -> None:
    record = sample(register, manager)
    answer = api.get(f"/{register.slug}/{record.ref}")
    names = {*register.fields(), *register.parts}
    editable = {
        n
        for n in names
        if getattr(f := register.model._meta.get_field(n), "editable", False) or f.one_to_many
    }
    body = {name: value for name, value in answer.json().items() if name in editable}
    again = api.patch(f"/{register.slug}/{record.ref}", body, If_Match=answer["ETag"])
    assert again.status_code == 200, again.json()
    assert again.json() == answer.json()


@each
def test_a_stranger_finds_nothing_and_a_reader_changes_nothing(
    register: type[Register], manager: Person, reader: Person, stranger: Person, program: Any
) -> None:
    record = sample(register, manager)
    path = f"/{register.slug}/{record.ref}"
    nobody = program(stranger)
    assert nobody.get(path).status_code == 404
    assert nobody.get(f"/{register.slug}").json()["items"] == []
    looking = program(reader)
    if looking.get(path).status_code == 200:
        assert looking.patch(path, {"title": "Mine now"}).status_code == 403


@each
def test_a_longer_list_asks_no_more_queries(
    register: type[Register], manager: Person, api: Any
) -> None:
    counts = []
    for _round in range(3):
        sample(register, manager)
        with CaptureQueriesContext(connection) as queries:
            assert api.get(f"/{register.slug}").status_code == 200
        counts.append(len(queries))
    assert counts[1] == counts[2]


# --- The life of one record ----------------------------------------------------------------------


def test_a_service_is_filed_revised_and_moved(api: Any, manager: Person) -> None:
    filed = api.post(
        "/services",
        {"title": "Point of sale", "owner": "ada-kim", "need": "Tills"},
        Idempotency_Key="1",
    )
    assert filed.status_code == 201
    record = filed.json()
    assert filed["Location"] == f"/api/v1/services/{record['ref']}"
    assert (record["state"], record["owner"], filed["ETag"]) == ("proposed", "ada-kim", '"1"')
    path = f"/services/{record['ref']}"
    refused = api.post(f"{path}/moves/plan", {})
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("not-open")
    assert any("priority" in reason.lower() for reason in refused.json()["reasons"])
    revised = api.patch(path, {"portfolio_priority": 1}, If_Match='"1"')
    assert (revised.status_code, revised["ETag"]) == (200, '"2"')
    moved = api.post(
        f"{path}/moves/plan", {"values": {"requested_by": "Harbour Retail"}}, If_Match='"2"'
    )
    assert (moved.status_code, moved.json()["state"]) == (200, "planned")
    assert set(Act.objects.filter(record__ref=record["ref"]).values_list("via", flat=True)) == {
        "api"
    }


def test_two_programs_editing_one_record_are_told_apart(api: Any, manager: Person) -> None:
    record = sample(SERVICES, manager)
    path = f"/services/{record.ref}"
    assert api.patch(path, {"title": "First"}, If_Match='"1"').status_code == 200
    late = api.patch(path, {"title": "Second"}, If_Match='"1"')
    assert late.status_code == 412
    problem = late.json()
    assert (problem["current"]["title"], problem["yours"]["title"]) == ("First", "Second")
    assert problem["current_etag"] == '"2"'
    assert api.patch(path, {"title": "Second"}, If_Match='"2"').json()["title"] == "Second"


def test_an_unchanged_record_is_not_sent_again(api: Any, manager: Person) -> None:
    record = sample(SERVICES, manager)
    answer = api.get(f"/services/{record.ref}", If_None_Match='"1"')
    assert (answer.status_code, answer.content) == (304, b"")


def test_names_stand_for_people_teams_organizations_and_records(
    api: Any, manager: Person, harbour: Organization
) -> None:
    service = sample(SERVICES, manager)
    changed = api.patch(f"/services/{service.ref}", {"customers": ["Harbour Retail"]})
    assert changed.json()["customers"] == ["Harbour Retail"]
    need = api.post("/service-requirements", {"title": "Tills open", "service": service.ref})
    assert need.json()["service"] == service.ref
    wrong = api.post(
        "/service-requirements", {"title": "x", "service": "SVC-999", "owner": "nobody"}
    )
    assert wrong.status_code == 422
    assert [e["pointer"] for e in wrong.json()["errors"]] == ["/service", "/owner"]


def test_rows_of_a_part_are_sent_with_the_record(
    api: Any, manager: Person, harbour: Organization
) -> None:
    body = {
        "title": "Counters",
        "customer": "Harbour Retail",
        "targets": [{"measure": "respond", "priority": 1, "seconds": 900}],
    }
    filed = api.post("/agreements", body)
    assert filed.status_code == 201, filed.json()
    path = f"/agreements/{filed.json()['ref']}"
    row = filed.json()["targets"][0]
    more = [row | {"seconds": 600}, {"measure": "resolve", "priority": 1, "seconds": 14400}]
    changed = api.patch(path, {"targets": more})
    assert changed.status_code == 200, changed.json()
    assert [r["seconds"] for r in changed.json()["targets"]] == [600, 14400]
    assert changed.json()["targets"][0]["pk"] == row["pk"]
    wrong = api.patch(path, {"targets": [row | {"seconds": "many"}]})
    assert wrong.json()["errors"][0]["pointer"] == "/targets/0/seconds"
    matrix = sample(register_of("resolution.prioritymatrix"), manager)
    cell = {"impact": 1, "urgency": 1, "gives": 1}
    twice = api.patch(f"/priority-matrices/{matrix.ref}", {"cells": [cell, cell]})
    assert twice.status_code == 422
    assert twice.json()["errors"][0]["pointer"] == "/cells/1"


def test_a_record_somebody_may_not_see_is_not_named_to_them(
    api: Any, manager: Person, program: Any
) -> None:
    service = sample(SERVICES, manager)
    requirement = sample(register_of("portfolio.servicerequirement"), manager, service=service)
    revise(service, {"restricted": True}, by=manager)
    helper = program(a_person("Olga Owner", roles=["service_portfolio_manager"]))
    assert helper.get(f"/services/{service.ref}").status_code == 404
    assert helper.get(f"/service-requirements/{requirement.ref}").json()["service"] is None
    assert api.get(f"/service-requirements/{requirement.ref}").json()["service"] == service.ref


def test_withdrawing_asks_why(api: Any, manager: Person) -> None:
    record = sample(SERVICES, manager)
    assert api.post(f"/services/{record.ref}/withdraw", {"note": ""}).status_code == 422
    gone = api.post(f"/services/{record.ref}/withdraw", {"note": "Filed twice"})
    assert gone.json()["withdrawn_at"] is not None
    assert api.get("/services").json()["items"] == []
    assert len(api.get("/services?standing=withdrawn").json()["items"]) == 1


# --- Lists ---------------------------------------------------------------------------------------


def test_lists_are_filtered_sorted_searched_and_paged(api: Any, manager: Person) -> None:
    for n in range(7):
        file(Service, {"title": f"Service {n}", "criticality": 1 + n % 2}, by=manager)
    file(Service, {"title": "Plotter"}, by=manager)
    high = api.get("/services?criticality=1&sort=-title").json()["items"]
    assert [r["title"] for r in high] == ["Service 6", "Service 4", "Service 2", "Service 0"]
    assert [r["title"] for r in api.get("/services?q=plot").json()["items"]] == ["Plotter"]
    page = api.get("/services?size=3&sort=title")
    titles = [r["title"] for r in page.json()["items"]]
    while page.json()["next"]:
        page = api.get(page.json()["next"].removeprefix("/api/v1"))
        titles += [r["title"] for r in page.json()["items"]]
    assert titles == ["Plotter", *(f"Service {n}" for n in range(7))]
    back = api.get(page.json()["previous"].removeprefix("/api/v1")).json()["items"]
    assert [r["title"] for r in back] == titles[3:6]


@pytest.mark.parametrize("query", ["colour=red", "size=0", "sort=need", "after=x", "columns=ref"])
def test_a_parameter_that_cannot_be_followed_is_named(query: str, api: Any) -> None:
    answer = api.get(f"/services?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == query.partition("=")[0]


# --- What belongs to a record --------------------------------------------------------------------


def test_links_are_made_read_and_ended(api: Any, manager: Person) -> None:
    mail, network = (sample(SERVICES, manager, title=t) for t in ("Mail", "Network"))
    made = api.post(f"/services/{mail.ref}/links", {"link": "depends_on", "ref": network.ref})
    assert (made.status_code, made.json()["ref"]) == (201, network.ref)
    again = api.post(f"/services/{mail.ref}/links", {"link": "depends_on", "ref": network.ref})
    assert again.json() == made.json()
    other = api.get(f"/services/{network.ref}/links").json()
    assert [(t["link"], t["ref"]) for t in other] == [("supports", mail.ref)]
    path = f"/services/{network.ref}/links/supports/{mail.ref}"
    assert api("delete", path).status_code == 204
    assert api.get(f"/services/{mail.ref}/links").json() == []
    assert api("delete", path).status_code == 422
    assert (
        api.post(
            f"/services/{mail.ref}/links", {"link": "depends_on", "ref": "SVC-999"}
        ).status_code
        == 422
    )


def test_comments_are_public_or_among_ourselves(
    manager: Person, customer: Person, harbour: Organization, program: Any, api: Any
) -> None:
    incident = sample(register_of("resolution.incident"), manager, customer=harbour)
    path = f"/incidents/{incident.ref}/comments"
    api.post(path, {"text": "Looks like the switch"})
    api.post(path, {"text": "We are on it", "public": True})
    theirs = program(customer)
    assert [c["text"] for c in theirs.get(path).json()] == ["We are on it"]
    assert theirs.post(path, {"text": "Shop 4 as well"}).json()["public"] is True
    assert len(api.get(path).json()) == 3
    history = theirs.get(f"/incidents/{incident.ref}/history").json()["items"]
    assert all(act["entries"] == [] and act["note"] == "" for act in history)
    assert sum(act["verb"] == "comment" for act in history) == 2


def test_history_is_read_page_by_page_with_the_rows_that_changed(api: Any, manager: Person) -> None:
    record = sample(SERVICES, manager)
    for n in range(4):
        revise(record, {"title": f"Title {n}"}, by=manager, note=f"Try {n}")
    page = api.get(f"/services/{record.ref}/history?size=3").json()
    assert [act["note"] for act in page["items"]] == ["Try 3", "Try 2", "Try 1"]
    change = page["items"][0]["entries"][0]
    assert (change["op"], change["after"]["title"]) == ("U", "Title 3")
    rest = api.get(page["next"].removeprefix("/api/v1")).json()
    assert [act["verb"] for act in rest["items"]] == ["revise", "file"]
    assert rest["next"] is None


def test_files_are_attached_and_read(
    api: Any, manager: Person, settings: Any, tmp_path: Any
) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    settings.VERNE_HOME = tmp_path
    record = sample(SERVICES, manager)
    path = f"/api/v1/services/{record.ref}/files"
    headers = {"Authorization": f"Bearer {api.secret}"}
    plan = SimpleUploadedFile("plan.txt", b"Move the tills first", "text/plain")
    made = api.client.post(path, {"file": plan}, headers=headers)
    assert made.status_code == 201, made.content
    number = made.json()["id"]
    got = api.get(f"/services/{record.ref}/files/{number}")
    assert b"".join(got.streaming_content) == b"Move the tills first"
    assert "attachment" in got["Content-Disposition"] or "inline" in got["Content-Disposition"]
    settings.MAX_FILE_BYTES = 10
    large = SimpleUploadedFile("plan.txt", b"Move the tills first", "text/plain")
    assert api.client.post(path, {"file": large}, headers=headers).status_code == 413
    assert api("delete", f"/services/{record.ref}/files/{number}").status_code == 422
    assert api("delete", f"/services/{record.ref}/files/{number}?note=Old").status_code == 204
    assert api.get(f"/services/{record.ref}/files").json() == []


def test_clocks_say_what_was_promised(api: Any, manager: Person) -> None:
    incident = sample(register_of("resolution.incident"), manager)
    clocks = api.get(f"/incidents/{incident.ref}/clocks").json()
    assert {c["measure"] for c in clocks} >= {"respond", "resolve"}
    assert all(c["events"][0]["kind"] == "start" for c in clocks)


def test_moves_say_what_stands_in_their_way(api: Any, manager: Person) -> None:
    record = sample(SERVICES, manager)
    moves = {m["name"]: m for m in api.get(f"/services/{record.ref}/moves").json()}
    assert moves["reject"]["open"] is True
    assert moves["plan"]["open"] is False
    assert moves["plan"]["reasons"]


def test_approval_is_asked_for_and_given_by_somebody_else(
    manager: Person, approver: Person, program: Any, api: Any
) -> None:
    kind, name = next(
        (register, move.name)
        for register in registers.values()
        for move in register.model.lifecycle.moves_from(register.model.lifecycle.initial.name)
        if move.approval is not None and not move.approval.signed
    )
    record = sample(kind, manager)
    path = f"/{kind.slug}/{record.ref}/approvals"
    asked = api.post(path, {"move": name})
    if asked.status_code == 201:
        number = asked.json()["id"]
        assert api.post(f"{path}/{number}/votes", {"agrees": True}).status_code == 403
        second = program(approver)
        assert second.post(f"{path}/{number}/votes", {"agrees": False}).status_code == 422
        given = second.post(f"{path}/{number}/votes", {"agrees": True})
        assert (given.status_code, given.json()["votes"][0]["by"]) == (200, approver.username)
    else:
        assert asked.status_code == 422
    assert api.get(path).status_code == 200


def test_a_signed_approval_takes_the_password_and_shows_the_signature(
    manager: Person, approver: Person, program: Any, api: Any
) -> None:
    with act("settle", by=None):
        approver.set_password("seven green lighthouses")
        approver.save(update_fields=["password"])
    disposal = a_disposal(manager)
    path = f"/disposals/{disposal.ref}/approvals"
    votes = f"{path}/{api.post(path, {'move': 'approve'}).json()['id']}/votes"
    second = program(approver)
    assert second.post(votes, {"agrees": True}).status_code == 422
    assert second.post(votes, {"agrees": True, "password": "guess"}).status_code == 422
    given = second.post(votes, {"agrees": True, "password": "seven green lighthouses"})
    [vote] = given.json()["votes"]
    assert (vote["signature"]["name"], vote["signature"]["way"]) == ("Petr Novak", "password")


def test_the_registers_describe_themselves(api: Any, stranger: Person, program: Any) -> None:
    found = {r["slug"]: r for r in api.get("/registers").json()}
    assert found["services"]["moves"][0]["name"] == "plan"
    assert "depends_on" in found["services"]["links"]
    assert program(stranger).get("/registers").json() == []
    assert api.get("/me").json()["username"] == "ada-kim"


def test_a_record_is_shown_alike_in_a_list_and_alone(manager: Person) -> None:
    from verne.api.common import schemas_of
    from verne.api.words import furnished

    record = sample(SERVICES, manager)
    schemas = schemas_of(SERVICES)
    one = furnished(schemas, Service.objects.filter(pk=record.pk)).get()
    assert shown(schemas, [one], manager)[0].keys() == schemas.shape.model_fields.keys()
