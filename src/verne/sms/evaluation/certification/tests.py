"""What a certificate promises: its days follow from the decision, and nobody forgets one."""

from __future__ import annotations

from datetime import date

import pytest

from verne.engine.acts import NotOpen, move, revise
from verne.engine.people import Person
from verne.engine.register import part_rows

from .models import Certificate, due_days
from .samples import a_certificate

pytestmark = pytest.mark.django_db

DECIDED, ENDS = date(2025, 3, 12), date(2028, 3, 11)


def test_the_first_surveillance_comes_within_a_year_and_the_renewal_before_the_end() -> None:
    assert list(due_days(DECIDED, ENDS, {})) == [
        ("surveillance", date(2026, 3, 12)),
        ("surveillance", date(2027, 3, 12)),
        ("recertification", date(2027, 12, 11)),
    ]


def test_a_surveillance_held_early_brings_the_next_into_the_next_calendar_year() -> None:
    held = {"surveillance": [date(2025, 11, 20)]}
    assert list(due_days(DECIDED, ENDS, held))[1] == ("surveillance", date(2026, 12, 31))


@pytest.fixture
def certificate(manager: Person) -> Certificate:
    return move(a_certificate(manager), "grant", by=manager)


def test_being_certified_computes_the_days(certificate: Certificate) -> None:
    assert certificate.valid_until == ENDS
    assert certificate.review_due == date(2026, 3, 12)
    kinds = [visit.kind for visit in certificate.visits.exclude(due_on=None)]
    assert kinds == ["surveillance", "surveillance", "recertification"]


def test_the_stages_are_held_before_the_decision(manager: Person) -> None:
    certificate = a_certificate(manager, visits=[{"kind": "stage_1"}, {"kind": "stage_2"}])
    with pytest.raises(NotOpen, match="Say when stage 1 and stage 2 were held"):
        move(certificate, "grant", by=manager)


def test_holding_an_audit_leads_on_to_the_next(certificate: Certificate, manager: Person) -> None:
    rows = part_rows(certificate, "visits")
    first = next(row for row in rows if row["due_on"] == "2026-03-12")
    first["held_on"] = date(2025, 11, 20)
    kept = [{**row, "due_on": row["due_on"] and date.fromisoformat(row["due_on"])} for row in rows]
    certificate = revise(certificate, {"visits": kept}, by=manager)
    assert certificate.review_due == date(2027, 3, 12)
    certificate = move(certificate, "compute_days", by=manager)
    assert certificate.review_due == date(2026, 12, 31)


def test_a_renewal_begins_a_new_cycle(certificate: Certificate, manager: Person) -> None:
    values = {"decided_on": date(2028, 2, 20), "valid_until": date(2031, 3, 11)}
    certificate = move(certificate, "renew", by=manager, values=values, note="Recertified")
    assert certificate.visits.filter(due_on=date(2029, 2, 20)).exists()
