"""A program of its own: eight people work at once, and each connection is looked at in between.

It prints, as JSON, what it found on connections between acts, and whose entries were noted.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.db import IntegrityError, connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from verne.engine import past  # noqa: E402
from verne.engine.acts import revise  # noqa: E402
from verne.engine.history import Entry  # noqa: E402
from verne.engine.people import Person, Role  # noqa: E402
from verne.engine.postgresql import pooler  # noqa: E402
from verne.engine.testing import a_person  # noqa: E402
from verne.sms.resolution.incident.models import Incident  # noqa: E402
from verne.sms.resolution.incident.samples import an_incident  # noqa: E402

PEOPLE, ROUNDS = 8, 6


def main() -> None:
    began = timezone.now()
    roles = list(Role.objects.values_list("key", flat=True))
    people = [a_person(f"Agent {os.getpid()} {n}", roles=roles) for n in range(PEOPLE)]
    left: list[str] = []
    failures: list[str] = []

    def work(person: Person) -> None:
        try:
            for number in range(ROUNDS):
                incident = an_incident(person, title=f"{person.name} {number}")
                left.append(_left_behind())
                revise(incident, {"title": f"{person.name} {number}!"}, by=person)
                left.append(_left_behind())
                _fail_in_an_act(incident, person)
                left.append(_left_behind())
                _write_without_an_act(incident)
                _read_the_past(incident, began)
        except Exception as wrong:
            failures.append(f"{person.name}: {wrong!r}")
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    strangers = [
        str(entry)
        for entry in Entry.objects.filter(table="engine_sheet", act__by__in=people)
        .select_related("act", "record")
        .iterator(chunk_size=20)
        if not entry.record or entry.record.filed_by_id != entry.act.by_id
    ]
    json.dump(
        {
            "left": [each for each in left if each],
            "looked": len(left),
            "failures": failures,
            "strangers": strangers,
            "filed": Incident.objects.filter(filed_by__in=people).count(),
            "pooler": pooler.is_between(connection),
        },
        sys.stdout,
    )


def _left_behind() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('verne.act', true), '')")
        return str(cursor.fetchone()[0])


def _fail_in_an_act(incident: Any, person: Person) -> None:
    try:
        with transaction.atomic():
            revise(incident, {"title": "never seen"}, by=person)
            raise TimeoutError
    except TimeoutError:
        incident.refresh_from_db()


def _write_without_an_act(incident: Any) -> None:
    try:
        Incident.objects.filter(pk=incident.pk).update(title="behind everybody's back")
    except IntegrityError:
        return
    raise AssertionError("a write outside an act was taken")


def _read_the_past(incident: Any, at: Any) -> None:
    with past.reading(at - timedelta(seconds=1)):
        if Incident.objects.filter(pk=incident.pk).exists():
            raise AssertionError("the past holds what was filed later")
    if not Incident.objects.filter(pk=incident.pk).exists():
        raise AssertionError("the past was left on the connection")


if __name__ == "__main__":
    main()
