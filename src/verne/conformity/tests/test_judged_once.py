"""A judgement is kept as long as it rests on the same, and no longer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from verne.conformity import statement
from verne.conformity.auditing import AUDITED
from verne.conformity.catalogue import catalogue
from verne.conformity.models import CheckResult
from verne.conformity.nonconforming import NO_OVERDUE, against
from verne.conformity.owning import OWNER_ASSIGNED, holders_by_role, universal_of_requirements
from verne.conformity.verdict import Outcome, Result, judge
from verne.engine.acts import act, move
from verne.engine.people import Assignment, Person, Role
from verne.engine.testing import a_person
from verne.sms.evaluation.audit.models import Audit
from verne.sms.evaluation.audit.samples import an_audit
from verne.sms.improvement.nonconformity.samples import a_nonconformity

pytestmark = pytest.mark.django_db

ID = "10.1.1-1"


def seen(condition: str, id: str = ID, at: Any = None) -> str:
    return statement.stored(at).judgement.verdicts[id].universal[condition]


def as_if_for_the_first_time() -> dict[str, Any]:
    """The verdicts from the rows as Django reads them, with nothing kept."""
    at = timezone.now()
    rows = {row.key: Outcome(row.outcome) for row in CheckResult.objects.all()}
    stands = against(at)
    universal = universal_of_requirements(catalogue(), at, overdue=stands.overdue)
    return dict(judge(catalogue(), rows, universal=universal, major_open=stands.major).verdicts)


@pytest.fixture(autouse=True)
def computed(db: None) -> None:
    statement.refresh()


def test_it_is_the_same_one_while_nothing_changes() -> None:
    first, again = statement.stored(), statement.stored()
    assert first.judgement is again.judgement
    assert again.judgement.verdicts == as_if_for_the_first_time()


def test_another_outcome_is_seen_at_once_however_it_came() -> None:
    """Even if nothing else of the row tells that it has changed."""
    requirement = catalogue().requirements[ID]
    keys = [check.key for check in requirement.checks]
    for word in (Outcome.HOLDS, Outcome.FAILS, Outcome.HOLDS):
        CheckResult.objects.filter(key__in=keys).update(outcome=word.value)
        assert {statement.stored().figures[key].outcome for key in keys} == {word}
        assert set(statement.stored().judgement.verdicts[ID].outcomes.values()) == {word}
        assert statement.stored().judgement.verdicts == as_if_for_the_first_time()


def test_another_figure_is_seen_with_the_same_judgement() -> None:
    before = statement.stored()
    key = next(key for key, figure in before.figures.items() if figure.outcome.computed)
    CheckResult.objects.filter(key=key).update(population=F("population") + 7, stale=True)
    after = statement.stored()
    assert after.figures[key].population == (before.figures[key].population or 0) + 7
    assert key in after.stale
    assert key not in before.stale
    assert after.judgement is before.judgement


def test_a_check_without_a_row_is_not_computed() -> None:
    figures = statement.stored().figures
    key = next(key for key, figure in figures.items() if figure.outcome.computed)
    CheckResult.objects.filter(key=key).delete()
    assert statement.stored().figures[key].outcome is Outcome.NOT_YET_COMPUTED


def test_a_role_that_somebody_takes_or_gives_up_is_seen_at_once() -> None:
    role = catalogue().requirements[ID].owner_role
    assert seen(OWNER_ASSIGNED) == Outcome.FAILS
    person = a_person("Ines Duarte", roles=[role])
    assert seen(OWNER_ASSIGNED) == Outcome.HOLDS
    with act("settle", by=None):
        Person.objects.filter(pk=person.pk).update(active=False)
    assert seen(OWNER_ASSIGNED) == Outcome.FAILS
    with act("settle", by=None):
        Person.objects.filter(pk=person.pk).update(active=True)
    assert seen(OWNER_ASSIGNED) == Outcome.HOLDS
    with act("settle", by=None):
        Assignment.objects.filter(person=person).update(until=timezone.now())
    assert seen(OWNER_ASSIGNED) == Outcome.FAILS


def test_time_alone_changes_it() -> None:
    role = catalogue().requirements[ID].owner_role
    person = a_person("Ines Duarte", roles=[role])
    tomorrow = timezone.now() + timedelta(days=1)
    with act("settle", by=None):
        Assignment.objects.filter(person=person).update(until=tomorrow)
    assert seen(OWNER_ASSIGNED) == Outcome.HOLDS
    assert seen(OWNER_ASSIGNED, at=tomorrow) == Outcome.FAILS
    assert seen(OWNER_ASSIGNED) == Outcome.HOLDS


def test_a_nonconformity_is_seen_at_once(manager: Person) -> None:
    assert seen(NO_OVERDUE) == Outcome.HOLDS
    major = a_nonconformity(manager, requirement=ID, grade="major")
    assert seen(NO_OVERDUE) == Outcome.FAILS
    assert statement.stored().judgement.verdicts[ID].result is Result.NONCONFORMING
    move(major, "not_accept", by=manager, note="A slip of the pen")
    assert seen(NO_OVERDUE) == Outcome.HOLDS


def test_an_audit_is_seen_at_once(manager: Person) -> None:
    assert seen(AUDITED) == Outcome.FAILS
    audit = an_audit(manager, clauses="10")
    with act("settle", by=None, record=audit.pk):
        Audit.objects.filter(pk=audit.pk).update(completed_at=timezone.now())
    assert seen(AUDITED) == Outcome.HOLDS
    later = timezone.now() + timedelta(days=400)
    assert seen(AUDITED, at=later) == Outcome.FAILS


def test_each_reader_is_told_in_their_language() -> None:
    english = statement.stored()
    with translation.override("ko"):
        korean = statement.stored()
    text = [each.judgement.verdicts[ID].requirement.text for each in (english, korean)]
    assert text[0] != text[1]
    assert statement.stored().judgement is english.judgement


def test_the_names_of_who_holds_a_role_come_once_each() -> None:
    ines = a_person("Ines Duarte", roles=["sms_manager", "internal_audit_manager"])
    a_person("Abel Sousa", roles=["sms_manager"])
    role = Role.objects.get(key="sms_manager")
    with act("settle", by=None):
        Assignment.objects.create(person=ines, role=role)
    held = holders_by_role(timezone.now(), ["sms_manager", "top_management"])
    assert held == {"sms_manager": ["Abel Sousa", "Ines Duarte"]}


def test_four_questions_say_how_all_obligations_stand() -> None:
    statement.stored()
    with CaptureQueriesContext(connection) as queries:
        whole = statement.stored().judgement.whole
    assert len(queries) == 4
    assert whole.total == len(catalogue().requirements)
