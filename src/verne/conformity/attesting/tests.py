"""What an attestation promises: the accountable person signs, it ends, and it overrides nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone
from django.utils.translation import override

from verne.conformity.adjusting import InForce
from verne.conformity.catalogue import Requirement, catalogue
from verne.conformity.computing import compute
from verne.conformity.jobs import watch_attestations
from verne.conformity.statement import current
from verne.conformity.verdict import Outcome, Result
from verne.engine.acts import NotOpen, act, move, revise
from verne.engine.escalation import Escalation, escalate
from verne.engine.people import Person
from verne.engine.signing import NotProven, signatures_of
from verne.engine.testing import a_person, proof_of
from verne.sms.resolution.problem.samples import a_problem

from .attest import attest
from .models import Attestation, judgements

pytestmark = pytest.mark.django_db

LED = "people-directed-attested"


@pytest.fixture
def director(db: None) -> Person:
    return a_person("Dina Director", roles=["top_management"])


def obligation(id: str = "5.1.j") -> Requirement:
    return catalogue().requirements[id]


def signed(by: Person, id: str = "5.1.j", **values: Any) -> Attestation:
    usual = {
        "judgement": "met",
        "statement": "Everybody knows what is expected of them and whom to ask.",
        "reason": "I spoke with all four teams in March.",
        "valid_until": timezone.now().date() + timedelta(days=300),
    }
    at = values.pop("at", None)
    return attest(obligation(id), usual | values, by=by, proof=proof_of(by), at=at)


def outcome(key: str = LED, **later: int) -> Outcome:
    at = timezone.now() + timedelta(**later)
    return compute(catalogue().checks[key], InForce.at(at), at=at).outcome


def test_a_judgement_in_force_fulfils_a_check_that_asks_for_one(director: Person) -> None:
    assert outcome() is Outcome.AWAITING_JUDGEMENT
    row = signed(director)
    assert signatures_of(row, meaning="attestation").get().what == f"{row.ref} 5.1 j)"
    assert outcome() is Outcome.HOLDS
    assert outcome(days=301) is Outcome.AWAITING_JUDGEMENT


def test_it_never_overrides_what_the_records_show(director: Person, manager: Person) -> None:
    signed(director)
    problem = a_problem(manager, due_at=timezone.now() + timedelta(days=1))
    escalate(
        problem,
        by=manager,
        to_person=director,
        kind=Escalation.Kind.HIERARCHICAL,
        reason="Nobody decides.",
    )
    assert outcome() is Outcome.HOLDS
    assert outcome(days=2) is Outcome.FAILS


def test_the_accountable_person_can_say_that_it_is_not_met(director: Person) -> None:
    signed(director, judgement="not_met", statement="Two teams have nobody to ask.")
    assert outcome() is Outcome.FAILS


def test_only_who_answers_for_the_obligation_signs(director: Person) -> None:
    keeper = a_person("Kim Keeper", roles=["sms_manager"])
    with pytest.raises(PermissionDenied, match="Top management"):
        signed(keeper)
    with pytest.raises(PermissionDenied, match="Document controller"):
        signed(director, "7.5.3.2.b")


def test_it_is_signed_with_a_proof_or_not_at_all(director: Person) -> None:
    values = {"judgement": "met", "statement": "So it is.", "reason": "I looked."}
    values["valid_until"] = timezone.now().date() + timedelta(days=30)
    with pytest.raises(NotProven):
        attest(obligation(), values, by=director, proof=None)
    assert not Attestation.objects.exists()


def test_it_counts_for_one_planned_interval_at_most(director: Person) -> None:
    with pytest.raises(NotOpen, match="one planned interval at most"):
        signed(director, valid_until=timezone.now().date() + timedelta(days=400))
    with pytest.raises(NotOpen, match="in the future"):
        signed(director, valid_until=timezone.now().date())


def test_a_signed_judgement_stays_as_it_was_signed(director: Person) -> None:
    row = signed(director)
    with pytest.raises(ValidationError, match="revoke it, and sign another"):
        revise(row, {"statement": "Something else."}, by=director)


def test_the_newer_judgement_replaces_the_former(director: Person) -> None:
    first = signed(director)
    second = signed(director)
    first.refresh_from_db()
    assert first.state == "replaced"
    assert judgements(["5.1.j"]) == {"5.1.j": second}


def test_a_revoked_judgement_counts_no_longer(director: Person) -> None:
    row = move(signed(director), "revoke", by=director, note="Two people left without a handover.")
    assert row.state == "revoked"
    assert outcome() is Outcome.AWAITING_JUDGEMENT
    assert judgements(["5.1.j"], row.signed_at) == {"5.1.j": row}


def test_before_its_end_it_asks_for_the_next_one_and_then_expires(director: Person) -> None:
    early = timezone.now() - timedelta(days=60)
    row = signed(director, at=early, valid_until=timezone.now().date() + timedelta(days=10))
    watch_attestations()
    row.refresh_from_db()
    assert (row.state, row.owner) == ("expiring", director)
    assert outcome() is Outcome.HOLDS
    with act("settle", by=None, note="Time passes"):
        Attestation.objects.filter(pk=row.pk).update(valid_until=timezone.now().date())
    watch_attestations()
    row.refresh_from_db()
    assert row.state == "expired"


def test_the_statement_shows_the_judgement_and_computes_it_anew(director: Person) -> None:
    assert current().judgement.verdicts["5.1.j"].result is Result.AWAITING_JUDGEMENT
    row = signed(director)
    statement = current()
    assert statement.judgement.verdicts["5.1.j"].result is Result.CONFORMING
    assert statement.as_json()["obligations"]["5.1.j"]["attestation"]["ref"] == row.ref
    assert statement.as_json()["obligations"]["5.1.f"]["attestation"] is None


def test_what_was_signed_reads_the_same_in_every_language(director: Person) -> None:
    row = signed(director)
    with override("ko"):
        assert row.obligation.text != row.content()["asked"]
        korean = row.content()
    assert korean == row.content()
