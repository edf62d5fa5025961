"""Settings, Background jobs: what waits, runs, recurs and has failed, and the buttons beside it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from verne.engine import jobs
from verne.engine.history import Act
from verne.engine.jobs import forget_expired_sessions, job, later, ring_clocks
from verne.engine.jobs_schedules import JobSchedule, settle_schedules
from verne.engine.jobs_workers import JobWorker, _claim, run_waiting
from verne.engine.people import Person

pytestmark = pytest.mark.django_db

Browse = Callable[[Person], Client]
sent: list[str] = []


@job(title="Fetch mail from the service desk's box", retries=1)
def fetch_mail(box: str) -> None:
    if not sent:
        raise ConnectionError(f"The server of {box} does not answer.")


@job(title="Send invoices", retries=0, if_given_up=lambda month: sent.append(f"No {month}"))
def send_invoices(month: str) -> None:
    raise ValueError(f"{month} is not closed yet.")


@pytest.fixture(autouse=True)
def _nothing_sent() -> None:
    sent.clear()


def shown(client: Client) -> str:
    answer = client.get("/settings/jobs/")
    assert answer.status_code == 200
    return answer.content.decode()


def fail_for_good() -> DBTaskResult:
    later(fetch_mail, "help@nordwind.example")
    for _attempt in range(2):
        DBTaskResult.objects.update(run_after=timezone.now() - timedelta(seconds=1))
        run_waiting()
    return DBTaskResult.objects.failed().get()


def test_a_reader_neither_sees_nor_steers_jobs(reader: Person, browse: Browse) -> None:
    row = fail_for_good()
    client = browse(reader)
    assert client.get("/settings/jobs/").status_code == 403
    assert client.post(f"/settings/jobs/{row.pk}/retry").status_code == 403
    assert client.post(f"/settings/jobs/{row.pk}/cancel").status_code == 403
    assert client.post("/settings/jobs/run", {"job": ring_clocks.module_path}).status_code == 403
    assert DBTaskResult.objects.failed().exists()


def test_a_failed_job_says_why_in_plain_words_and_runs_again_at_a_button(
    manager: Person, browse: Browse
) -> None:
    row = fail_for_good()
    client = browse(manager)
    page = shown(client)
    assert "Fetch mail from the service desk&#x27;s box" in page
    assert "The server of help@nordwind.example does not answer.</div>" in page
    sent.append("The server is back.")
    client.post(f"/settings/jobs/{row.pk}/retry")
    run_waiting()
    assert not DBTaskResult.objects.exists()
    assert Act.objects.filter(by=manager, name="retry_job").count() == 1


def test_a_failed_job_can_be_cleared_away(manager: Person, browse: Browse) -> None:
    row = fail_for_good()
    client = browse(manager)
    client.post(f"/settings/jobs/{row.pk}/cancel")
    assert not DBTaskResult.objects.exists()
    # Somebody else pressed it first: nothing breaks.
    assert "running already, or has ended" in (
        client.post(f"/settings/jobs/{row.pk}/cancel", follow=True).content.decode()
    )


def test_a_waiting_job_can_be_cancelled_and_whoever_waits_is_told(
    manager: Person, browse: Browse
) -> None:
    later(send_invoices, "March")
    client = browse(manager)
    assert "next in turn" in shown(client)
    client.post(f"/settings/jobs/{DBTaskResult.objects.get().pk}/cancel")
    run_waiting()
    assert sent == ["No March"]


def test_a_job_that_must_not_run_twice_has_no_button_for_it(
    manager: Person, browse: Browse
) -> None:
    later(send_invoices, "March")
    run_waiting()
    row = DBTaskResult.objects.failed().get()
    client = browse(manager)
    assert f"/settings/jobs/{row.pk}/cancel" in shown(client)
    assert f"/settings/jobs/{row.pk}/retry" not in shown(client)
    client.post(f"/settings/jobs/{row.pk}/retry")
    assert DBTaskResult.objects.failed().exists()


def test_a_running_job_shows_its_process_and_cannot_be_cancelled(
    manager: Person, browse: Browse
) -> None:
    later(fetch_mail, "help@nordwind.example")
    worker = JobWorker.enlist("work")
    row = _claim(worker)
    assert row is not None
    client = browse(manager)
    assert worker.name in shown(client)
    client.post(f"/settings/jobs/{row.pk}/cancel")
    assert DBTaskResult.objects.running().exists()


def test_a_recurring_job_runs_now_once_however_often_the_button_is_pressed(
    manager: Person, browse: Browse
) -> None:
    settle_schedules(timezone.now())
    client, path = browse(manager), forget_expired_sessions.module_path
    assert "Clear away expired sessions" in shown(client)
    for _press in range(2):
        client.post("/settings/jobs/run", {"job": path})
    assert DBTaskResult.objects.filter(task_path=path).count() == 1
    run_waiting()
    assert JobSchedule.objects.get(job=path).went_well is True
    assert "went well" in shown(client)


def test_only_what_recurs_can_be_asked_for(manager: Person, browse: Browse) -> None:
    settle_schedules(timezone.now())
    client = browse(manager)
    for path in (fetch_mail.module_path, "os.system", ""):
        assert client.post("/settings/jobs/run", {"job": path}).status_code == 404
    assert not DBTaskResult.objects.exists()


def test_a_longer_list_is_paged_and_asks_no_more_questions(
    manager: Person, browse: Browse, django_assert_num_queries: Callable[..., object]
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    settle_schedules(timezone.now())
    client = browse(manager)
    fail_for_good()
    later(fetch_mail, "help@nordwind.example")
    with CaptureQueriesContext(connection) as few:
        shown(client)
    row = DBTaskResult.objects.failed().get()
    for _number in range(60):
        later(fetch_mail, "help@nordwind.example")
    copies = [
        DBTaskResult(
            status="FAILED",
            task_path=row.task_path,
            args_kwargs=row.args_kwargs,
            worker_ids=row.worker_ids,
            backend_name=row.backend_name,
            run_after=row.run_after,
            finished_at=row.finished_at,
            exception_class_path=row.exception_class_path,
            traceback=row.traceback,
        )
        for _number in range(60)
    ]
    DBTaskResult.objects.bulk_create(copies)
    with django_assert_num_queries(len(few)):
        page = shown(client)
    assert page.count("/retry") == 25
    assert "?failed=25#failed" in page and "?waiting=25#waiting" in page
    last = client.get("/settings/jobs/?failed=50").content.decode()
    assert last.count("/retry") == 11
    assert client.get("/settings/jobs/?failed=-1&waiting=x").status_code == 200


def test_every_job_of_the_program_has_a_title_to_read() -> None:
    untold = [
        path
        for path, found in jobs.declared.items()
        if path.startswith("verne.") and ".tests." not in path and not found.title
    ]
    assert untold == []
