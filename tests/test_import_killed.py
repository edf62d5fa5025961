"""An import that is cut off: what was taken in stands whole, and the rest comes with the next."""

import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from tests import long_log
from tests.test_up import Server, installation, run_verne
from verne.sms.resolution.intake.taking import BATCH

pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.thorough]


def counted(home, table):
    with sqlite3.connect(f"file:{home / 'verne.sqlite3'}?mode=ro", uri=True) as database:
        return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_an_import_killed_in_the_middle_is_finished_by_the_next(tmp_path):
    home = tmp_path / "home"
    here = installation(home)
    Server(here).end()
    log = tmp_path / "log.csv"
    incidents = long_log.write(log, incidents=BATCH + 50)

    command = ("import", "servicenow-log", str(log))
    cut_off = subprocess.Popen(
        [sys.executable, "-m", "verne", *command],
        env=here,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 60
    while counted(home, "resolution_incident") < BATCH:
        assert time.monotonic() < until and cut_off.poll() is None
        time.sleep(0.02)
    cut_off.send_signal(signal.SIGKILL)
    cut_off.wait()
    # A batch is there as a whole or not at all.
    assert counted(home, "resolution_incident") == BATCH

    again = run_verne(here, *command, "--report", str(tmp_path / "report.csv"), "--json")
    assert again.returncode == 0, again.stderr
    assert counted(home, "resolution_incident") == incidents
