"""The page of documented information: what is there, what is missing, and one click to begin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from verne.conformity.catalogue import catalogue
from verne.conformity.documented import Holding, Standing, holdings
from verne.engine.acts import revise
from verne.engine.people import Person
from verne.engine.register import registers
from verne.sms.resolution.incident.samples import an_incident
from verne.sms.support.document.models import Document
from verne.sms.support.document.revision import Revision
from verne.sms.support.document.samples import a_document_in_force
from verne.sms.support.starters.beginning import begin
from verne.sms.support.starters.starter import starters

pytestmark = pytest.mark.django_db

Browse = Callable[[Person], Client]
PAGE = "/standard/documented/"


def holding(key: str, person: Person) -> Holding:
    return next(each for each in holdings(person) if each.kind.key == key)


def test_all_kinds_are_shown_and_missing_at_first(manager: Person, browse: Browse) -> None:
    said = browse(manager).get(PAGE).content.decode()
    assert said.count("<tr data-row") == 64
    assert all(each.standing is Standing.MISSING for each in holdings(manager))


def test_registers_are_kinds_that_the_standard_asks_for() -> None:
    named = {key for register in registers.values() for key in register.documented}
    assert named <= catalogue().documented_information.keys()


def test_one_click_files_the_document_with_its_first_draft(manager: Person, browse: Browse) -> None:
    client = browse(manager)
    answer = client.post(f"{PAGE}change-management-policy/begin")
    draft = Revision.objects.get()
    assert answer["Location"] == f"/documents/{draft.ref}/write"
    assert (draft.state, draft.author, draft.language) == ("draft", manager, "en")
    assert draft.text == starters()["change-management-policy"].text
    document = draft.document
    assert (document.document_kind, document.owner) == ("policy", manager)
    assert list(document.carries.values_list("key", flat=True)) == ["change_policy"]
    assert holding("change_policy", manager).standing is Standing.DRAFT
    assert client.post(f"{PAGE}change-management-policy/begin")["Location"] == (
        f"/r/{document.ref}"
    )
    assert Document.objects.count() == 1


def test_a_document_in_force_counts_until_its_review_is_overdue(
    manager: Person, approver: Person
) -> None:
    document = a_document_in_force(manager, approver, carries=[{"key": "sm_policy"}])
    assert holding("sm_policy", manager).standing is Standing.IN_FORCE
    yesterday = timezone.localdate() - timedelta(days=1)
    revise(document, {"review_by": yesterday}, by=manager)
    assert holding("sm_policy", manager).standing is Standing.STALE


def test_records_of_a_register_are_the_documented_information_they_say(manager: Person) -> None:
    an_incident(manager)
    found = holding("incidents", manager)
    assert found.standing is Standing.IN_FORCE
    assert [(shelf.register.slug, shelf.count) for shelf in found.shelves] == [("incidents", 1)]


def test_every_starter_text_can_be_begun(manager: Person) -> None:
    for starter in starters().values():
        begin(starter, by=manager)
    drafts = [each for each in holdings(manager) if each.kind.kind == "document"]
    assert {each.standing for each in drafts} == {Standing.DRAFT}


def test_the_tabs_show_those_of_one_standing(
    manager: Person, approver: Person, browse: Browse
) -> None:
    a_document_in_force(manager, approver, carries=[{"key": "sm_policy"}])
    said = browse(manager).get(PAGE, {"standing": "in_force"}).content.decode()
    assert said.count("<tr data-row") == 1
    assert "Service management policy" in said


def test_who_may_not_file_documents_is_offered_none_and_makes_none(
    reader: Person, stranger: Person, browse: Browse
) -> None:
    assert "Begin from the starter text" not in browse(reader).get(PAGE).content.decode()
    browse(reader).post(f"{PAGE}scope/begin")
    assert browse(stranger).post(f"{PAGE}scope/begin").status_code in (302, 403)
    assert browse(stranger).get(PAGE).status_code in (302, 403)
    assert not Document.objects.exists()


def test_an_unknown_text_is_not_found(manager: Person, browse: Browse) -> None:
    assert browse(manager).post(f"{PAGE}shopping-list/begin").status_code == 404


def test_more_documents_ask_no_more_queries(
    manager: Person, browse: Browse, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = browse(manager)
    begin(starters()["scope"], by=manager)
    client.get(PAGE)
    few: Any
    with django_assert_max_num_queries(60) as few:
        client.get(PAGE)
    for key in ("objectives", "customers", "service-catalogue"):
        begin(starters()[key], by=manager)
    with django_assert_max_num_queries(len(few)):
        client.get(PAGE)
