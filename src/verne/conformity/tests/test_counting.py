"""Sums by block say what counting everything says, and only what changed is counted again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from verne.conformity import counting, statement
from verne.conformity.adjusting import InForce, adjust
from verne.conformity.catalogue import catalogue
from verne.conformity.computing import compute
from verne.conformity.models import BlockCount, CheckResult
from verne.engine import only
from verne.engine.acts import file, revise, withdraw
from verne.engine.evidence import answers
from verne.sms.portfolio.service.samples import a_live_service
from verne.sms.resolution.classification.samples import a_category, a_prioritymatrix
from verne.sms.resolution.incident.models import Incident

pytestmark = pytest.mark.django_db

CLASSIFIED = "incidents-recorded-classified"
ONE_BY_ONE = sorted(key for key, answer in answers.items() if answer.each is not None)


@pytest.fixture(autouse=True)
def as_if_there_were_many(monkeypatch):
    """Blocks of four numbers, and sums from the first record on."""
    monkeypatch.setattr(counting, "BLOCK", 4)
    monkeypatch.setattr(counting, "MANY", 0)
    # What counting takes here says nothing.
    monkeypatch.setattr(counting, "A_CHECK", -1_000)
    monkeypatch.setattr(counting, "SHARE", 10**9)


@pytest.fixture
def incidents(manager):
    a_prioritymatrix(manager)
    service, category = a_live_service(manager), a_category(manager)
    return [
        an_old_incident(manager, service=service, category=category if n < 8 else None)
        for n in range(12)
    ]


def an_old_incident(manager, **facts):
    facts |= {"title": "Nothing prints", "impact": 2, "urgency": 2, "major_answer": "no"}
    return file(Incident, facts, by=manager, at=timezone.now() - timedelta(days=30))


def figure(key):
    return statement.stored().figures[key]


def sums(key):
    return figure(key).population, figure(key).exceptions


def whole(key, at):
    found = compute(catalogue().checks[key], InForce.at(at), at=at)
    return found.population, found.exceptions


def test_what_is_counted_by_blocks_is_what_there_is(incidents):
    statement.refresh()
    for key in ONE_BY_ONE:
        assert sums(key) == whole(key, figure(key).at), key
    assert sums(CLASSIFIED) == (12, 4)
    assert BlockCount.objects.filter(key=CLASSIFIED).count() >= 3


def test_after_a_change_only_its_block_is_counted(incidents, manager, monkeypatch):
    statement.refresh()
    asked = []
    count_changed = counting.count_changed

    def told(answer, asking, **known):
        asked.append(answer.key)
        return count_changed(answer, asking, **known)

    monkeypatch.setattr(statement, "count_changed", told)
    withdraw(incidents[3], by=manager, note="Filed twice.")
    statement.refresh()
    assert CLASSIFIED in asked
    assert sums(CLASSIFIED) == (11, 4)
    for key in ONE_BY_ONE:
        assert sums(key) == whole(key, figure(key).at), key
    assert not BlockCount.objects.filter(stale=True).exists()


def test_checks_of_the_same_records_see_them_through_one_view(incidents, manager):
    statement.refresh()
    revise(incidents[3], {"title": "Once more"}, by=manager)
    with CaptureQueriesContext(connection) as queries:
        run = statement.refresh()
    assert run.checks > 3
    views = [query["sql"] for query in queries if "CREATE TEMP VIEW" in query["sql"]]
    assert len(views) == len(set(views)) < 3


def test_a_check_that_is_about_something_else_by_now_is_counted_whole(
    incidents, manager, monkeypatch
):
    statement.refresh()
    monkeypatch.setattr(counting, "_is_about", lambda each, evidence: False)
    revise(incidents[9], {"title": "Once more"}, by=manager)
    statement.refresh()
    assert not figure(CLASSIFIED).fault
    assert CheckResult.objects.get(key=CLASSIFIED).counted_whole_at is None
    assert sums(CLASSIFIED) == (12, 4)


def test_a_new_record_and_a_mended_one_are_counted(incidents, manager):
    statement.refresh()
    revise(incidents[9], {"category": a_category(manager)}, by=manager)
    an_old_incident(manager)
    statement.refresh()
    assert sums(CLASSIFIED) == whole(CLASSIFIED, timezone.now()) == (13, 4)


def test_a_change_of_another_type_that_is_read_counts_everything(incidents, manager):
    statement.refresh()
    a_prioritymatrix(manager)
    statement.settle_marks()
    rows = CheckResult.objects.in_bulk()
    assert rows["incidents-prioritized"].counted_whole_at is None
    assert rows[CLASSIFIED].counted_whole_at is not None
    statement.refresh()
    for key in ONE_BY_ONE:
        assert sums(key) == whole(key, figure(key).at), key


def test_a_value_that_is_adjusted_counts_everything(incidents, manager):
    statement.refresh()
    adjust("parameter", "incident_update_interval", "P90D", by=manager, why="We are slow.")
    statement.refresh()
    assert sums(CLASSIFIED) == whole(CLASSIFIED, timezone.now())
    assert sums(CLASSIFIED)[0] < 12


def test_what_time_alone_changed_is_noticed_when_all_is_counted_again(
    incidents, manager, monkeypatch
):
    statement.refresh()
    first = CheckResult.objects.get(key=CLASSIFIED).counted_whole_at
    revise(incidents[5], {"title": "Still nothing"}, by=manager)
    monkeypatch.setattr(counting, "SHARE", 0)
    statement.refresh(budget=10)
    # Somebody waits: only what changed.
    assert CheckResult.objects.get(key=CLASSIFIED).counted_whole_at == first
    revise(incidents[5], {"title": "Nothing at all"}, by=manager)
    statement.refresh()
    assert CheckResult.objects.get(key=CLASSIFIED).counted_whole_at > first


def test_sums_counted_before_a_change_never_overwrite_those_after_it(
    incidents, manager, monkeypatch
):
    statement.refresh()
    store = statement._store

    def overtaken(*counted):
        monkeypatch.setattr(statement, "_store", store)
        withdraw(incidents[1], by=manager, note="Filed twice.")
        statement.settle_marks()
        store(*counted)

    monkeypatch.setattr(statement, "_store", overtaken)
    withdraw(incidents[0], by=manager, note="Filed twice.")
    statement.refresh()
    assert CLASSIFIED in statement.stored().stale
    statement.refresh()
    assert sums(CLASSIFIED) == (10, 4)


def test_with_few_records_no_sums_are_kept(incidents, monkeypatch):
    monkeypatch.setattr(counting, "MANY", 20_000)
    statement.refresh()
    assert not BlockCount.objects.exists()
    assert sums(CLASSIFIED) == (12, 4)


def test_reading_only_some_hides_the_others_from_every_query(incidents):
    some = [incidents[2].pk, incidents[7].pk]
    with only.reading(Incident, [(pk, pk) for pk in some]):
        assert sorted(Incident.objects.values_list("pk", flat=True)) == some
        inner = Incident.objects.filter(priority__gt=0)
        assert not Incident.objects.exclude(pk__in=some).exists()
        assert not inner.exclude(pk__in=some).exists()
    assert Incident.objects.count() == 12


def test_counting_a_block_again_asks_the_same_however_many_there_are(incidents, manager):
    statement.refresh()
    numbers = []
    for incident in incidents[:2]:
        revise(incident, {"title": "Once more"}, by=manager)
        with CaptureQueriesContext(connection) as queries:
            statement.refresh()
        numbers.append(len(queries))
    assert numbers[0] == numbers[1]
