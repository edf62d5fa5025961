"""Rows saved by statements made once are saved as Django would."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy

from verne.engine.acts import act
from verne.engine.clock import Clock
from verne.engine.people import Person
from verne.engine.records import Sheet
from verne.sms.resolution.incident.samples import an_incident
from verne.sms.resolution.problem.models import Problem
from verne.sms.resolution.problem.samples import a_problem

pytestmark = pytest.mark.django_db


def test_a_text_that_is_not_translated_yet_is_saved_as_it_reads(manager: Person) -> None:
    problem = a_problem(manager)
    with act("settle", by=manager):
        problem.title = gettext_lazy("Problem")
        problem.save()
    assert Problem.objects.get(pk=problem.pk).title == "Problem"


def test_a_value_may_be_for_the_database_to_compute(manager: Person) -> None:
    problem = a_problem(manager)
    with act("settle", by=manager):
        Sheet.objects.filter(pk=problem.pk).update(version=7)
        problem.version = F("version") + 1
        problem.save(update_fields=["version"])
    assert Problem.objects.get(pk=problem.pk).version == 8


def test_a_clock_is_saved_with_all_that_it_says(manager: Person) -> None:
    clock = Clock.objects.filter(record=an_incident(manager).pk)[0]
    with act("settle", by=manager):
        clock.thresholds, clock.pauses = [50, 100], ["customer"]
        clock.due_at = clock.started_at + timedelta(hours=4)
        clock.elapsed = 1.5
        clock.save()
    kept = Clock.objects.get(pk=clock.pk)
    assert (kept.thresholds, kept.pauses, kept.elapsed) == ([50, 100], ["customer"], 1.5)
    assert kept.due_at == clock.due_at


def test_a_row_that_is_gone_is_not_saved_without_a_word(manager: Person) -> None:
    problem = a_problem(manager)
    problem.pk = problem.id = problem.pk + 1000
    with act("settle", by=manager), pytest.raises(DatabaseError), transaction.atomic():
        problem.save(update_fields=["title"])


def test_a_row_of_a_fixture_is_saved_as_it_is(manager: Person) -> None:
    clock = Clock.objects.filter(record=an_incident(manager).pk)[0]
    with act("settle", by=manager):
        clock.name = "as it was exported"
        clock.save_base(raw=True)
    assert Clock.objects.get(pk=clock.pk).name == "as it was exported"
