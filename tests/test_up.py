"""`verne up` as people use it: a real process, its pages, its jobs, its end."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from waitress.server import create_server

from tools import postgres
from verne.cli import up
from verne.cli.threads import Threads
from verne.engine.jobs_steward import Steward

# Its first start is costly and shared.
pytestmark = pytest.mark.xdist_group("up")

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60


def installation(home, database=""):
    """The environment in which a home, and perhaps a database, is the one that is meant."""
    ours = {
        "VERNE_HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "verne.settings",
    }
    if database:
        ours["DATABASE_URL"] = database
    return {k: v for k, v in os.environ.items() if k != "DATABASE_URL"} | ours


class Process:
    """A `verne` command that goes on; its output is kept for the message of a failure."""

    def __init__(self, here, *arguments):
        self.said = []
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "verne", *arguments],
            env=here,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("Ctrl-C ends it."):
                break
        else:
            raise AssertionError(self.text)
        # Keep reading, or the process would wait for a full pipe to be emptied.
        self.reader = threading.Thread(target=lambda: self.said.extend(self.process.stdout))
        self.reader.start()

    @property
    def text(self):
        return "".join(self.said)

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return code


class Server(Process):
    """A `verne up --empty` on a free port."""

    def __init__(self, here, *arguments):
        super().__init__(here, "up", "--empty", "--port", "0", *arguments)

    @property
    def address(self):
        return re.search(r"ready at (http://\S+)", self.text)[1]

    def get(self, path):
        with urllib.request.urlopen(self.address + path, timeout=PATIENCE) as answer:
            return answer.status


@pytest.fixture(scope="module")
def first_home(tmp_path_factory):
    """A home after its first start, which makes the database."""
    home = tmp_path_factory.mktemp("first")
    server = Server(installation(home))
    assert server.end() == 0, server.text
    return home


@pytest.fixture
def here(first_home, tmp_path):
    return installation(shutil.copytree(first_home, tmp_path / "home"))


@pytest.fixture
def on_postgresql(tmp_path):
    with postgres.server() as database:
        yield installation(tmp_path / "home", database)


@pytest.fixture
def serve():
    servers = []

    def start(here, *arguments):
        servers.append(Server(here, *arguments))
        return servers[-1]

    yield start
    for server in servers:
        server.end(signal.SIGKILL)


def ask_for_a_slow_job(here, folder):
    script = (
        "import django; django.setup(); from verne.engine.jobs import later;"
        f"from tests.slow_jobs import wait_in; later(wait_in, {str(folder)!r})"
    )
    subprocess.run([sys.executable, "-c", script], env=here, check=True)


def wait_for(path):
    until = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < until, f"{path.name} never came"
        time.sleep(0.05)


def run_verne(here, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "verne", *arguments],
        env=here,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_it_says_how_to_sign_in_and_answers(serve, here):
    server = serve(here)
    assert server.get("sign-in/") == 200
    assert re.search(r"Sign in as\n\s+admin\s+\S{12,}", server.text)


def test_ctrl_c_ends_it_and_says_so(serve, here):
    server = serve(here)
    assert server.end(signal.SIGINT) == 0
    assert server.text.endswith("Ended.\n")
    with pytest.raises(OSError):
        server.get("")


@pytest.mark.thorough
def test_a_second_one_on_the_same_database_is_refused(serve, here):
    server = serve(here)
    second = run_verne(here, "up", "--port", "0")
    assert second.returncode == 2
    assert f"already running on this database, by process {server.process.pid}" in second.stderr


def test_a_port_in_use_is_refused_with_the_way_out(here):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = run_verne(here, "up", "--port", port)
    assert refused.returncode == 2
    assert "Choose another with --port" in refused.stderr


@pytest.mark.thorough
def test_a_job_cut_off_by_kill_9_is_run_again_by_the_next_start(serve, here, tmp_path):
    server = serve(here)
    ask_for_a_slow_job(here, tmp_path)
    wait_for(tmp_path / "began")
    server.end(signal.SIGKILL)
    assert not (tmp_path / "done").exists()
    (tmp_path / "go").touch()
    again = serve(here)
    wait_for(tmp_path / "done")
    assert re.search(r"Taking up \d+ background job", again.text)
    assert (tmp_path / "began").read_text() == "xx"


@pytest.mark.thorough
def test_postgresql_too_keeps_a_second_one_off_and_a_killed_job_is_run_again(
    serve, on_postgresql, tmp_path
):
    server = serve(on_postgresql)
    second = run_verne(on_postgresql, "up", "--port", "0")
    assert second.returncode == 2
    assert f"already running on this database, at {server.address}" in second.stderr
    ask_for_a_slow_job(on_postgresql, tmp_path)
    wait_for(tmp_path / "began")
    server.end(signal.SIGKILL)
    (tmp_path / "go").touch()
    serve(on_postgresql)
    wait_for(tmp_path / "done")
    assert (tmp_path / "began").read_text() == "xx"
    assert run_verne(on_postgresql, "doctor").returncode == 0


def test_a_running_job_is_finished_before_the_end(serve, here, tmp_path):
    server = serve(here)
    ask_for_a_slow_job(here, tmp_path)
    wait_for(tmp_path / "began")
    threading.Timer(1, (tmp_path / "go").touch).start()
    assert server.end(signal.SIGTERM) == 0
    assert (tmp_path / "done").exists()


def test_a_running_request_is_answered_before_the_end():
    asked, answers = threading.Event(), []

    def slow_page(environ, start_response):
        asked.set()
        time.sleep(0.5)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"x" * 100_000]

    server = create_server(slow_page, host="127.0.0.1", port=0, _dispatcher=Threads(usual=1))
    ending, steward = threading.Event(), Steward(threads=0)
    lock = up.FileLock(Path("nowhere"))

    def ask():
        with urllib.request.urlopen(f"http://127.0.0.1:{server.effective_port}/") as answer:
            answers.append(answer.read())

    visitor = threading.Thread(target=ask)
    visitor.start()
    threading.Thread(
        target=lambda: (asked.wait(PATIENCE), ending.set(), server.pull_trigger())
    ).start()
    up._answer_until(ending, server, lock)
    assert up._drain(server, steward) == []
    visitor.join(PATIENCE)
    assert answers == [b"x" * 100_000]


def test_the_doctor_finds_a_fresh_installation_well(here):
    seen = run_verne(here, "doctor")
    assert seen.returncode == 0, seen.stdout + seen.stderr
    assert "0 faults" in seen.stdout
