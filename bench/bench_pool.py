"""What a connection kept by each thread, and a pool of connections, cost on PostgreSQL.

    .venv/bin/python bench/bench_pool.py [--seconds 6] [--rounds 3] [--json figures.json]

One gunicorn process with eight threads, eight clients on kept-alive connections, a PostgreSQL of
its own reached by a socket. The ways take turns, so that what else the machine does hits them all.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tools import postgres  # noqa: E402

PORT = 8320
CLIENTS = 8
WAYS = {
    "kept by each thread": {},
    "pool of 8": {"VERNE_POOL": "8"},
    "pool of 4": {"VERNE_POOL": "4"},
}
ASKED = {
    "list": ("GET", "/api/v1/incidents", None),
    "create": ("POST", "/api/v1/incidents", {"title": "Mail stops every Monday at nine"}),
}


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=6)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    found: dict[str, dict[str, list[float]]] = {}
    with postgres.server() as url, tempfile.TemporaryDirectory(prefix="verne-pool-") as home:
        env = {
            **os.environ,
            "DATABASE_URL": url,
            "VERNE_HOME": home,
            "PYTHONPATH": str(ROOT / "src"),
        }
        token = prepare(env)
        for _round in range(chosen.rounds):
            for way, settings in WAYS.items():
                with gunicorn({**env, **settings}):
                    for name in ASKED:
                        times = ask(name, token, chosen.seconds)
                        row = found.setdefault(
                            f"{name}, {way}", {"per second": [], "p50": [], "p99": []}
                        )
                        row["per second"].append(len(times) / chosen.seconds)
                        row["p50"].append(statistics.median(times))
                        row["p99"].append(times[int(len(times) * 0.99)])
    figures = {
        name: {what: round(statistics.median(each), 1) for what, each in row.items()}
        for name, row in found.items()
    }
    print(f"{'':<32}{'requests/s':>12}{'p50 ms':>10}{'p99 ms':>10}")
    for name, row in sorted(figures.items()):
        print(f"{name:<32}{row['per second']:>12}{row['p50']:>10}{row['p99']:>10}")
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1))


def prepare(env: dict[str, str]) -> str:
    """Tables, somebody with every right, and a token of theirs."""
    made = subprocess.run(
        [sys.executable, "-c", PREPARE], env=env, check=True, capture_output=True, text=True
    )
    return made.stdout.split()[-1]


PREPARE = """
import django
from django.core.management import call_command
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "verne.settings"
django.setup()
call_command("migrate", verbosity=0)
from verne.api.models import Token
from verne.engine.people import Role
from verne.engine.testing import a_person
person = a_person("Ada Kim", roles=Role.objects.values_list("key", flat=True))
print(Token.issue(person, name="bench", scope=("read", "write"), days=1, by=None)[1])
"""


@contextlib.contextmanager
def gunicorn(env: dict[str, str]) -> Iterator[None]:
    command = [sys.executable, "-m", "gunicorn", "verne.wsgi", "--bind", f"127.0.0.1:{PORT}"]
    command += ["--threads", str(CLIENTS), "--keep-alive", "30", "--log-level", "warning"]
    server = subprocess.Popen(command, env=env)
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                call(http.client.HTTPConnection("127.0.0.1", PORT), "", "GET", "/sign-in/", None)
                break
            time.sleep(0.2)
        yield
    finally:
        server.terminate()
        server.wait(20)


def ask(name: str, token: str, seconds: float) -> list[float]:
    """Milliseconds of each request of eight clients, sorted."""
    times: list[float] = []
    until = time.perf_counter() + seconds + 1

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", PORT)
        mine = []
        while (began := time.perf_counter()) < until:
            call(connection, token, *ASKED[name])
            # The first second is for the threads to find their connections.
            if began > until - seconds:
                mine.append((time.perf_counter() - began) * 1000)
        times.extend(mine)

    threads = [threading.Thread(target=client) for _each in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(times)


def call(
    connection: http.client.HTTPConnection, token: str, verb: str, path: str, body: object
) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    connection.request(verb, path, json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status >= 400:
        raise SystemExit(f"{verb} {path}: {answer.status} {text[:500]!r}")


if __name__ == "__main__":
    main()
