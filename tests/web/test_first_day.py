"""What a newcomer meets on the first day, where the way would be hard to find without a word.

The whole way is walked in tests/browser/test_first_day.py.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from verne.engine.acts import act, move, revise
from verne.engine.people import Organization, Person
from verne.sms.evaluation.audit.samples import an_audit, an_auditprogramme
from verne.sms.support.document.models import Document
from verne.sms.support.starters.starter import CHOICE
from verne.web.first_steps import first_steps

pytestmark = pytest.mark.django_db
Browse = Callable[[Person], Client]
APPROVALS = 'href="#approvals"'


def test_a_starter_text_is_reviewed_once_its_choices_are_made(
    manager: Person, browse: Browse
) -> None:
    client = browse(manager)
    client.post("/standard/documented/scope/begin")
    draft = Document.objects.get().revisions.get()
    page = client.get(f"/r/{draft.ref}").content.decode()
    assert "places in brackets are still to be filled in: [" in page
    assert f"/r/{draft.ref}/move/submit" not in page
    revise(draft, {"text": CHOICE.sub("Northwind", draft.text)}, by=manager)
    assert f"/r/{draft.ref}/move/submit" in client.get(f"/r/{draft.ref}").content.decode()


def test_the_head_of_a_page_leads_whoever_is_asked_to_the_approval(
    manager: Person, approver: Person, browse: Browse
) -> None:
    programme = move(an_auditprogramme(manager), "lay_out", by=manager)
    asking = browse(manager)
    assert APPROVALS in asking.get(f"/r/{programme.ref}").content.decode()
    asking.post(f"/r/{programme.ref}/ask/put_in_force")
    assert APPROVALS not in asking.get(f"/r/{programme.ref}").content.decode()
    assert APPROVALS in browse(approver).get(f"/r/{programme.ref}").content.decode()


def test_what_is_missing_is_said_before_anybody_is_asked_to_approve(
    manager: Person, browse: Browse
) -> None:
    programme = move(an_auditprogramme(manager, methods=""), "lay_out", by=manager)
    page = browse(manager).get(f"/r/{programme.ref}").content.decode()
    assert "Methods is not filled in." in page
    assert f"/r/{programme.ref}/ask/put_in_force" not in page


def test_a_step_that_stays_where_it_is_says_that_it_is_done(
    manager: Person, browse: Browse
) -> None:
    programme = an_auditprogramme(manager)
    page = browse(manager).post(f"/r/{programme.ref}/move/lay_out", follow=True)
    assert f"{programme.ref}: “Lay out the areas” is done." in page.content.decode()


def test_an_audit_is_planned_from_the_programme_it_belongs_to(
    manager: Person, browse: Browse
) -> None:
    programme = an_auditprogramme(manager)
    page = browse(manager).get(f"/r/{programme.ref}").content.decode()
    assert f"/audits/new?programme={programme.ref}" in page
    assert "Plan the first audit" in browse(manager).get("/").content.decode()
    an_audit(manager, programme=programme)
    assert "Plan the first audit" not in browse(manager).get("/").content.decode()


def test_new_people_belong_to_our_organization_unless_somebody_says_otherwise(
    manager: Person, browse: Browse
) -> None:
    assert first_steps(manager)[0].url == "/settings/organizations/"
    with act("settle", by=manager, note="The organization"):
        ours = Organization.objects.create(name="Northwind", kind=Organization.Kind.OWN)
    page = browse(manager).get("/settings/people/new").content.decode()
    assert f'<option value="{ours.pk}" selected>Northwind</option>' in page
    assert first_steps(manager)[0].url == "/settings/people/"
