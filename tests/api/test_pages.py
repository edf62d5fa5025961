"""People make and revoke their tokens, and read what programs can do."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from verne.api.models import Token
from verne.engine.people import Person

pytestmark = pytest.mark.django_db


def test_a_token_is_made_shown_once_and_revoked(client: Client, manager: Person) -> None:
    client.force_login(manager)
    made = client.post("/settings/tokens/", {"name": "Monitoring", "kind": "write", "days": 30})
    page = made.content.decode()
    found = re.search(r"vrn_[\w-]{43}", page)
    assert found is not None
    assert found[0] not in client.get("/settings/tokens/").content.decode()
    caller = Client(headers={"Authorization": f"Bearer {found[0]}"})
    assert caller.get("/api/v1/me").json()["username"] == manager.username
    client.post(f"/settings/tokens/{Token.objects.get().pk}/revoke")
    assert caller.get("/api/v1/me").status_code == 401


def test_a_scope_that_fits_no_right_is_refused(client: Client, manager: Person) -> None:
    client.force_login(manager)
    answer = client.post(
        "/settings/tokens/",
        {"name": "x", "kind": "rights", "rights": "resolution.fly_incident", "days": 30},
    )
    assert answer.status_code == 422
    assert "fits no right" in answer.content.decode()
    assert not Token.objects.exists()


def test_nobody_revokes_the_token_of_somebody_else(
    client: Client, manager: Person, reader: Person
) -> None:
    token, _secret = Token.issue(manager, name="x", by=manager)
    client.force_login(reader)
    assert client.post(f"/settings/tokens/{token.pk}/revoke").status_code == 404
    assert client.get("/settings/tokens/").status_code == 200


def test_the_description_is_readable_for_people_and_programs(
    client: Client, manager: Person
) -> None:
    schema = client.get("/api/v1/openapi.json").json()
    assert schema["openapi"].startswith("3.1")
    operation = schema["paths"]["/api/v1/services"]["post"]
    assert operation["responses"]["422"] == {"$ref": "#/components/responses/Problem422"}
    problem = schema["components"]["responses"]["Problem422"]["content"]
    assert list(problem) == ["application/problem+json"]
    ids = [o["operationId"] for p in schema["paths"].values() for o in p.values()]
    assert len(ids) == len(set(ids))
    for _round in range(2):
        answer: Any = client.get("/api/v1/docs")
        page = answer.content.decode()
        assert "POST /api/v1/services" in page
        assert 'id="problem-stale"' in page
        outside = re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"', page)
        assert not outside
        assert "<style" not in page and " style=" not in page
        client.force_login(manager)
