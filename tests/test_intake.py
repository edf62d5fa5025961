"""Real rows of another tool's log, taken in and looked back on."""

from __future__ import annotations

import csv
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from verne.engine.clock import ClockEvent
from verne.engine.history import Act, as_it_was
from verne.engine.people import Person
from verne.engine.rights import all_rights
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.intake import mapping as mappings
from verne.sms.resolution.intake.taking import Taken, take

pytestmark = pytest.mark.django_db

LOG = Path(__file__).parent / "data" / "incident_log.csv"
ZONE = ZoneInfo("America/Sao_Paulo")


@pytest.fixture
def importer(manager: Person) -> Person:
    manager.__dict__["rights"] = all_rights()
    return manager


def taken_in(by: Person) -> Taken:
    return take(LOG, mappings.load("servicenow"), by=by, zone=ZONE, customer="Harbour Retail")


def rows() -> list[dict[str, str]]:
    with LOG.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_every_row_is_an_act_and_every_incident_stands_as_its_last_row(importer: Person) -> None:
    taken = taken_in(importer)
    told = rows()
    last = {row["number"]: row for row in told}
    assert (taken.rows, taken.incidents, taken.new) == (len(told), len(last), len(last))
    assert Act.objects.filter(via="import", record__kind="resolution.incident").count() == len(told)
    assert taken.closed == Incident.objects.filter(state="closed").count() == len(last)
    assert taken.with_problem == sum(row["problem_id"] != "?" for row in last.values())
    assert taken.with_change == sum(row["rfc"] != "?" for row in last.values())
    assert taken.reopened == sum(row["reopen_count"] != "0" for row in last.values())


def test_taking_it_in_again_changes_nothing(importer: Person) -> None:
    taken_in(importer)
    acts = Act.objects.filter(record__kind="resolution.incident").count()
    again = taken_in(importer)
    assert (again.new, again.there) == (0, again.incidents)
    assert Act.objects.filter(record__kind="resolution.incident").count() == acts


def test_a_state_the_mapping_does_not_know_is_reported(importer: Person) -> None:
    strange = sum(row["incident_state"] == "-100" for row in rows())
    flaws = [flaw for flaw in taken_in(importer).flaws if flaw.value == "-100"]
    assert strange == len(flaws) > 0


def test_an_incident_can_be_seen_as_the_log_told_it_then(importer: Person) -> None:
    taken_in(importer)
    waiting = Act.objects.filter(via="import", verb="move", name="wait").first()
    assert waiting is not None
    then = as_it_was(Incident.objects.get(pk=waiting.record_id), waiting.at)
    assert then is not None
    assert then.state == "pending"
    assert Incident.objects.get(pk=waiting.record_id).state == "closed"


def test_every_wait_is_kept_with_its_reason(importer: Person) -> None:
    taken_in(importer)
    reasons = set(ClockEvent.objects.filter(kind="pause").values_list("reason", flat=True))
    assert {"user", "supplier", "problem"} <= reasons


def test_a_mapping_with_an_unknown_state_says_what_to_write(tmp_path: Path) -> None:
    shipped = mappings.SHIPPED / "servicenow.yaml"
    wrong = tmp_path / "mine.yaml"
    wrong.write_text(shipped.read_text().replace("state: in_progress", "state: busy"))
    with pytest.raises(mappings.MappingError, match="in_progress"):
        mappings.load(wrong)


def test_what_came_in_and_how_its_verdicts_compare_can_be_looked_at(
    importer: Person, client: Client
) -> None:
    taken_in(importer)
    client.force_login(importer)
    for address in ("/imports/", "/imports/made-sla/", "/incidents/"):
        assert client.get(address).status_code == 200


def test_a_stranger_sees_no_import(importer: Person, stranger: Person, client: Client) -> None:
    taken_in(importer)
    client.force_login(stranger)
    assert client.get("/imports/made-sla/").status_code in (403, 404)
