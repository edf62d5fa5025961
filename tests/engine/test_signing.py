"""Signatures: somebody who has proven who they are puts their name under one content, for good."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.utils import timezone

from verne.engine import signing
from verne.engine.acts import act, move, revise
from verne.engine.approvals import Vote, ask, vote
from verne.engine.history import Entry
from verne.engine.lifecycle import Approval
from verne.engine.people import Person
from verne.engine.signing import NotProven, Proof, Signature, is_still_true, prove, sign
from verne.engine.testing import proof_of
from verne.sms.leadership.role.samples import an_appointment
from verne.sms.resolution.incident.major import CriteriaLife
from verne.sms.resolution.incident.samples import a_majorincidentcriteria
from verne.sms.resolution.problem.samples import a_problem

pytestmark = pytest.mark.django_db

PASSWORD = "seven green lighthouses"


@pytest.fixture
def ada(manager: Person) -> Person:
    """The manager, with a password."""
    with act("settle", by=None):
        manager.set_password(PASSWORD)
        manager.save(update_fields=["password"])
    return manager


def test_a_signature_says_who_what_when_why_and_how(ada: Person) -> None:
    problem = a_problem(ada)
    row = sign(
        problem,
        meaning="review",
        what="problem as of Monday",
        by=ada,
        proof=prove(ada, PASSWORD),
        note="Read together with the supplier.",
    )
    assert (row.name, row.meaning_label, row.way) == ("Ada Kim", "Review", "password")
    assert (row.what, row.note) == ("problem as of Monday", "Read together with the supplier.")
    assert list(signing.signatures_of(problem, meaning="review")) == [row]


def test_it_stops_being_true_when_the_record_says_something_else(ada: Person) -> None:
    problem = a_problem(ada)
    row = sign(problem, meaning="review", by=ada, proof=prove(ada, PASSWORD))
    assert is_still_true(row)
    revise(problem, {"title": "Mail stops every Monday at ten"}, by=ada)
    assert not is_still_true(row)


def test_a_signature_is_never_changed_or_removed(ada: Person) -> None:
    row = sign(a_problem(ada), meaning="review", by=ada, proof=prove(ada, PASSWORD))
    for spoil in (
        lambda: Signature.objects.filter(pk=row.pk).update(name="Somebody Else"),
        lambda: Signature.objects.filter(pk=row.pk).delete(),
    ):
        with (
            pytest.raises(DatabaseError, match="never changed"),
            transaction.atomic(),
            act("settle", by=ada),
        ):
            spoil()
    assert Entry.objects.filter(table="engine_signature", row=row.pk, op="I").count() == 1


def test_a_wrong_password_signs_nothing(ada: Person) -> None:
    with pytest.raises(NotProven, match="not your password"):
        prove(ada, "seven red lighthouses")
    with pytest.raises(NotProven, match="Type your password"):
        prove(ada)


def test_guessing_gets_slower_and_then_the_right_password_has_to_wait_too(ada: Person) -> None:
    for _attempt in range(4):
        with pytest.raises(NotProven, match="not your password"):
            prove(ada, "guess")
    with pytest.raises(NotProven, match="Wait 2 seconds"):
        prove(ada, PASSWORD)


def test_nobody_signs_with_the_proof_of_somebody_else(ada: Person, approver: Person) -> None:
    with pytest.raises(PermissionDenied, match="somebody else"):
        sign(a_problem(ada), meaning="review", by=approver, proof=prove(ada, PASSWORD))


def test_a_proof_does_not_last(ada: Person) -> None:
    old = Proof(ada.pk, "password", timezone.now() - timedelta(minutes=6))
    with pytest.raises(NotProven, match="Too much time"):
        sign(a_problem(ada), meaning="review", by=ada, proof=old)


def test_nobody_signs_what_they_do_not_see(manager: Person, stranger: Person) -> None:
    with pytest.raises(PermissionDenied, match="no such record"):
        sign(a_problem(manager), meaning="review", by=stranger, proof=proof_of(stranger))


def test_a_meaning_nobody_declared_is_a_slip_in_the_code(ada: Person) -> None:
    with pytest.raises(LookupError, match="signing.meanings"):
        sign(a_problem(ada), meaning="blessing", by=ada, proof=prove(ada, PASSWORD))


# Approvals that are signed


@pytest.fixture
def signed_approval(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The criteria of major incidents, as if agreeing to them had to be signed."""
    monkeypatch.setattr(CriteriaLife.put_in_force, "approval", Approval(signed=True))
    yield


@pytest.mark.usefixtures("signed_approval")
def test_a_signed_approval_is_not_given_by_a_click(manager: Person, approver: Person) -> None:
    asked = ask(a_majorincidentcriteria(manager), "put_in_force", by=manager)
    with pytest.raises(NotProven, match="has to be signed"):
        vote(asked, by=approver, agrees=True)
    assert not Vote.objects.exists()


@pytest.mark.usefixtures("signed_approval")
def test_agreeing_leaves_a_signature_over_what_was_agreed_to(
    manager: Person, approver: Person
) -> None:
    criteria = a_majorincidentcriteria(manager)
    asked = ask(criteria, "put_in_force", by=manager)
    asked = vote(asked, by=approver, agrees=True, proof=proof_of(approver))
    signature = asked.votes.get().signature
    assert signature is not None
    assert (signature.meaning, signature.content_hash) == ("approval", asked.content_hash)
    assert is_still_true(signature)


@pytest.mark.usefixtures("signed_approval")
def test_refusing_needs_no_signature(manager: Person, approver: Person) -> None:
    asked = ask(a_majorincidentcriteria(manager), "put_in_force", by=manager)
    asked = vote(asked, by=approver, agrees=False, note="No hours are named.")
    assert asked.votes.get().signature is None


def test_a_signed_move_leaves_a_signature_or_is_not_made(ada: Person) -> None:
    appointment = an_appointment(ada)
    with pytest.raises(NotProven, match="type your password"):
        move(appointment, "accept", by=ada)
    appointment.refresh_from_db()
    assert appointment.state == "awaiting"
    appointment = move(appointment, "accept", by=ada, proof=prove(ada, PASSWORD))
    row = signing.signatures_of(appointment, meaning="acceptance").get()
    assert (row.by, row.way, is_still_true(row)) == (ada, "password", True)
