"""What the log says of those who were refused, and that nobody else writes into it."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from verne.api import auth
from verne.api.models import Token
from verne.engine.acts import act
from verne.engine.limits import Limit
from verne.engine.log import Line, one_line
from verne.engine.people import Person
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.incident.samples import an_incident
from verne.web.limits import EXPORTS

Browse = Callable[[Person], Client]
FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ [\w.]+: .+")


# --- The form of a line --------------------------------------------------------------------------


def written(message: str, *args: Any, exc_info: Any = None) -> str:
    """What the program's own handler writes for it."""
    out = StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(Line())
    record = logging.LogRecord("verne.jobs", logging.ERROR, "", 0, message, args, exc_info)
    record.created = 1777894201.0
    record.msecs = 7.0
    handler.emit(record)
    return out.getvalue()


def test_a_line_has_its_instant_in_utc_and_says_so() -> None:
    line = written("Seal %d", 3)
    assert line == "2026-05-04T11:30:01.007Z ERROR verne.jobs: Seal 3\n"
    assert settings.LOGGING["formatters"]["line"]["()"] == f"{Line.__module__}.Line"


def test_nobody_forges_a_line_colours_it_or_turns_it_around() -> None:
    sent = "ada\r\n2026-05-04T11:30:01.007Z INFO verne.seal: well\x1b[2J\u2028\u202e\x85\0 \\n 김"
    line = written("Wrong name %s", sent)
    assert line.count("\n") == 1 and line.endswith("\n")
    assert FORM.fullmatch(line.rstrip("\n"))
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u202e]", line[:-1])
    assert r"ada\r\n2026" in line and r"\x1b[2J\u2028\u202e\x85\x00 \\n 김" in line


def test_a_trace_is_a_part_of_its_line() -> None:
    try:
        raise ValueError("first\nERROR second")
    except ValueError:
        line = written("Job %s", "x", exc_info=sys.exc_info())
    assert line.count("\n") == 1
    assert "Traceback" in line and r"ValueError: first\nERROR second" in line


def test_ordinary_words_stay_as_they_are() -> None:
    for words in ("Jan 5 relay: queue full (98 %)", "장애가 있습니다", "¿Qué pasó?"):
        assert one_line(words) == words


# --- What was refused ----------------------------------------------------------------------------


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.WARNING, logger="verne")

    def lines() -> list[str]:
        found = [r.getMessage() for r in caplog.records if r.name == "verne.refused"]
        caplog.clear()
        return found

    return lines


@pytest.fixture
def incident(manager: Person) -> Incident:
    return an_incident(manager)


def program_of(person: Person, **values: Any) -> tuple[Token, Client]:
    token, secret = Token.issue(person, name="Monitoring", by=person, **values)
    return token, Client(headers={"Authorization": f"Bearer {secret}"})


def test_who_may_not_do_it_is_written_down(
    manager: Person, reader: Person, incident: Incident, browse: Browse, told: Any
) -> None:
    client = browse(reader)
    assert client.get(f"/r/{incident.ref}/withdraw").status_code == 403
    assert told() == [f"403 GET /r/{incident.ref}/withdraw by person {reader.pk} from 127.0.0.1"]
    # Told on the page of the record, and no less a refusal.
    assert client.post(f"/r/{incident.ref}/comment", {"text": "Hello"}).status_code == 302
    assert told() == [f"403 POST /r/{incident.ref}/comment by person {reader.pk} from 127.0.0.1"]
    assert browse(manager).get(f"/r/{incident.ref}").status_code == 200
    assert told() == []


def test_somebody_elses_record_is_written_down_and_a_wrong_address_is_not(
    stranger: Person, incident: Incident, browse: Browse, client: Client, told: Any
) -> None:
    theirs = browse(stranger)
    theirs.get(f"/r/{incident.ref}")
    theirs.get(f"/r/{incident.ref}/file/1?name=Ada")
    said = " ".join(told())
    assert f"/r/{incident.ref}/file/1 by person {stranger.pk}" in said and "Ada" not in said
    theirs.get("/favicon.ico")
    client.get("/wp-admin/ada@example.org")
    assert told() == []


def test_a_token_that_opens_nothing_any_more_is_written_down(manager: Person, told: Any) -> None:
    token, program = program_of(manager)
    with act("settle", by=manager):
        Token.objects.update(expires_at=timezone.now())
    assert program.get("/api/v1/services").status_code == 401
    [line] = told()
    assert line == f"401 GET /api/v1/services by token {token.start} from 127.0.0.1: no-token"
    Client(headers={"Authorization": "Bearer my own password"}).get("/api/v1/services")
    [line] = told()
    assert "password" not in line and "of no kind of ours" in line


def test_a_token_that_may_less_is_written_down_with_its_person(
    manager: Person, incident: Incident, told: Any
) -> None:
    token, program = program_of(manager)
    there = f"/api/v1/incidents/{incident.ref}/comments"
    program.post(there, {"text": "Hello"}, content_type="application/json")
    assert told() == [
        f"403 POST {there} by token {token.pk} of person {manager.pk} from 127.0.0.1: not-allowed"
    ]


def test_what_does_not_fit_at_the_api_is_written_down_without_what_it_was(
    manager: Person, incident: Incident, told: Any
) -> None:
    _token, program = program_of(manager, scope=("read", "write"))
    there = f"/api/v1/incidents/{incident.ref}/comments"
    program.post(there, {"tekst": "Salary of Ada"}, content_type="application/json")
    [line] = told()
    assert line.startswith(f"422 POST {there} by token") and "does-not-fit" in line
    assert "/tekst" in line and "Ada" not in line
    program.post(there, "x", content_type="text/plain")
    [line] = told()
    assert line.startswith("415 ")


def test_forged_forms_and_too_many_requests_are_written_down(
    manager: Person, browse: Browse, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(manager)
    forged.post("/preferences/", {"theme": "dark"})
    assert told() == [f"403 POST /preferences/ by person {manager.pk} from 127.0.0.1"]
    monkeypatch.setattr(auth, "REQUESTS", Limit(at_once=1, each_second=0.1))
    token, program = program_of(manager)
    program.get("/api/v1/services"), program.get("/api/v1/services")
    [line] = told()
    assert line.startswith(f"429 GET /api/v1/services by token {token.pk} of person")
    client = browse(manager)
    for _n in range(int(EXPORTS.at_once) + 1):
        client.get("/services/export?format=csv")
    [line] = told()
    assert line.startswith(f"429 GET /services/export by person {manager.pk}")


def test_an_upload_that_was_refused_is_written_down_without_its_name(
    manager: Person, incident: Incident, browse: Browse, caplog: pytest.LogCaptureFixture
) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    sent = SimpleUploadedFile("ada in hospital.png", b"<script>alert(1)</script>")
    browse(manager).post(f"/r/{incident.ref}/file", {"file": sent})
    [line] = [r.getMessage() for r in caplog.records if r.name == "verne.files"]
    assert f"image/png for {incident.ref} by person {manager.pk}: does-not-fit" in line
    assert "ada" not in line
