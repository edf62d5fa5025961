"""A program of its own: people write and read, while the copy follows, lags, and goes away.

It prints, as JSON, from where each question was answered: the copy, the primary or both.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from verne.api.models import Token  # noqa: E402
from verne.cli import examination  # noqa: E402
from verne.engine import replica  # noqa: E402
from verne.engine.acts import act  # noqa: E402
from verne.engine.people import Assignment, Organization, Person, Role  # noqa: E402
from verne.engine.testing import a_person  # noqa: E402

found: dict[str, Any] = {}


def main() -> None:
    roles = list(Role.objects.values_list("key", flat=True))
    ada, jun = (a_person(name, roles=roles) for name in ("Ada Kim", "Jun Park"))
    guest = a_guest()
    ada_browser, jun_browser, guest_browser = browser(ada), browser(jun), browser(guest)
    settle()

    found["doctor"] = [each.level for each in examination.copy_of_database()]
    found["list"] = asked(lambda: ada_browser.get("/incidents/"))
    found["search"] = asked(lambda: ada_browser.get("/search/?q=mail"))
    found["export"] = asked(lambda: streamed(ada_browser.get("/incidents/export")))
    found["today"] = asked(lambda: ada_browser.get("/"))
    found["kept statement"] = asked(lambda: ada_browser.get("/standard/?on=2020-01-01"))
    found["statement of now"] = asked(lambda: ada_browser.get("/standard/"))
    found["list of the past"] = asked(lambda: ada_browser.get("/incidents/?at=2020-01-01"))
    found["guest"] = asked(lambda: guest_browser.get("/incidents/"))

    pause()
    token = Token.issue(jun, name="test", scope=("read", "write"), days=1, by=None)[1]
    sent = Client().post(
        "/api/v1/incidents",
        {"title": "Mail stops every Monday at nine"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert sent.status_code == 201, sent.content
    # By a program he wrote, in the browser he reads.
    found["own write"] = asked(lambda: jun_browser.get("/incidents/"), "every Monday")
    found["own write by API"] = asked(
        lambda: Client().get("/api/v1/incidents", headers={"Authorization": f"Bearer {token}"}),
        "every Monday",
    )
    found["write of somebody else"] = asked(lambda: ada_browser.get("/incidents/"), "every Monday")
    resume()
    found["own write, replayed"] = asked(lambda: jun_browser.get("/incidents/"), "every Monday")

    pause()
    with act("settle", by=None, note="Ada leaves the desk"):
        Assignment.objects.filter(person=ada).update(until=replica_now())
    found["a role taken away"] = status_of(ada_browser, "/incidents/")
    with act("settle", by=None, note="Jun leaves"):
        Person.objects.filter(pk=jun.pk).update(active=False)
    found["a person sent away"] = status_of(jun_browser, "/incidents/")
    resume()

    reader = browser(a_person("Rita Reader", roles=["reader"]))
    settle()
    found["before it lags"] = asked(lambda: reader.get("/incidents/"))
    pause()
    a_person("Somebody else", roles=[])
    lagging(settings.REPLICA_LAG + 2)
    found["too far behind"] = asked(lambda: reader.get("/incidents/"))
    resume()
    settle()
    found["caught up"] = asked(lambda: reader.get("/incidents/"))

    break_copy()
    found["gone in the middle"] = asked_primary(lambda: reader.get("/incidents/"))
    found["down"] = asked_primary(lambda: reader.get("/incidents/"))
    found["doctor, down"] = [each.says for each in examination.copy_of_database()]
    json.dump(found, sys.stdout)


def a_guest() -> Person:
    with act("settle", by=None):
        body = Organization.objects.create(name="Assurance Partners", kind="other")
    return a_person("Gil Guest", roles=["external_auditor", "reader"], organization=body)


def browser(person: Person) -> Client:
    client = Client()
    client.force_login(person, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


def asked(ask: Callable[[], Any], text: str = "") -> dict[str, Any]:
    """Where records were read, whether the text was there, and how it was answered."""
    copy, primary = connections[replica.ALIAS], connections["default"]
    with CaptureQueriesContext(copy) as there, CaptureQueriesContext(primary) as here:
        answer = ask()
    body = answer.content.decode() if not answer.streaming else ""
    return {
        "status": answer.status_code,
        "copy": _sheets(there),
        "primary": _sheets(here),
        "holds": bool(text) and text in body,
        "rights on copy": sum("engine_assignment" in q["sql"].split("WHERE")[0] for q in there),
    }


def asked_primary(ask: Callable[[], Any]) -> dict[str, Any]:
    with CaptureQueriesContext(connection) as here:
        answer = ask()
    return {"status": answer.status_code, "primary": _sheets(here), "rights on copy": 0}


def _sheets(queries: CaptureQueriesContext) -> int:
    tables = 'FROM "engine_sheet"', "resolution_incident", "engine_search"
    return sum(any(table in q["sql"] for table in tables) for q in queries)


def streamed(answer: Any) -> Any:
    list(answer.streaming_content)
    return answer


def status_of(client: Client, path: str) -> int:
    return int(client.get(path).status_code)


def replica_now() -> Any:
    from django.utils import timezone

    return timezone.now()


def on_copy(statement: str) -> Any:
    with connections[replica.ALIAS].cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def pause() -> None:
    on_copy("SELECT pg_wal_replay_pause()::text")
    while on_copy("SELECT pg_get_wal_replay_pause_state()") != "paused":
        time.sleep(0.01)


def resume() -> None:
    on_copy("SELECT pg_wal_replay_resume()::text")
    settle()


def settle() -> None:
    """Wait until the copy holds what the primary holds, and let this process see it."""
    # By what is written, not by what is flushed: here nobody waits for that, and it comes later.
    wanted, until = replica.look().primary, time.monotonic() + 10
    while replica.look().copy < wanted:
        assert time.monotonic() < until, "The standby does not follow."
        time.sleep(0.01)
    while replica._copy.as_of is None or replica._copy.clock() - replica._copy.as_of > 1:
        assert time.monotonic() < until, "The standby is not believed."
        replica._copy.looked_at = None
        replica._copy.is_near()
        time.sleep(0.01)


def lagging(seconds: float) -> None:
    """As if so many seconds had gone by."""
    began = replica._copy.clock
    replica._copy.clock = lambda: began() + seconds


def break_copy() -> None:
    """The connection is cut, and nobody answers at its address any more."""
    on_copy("SELECT 1")
    copy = connections[replica.ALIAS]
    with connections.create_connection(replica.ALIAS).cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'verne' AND pid <> pg_backend_pid()"
        )
    copy.settings_dict["HOST"] = "/nowhere"
    copy.settings_dict["CONN_HEALTH_CHECKS"] = False
    copy.health_check_enabled = False


if __name__ == "__main__":
    main()
