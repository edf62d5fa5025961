"""A job gives way to people who wait for an answer of its process, and still gets on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection, transaction

from verne.engine import giving_way, jobs_workers
from verne.engine.jobs import job, later
from verne.engine.people import Role

pytestmark = pytest.mark.django_db(transaction=True)


class Hours:
    """Time that goes on only when somebody works or sleeps."""

    def __init__(self) -> None:
        self.now = self.worked = self.slept = 0.0
        self.held: list[bool] = []
        """Whether the sleeper was in a transaction, or had the turn to write."""

    def thread_time(self) -> float:
        return self.worked

    def monotonic(self) -> float:
        return self.now

    def work(self, seconds: float) -> None:
        self.worked += seconds
        self.now += seconds

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds
        self.held.append(connection.in_atomic_block or getattr(connection, "_turn", None))


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Hours:
    hours = Hours()
    monkeypatch.setattr(giving_way, "time", hours)
    return hours


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    def wait(said: bool) -> None:
        monkeypatch.setattr(giving_way, "people_wait", lambda: said)

    return wait


def ask() -> None:
    Role.objects.exists()


def test_it_stands_back_as_long_as_its_share_while_people_wait(hours, waiting):
    waiting(True)
    with giving_way.to_people():
        hours.work(0.1)
        ask()
        ask()
    assert hours.slept == pytest.approx(0.1 * giving_way.SHARE, abs=0.01)


def test_it_goes_on_as_soon_as_nobody_waits(hours, waiting, monkeypatch):
    monkeypatch.setattr(giving_way, "people_wait", lambda: hours.slept < 0.05)
    with giving_way.to_people():
        hours.work(0.1)
        ask()
        assert hours.slept == pytest.approx(0.05, abs=0.01)
        waiting(False)
        hours.work(10)
        ask()
    assert hours.slept == pytest.approx(0.05, abs=0.01)


def test_two_jobs_have_the_share_of_one(hours, waiting):
    waiting(True)
    with giving_way.to_people(), giving_way.to_people():
        hours.work(0.1)
        ask()
    assert hours.slept == pytest.approx(0.2 * giving_way.SHARE, abs=0.02)


def test_what_others_wait_for_is_not_put_off(hours, waiting):
    waiting(True)
    with giving_way.to_people():
        hours.work(0.1)
        with transaction.atomic():
            before = hours.slept
            hours.work(0.1)
            ask()
            assert hours.slept == before
        assert bool(before) == (connection.vendor == "sqlite"), "before the turn to write is taken"
        ask()
    assert hours.slept and not any(hours.held)


def test_what_is_no_job_never_stands_back(hours, waiting):
    waiting(True)
    hours.work(1)
    ask()
    with transaction.atomic():
        ask()
    assert not hours.slept


def test_nor_does_a_job_where_nobody_is_answered(hours):
    with giving_way.to_people():
        hours.work(1)
        ask()
        assert not connection.execute_wrappers
    assert not hours.slept


seen: list[bool] = []


@job()
def look_whether_it_gives_way() -> None:
    seen.append(bool(connection.execute_wrappers))


def test_workers_run_jobs_so(waiting):
    waiting(False)
    seen.clear()
    later(look_whether_it_gives_way)
    jobs_workers.run_waiting()
    assert seen == [True]
    assert not connection.execute_wrappers
