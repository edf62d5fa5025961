"""Several processes on one PostgreSQL: pages from `verne web`, jobs from `verne work`."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.test_up import PATIENCE, Process, installation, run_verne, wait_for
from tools import postgres

pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.thorough]


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """An installation on PostgreSQL, migrated and empty."""
    with postgres.server() as database:
        here = installation(tmp_path_factory.mktemp("home"), database)
        refused = run_verne(here, "work")
        assert refused.returncode == 2 and "Run `verne migrate`" in refused.stderr
        made = run_verne(here, "migrate")
        assert made.returncode == 0, made.stderr
        assert "Sign in as" in made.stdout
        yield here


@pytest.fixture
def run(here):
    running = []

    def start(*arguments):
        running.append(Process(here, *arguments))
        return running[-1]

    yield start
    for each in running:
        each.end(signal.SIGKILL)


def in_verne(here, script):
    """Run a script in the installation, and give what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", f"import django; django.setup()\n{script}"],
        env=here,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def ask_for(here, job, folder):
    in_verne(
        here,
        f"from verne.engine.jobs import later; from tests.slow_jobs import {job};"
        f"later({job}, {str(folder)!r})",
    )


def soon(true, what):
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until, what
        time.sleep(0.1)


def lines(path):
    return path.read_text().split() if path.exists() else []


def test_a_job_of_a_killed_worker_is_run_by_another_exactly_once(run, here, tmp_path):
    workers = {each.process.pid: each for each in (run("work"), run("work"))}
    ask_for(here, "wait_in", tmp_path)
    wait_for(tmp_path / "began")
    victim = workers.pop(int(lines(tmp_path / "who")[0]))
    (other,) = workers
    victim.end(signal.SIGKILL)
    killed_at = time.monotonic()
    soon(lambda: len(lines(tmp_path / "who")) == 2, "Nobody took the job up.")
    took = time.monotonic() - killed_at
    (tmp_path / "go").touch()
    wait_for(tmp_path / "done")
    # As long again as it took: by then a second one would have taken it up too.
    time.sleep(took)
    assert lines(tmp_path / "who") == [str(victim.process.pid), str(other)]
    assert lines(tmp_path / "done") == ["done"]
    assert took < 30
    left = "from django_tasks_db.models import DBTaskResult as rows; print(rows.objects.filter("
    assert in_verne(here, f"{left}task_path='tests.slow_jobs.wait_in').count())") == "0"


def test_a_job_that_must_not_run_twice_is_given_up_when_its_worker_is_killed(run, here, tmp_path):
    workers = {each.process.pid: each for each in (run("work"), run("work"))}
    ask_for(here, "never_twice", tmp_path)
    wait_for(tmp_path / "who")
    workers[int(lines(tmp_path / "who")[0])].end(signal.SIGKILL)
    wait_for(tmp_path / "told")
    assert len(lines(tmp_path / "who")) == 1
    said = run_verne(here, "doctor").stdout
    assert "tests.slow_jobs.never_twice" in said or "Never twice" in said


def test_a_worker_that_was_frozen_and_taken_for_dead_does_nothing_more(run, here, tmp_path):
    workers = {each.process.pid: each for each in (run("work"), run("work"))}
    ask_for(here, "keep_telling", tmp_path)
    soon(lambda: acts_told(here), "It never began.")
    frozen = int(lines(tmp_path / "who")[0])
    (other,) = workers.keys() - {frozen}
    freeze_between_acts(here, frozen)
    soon(lambda: len(lines(tmp_path / "who")) == 2, "Nobody took the job up.")
    os.kill(frozen, signal.SIGCONT)
    soon(lambda: "it goes on anew" in workers[frozen].text, "It did not notice.")
    soon(lambda: "taken over by another worker" in workers[frozen].text, "It did not notice.")
    (tmp_path / "go").touch()
    told = acts_told(here)
    assert set(told[: told.index(other)]) == {frozen}
    assert set(told[told.index(other) :]) == {other}
    # It lives, and works on.
    workers[other].end()
    ask_for(here, "wait_in", tmp_path)
    wait_for(tmp_path / "done")


def acts_told(here):
    """Which process wrote each act of the job, in order."""
    script = (
        "from verne.engine.history import Act;"
        "print(*Act.objects.filter(verb='tell').order_by('pk').values_list('note', flat=True))"
    )
    return [int(pid) for pid in in_verne(here, script).split()]


def freeze_between_acts(here, pid):
    """Stop a process while its claim is not locked, which it is at the end of each act.

    Its claim of this job: recurring jobs are due when the workers start, and have claims, too.
    """
    script = (
        "from django.db import transaction; from verne.engine.jobs_workers import JobClaim\n"
        "claims = JobClaim.objects.filter(job__task_path__endswith='keep_telling')\n"
        "with transaction.atomic():"
        " print(len(claims.select_for_update(of=('self',), skip_locked=True)))"
    )
    while True:
        os.kill(pid, signal.SIGSTOP)
        if in_verne(here, script) == "1":
            return
        os.kill(pid, signal.SIGCONT)


def test_a_schedule_is_asked_for_once_however_many_workers(run, here, tmp_path):
    tick = {**here, "VERNE_TEST_TICKS": str(tmp_path / "ticks")}
    script = (
        "import django; django.setup(); from tests import ticking;"
        "from verne.cli import main; main(['work'])"
    )
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", script], env=tick, stdout=subprocess.PIPE, text=True
        )
        for _number in range(3)
    ]
    try:
        for worker in workers:
            assert worker.stdout.readline().startswith("Verne")
        for minute in (1, 2, 3):
            # The clock is not waited for: its row says that the time has come.
            in_verne(
                tick,
                "from datetime import timedelta; from django.utils import timezone;"
                "from verne.engine.jobs_schedules import JobSchedule as s;"
                "s.objects.filter(job='tests.ticking.tick').update("
                "due_at=timezone.now() - timedelta(seconds=1))",
            )
            soon(lambda m=minute: len(lines(tmp_path / "ticks")) >= m + 1, "It never ticked.")
            time.sleep(2.5)
            assert len(lines(tmp_path / "ticks")) == minute + 1
    finally:
        for worker in workers:
            worker.terminate()
            worker.wait(PATIENCE)


def test_up_runs_beside_workers_and_leaves_their_jobs_alone(run, here, tmp_path):
    worker = run("work")
    ask_for(here, "wait_in", tmp_path)
    wait_for(tmp_path / "began")
    run("up", "--empty", "--port", "0")
    time.sleep(2)
    assert lines(tmp_path / "who") == [str(worker.process.pid)]
    (tmp_path / "go").touch()
    wait_for(tmp_path / "done")
    assert worker.end() == 0
    assert worker.text.endswith("Ended.\n")


def test_web_processes_serve_pages_and_run_no_jobs(run, here, tmp_path):
    ports = [free_port(), free_port()]
    servers = [run("web", "--port", str(port), "--workers", "1") for port in ports]
    for port in ports:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in/", timeout=PATIENCE) as page:
            assert page.status == 200
    (tmp_path / "go").touch()
    ask_for(here, "wait_in", tmp_path)
    time.sleep(2)
    assert not (tmp_path / "began").exists()
    for server in servers:
        assert server.end() == 0, server.text
    run("work")
    wait_for(tmp_path / "done")


def test_a_port_in_use_is_refused_with_the_way_out(here):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = run_verne(here, "web", "--port", str(taken.getsockname()[1]))
    assert refused.returncode == 2
    assert "Choose another with --port" in refused.stderr


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]
