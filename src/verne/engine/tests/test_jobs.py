"""Background jobs: asked for in a transaction, tried again, taken up after a crash."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from verne.engine import jobs
from verne.engine.jobs import JobSchedule, job, later

pytestmark = pytest.mark.django_db

told: list[str] = []


@job()
def tell(customer: str, *, about: str) -> None:
    told.append(f"{customer}: {about}")


@job(retries=2)
def fetch_mail() -> None:
    told.append("tried")
    raise ConnectionError("The mail server does not answer.")


@job(retries=0)
def send_invoice() -> None:
    told.append("sent")


@job(schedule="*/5 * * * *")
def look_at_clocks() -> None:
    told.append("looked")


@pytest.fixture(autouse=True)
def nothing_told_yet():
    told.clear()


@pytest.fixture
def only_clocks(monkeypatch):
    path = look_at_clocks.module_path
    monkeypatch.setattr(jobs, "declared", {path: look_at_clocks})


def rows(of=None):
    found = DBTaskResult.objects.all()
    return found.filter(task_path=of.module_path) if of else found


def let_the_wait_pass():
    DBTaskResult.objects.update(run_after=timezone.now() - timedelta(seconds=1))


def test_a_job_runs_with_what_it_was_given():
    later(tell, "Harbour Retail", about="the maintenance on Sunday")
    assert told == []
    jobs.run_waiting()
    assert told == ["Harbour Retail: the maintenance on Sunday"]


def test_called_directly_a_job_runs_at_once():
    tell("Harbour Retail", about="a new service")
    assert told == ["Harbour Retail: a new service"]


def test_a_transaction_that_rolls_back_takes_the_job_with_it():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        later(tell, "Harbour Retail", about="something that never happened")
        raise ZeroDivisionError
    jobs.run_waiting()
    assert told == []


def test_a_job_waits_for_the_instant_it_is_wanted_at():
    tomorrow = timezone.now() + timedelta(days=1)
    later(tell, "Harbour Retail", about="the report", not_before=tomorrow)
    jobs.run_waiting()
    assert told == []
    let_the_wait_pass()
    jobs.run_waiting()
    assert told == ["Harbour Retail: the report"]


def test_a_record_is_refused_as_an_argument_with_the_way_out():
    with pytest.raises(TypeError, match="pass a record by its pk"):
        later(tell, JobSchedule(job="x"), about="a record")


def test_a_function_that_was_never_declared_is_refused():
    with pytest.raises(TypeError, match="declare it"):
        later(let_the_wait_pass)


def test_a_failed_job_is_tried_again_later_each_time_and_then_given_up():
    later(fetch_mail)
    waits = []
    for _attempt in range(3):
        before = timezone.now()
        jobs.run_waiting()
        row = rows(fetch_mail).get()
        waits.append((row.run_after - before).total_seconds())
        let_the_wait_pass()
    jobs.run_waiting()
    assert told == ["tried"] * 3
    assert waits[:2] == pytest.approx([15, 60], abs=5)
    assert row.status == "FAILED"
    assert "The mail server does not answer." in row.traceback


def test_a_job_cut_off_by_a_crash_is_taken_up_again():
    later(tell, "Harbour Retail", about="the outage")
    rows().get().claim("a process that died")
    assert jobs.take_up_again() == 1
    jobs.run_waiting()
    assert told == ["Harbour Retail: the outage"]


def test_a_job_that_must_not_run_twice_is_given_up_after_a_crash():
    later(send_invoice)
    rows().get().claim("a process that died")
    assert jobs.take_up_again() == 0
    jobs.run_waiting()
    assert told == []
    assert "ended while it was running" in rows().get().traceback


def test_a_job_whose_code_is_gone_is_left_as_failed():
    later(tell, "Harbour Retail", about="nothing")
    rows().update(task_path="verne.engine.tests.test_jobs.gone")
    rows().get().claim("a process that died")
    assert jobs.take_up_again() == 0
    assert rows().get().status == "FAILED"


def test_a_recurring_job_that_never_ran_is_due_at_once(only_clocks):
    monday = datetime(2026, 3, 2, 9, 1, tzinfo=UTC)
    jobs.settle_schedules(monday)
    jobs.ask_for_due_jobs(monday)
    assert rows(look_at_clocks).count() == 1
    assert JobSchedule.objects.get().due_at == datetime(2026, 3, 2, 9, 5, tzinfo=UTC)


def test_a_recurring_job_is_asked_for_once_however_many_runs_were_missed(only_clocks):
    monday = datetime(2026, 3, 2, 9, 1, tzinfo=UTC)
    jobs.settle_schedules(monday)
    jobs.ask_for_due_jobs(monday + timedelta(hours=3))
    jobs.ask_for_due_jobs(monday + timedelta(hours=3))
    assert rows(look_at_clocks).count() == 1
    assert JobSchedule.objects.get().due_at == datetime(2026, 3, 2, 12, 5, tzinfo=UTC)


def test_a_recurring_job_is_not_asked_for_while_the_last_one_waits(only_clocks):
    monday = datetime(2026, 3, 2, 9, 1, tzinfo=UTC)
    jobs.settle_schedules(monday)
    for minutes in (5, 10, 15):
        jobs.ask_for_due_jobs(monday + timedelta(minutes=minutes))
    assert rows(look_at_clocks).count() == 1


def test_a_schedule_follows_the_code(only_clocks):
    JobSchedule.objects.create(job="gone", schedule="* * * * *", due_at=timezone.now())
    JobSchedule.objects.create(
        job=look_at_clocks.module_path, schedule="0 0 * * *", due_at=timezone.now()
    )
    jobs.settle_schedules(datetime(2026, 3, 2, 9, 1, tzinfo=UTC))
    row = JobSchedule.objects.get()
    assert (row.schedule, row.due_at.minute) == ("*/5 * * * *", 5)


@pytest.mark.parametrize("line", ["every day", "61 * * * *", "0 0 31 2 *", ""])
def test_a_schedule_that_says_nothing_is_refused_where_it_is_written(line):
    with pytest.raises(ValueError, match="no cron line"):
        job(schedule=line)(let_the_wait_pass)


def test_what_finished_long_ago_is_forgotten_and_failures_later():
    for path, status, days in [
        ("old.success", "SUCCESSFUL", 8),
        ("new.success", "SUCCESSFUL", 6),
        ("old.failure", "FAILED", 91),
        ("new.failure", "FAILED", 89),
    ]:
        later(send_invoice)
        rows(send_invoice).update(
            task_path=path, status=status, finished_at=timezone.now() - timedelta(days=days)
        )
    jobs.forget_finished_jobs()
    assert set(rows().values_list("task_path", flat=True)) == {"new.success", "new.failure"}
