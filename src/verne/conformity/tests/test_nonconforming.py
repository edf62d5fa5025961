"""Nonconformities and the statement: green conditions do not hide an open major one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from verne.conformity import statement
from verne.conformity.nonconforming import NO_OVERDUE, against
from verne.conformity.verdict import Outcome, Result
from verne.engine import past
from verne.engine.acts import move, revise
from verne.engine.people import Person
from verne.sms.improvement.nonconformity.samples import (
    CORRECTION,
    a_correctiveaction,
    a_nonconformity,
    analysed,
)

pytestmark = pytest.mark.django_db

AGAINST = "10.1.1-1"
"""Its one check holds as soon as there is an action that says why it is in proportion."""


@pytest.fixture
def conforming(manager: Person) -> Any:
    """The obligation is conforming: an action of another nonconformity says why it is so large."""
    a_correctiveaction(manager)
    return manager


def result(at: Any = None) -> Result:
    statement.refresh()
    return statement.stored(at).judgement.verdicts[AGAINST].result


def overdue(at: Any = None) -> str:
    return statement.stored(at).judgement.verdicts[AGAINST].universal[NO_OVERDUE]


def test_an_open_major_one_makes_an_obligation_nonconforming(conforming: Person) -> None:
    assert result() is Result.CONFORMING
    a_nonconformity(conforming, requirement=AGAINST, grade="minor")
    assert result() is Result.CONFORMING
    major = a_nonconformity(conforming, requirement=AGAINST, grade="major")
    assert result() is Result.NONCONFORMING
    move(major, "not_accept", by=conforming, note="A slip of the pen")
    assert result() is Result.CONFORMING


def test_it_stays_so_until_the_effect_is_seen(conforming: Person, approver: Person) -> None:
    major = a_nonconformity(conforming, requirement=AGAINST, grade="major")
    major = analysed(major, conforming)
    assert result() is Result.NONCONFORMING
    assert overdue() == Outcome.FAILS


def test_a_late_correction_breaks_a_condition_but_not_all(conforming: Person) -> None:
    late = a_nonconformity(conforming, requirement=AGAINST, grade="minor")
    after = timezone.now() + timedelta(days=91)
    assert (result(), overdue()) == (Result.CONFORMING, Outcome.HOLDS)
    assert (result(after), overdue(after)) == (Result.PARTLY_CONFORMING, Outcome.FAILS)
    move(late, "correct", by=conforming, values=CORRECTION)
    assert overdue(after) == Outcome.HOLDS


def test_an_action_past_its_day_breaks_it_too(conforming: Person) -> None:
    found = analysed(a_nonconformity(conforming, requirement=AGAINST), conforming)
    action = a_correctiveaction(conforming, nonconformity=found)
    after = timezone.now() + timedelta(days=31)
    assert overdue(after) == Outcome.FAILS
    revise(action, {"due_at": after + timedelta(days=9)}, by=conforming)
    assert overdue(after) == Outcome.HOLDS


def test_a_snapshot_remembers_what_was_overdue(conforming: Person) -> None:
    a_nonconformity(conforming, requirement=AGAINST, grade="major")
    kept = statement.opened(statement.take_snapshot())
    verdict = kept.judgement.verdicts[AGAINST]
    assert verdict.result is Result.NONCONFORMING
    assert verdict.universal[NO_OVERDUE] is Outcome.FAILS


def test_a_past_day_knows_what_stood_against_it_then(conforming: Person) -> None:
    major = a_nonconformity(conforming, requirement=AGAINST, grade="major")
    then = timezone.now()
    move(major, "not_accept", by=conforming, note="A slip of the pen")
    with past.reading(then):
        assert against(then).major == {AGAINST}
    assert against(timezone.now()).major == frozenset()
