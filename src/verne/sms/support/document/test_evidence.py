"""What documents prove: each condition holds for a good document and breaks for a bad one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from verne.engine.acts import file, move, revise
from verne.engine.evidence import Asked, answers
from verne.engine.people import Person, Role
from verne.engine.testing import a_person, proof_of

from .models import Document
from .reading import acknowledge
from .retention import RetentionRule, subjects
from .samples import a_document, a_document_in_force, a_revision, an_approvalwaiver, put_in_force

pytestmark = pytest.mark.django_db


def figures(check: str, **later: float) -> tuple[int, int]:
    """Population and exceptions."""
    at = timezone.now() + timedelta(**later)
    asked = Asked(at, parameters={"policy_grace_period": timedelta(days=30)})
    found = answers[check](asked)
    return found.population.count(), found.exceptions.count()


@pytest.fixture
def top() -> Role:
    return Role.objects.get(key="top_management")


def carrying(key: str, by: Person, approver: Person, **facts: Any) -> Document:
    return a_document_in_force(by, approver, carries=[{"key": key}], **facts)


@pytest.mark.parametrize(
    ("check", "carried"),
    [
        ("sm-policy-approved", "sm_policy"),
        ("scope-approved-current", "scope"),
        ("smp-approved-current", "smp"),
        ("change-policy-approved", "change_policy"),
        ("security-policy-approved", "security_policy"),
    ],
)
def test_exactly_one_is_in_force_and_its_review_is_not_overdue(
    check: str, carried: str, manager: Person, approver: Person, top: Role
) -> None:
    a_document(manager, carries=[{"key": carried}])
    assert figures(check) == (1, 1)
    carrying(carried, manager, approver, approver_role=top, review_months=6)
    assert figures(check) == (1, 0)
    assert figures(check, days=190) == (1, 1)
    carrying(carried, manager, approver, approver_role=top)
    assert figures(check) == (2, 2)


def test_the_policy_is_approved_by_top_management(manager: Person) -> None:
    controller = a_person("Dora Control", roles=["document_controller"])
    carrying("sm_policy", manager, controller)
    assert figures("sm-policy-approved") == (1, 1)
    assert figures("sm-policy-documented") == (1, 0)


def test_the_security_policy_is_approved_by_the_role_it_names(
    manager: Person, approver: Person
) -> None:
    carrying("security_policy", manager, approver)
    assert figures("security-policy-approved") == (1, 1)


def test_a_policy_marks_what_it_commits_to(manager: Person, approver: Person) -> None:
    carrying("sm_policy", manager, approver, text="We improve. [[commits: improvement]]")
    assert figures("policy-commits-improvement") == (1, 0)
    assert figures("policy-commits-requirements") == (1, 1)


def test_everybody_knows_the_policy(manager: Person, approver: Person, reader: Person) -> None:
    assert figures("policy-communicated-inside") == (0, 0)
    policy = carrying("sm_policy", manager, approver, to_acknowledge=True)
    assert figures("policy-communicated-inside") == (3, 3)
    acknowledge(policy.in_force().get(), by=reader)
    assert figures("policy-communicated-inside") == (3, 2)
    # A new major revision asks for everybody's word again, once the time to read it is over.
    text = policy.in_force().get()
    put_in_force(a_revision(manager, edition=text.edition), by=manager, signer=approver)
    assert figures("policy-communicated-inside") == (3, 2)
    assert figures("policy-communicated-inside", days=31) == (3, 3)


def test_the_security_policy_is_acknowledged_within_the_interval(
    manager: Person, approver: Person
) -> None:
    policy = carrying("security_policy", manager, approver, to_acknowledge=True)
    acknowledge(policy.in_force().get(), by=approver)
    assert figures("security-comm-inside") == (2, 1)
    assert figures("security-comm-inside", days=400) == (2, 2)


@pytest.mark.parametrize(
    ("check", "carried"),
    [
        ("scope-available", "scope"),
        ("security-policy-available", "security_policy"),
        ("docs-available", "scope"),
    ],
)
def test_what_is_in_force_reaches_its_audience(
    check: str, carried: str, manager: Person, approver: Person
) -> None:
    document = carrying(carried, manager, approver)
    assert figures(check) == (1, 0)
    revise(document, {"restricted": True}, by=manager)
    assert figures(check) == (1, 1)


def test_an_audience_nobody_belongs_to_is_no_audience(manager: Person, approver: Person) -> None:
    a_document_in_force(manager, approver, audience="chosen")
    assert figures("docs-available") == (1, 1)


def test_what_we_need_ourselves_is_in_force(manager: Person, approver: Person) -> None:
    a_document_in_force(manager, approver, own_need=True)
    assert figures("own-docs-listed") == (1, 0)
    a_document(manager, own_need=True)
    assert figures("own-docs-listed") == (2, 1)


@pytest.mark.parametrize("missing", ["owner", "description"])
def test_documents_are_identified(missing: str, manager: Person) -> None:
    document = a_document(manager)
    assert figures("docs-identified") == (1, 0)
    revise(document, {missing: None if missing == "owner" else ""}, by=manager)
    assert figures("docs-identified") == (1, 1)


def test_what_took_force_was_reviewed_approved_and_can_be_opened(
    manager: Person, approver: Person
) -> None:
    assert figures("docs-approved") == (0, 0)
    a_document_in_force(manager, approver)
    assert figures("docs-approved") == (1, 0)
    assert figures("docs-format") == (1, 0)
    assert figures("docs-versioned") == (1, 0)


def test_a_text_that_was_changed_behind_its_signatures_is_found(
    manager: Person, approver: Person
) -> None:
    from verne.engine.acts import act

    from .revision import Revision

    revision = a_document_in_force(manager, approver).in_force().get()
    with act("settle", by=manager):
        Revision.objects.filter(pk=revision.pk).update(content_hash="0" * 64)
    assert figures("docs-approved") == (1, 1)
    with act("settle", by=manager):
        Revision.objects.filter(pk=revision.pk).update(text="", author=None)
    assert figures("docs-format") == (1, 1)
    assert figures("docs-versioned") == (1, 1)


def test_no_review_is_overdue(manager: Person, approver: Person) -> None:
    a_document_in_force(manager, approver, review_months=3)
    assert figures("docs-review-current") == (1, 0)
    assert figures("docs-review-current", days=95) == (1, 1)


def test_documents_are_protected_while_the_history_is_kept(manager: Person) -> None:
    from django.db import connection

    from verne.engine import triggers

    a_document(manager)
    assert figures("docs-protected") == (1, 0)
    triggers.remove(connection)
    assert figures("docs-protected") == (1, 1)
    assert figures("records-retained") == (1, 1)
    triggers.install(connection)
    assert figures("records-retained") == (1, 0)


def test_documents_from_outside_name_source_and_edition(manager: Person, approver: Person) -> None:
    outside = a_document_in_force(
        manager, approver, document_kind="external", source="ISO", outside_edition="2018"
    )
    assert figures("external-docs-controlled") == (1, 0)
    assert figures("external-docs-controlled", days=370) == (1, 1)
    revise(outside, {"source": ""}, by=manager)
    assert figures("external-docs-controlled") == (1, 1)


def test_everything_is_kept_by_a_rule(manager: Person, approver: Person) -> None:
    document = a_document(manager)
    an_approvalwaiver(manager)
    assert figures("docs-retention") == (2, 2)
    every = [{"subject": key} for key, _label in subjects()]
    facts = {"title": "All", "keep_months": 12, "method": "erase", "subjects": every}
    move(file(RetentionRule, facts, by=manager), "put_in_force", by=manager)
    assert figures("docs-retention") == (3, 0)
    proof = proof_of(manager)
    move(document, "retire", by=manager, note="Nobody needs it.", proof=proof)
    assert figures("docs-retention", days=300) == (3, 0)
    assert figures("docs-retention", days=400) == (3, 1)


def test_both_policies_and_a_continuity_plan_have_to_be_in_force(
    manager: Person, approver: Person
) -> None:
    carrying("change_policy", manager, approver)
    carrying("security_policy", manager, approver)
    assert figures("doc-policies-and-continuity") == (2, 2), "There is no continuity plan."
    plan = a_document(manager, carries=[{"key": "continuity_plans"}])
    assert figures("doc-policies-and-continuity") == (3, 1)
    put_in_force(a_revision(manager, document=plan), by=manager, signer=approver)
    assert figures("doc-policies-and-continuity") == (3, 0)
    assert figures("doc-policies-and-continuity", days=400) == (3, 3)


# --- Known outside, procedures for the worst -----------------------------------------------------


def test_the_policy_says_where_those_outside_find_it(manager: Person, approver: Person) -> None:
    policy = carrying("sm_policy", manager, approver)
    assert figures("policy-available-outside") == (1, 1)
    for_customers = {"party": "customers", "place": "", "since": None}
    policy = revise(policy, {"publications": [for_customers]}, by=manager)
    assert figures("policy-available-outside") == (1, 1)
    row = policy.publications.get()
    shown = {"pk": row.pk, "party": "customers", "place": "Portal, Documents"}
    today = timezone.localdate()
    revise(policy, {"publications": [shown | {"since": today}]}, by=manager)
    assert figures("policy-available-outside") == (1, 0)


def test_policy_and_objectives_are_approved(manager: Person, approver: Person) -> None:
    carrying("sm_policy", manager, approver)
    assert figures("doc-scope-policy-objectives") == (1, 1)
    a_document(manager, carries=[{"key": "objectives"}])
    assert figures("doc-scope-policy-objectives") == (2, 1)
    carrying("objectives", manager, approver)
    assert figures("doc-scope-policy-objectives") == (3, 1)


def test_continuity_plans_mark_what_they_have_to_say(manager: Person, approver: Person) -> None:
    asked = {
        "continuity-plan-invocation": "invocation",
        "continuity-plan-procedures": "loss",
        "continuity-plan-recovery": "recovery",
        "continuity-plan-return": "return",
    }
    said = " ".join(f"As agreed. [[states: {word}]]" for word in asked.values())
    carrying("continuity_plans", manager, approver, text=said)
    assert {check: figures(check) for check in asked} == dict.fromkeys(asked, (1, 0))
    carrying("continuity_plans", manager, approver, text="Ring everybody. [[states: invocation]]")
    expected = dict.fromkeys(asked, (2, 1)) | {"continuity-plan-invocation": (2, 0)}
    assert {check: figures(check) for check in asked} == expected


def test_procedures_for_the_worst_are_in_force(manager: Person, approver: Person) -> None:
    both = "Site B. [[states: loss]] Then home again. [[states: return]]"
    carrying("continuity_plans", manager, approver, text=both)
    assert figures("doc-procedures") == (1, 1)
    carrying("mi_procedure", manager, approver)
    assert figures("doc-procedures") == (2, 0)
    carrying("continuity_plans", manager, approver, text="Ring everybody.")
    assert figures("doc-procedures") == (3, 1)
