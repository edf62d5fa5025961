"""Audits and documented information in the statement: what was looked at, and what is there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from verne.conformity.auditing import AUDITED, not_audited
from verne.conformity.catalogue import catalogue
from verne.conformity.documented import PRESENT, every_kind_is_there
from verne.conformity.models import KindOfInformation
from verne.conformity.statement import stored
from verne.conformity.verdict import Outcome
from verne.engine.acts import act
from verne.engine.evidence import Asked
from verne.engine.people import Person
from verne.sms.evaluation.audit.models import Audit
from verne.sms.evaluation.audit.samples import an_audit
from verne.sms.portfolio.service.samples import a_service
from verne.sms.resolution.incident.samples import an_incident
from verne.sms.support.document.samples import a_document, a_document_in_force

pytestmark = pytest.mark.django_db


def audited(by: Person, clauses: str, *, days_ago: int, **facts: Any) -> Audit:
    audit = an_audit(by, clauses=clauses, **facts)
    done = timezone.now() - timedelta(days=days_ago)
    with act("settle", by=None, record=audit.pk):
        Audit.objects.filter(pk=audit.pk).update(completed_at=done)
    return audit


def open_to(clause: str) -> bool:
    """Whether some requirement of the clause was never audited."""
    missing = not_audited(catalogue(), timezone.now())
    return any(id in missing for id, r in catalogue().requirements.items() if r.clause == clause)


def test_an_audit_of_a_process_reaches_what_lies_under_it(manager: Person) -> None:
    audited(manager, "8.6", days_ago=30)
    assert not open_to("8.6.1")
    assert not open_to("8.6.3")
    assert open_to("8.5.1.1")


def test_an_audit_of_a_part_does_not_reach_the_rest(manager: Person) -> None:
    audited(manager, "8.6.3", days_ago=30)
    assert open_to("8.6.1")


def test_an_audit_is_forgotten_after_a_year(manager: Person) -> None:
    audited(manager, "8.6", days_ago=400)
    assert open_to("8.6.1")


def test_what_a_customer_audits_does_not_count(manager: Person) -> None:
    audited(manager, "8.6", days_ago=30, type="customer")
    assert open_to("8.6.1")


def test_the_statement_says_it_of_every_obligation_without_changing_a_result(
    manager: Person,
) -> None:
    before = stored().judgement.verdicts["8.6.1.a"]
    assert before.universal[AUDITED] is Outcome.FAILS
    audited(manager, "8.6", days_ago=1)
    after = stored().judgement.verdicts["8.6.1.a"]
    assert after.universal[AUDITED] is Outcome.HOLDS
    assert after.result is before.result


def kinds(**later: float) -> tuple[int, set[str]]:
    """How many kinds are asked for, and which of them are missing."""
    found = every_kind_is_there(Asked(timezone.now() + timedelta(**later)))
    return found.population.count(), set(found.exceptions.values_list("key", flat=True))


def test_a_kind_is_there_with_a_document_in_force_or_a_record(
    manager: Person, approver: Person
) -> None:
    assert kinds() == (0, set())
    a_document(manager, carries=[{"key": "scope"}])
    total, missing = kinds()
    assert total == len(catalogue().documented_information) == len(missing)
    a_document_in_force(manager, approver, carries=[{"key": "sm_policy"}])
    an_incident(manager, service=a_service(manager))
    _total, missing = kinds()
    assert {"scope", "slm_reports"} <= missing
    assert missing.isdisjoint({"sm_policy", "incidents"})
    # Before anything was on file there is nothing that could show it.
    assert kinds(days=-1)[1] == set(catalogue().documented_information)


def test_the_kinds_are_those_of_the_catalogue_in_its_order(db: None) -> None:
    rows = KindOfInformation.objects.values_list("key", flat=True)
    assert list(rows) == list(catalogue().documented_information)
    assert str(KindOfInformation.objects.get(key="scope"))
    assert PRESENT in catalogue().checks
