"""The service management plan: taken over from the registers, frozen, and watched for drift."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from verne.engine.acts import move, revise
from verne.engine.evidence import Asked, answers
from verne.engine.people import Person, Role
from verne.engine.register import registers
from verne.engine.testing import proof_of
from verne.sms.leadership.role.samples import a_roledefinition, an_appointment
from verne.sms.portfolio.service.samples import a_live_service, a_service_in_development
from verne.sms.support.document.models import Document
from verne.sms.support.document.prose import prose
from verne.sms.support.document.revision import Revision
from verne.sms.support.document.samples import put_in_force
from verne.sms.support.plan.composing import put, take_over, text_in_force, the_plan
from verne.sms.support.plan.drift import SectionStanding, standings
from verne.sms.support.plan.models import TakenOver
from verne.sms.support.plan.sections import SECTIONS
from verne.sms.support.starters.beginning import begin
from verne.sms.support.starters.starter import CHOICE, starters

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan(manager: Person) -> Document:
    """The plan, begun from the starter text."""
    document: Document = begin(starters()["service-management-plan"], by=manager).document
    return document


def in_force(plan: Document, manager: Person, approver: Person) -> Revision:
    draft = choices_made(take_over(plan, by=manager), manager)
    return put_in_force(draft, by=manager, signer=approver)


def choices_made(draft: Revision, by: Person) -> Revision:
    """What the starter text leaves open in [brackets], chosen as it is proposed there."""
    text = CHOICE.sub(lambda choice: choice[0].strip("[]"), draft.text)
    return revise(draft, {"text": text}, by=by)


def services(revision: Revision | None) -> SectionStanding:
    return standings(revision)[0]


def test_every_source_is_a_register_with_these_fields_and_states() -> None:
    for section in SECTIONS:
        for source in section.sources:
            model = registers[source.kind].model
            assert set(source.states) <= set(model.lifecycle.states)
            assert all(model._meta.get_field(name) for name in source.fields)
            source.records()


def test_the_starter_text_has_a_heading_for_every_section() -> None:
    headings = {
        line.removeprefix("## ")
        for line in starters()["service-management-plan"].text.splitlines()
        if line.startswith("## ")
    }
    assert {str(section.title) for section in SECTIONS} <= headings


def test_the_registers_are_written_into_their_sections_of_the_draft(
    manager: Person, plan: Document
) -> None:
    service = a_service_in_development(manager, title="Point of sale | shops", owner=manager)
    draft = take_over(plan, by=manager)
    text = draft.text
    begin, end = text.index("## Services"), text.index("## Known limitations")
    assert (
        f"| [{service.ref}](/r/{service.ref}) | Point of sale \\| shops | Ada Kim |"
        in text[begin:end]
    )
    assert "New: [service]" in text[begin:end], "What people wrote stays."
    assert f'href="/r/{service.ref}"' in prose(text).html


def test_taking_over_again_replaces_the_passages_and_nothing_else(
    manager: Person, plan: Document
) -> None:
    a_service_in_development(manager, title="Mail")
    first = take_over(plan, by=manager).text
    second = take_over(plan, by=manager)
    assert second.text.count("What the registers say: Services") == 1
    assert first.count("\n") == second.text.count("\n")
    assert Revision.objects.filter(document=plan).count() == 1


def test_in_force_it_says_what_has_changed_since_record_by_record(
    manager: Person, approver: Person, plan: Document
) -> None:
    mail = a_service_in_development(manager, title="Mail", owner=manager)
    fax = a_service_in_development(manager, title="Fax", owner=manager)
    frozen = in_force(plan, manager, approver)
    assert frozen.state == "in_force"
    assert services(frozen).drifted == 0
    revise(mail, {"title": "Mail and calendar"}, by=manager)
    revise(fax, {"in_scope": False}, by=manager)
    till = a_service_in_development(manager, title="Point of sale")
    (drift,) = services(frozen).drifts
    assert [line.ref for line in drift.added] == [till.ref]
    assert [line.ref for line in drift.gone] == [fax.ref]
    (changed,) = drift.changed
    assert changed.ref == mail.ref
    assert [(c.head, c.before, c.now) for c in changed.changes] == [
        ("Title", "Mail", "Mail and calendar")
    ]


def test_the_text_in_force_stays_as_it_was_signed(
    manager: Person, approver: Person, plan: Document
) -> None:
    mail = a_service_in_development(manager, title="Mail")
    frozen = in_force(plan, manager, approver)
    revise(mail, {"title": "Mail and calendar"}, by=manager)
    again = take_over(plan, by=manager)
    assert (again.state, again.number) == ("draft", "1.1")
    assert "Mail and calendar" in again.text
    former = Revision.objects.get(pk=frozen.pk)
    assert (former.text, former.content_hash) == (frozen.text, frozen.content_hash)
    assert services(former).drifted == 1
    assert services(again).drifted == 0


def test_a_draft_under_review_is_not_written_over(manager: Person, plan: Document) -> None:
    draft = move(choices_made(take_over(plan, by=manager), manager), "submit", by=manager)
    taken = TakenOver.objects.count()
    with pytest.raises(ValidationError, match="ask for changes first"):
        take_over(plan, by=manager)
    assert Revision.objects.get(pk=draft.pk).text == draft.text
    assert TakenOver.objects.count() == taken


def test_restricted_records_are_not_told_to_everybody(manager: Person, plan: Document) -> None:
    a_service_in_development(manager, title="Mail")
    a_service_in_development(manager, title="Investigations", restricted=True)
    text = take_over(plan, by=manager).text
    assert "| Mail |" in text
    assert "Investigations" not in text


def test_the_plan_in_force_comes_before_one_under_way(
    manager: Person, approver: Person, plan: Document
) -> None:
    frozen = in_force(plan, manager, approver)
    begin(starters()["service-management-plan"], by=manager)
    assert the_plan() == plan
    assert text_in_force(the_plan()) == frozen


def test_a_section_that_the_text_does_not_have_is_added_at_its_end() -> None:
    text = put("## Aim\n\nServe.", title="Services", former="X", heading="X", passage="None.")
    assert text == "## Aim\n\nServe.\n\n## Services\n\n### X\n\nNone.\n"


def test_more_records_ask_no_more_queries(manager: Person) -> None:
    a_service_in_development(manager, title="Mail", owner=manager)
    with CaptureQueriesContext(connection) as few:
        standings(None)
    for title in ("Fax", "Telephone", "Network"):
        a_service_in_development(manager, title=title, owner=manager)
    with CaptureQueriesContext(connection) as many:
        standings(None)
    assert len(many) == len(few)


def figures(key: str) -> tuple[int, int]:
    found = answers[key](Asked(timezone.now()))
    return found.population.count(), found.exceptions.count()


def test_every_live_service_has_to_stand_in_the_plan_in_force(
    manager: Person, approver: Person, plan: Document
) -> None:
    a_live_service(manager, title="Mail")
    assert figures("smp-services") == (1, 1)
    in_force(plan, manager, approver)
    assert figures("smp-services") == (1, 0)
    a_live_service(manager, title="Point of sale")
    assert figures("smp-services") == (2, 1)


def test_the_plan_points_at_roles_and_each_is_held(
    manager: Person, approver: Person, plan: Document
) -> None:
    risk = Role.objects.get(key="risk_manager")
    move(a_roledefinition(manager, role=risk), "put_in_force", by=manager)
    appointment = an_appointment(manager, role=risk, person=approver)
    appointment = move(appointment, "accept", by=approver, proof=proof_of(approver))
    assert figures("smp-responsibilities") == (1, 1), "No plan points at it yet."
    in_force(plan, manager, approver)
    assert appointment.state == "in_force"
    assert figures("smp-responsibilities") == (1, 0)


def test_technology_counts_once_somebody_has_filled_it_in(
    manager: Person, approver: Person, plan: Document
) -> None:
    draft = choices_made(take_over(plan, by=manager), manager)
    before, after = draft.text.split("## Technology")
    rest = after[after.index("## Measuring") :]
    nothing = revise(draft, {"text": f"{before}## Technology\n\n{rest}"}, by=manager)
    put_in_force(nothing, by=manager, signer=approver)
    assert figures("smp-technology") == (1, 1)
    draft = take_over(plan, by=manager)
    written = f"{before}## Technology\n\nVerne on two machines, see [[SVC-1]].\n\n{rest}"
    put_in_force(revise(draft, {"text": written}, by=manager), by=manager, signer=approver)
    assert figures("smp-technology") == (1, 0)
