"""The installation of deploy/ on loopback: what is lost when a process dies is the process."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from .machine import NAME, Browser, Machine, found_nginx, kill, machine, wait_for

pytestmark = [pytest.mark.thorough, pytest.mark.xdist_group("deploy")]

NGINX = [nginx] if (nginx := found_nginx()) else []
PASSWORD = "Monday at nine o'clock"
SOMEBODY = """
import django
django.setup()
from verne.engine.acts import act
from verne.engine.people import Role
from verne.engine.testing import a_person
person = a_person("Jun Park", roles=Role.objects.values_list("key", flat=True), username="jun")
with act("settle", by=None):
    person.set_password({password!r})
    person.save()
"""


@pytest.fixture(scope="module", params=NGINX)
def here(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    with machine(tmp_path_factory.mktemp("whole"), request.param) as made:
        made.run("-c", SOMEBODY.format(password=PASSWORD))
        yield made


@pytest.fixture(scope="module")
def jun(here: Machine) -> Browser:
    """Signed in through the proxy."""
    browser = here.browser()
    answer = browser.post("/sign-in/", {"username": "jun", "password": PASSWORD})
    assert answer.status == 200
    assert "Today" in answer.text
    return browser


def looked_into(server: Any, table: str) -> int:
    """How often a server has read a table."""
    with psycopg.connect(server.url) as connection:
        rows = connection.execute(
            "SELECT coalesce(sum(seq_scan + idx_scan), 0) FROM pg_stat_user_tables"
            " WHERE relname = %s",
            [table],
        )
        return int(rows.fetchone()[0])  # type: ignore[index]


def test_who_comes_without_tls_is_sent_to_it(here: Machine) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", here.http)
    connection.request("GET", "/incidents/", headers={"Host": NAME})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/incidents/")
    connection.close()


def test_pages_come_with_their_headers_and_static_files_from_the_proxy(
    here: Machine, jun: Browser
) -> None:
    page = jun.get("/")
    assert page.headers["Strict-Transport-Security"].startswith("max-age=")
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    sheet = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert jun.get(sheet).status == 200
    assert list((here.home / "static").rglob("*"))


def test_what_is_too_large_ends_at_the_proxy(jun: Browser) -> None:
    refused = jun._ask("POST", "/incidents/new", b"", {"Content-Length": str(200 << 20)})
    assert refused.status == 413


def test_what_one_files_is_read_at_once_and_from_the_replica_soon(
    here: Machine, jun: Browser
) -> None:
    for number in range(5):
        title = f"The till of shop {number} prints nothing"
        filed = jun.post("/incidents/new", {"title": title})
        assert filed.status == 200
        assert title in filed.text
        assert title in jun.get("/incidents/").text

    before = looked_into(here.standby, "resolution_incident")

    def from_the_replica() -> bool:
        assert title in jun.get("/incidents/").text
        return looked_into(here.standby, "resolution_incident") > before

    wait_for(from_the_replica, "A list read from the replica")


def test_two_workers_do_what_the_first_start_asked_for(here: Machine) -> None:
    def done() -> bool:
        with psycopg.connect(here.primary.url) as connection:
            workers = connection.execute("SELECT count(*) FROM engine_jobworker").fetchone()
            libraries = connection.execute("SELECT count(*) FROM conformity_library").fetchone()
            return workers == (2,) and libraries != (0,)

    wait_for(done, "A job of two workers")


# These come last: what they kill stays dead.


def test_lists_are_answered_without_the_replica(here: Machine, jun: Browser) -> None:
    jun.post("/incidents/new", {"title": "The till of the last shop prints nothing"})
    here.standby.stop("immediate")
    for _each in range(4):
        answer = jun.get("/incidents/")
        assert answer.status == 200
        assert "prints nothing" in answer.text


def test_a_web_process_that_is_killed_is_not_missed(here: Machine, jun: Browser) -> None:
    kill(here.web[0])
    for _each in range(6):
        assert jun.get("/incidents/").status == 200
    filed = jun.post("/incidents/new", {"title": "Filed by the process that is left"})
    assert "Filed by the process that is left" in filed.text
