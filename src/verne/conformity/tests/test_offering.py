"""What the chapters learn of the catalogue without importing it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from verne.engine.evidence import answers
from verne.engine.people import Person
from verne.engine.requirements import library, lies_within, obligations_within
from verne.sms.resolution.incident.samples import an_incident

KEY = "problems-prioritized"


def test_a_clause_lies_within_those_above_it_and_not_beside_it() -> None:
    assert lies_within("8.6.3", "8.6")
    assert lies_within("8.6", "8.6")
    assert not lies_within("8.10", "8.1")


def test_obligations_of_clauses_come_in_the_order_of_the_text() -> None:
    found = [o.clause for o in obligations_within(["9.2", "4.1"])]
    assert found == sorted(found, key=lambda number: library().clauses()[number].order)
    assert set(found) == {"4.1", "9.2.1", "9.2.2"}


@pytest.mark.django_db
def test_a_figure_is_told_with_its_population(manager: Person) -> None:
    an_incident(manager)
    assert KEY in answers
    found = library().found([KEY, "incidents-recorded"])
    assert found[KEY].holds is None
    assert found[KEY].condition == library().condition(KEY)
    evidence = library().evidence(KEY, at=timezone.now())
    assert evidence is not None
    assert evidence.population.count() == found[KEY].population


@pytest.mark.django_db
def test_what_nothing_answers_is_told_as_not_computed() -> None:
    unanswered = next(k for o in library().obligations().values() for k in o.checks)
    key = next(
        (k for o in library().obligations().values() for k in o.checks if k not in answers),
        unanswered,
    )
    assert library().evidence(key, at=timezone.now()) is None
    assert library().found([key])[key].result == "not yet computed"
    assert set(library().standings()) == set(library().obligations())
