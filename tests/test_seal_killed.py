"""A sealing cut off by kill -9: a batch is sealed whole or not at all, and the next goes on."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.test_up import PATIENCE, Server, installation, run_verne
from verne.engine.seal.sealing import ACTS_AT_ONCE

pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.thorough]

BATCHES = 4

MANY_ACTS = f"""
import django; django.setup()
from django.utils import timezone
from verne.engine.history import Act
at = timezone.now()
acts = (
    Act(at=at, recorded_at=at, verb="settle", note=f"Act {{n}}")
    for n in range({BATCHES * ACTS_AT_ONCE})
)
Act.objects.bulk_create(acts, batch_size=2000)
"""

ASK_FOR_THE_JOB = """
import django; django.setup()
from verne.engine.jobs import later, seal_history
later(seal_history)
"""


def one(home: Path, question: str) -> int:
    place = f"file:{home / 'verne.sqlite3'}?mode=ro"
    with sqlite3.connect(place, uri=True, timeout=PATIENCE) as database:
        found: int = database.execute(question).fetchone()[0]
        return found


def checkpoints(home: Path) -> int:
    return one(home, "SELECT count(*) FROM engine_sealedat")


def leaves(home: Path) -> int:
    return one(home, "SELECT count(*) FROM engine_leaf")


def signed_size(home: Path) -> int:
    return one(home, "SELECT coalesce(max(size), 0) FROM engine_sealedat")


def unsealed(home: Path) -> int:
    of_acts = "SELECT row FROM engine_leaf WHERE source = 'act'"
    return one(home, f"SELECT count(*) FROM engine_act WHERE id NOT IN ({of_acts})")


def told(here: dict[str, str], script: str) -> None:
    subprocess.run([sys.executable, "-c", script], env=here, check=True)


def wait_until(it_is_so: Callable[[], bool], process: subprocess.Popen[str], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not it_is_so():
        assert time.monotonic() < until, f"{what} never came"
        assert process.poll() is None, f"it ended before {what}"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def unsealed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with a history of many acts that nobody has sealed."""
    home = tmp_path_factory.mktemp("first") / "home"
    here = installation(home)
    Server(here).end()
    told(here, MANY_ACTS)
    return home


@pytest.fixture
def home(unsealed_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(unsealed_home, tmp_path / "home"))


def assert_whole(home: Path, here: dict[str, str]) -> None:
    """What is there is signed, and what is signed is there."""
    assert leaves(home) == signed_size(home)
    checked = run_verne(here, "verify", "--database")
    assert checked.returncode == 0, checked.stdout


def test_a_sealing_killed_in_the_middle_leaves_whole_batches(home: Path) -> None:
    here = installation(home)
    before = checkpoints(home)
    killed = 0
    while unsealed(home) and killed < BATCHES:
        sealing = subprocess.Popen(
            [sys.executable, "-m", "verne", "seal"],
            env=here,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        # Some while into the batch after the next one: each time elsewhere in it.
        known = checkpoints(home)
        wait_until(lambda known=known: checkpoints(home) > known, sealing, "a checkpoint")
        time.sleep(0.05 * killed)
        sealing.send_signal(signal.SIGKILL)
        sealing.wait()
        killed += 1
        assert leaves(home) == signed_size(home)
    assert checkpoints(home) > before
    assert killed > 1, "it was never cut off in the middle"
    assert run_verne(here, "seal").returncode == 0
    assert unsealed(home) == 0
    assert_whole(home, here)


def test_the_job_killed_with_its_process_is_finished_by_the_next_start(home: Path) -> None:
    here = installation(home)
    server = Server(here)
    try:
        known = checkpoints(home)
        told(here, ASK_FOR_THE_JOB)
        wait_until(lambda: checkpoints(home) > known, server.process, "a checkpoint")
    finally:
        server.end(signal.SIGKILL)
    assert leaves(home) == signed_size(home)
    again = Server(here)
    try:
        told(here, ASK_FOR_THE_JOB)
        wait_until(lambda: unsealed(home) == 0, again.process, "the last checkpoint")
    finally:
        again.end()
    assert_whole(home, here)
