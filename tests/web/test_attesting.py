"""Signing a judgement on the page of an obligation: who may, what is asked, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from verne.conformity.attesting.models import Attestation
from verne.engine.acts import act
from verne.engine.people import Person
from verne.engine.testing import a_person

pytestmark = pytest.mark.django_db

Browse = Callable[[Person], Client]

PASSWORD = "seven green lighthouses"
PAGE = "/standard/obligation/5.1.j/"


@pytest.fixture
def director(db: None) -> Person:
    person = a_person("Dina Director", roles=["top_management"])
    with act("settle", by=None):
        person.set_password(PASSWORD)
        person.save(update_fields=["password"])
    return person


def said(**more: Any) -> dict[str, Any]:
    usual = {
        "judgement": "met",
        "statement": "Everybody knows whom to ask.",
        "reason": "I spoke with all four teams in March.",
        "valid_until": (timezone.now().date() + timedelta(days=200)).isoformat(),
        "password": PASSWORD,
    }
    return usual | more


def test_the_accountable_person_signs_on_the_page(director: Person, browse: Browse) -> None:
    client = browse(director)
    assert f"{PAGE}attest/" in client.get(PAGE).content.decode()
    assert client.post(f"{PAGE}attest/", said()).status_code == 302
    row = Attestation.objects.get()
    assert (row.state, row.signed_by) == ("signed", director)
    page = client.get(PAGE).content.decode()
    assert row.ref in page
    assert "Everybody knows whom to ask." in page


def test_a_wrong_password_signs_nothing(director: Person, browse: Browse) -> None:
    answer = browse(director).post(f"{PAGE}attest/", said(password="guess"))
    assert answer.status_code == 422
    assert "password" in answer.context["entry"].form.errors
    assert not Attestation.objects.exists()


def test_a_day_too_far_ahead_is_refused_at_the_form(director: Person, browse: Browse) -> None:
    far = (timezone.now().date() + timedelta(days=500)).isoformat()
    answer = browse(director).post(f"{PAGE}attest/", said(valid_until=far))
    assert answer.status_code == 422
    assert "one planned interval" in answer.content.decode()
    assert not Attestation.objects.exists()


def test_nobody_else_gets_to_the_form(reader: Person, browse: Browse) -> None:
    client = browse(reader)
    assert client.get(f"{PAGE}attest/").status_code == 403
    assert "Only who holds the role" in client.get(PAGE).content.decode()
    assert client.get("/standard/obligation/99.9/attest/").status_code == 404
