"""How long the pages and calls of a large provider take, and how many queries they ask.

    .venv/bin/python bench/pages.py /tmp/provider-10k [more homes …] [--json figures.json]

Homes are made by bench/provider.py. The time is the server's: a request through all of the program
without the network. The database file is warm; the first of each is not counted.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROUNDS = 20
Ask = Callable[[], Any]


def measure(home: str) -> dict[str, dict[str, float]]:
    """Figures by what was asked: median and 95th percentile in ms, and queries."""
    from django.conf import settings
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from verne.engine.limits import declared

    settings.ALLOWED_HOSTS = ["*"]
    figures: dict[str, dict[str, float]] = {}
    for name, ask, rounds in questions():
        for limit in declared:
            # Nobody asks as often as we do.
            limit.forget()
        ask()
        times = []
        for _round in range(rounds):
            began = time.perf_counter()
            ask()
            times.append((time.perf_counter() - began) * 1000)
        with CaptureQueriesContext(connection) as queries:
            ask()
        times.sort()
        figures[name] = {
            "median": statistics.median(times),
            "p95": times[max(0, -(-len(times) * 95 // 100) - 1)],
            "queries": len(queries),
        }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures["memory, MB"] = {"median": peak, "p95": peak, "queries": 0}
    return figures


def questions() -> list[tuple[str, Ask, int]]:
    """What is asked, and how often."""
    from django.test import Client

    from verne.api.models import Token
    from verne.conformity import statement
    from verne.engine.acts import act, file, revise
    from verne.engine.people import Assignment, Person, Role
    from verne.sms.portfolio.configuration.impact import affected_by
    from verne.sms.resolution.incident.models import Incident

    manager = Person.objects.get(username="ada")
    agent = Person.objects.get(username="agent07")
    caller = Person.objects.get(username="caller7")
    with act("settle", by=manager, note="Customers may use the portal"):
        role = Role.objects.get(key="customer_user")
        Assignment.objects.get_or_create(role=role, person=caller)
    browse = {who: Client() for who in ("ada", "agent07", "caller")}
    for name, who in zip(browse, (manager, agent, caller), strict=True):
        browse[name].force_login(who)
    _row, secret = Token.issue(manager, name="bench", by=manager, scope=("write",))
    api = Client(headers={"Authorization": f"Bearer {secret}"})

    def get(path: str, client: Client = browse["agent07"], **query: str) -> Ask:
        def ask() -> Any:
            answer = client.get(path, query)
            assert answer.status_code == 200, (path, answer.status_code)
            return answer

        return ask

    last = Incident.objects.exclude(category=None).order_by("-pk").first()
    under_way = Incident.objects.filter(state="in_progress").order_by("-pk").first()
    middle = Incident.objects.filter(state="closed").order_by("pk")[Incident.objects.count() // 2]
    deep = _deep(browse["agent07"])
    hub = _most_connected()
    facts = {
        "title": "Mail is slow in Seoul",
        "service": last.service,
        "category": last.category,
        "impact": 2,
        "urgency": 2,
        "major_answer": "no",
        "reporter": last.reporter,
        "customer": last.customer,
    }
    sent = {
        "title": "Mail is slow in Seoul",
        "service": last.service.ref,
        "category": last.category.ref,
        "impact": 2,
        "urgency": 2,
        "major_answer": "no",
    }

    def create_by_api() -> Any:
        answer = api.post("/api/v1/incidents", sent, content_type="application/json")
        assert answer.status_code == 201, answer.content
        return answer

    chosen = {"service": str(last.service_id), "category": str(last.category_id)}
    written = {**sent, **chosen, "impact": "2", "urgency": "2", "source": "phone"}

    def post(path: str, facts: dict[str, str], client: Client = browse["agent07"]) -> Ask:
        def ask() -> Any:
            answer = client.post(path, facts)
            assert answer.status_code == 302, (path, answer.status_code, answer.content[:2000])
            return answer

        return ask

    def recompute() -> Any:
        revise(last, {"title": f"Mail is slow {time.monotonic()}"}, by=manager)
        return statement.refresh()

    return [
        ("Today, agent", get("/"), ROUNDS),
        ("Today, manager", get("/", browse["ada"]), ROUNDS),
        ("list, first page", get("/incidents/"), ROUNDS),
        ("list, open only", get("/incidents/", standing="open"), ROUNDS),
        ("list, filtered", get("/incidents/", state="closed", priority="1"), ROUNDS),
        ("list, sorted by priority", get("/incidents/", sort="priority"), ROUNDS),
        ("list, deep page", get(deep), ROUNDS),
        ("list, with a word", get("/incidents/", q="Valencia"), ROUNDS),
        ("record", get(f"/r/{middle.ref}"), ROUNDS),
        ("record, open, with its form", get(f"/r/{under_way.ref}"), ROUNDS),
        ("search", get("/search/", q="printer Hamburg"), ROUNDS),
        ("jump", get("/jump/", q=middle.ref), ROUNDS),
        ("the portal", get("/portal/", browse["caller"]), ROUNDS),
        ("portal, mine", get("/portal/mine/", browse["caller"]), ROUNDS),
        ("map of a service", get(f"/r/{last.service.ref}/map", browse["ada"]), ROUNDS),
        ("map of the hub", get(f"/r/{hub.ref}/map", browse["ada"]), ROUNDS),
        ("impact of the hub", lambda: affected_by(hub.pk, depth=5), ROUNDS),
        ("statement page", get("/standard/", browse["ada"]), ROUNDS),
        ("clause page", get("/standard/8.6.1/", browse["ada"]), ROUNDS),
        ("file an incident", lambda: file(Incident, facts, by=agent), ROUNDS),
        ("create by API", create_by_api, ROUNDS),
        ("file by the page", post("/incidents/new", written), ROUNDS),
        ("comment by the page", post(f"/r/{under_way.ref}/comment", {"text": "Soon."}), ROUNDS),
        ("statement after a change", recompute, 5),
        ("whole statement", statement.recompute, 1),
    ]


def _deep(client: Any) -> str:
    """The address of the page a hundred pages down, found by going there."""
    import re

    path = "/incidents/"
    for _page in range(40):
        found = re.search(r'href="([^"]*after=[^"]*)"', client.get(path).content.decode())
        if found is None:
            break
        path = found[1].replace("&amp;", "&")
        path = path if path.startswith("/") else f"/incidents/{path}"
    return path


def _most_connected() -> Any:
    from django.db.models import Count

    from verne.engine.links import Link
    from verne.engine.records import Sheet

    row = Link.objects.values("target").annotate(n=Count("pk")).order_by("-n").first()
    assert row is not None
    return Sheet.objects.get(pk=row["target"])


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    homes = list(results)
    lines = [f"{'':<28}" + "".join(f"{Path(home).name:>28}" for home in homes)]
    lines.append(f"{'':<28}" + f"{'median     p95  queries':>28}" * len(homes))
    for name in next(iter(results.values())):
        cells = [results[home][name] for home in homes]
        lines.append(
            f"{name:<28}"
            + "".join(f"{c['median']:>13.1f}{c['p95']:>8.1f}{c['queries']:>7.0f}" for c in cells)
        )
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    into = ""
    if "--json" in arguments:
        place = arguments.index("--json")
        into = arguments[place + 1]
        del arguments[place : place + 2]
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    if len(arguments) == 1 and os.environ.get("VERNE_BENCH_INSIDE"):
        os.environ["VERNE_HOME"] = arguments[0]
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "verne.settings")
        from verne.cli import start

        start.apps()
        print(json.dumps(measure(arguments[0])))
        return 0
    results = {}
    for home in arguments:
        done = subprocess.run(
            [sys.executable, __file__, home],
            env=os.environ | {"VERNE_BENCH_INSIDE": "1"},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        results[home] = json.loads(done.stdout.splitlines()[-1])
    print(table(results))
    if into:
        machine = {"machine": platform.platform(), "python": platform.python_version()}
        Path(into).write_text(json.dumps(machine | {"figures": results}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
