"""The page of the plan: begin it, take the registers over, see what has drifted since."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from verne.engine.acts import revise
from verne.engine.people import Person
from verne.sms.portfolio.service.samples import a_service_in_development
from verne.sms.support.document.revision import Revision
from verne.sms.support.document.samples import put_in_force
from verne.sms.support.starters.starter import CHOICE

pytestmark = pytest.mark.django_db

Browse = Callable[[Person], Client]
PAGE = "/documents/plan/"


def fill_in(draft: Revision, *, by: Person) -> Revision:
    return revise(draft, {"text": CHOICE.sub("as agreed", draft.text)}, by=by)


def said(client: Client) -> str:
    return client.get(PAGE).content.decode()


def test_from_the_empty_page_to_a_plan_in_force_that_has_drifted(
    manager: Person, approver: Person, browse: Browse
) -> None:
    client = browse(manager)
    assert "There is no service management plan yet" in said(client)
    client.post("/standard/documented/service-management-plan/begin")
    assert "Not taken over yet" in said(client)
    mail = a_service_in_development(manager, title="Mail")
    answer = client.post(f"{PAGE}take-over")
    draft = Revision.objects.get()
    assert answer["Location"] == f"/documents/{draft.ref}/write"
    put_in_force(fill_in(draft, by=manager), by=manager, signer=approver)
    assert "No section has drifted." in said(client)
    revise(mail, {"title": "Mail and calendar"}, by=manager)
    page = said(client)
    assert "Drifted: 1 record differs" in page
    assert "1 of 5 sections that rest on registers has drifted." in page
    assert "Mail and calendar" in page


def test_a_reader_is_led_to_the_text_in_force(
    manager: Person, approver: Person, reader: Person, browse: Browse
) -> None:
    assert "There is no service management plan yet" in said(browse(reader))
    assert "Begin from the starter text" not in said(browse(reader))
    client = browse(manager)
    client.post("/standard/documented/service-management-plan/begin")
    draft = Revision.objects.get()
    assert "There is no service management plan yet" in said(browse(reader))
    put_in_force(fill_in(draft, by=manager), by=manager, signer=approver)
    assert browse(reader).get(PAGE)["Location"] == f"/r/{draft.document.ref}"
    assert browse(reader).post(f"{PAGE}take-over").status_code == 404


def test_strangers_and_customers_are_turned_away(
    stranger: Person, customer: Person, browse: Browse
) -> None:
    assert browse(stranger).get(PAGE).status_code == 404
    assert browse(customer).get(PAGE).status_code == 302


def test_without_a_plan_nothing_is_taken_over(manager: Person, browse: Browse) -> None:
    assert browse(manager).post(f"{PAGE}take-over").status_code == 404
