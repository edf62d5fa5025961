"""A file is looked at row by row before it counts, and a list goes out as it is shown."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import load_workbook

from verne.engine.people import Person
from verne.engine.register import register_of
from verne.engine.testing import sample
from verne.sms.portfolio.service.models import Service
from verne.web.pages import incoming
from verne.web.pages.incoming import Incoming, say_it_was_given_up, take_in

pytestmark = pytest.mark.django_db

SERVICES = register_of("portfolio.service")
ROWS = "source_key,title,criticality\r\nA-1,Printing,1\r\nA-2,Scanning,urgent\r\n"


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Any) -> None:
    settings.VERNE_HOME = tmp_path


def sent(client: Client, text: str, **more: str) -> Any:
    file = SimpleUploadedFile("services.csv", text.encode(), "text/csv")
    return client.post("/services/import", {"file": file} | more)


def test_a_file_is_looked_at_and_then_taken(client: Client, manager: Person) -> None:
    client.force_login(manager)
    assert client.get("/services/import").status_code == 200
    looked = sent(client, ROWS)
    assert looked.status_code == 302, looked.content.decode()
    page = client.get(looked.url).content.decode()
    assert "What would happen" in page
    assert "urgent" in page
    assert not Service.objects.exists()
    client.post(looked.url)
    page = client.get(looked.url).content.decode()
    assert "What happened" in page
    assert Service.objects.get().source_key == "A-1"
    client.post(looked.url)
    assert Service.objects.count() == 1
    findings = b"".join(client.get(f"{looked.url}/findings").streaming_content).decode()
    assert "urgent" in findings


def test_the_same_file_again_says_that_nothing_changes(client: Client, manager: Person) -> None:
    client.force_login(manager)
    text = ROWS.replace("urgent", "2")
    client.post(sent(client, text).url)
    page = client.get(sent(client, text).url).content.decode()
    assert "Nothing changes" in page
    assert "Import them" not in page


def test_many_rows_are_taken_in_the_background(
    client: Client, manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verne.web.pages.exchange.AT_ONCE", 1)
    client.force_login(manager)
    where = sent(client, ROWS).url
    client.post(where)
    page = client.get(where).content.decode()
    assert "Rows are being taken" in page
    assert not Service.objects.exists()
    token = where.rpartition("/")[2]
    take_in(token, manager.pk)
    assert "What happened" in client.get(where).content.decode()
    assert Service.objects.count() == 1


def test_an_interrupted_import_is_not_taken_twice(client: Client, manager: Person) -> None:
    client.force_login(manager)
    token = sent(client, ROWS).url.rpartition("/")[2]
    found = Incoming.open(token, manager)
    assert found is not None and found.claim()
    found.note(stage="running", done=1)
    # Its process died: the job is given up, and must not be taken up by hand either.
    say_it_was_given_up(token, manager.pk)
    take_in(token, manager.pk)
    assert "interrupted after 1 rows" in client.get(f"/services/import/{token}").content.decode()
    assert not Service.objects.exists()


def test_a_file_that_cannot_be_read_says_why(client: Client, manager: Person) -> None:
    client.force_login(manager)
    answer = sent(client, "colour\r\nred\r\n")
    assert answer.status_code == 422
    assert "No column of the file fits a field" in answer.content.decode()
    named = sent(client, ROWS, key="Number")
    assert "no column “Number”" in named.content.decode()


def test_a_file_is_seen_by_whoever_sent_it_only(
    client: Client, manager: Person, approver: Person, agent: Person
) -> None:
    client.force_login(manager)
    where = sent(client, ROWS).url
    client.force_login(approver)
    assert client.get(where).status_code == 404
    assert client.get("/incidents/import/../../etc").status_code == 404
    client.force_login(agent)
    assert client.get("/services/import").status_code == 403


def test_old_files_are_cleared_away(
    client: Client, manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(manager)
    where = sent(client, ROWS).url
    assert incoming.clear_away() == 0
    later = incoming.time.time() + incoming.KEPT.total_seconds() + 60
    monkeypatch.setattr(incoming.time, "time", lambda: later)
    assert incoming.clear_away() == 2
    assert client.get(where).status_code == 404


def test_an_empty_file_with_the_columns_can_be_had(client: Client, manager: Person) -> None:
    client.force_login(manager)
    pieces = client.get("/services/import/template").streaming_content
    head = b"".join(pieces).decode("utf-8-sig")
    assert head.startswith("source_key,title,")
    assert len(head.splitlines()) == 1


def test_an_export_holds_what_the_list_shows(client: Client, manager: Person) -> None:
    for n in range(60):
        sample(SERVICES, manager, title=f"Service {n:02}", criticality=1 + n % 2)
    client.force_login(manager)
    query = "criticality=1&sort=-title&columns=ref,title,criticality"
    out = client.get(f"/services/export?format=csv&{query}")
    assert "attachment" in out["Content-Disposition"]
    lines = b"".join(out.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[0] == "Reference,Title,Criticality"
    assert len(lines) == 31
    assert lines[1].endswith("Service 58,High")
    book = client.get(f"/services/export?format=xlsx&{query}")
    sheet = load_workbook(io.BytesIO(b"".join(book.streaming_content))).worksheets[0]
    rows = [[as_shown or "" for as_shown in row] for row in sheet.iter_rows(values_only=True)]
    assert [",".join(row) for row in rows] == lines


def test_whoever_may_not_export_may_not(client: Client, agent: Person, manager: Person) -> None:
    client.force_login(agent)
    assert client.get("/incidents/export").status_code == 403
    client.force_login(manager)
    assert client.get("/services/export?format=exe").status_code == 404
    assert client.get("/services/export?colour=red").status_code == 302
