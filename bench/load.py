"""Many at once against a running program: how many incidents a second, and how long people wait.

    .venv/bin/python bench/load.py HOME [--seconds 20] [--mixed 600] [--postgres URL]

HOME is one that bench/provider.py made. First eight clients file incidents as fast as they are
answered; then 50 agents and 150 customers do what people do, so many actions an hour, each at its
time whether the one before is answered or not. The server is a process of its own: `verne up` on
SQLite, `verne web` with two processes on PostgreSQL.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import queue
import random
import re
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = 8
AGENTS, CUSTOMERS = 50, 150
HANDS = 48
"""Actions under way at once; whoever comes later waits for a hand, and that counts, too."""

PREPARE = """
import json, os
os.environ["DJANGO_SETTINGS_MODULE"] = "verne.settings"
from verne.cli import start
start.apps()
from django.test import Client
from verne.api.models import Token
from verne.engine.acts import act
from verne.engine.people import Assignment, Person, Role
from verne.sms.resolution.incident.models import Incident
ada = Person.objects.get(username="ada")
token = Token.issue(ada, name="load", scope=("read", "write"), days=1, by=None)[1]
agents = list(Person.objects.filter(username__startswith="agent")[:50])
customers = list(Person.objects.filter(username__startswith="caller")[:150])
with act("settle", by=ada, note="Customers may use the portal"):
    role = Role.objects.get(key="customer_user")
    there = set(Assignment.objects.filter(role=role).values_list("person", flat=True))
    for person in customers:
        if person.pk not in there:
            Assignment.objects.create(role=role, person=person)
def session(person):
    client = Client()
    client.force_login(person)
    return {name: cookie.value for name, cookie in client.cookies.items()}
classified = Incident.objects.exclude(category=None).select_related("service", "category")
last = classified.order_by("-pk").first()
# As many as a desk has in hand: with a few hundred, each has dozens of comments after a run.
open_refs = list(Incident.objects.exclude(state="closed").values_list("ref", flat=True)[:4000])
print(json.dumps({
    "token": token,
    "agents": [session(p) for p in agents],
    "customers": [session(p) for p in customers],
    "refs": open_refs,
    "incident": {"title": "Mail is slow in Seoul", "service": last.service.ref,
        "category": last.category.ref, "impact": 2, "urgency": 2, "major_answer": "no"},
}))
"""


def main(arguments: list[str]) -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("home")
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--mixed", type=float, help="seconds of the mixed load; thrice the others")
    options.add_argument("--actions", type=int, default=200_000, help="actions an hour")
    options.add_argument("--postgres", default="", help="DATABASE_URL of the provider")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args(arguments)
    env = os.environ | {"VERNE_HOME": chosen.home, "VERNE_API_RATE": "0"}
    env |= {"PYTHONPATH": str(ROOT / "src")}
    if chosen.postgres:
        env["DATABASE_URL"] = chosen.postgres
    figures: dict[str, Any] = {}
    world = json.loads(_python(env, PREPARE).splitlines()[-1])
    with server(env, web=bool(chosen.postgres)) as port:
        figures["create"] = create(port, world, chosen.seconds)
        figures["mixed"] = mixed(port, world, chosen.mixed or chosen.seconds * 3, chosen.actions)
    for name, row in figures.items():
        print(f"{name:<8}", ", ".join(f"{what} {value}" for what, value in row.items()))
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1))
    return 0


def _python(env: dict[str, str], text: str) -> str:
    done = subprocess.run([sys.executable, "-c", text], env=env, check=True, stdout=-1, text=True)
    return done.stdout


@contextlib.contextmanager
def server(env: dict[str, str], *, web: bool) -> Iterator[int]:
    command = [sys.executable, "-u", "-m", "verne"]
    command += ["web", "--workers", "2", "--port", "8327"] if web else ["up", "--port", "8327"]
    running = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                if _ask(_connect(8327), "GET", "/sign-in/", {}, None)[0] == 200:
                    break
            time.sleep(0.2)
        yield 8327
    finally:
        running.terminate()
        running.wait(60)


def _connect(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=60)


def _ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: dict[str, str],
    body: str | None,
) -> tuple[int, bytes]:
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def create(port: int, world: dict[str, Any], seconds: float) -> dict[str, float]:
    """Eight clients file incidents through the API, each as soon as the last is answered."""
    times: list[float] = []
    errors: list[int] = []
    headers = {"Authorization": f"Bearer {world['token']}", "Content-Type": "application/json"}
    body = json.dumps(world["incident"])
    until = time.perf_counter() + seconds

    def client() -> None:
        connection = _connect(port)
        while (began := time.perf_counter()) < until:
            status, _text = _ask(connection, "POST", "/api/v1/incidents", headers, body)
            times.append((time.perf_counter() - began) * 1000)
            if status != 201:
                errors.append(status)

    _together(client for _each in range(CLIENTS))
    return {"a second": round(len(times) / seconds, 1), "errors": len(errors), **_spread(times)}


def mixed(port: int, world: dict[str, Any], seconds: float, actions: int) -> dict[str, float]:
    """Agents and customers at a given pace; the time counts from when the action was wanted."""
    chance = random.Random(20000)
    pace = actions / 3600
    asked: queue.Queue[tuple[float, Callable[[http.client.HTTPConnection], int]] | None]
    asked = queue.Queue()
    times: list[float] = []
    errors: list[str] = []
    begin = time.perf_counter() + 0.5

    def hand() -> None:
        connection = _connect(port)
        while (item := asked.get()) is not None:
            at, action = item
            time.sleep(max(0.0, at - time.perf_counter()))
            status = action(connection)
            times.append((time.perf_counter() - at) * 1000)
            if status >= 400:
                errors.append(f"{status} {action.__name__}")

    for n in range(int(seconds * pace)):
        asked.put((begin + n / pace, _action(world, chance)))
    for _hand in range(HANDS):
        asked.put(None)
    _together(hand for _each in range(HANDS))
    took = time.perf_counter() - begin
    rate = round(len(times) / took * 3600)
    for kind, many in Counter(errors).items():
        print(f"  {many} × {kind}", file=sys.stderr)
    return {"an hour": rate, "errors": len(errors), **_spread(times)}


def _action(
    world: dict[str, Any], chance: random.Random
) -> Callable[[http.client.HTTPConnection], int]:
    """What a person does next: an agent three times in four."""
    if chance.random() < 0.75:
        who = chance.choice(world["agents"])
        ref = chance.choice(world["refs"])
        draw = chance.random()
        if draw < 0.35:
            return _page(who, f"/r/{ref}")
        if draw < 0.60:
            return _page(who, "/incidents/?standing=open")
        if draw < 0.70:
            return _page(who, "/")
        if draw < 0.80:
            return _page(who, f"/search/?q={chance.choice(('printer', 'seoul', 'mail'))}")
        if draw < 0.92:
            return _form(who, f"/r/{ref}/comment", {"text": "We are on it.", "public": "on"})
        return _file(world)
    who = chance.choice(world["customers"])
    draw = chance.random()
    if draw < 0.45:
        return _page(who, "/portal/")
    if draw < 0.85:
        return _page(who, "/portal/mine/")
    facts = {"title": "The screen stays dark", "description": "Since nine.", "service": ""}
    return _form(who, "/portal/fault/", facts, page="/portal/fault/")


def _page(who: dict[str, str], path: str) -> Callable[[http.client.HTTPConnection], int]:
    def act(connection: http.client.HTTPConnection) -> int:
        return _ask(connection, "GET", path, _cookies(who), None)[0]

    act.__name__ = f"GET {path}"
    return act


def _form(
    who: dict[str, str], path: str, facts: dict[str, str], *, page: str = "/"
) -> Callable[[http.client.HTTPConnection], int]:
    def act(connection: http.client.HTTPConnection) -> int:
        if "csrf" not in who:
            connection.request("GET", page, headers=_cookies(who))
            answer = connection.getresponse()
            text = answer.read().decode()
            for cookie in answer.headers.get_all("Set-Cookie") or ():
                name, _is, value = cookie.partition(";")[0].partition("=")
                who[name] = value
            found = re.search(r'csrfmiddlewaretoken"? value="([^"]+)"', text)
            who["csrf"] = found[1] if found else who.get("csrftoken", "")
            offered = re.findall(r'<option value="([^"]+)"', text)
            who["service"] = offered[0] if offered else ""
        if "service" in facts:
            facts["service"] = who["service"]
        body = urllib.parse.urlencode(facts | {"csrfmiddlewaretoken": who["csrf"]})
        headers = _cookies(who) | {"Content-Type": "application/x-www-form-urlencoded"}
        return _ask(connection, "POST", path, headers, body)[0]

    act.__name__ = f"POST {path}"
    return act


def _file(world: dict[str, Any]) -> Callable[[http.client.HTTPConnection], int]:
    headers = {"Authorization": f"Bearer {world['token']}", "Content-Type": "application/json"}
    body = json.dumps(world["incident"])

    def act(connection: http.client.HTTPConnection) -> int:
        return _ask(connection, "POST", "/api/v1/incidents", headers, body)[0]

    return act


def _cookies(who: dict[str, str]) -> dict[str, str]:
    ours = ("csrf", "service")
    said = "; ".join(f"{name}={value}" for name, value in who.items() if name not in ours)
    return {"Cookie": said}


def _together(works: Iterator[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _spread(times: list[float]) -> dict[str, float]:
    times.sort()
    return {
        "median ms": round(statistics.median(times), 1),
        "p95 ms": round(times[int(len(times) * 0.95)], 1),
        "worst ms": round(times[-1], 1),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
