"""However connections are shared, nobody's act is left on one for somebody else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tools import postgres

pytestmark = [pytest.mark.thorough, pytest.mark.xdist_group("deploy")]

ROOT = Path(__file__).resolve().parents[2]
DIRECT = {"kept by each thread": {}, "a pool of two": {"VERNE_POOL": "2"}}
THROUGH = [pytest.param({}, id="pgbouncer")] if shutil.which("pgbouncer") else []

BOUNCER = """
[databases]
verne = host={server} dbname=verne user=verne
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = {folder}
logfile = {folder}/log
auth_type = any
pool_mode = transaction
default_pool_size = 2
ignore_startup_parameters = extra_float_digits
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    """A PostgreSQL with the tables of the program."""
    with postgres.installation() as installed:
        server = postgres.Server(installed, "primary")
        server.make()
        run(server.url, {}, "-m", "verne", "manage", "migrate", "--verbosity", "0")
        yield server


@pytest.fixture(scope="module")
def bouncer(server: postgres.Server) -> Iterator[str]:
    """A pgbouncer that lends two connections, each for one transaction."""
    folder = server.installed.folder("bouncer", 0o755)
    settings, log, socket = folder / "settings.ini", folder / "log", folder / ".s.PGSQL.6432"
    settings.write_text(BOUNCER.format(server=server.sockets, folder=folder))
    # It runs as another user than we do, who may keep new files to ourselves.
    settings.chmod(0o644)
    user = server.installed.user
    with (folder / "said").open("wb") as said:
        program: Any = subprocess.Popen(
            [str(shutil.which("pgbouncer")), str(settings)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            **({"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}),
        )
    try:
        until = time.monotonic() + 60
        while not socket.exists() and program.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        assert socket.exists(), f"pgbouncer did not start: {program.poll()}\n" + "".join(
            each.read_text(errors="replace") for each in (folder / "said", log) if each.exists()
        )
        yield f"postgresql://verne@/verne?host={quote(str(folder), safe='')}&port=6432"
    finally:
        program.terminate()
        program.wait(10)


@pytest.mark.parametrize("settings", DIRECT.values(), ids=DIRECT.keys())
def test_no_act_is_left_on_a_connection(server: postgres.Server, settings: dict[str, str]) -> None:
    _nothing_was_left(found := work(server.url, settings))
    assert not found["pooler"]


@pytest.mark.parametrize("settings", THROUGH)
def test_no_act_is_left_on_a_connection_that_a_pooler_lends(
    server: postgres.Server, bouncer: str, settings: dict[str, str]
) -> None:
    _nothing_was_left(found := work(bouncer, settings))
    assert found["pooler"]


@pytest.mark.parametrize("settings", THROUGH)
def test_what_needs_a_connection_of_its_own_is_refused_through_a_pooler(
    bouncer: str, settings: dict[str, str]
) -> None:
    for command in (("manage", "migrate", "api", "zero"), ("up", "--port", "8321")):
        refused = run(bouncer, settings, "-m", "verne", *command, check=False)
        assert refused.returncode != 0
        assert "leads through a pooler" in refused.stderr


def _nothing_was_left(found: dict[str, Any]) -> None:
    assert found["failures"] == []
    assert found["left"] == []
    assert found["strangers"] == []
    assert found["filed"] == 8 * 6
    assert found["looked"] == 8 * 6 * 3


def work(url: str, settings: dict[str, str]) -> dict[str, Any]:
    told = run(url, settings, "-m", "tests.deploy.acts_by_threads").stdout
    found: dict[str, Any] = json.loads(told)
    return found


def run(
    url: str, settings: dict[str, str], *command: str, check: bool = True
) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}",
        **settings,
    }
    done = subprocess.run(
        [sys.executable, *command],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert not check or done.returncode == 0, done.stderr
    return done
