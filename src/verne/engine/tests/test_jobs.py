"""Background jobs: asked for in a transaction, tried again, taken up after a crash."""

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from verne.engine import jobs
from verne.engine.acts import act
from verne.engine.history import Act
from verne.engine.jobs import job, later
from verne.engine.jobs_schedules import JobSchedule, ask_for_due_jobs, settle_schedules
from verne.engine.jobs_steward import STANDS_STILL, Steward, Watch
from verne.engine.jobs_workers import (
    MOST_INTERRUPTIONS,
    JobClaim,
    JobWorker,
    TakenOver,
    _claim,
    _note,
    _run,
    attempts,
    run_next,
    run_waiting,
    sweep,
    sweep_unclaimed,
)

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


@job()
def settle_two() -> None:
    """Two acts; while it runs for the first time, others take its process for dead."""
    for customer in ("Harbour Retail", "Northwind"):
        if not Act.objects.filter(note=customer).exists():
            with act("tell", by=None, note=customer):
                pass
            if not told:
                told.append("taken for dead")
                sweep(JobWorker.objects.all())


stewards: list[Steward] = []


@job()
def look_twice() -> None:
    """Its own steward looks for claims that nobody knows of, while it runs."""
    for _look in range(2):
        stewards[-1]._give_back()
    told.extend(str(status).lower() for status in rows().values_list("status", flat=True))


@job(retries=0, if_given_up=lambda what: told.append(f"No: {what}"))
def promise(what: str) -> None:
    told.append(f"Yes: {what}")


@job(schedule="*/5 * * * *")
def look_at_clocks() -> None:
    told.append("looked")


@job(schedule="*/5 * * * *", retries=0)
def look_for_mail() -> None:
    raise ConnectionError("The mail server does not answer.")


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
    run_waiting()
    assert told == ["Harbour Retail: the maintenance on Sunday"]


@pytest.mark.parametrize(("long", "times"), [(60.0, 0), (-1.0, 1)])
def test_after_a_long_job_memory_is_given_back(monkeypatch, long, times):
    given = []
    monkeypatch.setattr("verne.engine.jobs_workers.LONG", long)
    monkeypatch.setattr("verne.engine.memory.give_back", lambda: given.append(True))
    later(tell, "Harbour Retail", about="SLA-3")
    run_waiting()
    assert len(given) == times


def test_called_directly_a_job_runs_at_once():
    tell("Harbour Retail", about="a new service")
    assert told == ["Harbour Retail: a new service"]


def test_a_transaction_that_rolls_back_takes_the_job_with_it():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        later(tell, "Harbour Retail", about="something that never happened")
        raise ZeroDivisionError
    run_waiting()
    assert told == []


def test_a_job_waits_for_the_instant_it_is_wanted_at():
    tomorrow = timezone.now() + timedelta(days=1)
    later(tell, "Harbour Retail", about="the report", not_before=tomorrow)
    run_waiting()
    assert told == []
    let_the_wait_pass()
    run_waiting()
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
        run_waiting()
        row = rows(fetch_mail).get()
        waits.append((row.run_after - before).total_seconds())
        let_the_wait_pass()
    run_waiting()
    assert told == ["tried"] * 3
    assert waits[:2] == pytest.approx([15, 60], abs=5)
    assert row.status == "FAILED"
    assert "The mail server does not answer." in row.traceback


def begin_and_die():
    """A process claims the job that is ready, and ends before the job does."""
    worker = JobWorker.enlist("work")
    row = _claim(worker)
    assert row is not None
    return worker


def test_a_job_cut_off_by_a_crash_is_taken_up_again():
    later(tell, "Harbour Retail", about="the outage")
    assert sweep([begin_and_die()]) == 1
    run_waiting()
    assert told == ["Harbour Retail: the outage"]
    assert not rows().exists()


def test_a_crash_uses_up_no_attempt():
    later(fetch_mail)
    for _crash in range(4):
        sweep([begin_and_die()])
    run_waiting()
    assert attempts(rows(fetch_mail).get()) == 1
    assert rows(fetch_mail).get().status == "READY"


def test_a_job_that_takes_its_process_down_every_time_is_given_up():
    later(tell, "Harbour Retail", about="what fills the memory")
    for _crash in range(MOST_INTERRUPTIONS):
        assert sweep([begin_and_die()]) == 1
    assert sweep([begin_and_die()]) == 0
    assert rows().get().status == "FAILED"


def test_a_job_that_must_not_run_twice_is_given_up_after_a_crash():
    later(send_invoice)
    assert sweep([begin_and_die()]) == 0
    run_waiting()
    assert told == []
    assert "ended while it was running" in rows().get().traceback


def test_whoever_waits_for_a_job_is_told_that_it_was_given_up():
    later(promise, "the report")
    sweep([begin_and_die()])
    assert told == ["No: the report"]


def test_a_job_whose_code_is_gone_is_left_as_failed():
    later(tell, "Harbour Retail", about="nothing")
    rows().update(task_path="verne.engine.tests.test_jobs.gone")
    assert sweep([begin_and_die()]) == 0
    assert rows().get().status == "FAILED"


def test_a_claim_whose_answer_was_lost_is_given_back_and_the_job_is_run():
    later(tell, "Harbour Retail", about="the outage")
    # The commit arrived, and the connection broke before this process was told.
    steward = Steward(threads=0)
    steward.worker = begin_and_die()
    steward._give_back()
    run_waiting()
    assert not told, "one look is not enough: somebody may be about to begin"
    steward._give_back()
    run_waiting()
    assert told == ["Harbour Retail: the outage"]
    assert not rows().exists()


def test_a_job_that_runs_is_not_given_back():
    steward = Steward(threads=0)
    steward.worker = JobWorker.enlist(JobWorker.Kind.WORK)
    stewards.append(steward)
    later(look_twice)
    run_next(steward.worker, doing={}, stopping=threading.Event())
    assert told == ["running"]
    assert not rows().exists()


def test_a_worker_that_beats_meanwhile_keeps_its_jobs():
    later(tell, "Harbour Retail", about="the outage")
    worker = begin_and_die()
    JobWorker.objects.get(pk=worker.pk).beat()
    assert sweep([worker]) == 0
    assert rows().get().status == "RUNNING"


def test_a_worker_taken_for_dead_says_nothing_more_about_its_job():
    later(tell, "Harbour Retail", about="the outage")
    frozen = JobWorker.enlist("work")
    row = _claim(frozen)
    sweep([frozen])
    assert _note(row, frozen, None, took=1) is False
    run_waiting()
    assert told == ["Harbour Retail: the outage"]


def test_no_act_is_committed_for_a_job_that_was_taken_over():
    later(settle_two)
    worker = JobWorker.enlist("work")
    row = _claim(worker)
    assert isinstance(_run(row, JobClaim(job=row, worker=worker)), TakenOver)
    settled = Act.objects.filter(verb="tell").order_by("pk").values_list("note", flat=True)
    assert list(settled.all()) == ["Harbour Retail"]
    run_waiting()
    assert list(settled.all()) == ["Harbour Retail", "Northwind"]


def test_what_an_earlier_version_left_running_is_taken_up():
    later(tell, "Harbour Retail", about="the upgrade")
    rows().get().claim("up-1")
    assert sweep_unclaimed() == 1
    run_waiting()
    assert told == ["Harbour Retail: the upgrade"]


def test_a_worker_is_dead_when_its_beats_stand_still_and_no_clock_is_asked():
    mine, living, dead = (JobWorker.enlist("work") for _number in range(3))
    JobWorker.objects.update(beat_at=datetime(2000, 1, 1, tzinfo=UTC))
    watch = Watch()
    for _look in range(STANDS_STILL):
        assert watch.look(but=mine) == []
        living.beat()
    assert watch.look(but=mine) == [dead]


def test_a_job_that_went_well_leaves_nothing_but_when_it_ran(only_clocks):
    monday = datetime(2026, 3, 2, 9, 1, tzinfo=UTC)
    settle_schedules(monday)
    ask_for_due_jobs(monday)
    run_waiting()
    assert told == ["looked"]
    assert not rows().exists() and not JobWorker.objects.exists()
    assert JobSchedule.objects.get().went_well is True


def test_a_recurring_job_that_fails_every_time_says_it_once(monkeypatch):
    path = look_for_mail.module_path
    monkeypatch.setattr(jobs, "declared", {path: look_for_mail})
    settle_schedules(timezone.now())
    for _time in range(3):
        later(look_for_mail)
        run_waiting()
    assert rows(look_for_mail).get().status == "FAILED"
    assert JobSchedule.objects.get().went_well is False


def test_a_recurring_job_that_never_ran_is_due_at_once(only_clocks):
    monday = datetime(2026, 3, 2, 9, 1, tzinfo=UTC)
    settle_schedules(monday)
    ask_for_due_jobs(monday)
    assert rows(look_at_clocks).count() == 1
    assert JobSchedule.objects.get().due_at == datetime(2026, 3, 2, 9, 5, tzinfo=UTC)


def test_a_recurring_job_is_asked_for_once_however_many_runs_were_missed(only_clocks):
    monday = datetime(2026, 3, 2, 9, 1, tzinfo=UTC)
    settle_schedules(monday)
    ask_for_due_jobs(monday + timedelta(hours=3))
    ask_for_due_jobs(monday + timedelta(hours=3))
    assert rows(look_at_clocks).count() == 1
    assert JobSchedule.objects.get().due_at == datetime(2026, 3, 2, 12, 5, tzinfo=UTC)


def test_a_recurring_job_is_not_asked_for_while_the_last_one_waits(only_clocks):
    monday = datetime(2026, 3, 2, 9, 1, tzinfo=UTC)
    settle_schedules(monday)
    for minutes in (5, 10, 15):
        ask_for_due_jobs(monday + timedelta(minutes=minutes))
    assert rows(look_at_clocks).count() == 1


def test_a_schedule_follows_the_code(only_clocks):
    monday = datetime(2026, 3, 2, 9, 1, tzinfo=UTC)
    JobSchedule.objects.create(job="gone", schedule="* * * * *", due_at=monday - timedelta(days=2))
    JobSchedule.objects.create(
        job=look_at_clocks.module_path, schedule="0 0 * * *", due_at=timezone.now()
    )
    settle_schedules(monday)
    row = JobSchedule.objects.get()
    assert (row.schedule, row.due_at.minute) == ("*/5 * * * *", 5)


def test_what_another_version_asks_for_is_left_alone_while_it_does(only_clocks):
    monday = datetime(2026, 3, 2, 9, 1, tzinfo=UTC)
    JobSchedule.objects.create(job="newer", schedule="* * * * *", due_at=monday)
    settle_schedules(monday)
    ask_for_due_jobs(monday)
    assert JobSchedule.objects.filter(job="newer", due_at=monday).exists()


def test_a_clock_that_had_run_ahead_does_not_keep_jobs_from_running(only_clocks):
    monday = datetime(2026, 3, 2, 9, 1, tzinfo=UTC)
    settle_schedules(monday)
    ask_for_due_jobs(monday + timedelta(days=3))
    settle_schedules(monday)
    assert JobSchedule.objects.get().due_at == datetime(2026, 3, 2, 9, 5, tzinfo=UTC)


def test_a_machine_whose_clock_is_a_little_slow_asks_for_nothing_twice(only_clocks):
    monday = datetime(2026, 3, 2, 9, 5, 1, tzinfo=UTC)
    settle_schedules(monday)
    ask_for_due_jobs(monday)
    run_waiting()
    slow = monday - timedelta(seconds=30)
    settle_schedules(slow)
    ask_for_due_jobs(slow)
    ask_for_due_jobs(monday)
    assert not rows(look_at_clocks).exists()


@pytest.mark.parametrize("line", ["every day", "61 * * * *", "0 0 31 2 *", ""])
def test_a_schedule_that_says_nothing_is_refused_where_it_is_written(line):
    with pytest.raises(ValueError, match="no cron line"):
        job(schedule=line)(let_the_wait_pass)


def test_failures_are_forgotten_after_a_while():
    for path, status, days in [
        ("left.by.an.earlier.version", "SUCCESSFUL", 1),
        ("old.failure", "FAILED", 91),
        ("new.failure", "FAILED", 89),
    ]:
        later(send_invoice)
        rows(send_invoice).update(
            task_path=path, status=status, finished_at=timezone.now() - timedelta(days=days)
        )
    jobs.forget_finished_jobs()
    assert set(rows().values_list("task_path", flat=True)) == {"new.failure"}


@pytest.mark.thorough
def test_a_worker_knows_what_recurs_without_the_pages():
    # `verne work` does not load them, so nothing that recurs may be declared there.
    script = (
        "import django; django.setup();"
        "from django.utils.module_loading import autodiscover_modules as find; find('jobs');"
        "from verne.engine.jobs import declared; before = set(declared);"
        "from django.urls import get_resolver; get_resolver().url_patterns;"
        "print([path for path in set(declared) - before if declared[path].schedule])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "verne.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
