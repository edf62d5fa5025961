"""Pages of audits: the grid, the checklist, drawing and the bench, the report."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from verne.engine.acts import act, file, move, revise
from verne.engine.people import Person
from verne.engine.records import Sheet
from verne.engine.testing import a_person, walk
from verne.sms.evaluation.audit.models import Audit
from verne.sms.evaluation.audit.samples import an_audit, an_auditfinding, an_auditprogramme
from verne.sms.evaluation.sampling.models import AuditSample
from verne.sms.resolution.incident.samples import an_incident

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor(db: None) -> Person:
    return a_person("Laura Keller", roles=["internal_auditor"])


@pytest.fixture
def audit(auditor: Person) -> Audit:
    return walk(an_audit(auditor), "prepare", "start", by=auditor)


def browsing(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def read(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


# The grid


def test_without_a_programme_the_grid_says_how_to_begin(manager: Person) -> None:
    page = read(browsing(manager), "/audit/coverage/")
    assert "No programme lays out its areas yet" in page
    assert "/audit-programmes/new" in page


def test_the_grid_shows_areas_by_quarter_with_words(manager: Person) -> None:
    programme = move(an_auditprogramme(manager), "lay_out", by=manager)
    audit = an_audit(manager, clauses="8.6.1", planned_for=timezone.localdate() - timedelta(days=1))
    page = read(browsing(manager), f"/audit/coverage/?programme={programme.ref}")
    assert audit.ref in page
    assert "Overdue" in page and "Due, not planned" in page and "Never" in page
    assert f"/audits/new?programme={programme.pk}&amp;clauses=9.3" in page


def test_a_stranger_finds_no_grid(stranger: Person) -> None:
    assert browsing(stranger).get("/audit/coverage/").status_code == 403


# The checklist


def test_the_checklist_shows_the_evidence_beside_each_question(
    audit: Audit, auditor: Person
) -> None:
    page = read(browsing(auditor), f"/r/{audit.ref}/checklist")
    assert "/standard/check/problems-prioritized/" in page
    assert page.count('class="question"') == audit.questions.filter(clause="8.6.3").count()


def test_a_verdict_is_kept_and_one_without_words_is_asked_for_them(
    audit: Audit, auditor: Person
) -> None:
    client, row = browsing(auditor), audit.questions.get(obligation="8.6.3.b")
    address = f"/r/{audit.ref}/checklist"
    sent = {"question": row.pk, "seen": 1, "verdict": "nonconform", "note": ""}
    refused = client.post(address, sent)
    assert refused.status_code == 422
    assert "Say what you saw" in refused.content.decode()
    kept = client.post(address, sent | {"note": "No priority"}, follow=True)
    assert kept.redirect_chain[0][0].endswith(f"#q-{row.pk}")
    row.refresh_from_db()
    assert (row.verdict, row.note) == ("nonconform", "No priority")
    late = client.post(address, sent | {"verdict": "conform", "note": "Mine"})
    assert late.status_code == 409
    assert "Laura Keller has judged this meanwhile" in late.content.decode()
    assert "Mine" in late.content.decode()


def test_a_question_alone_answers_a_part(audit: Audit, auditor: Person) -> None:
    row = audit.questions.get(obligation="8.6.3.b")
    sent = {"question": row.pk, "seen": 1, "verdict": "conform", "note": ""}
    answer = browsing(auditor).post(
        f"/r/{audit.ref}/checklist", sent, headers={"HX-Request": "true"}
    )
    assert answer.content.decode().lstrip().startswith(f'<li class="question" id="q-{row.pk}"')


def test_the_rest_of_a_clause_is_judged_at_once(audit: Audit, auditor: Person) -> None:
    sent = {"rest": "8.6.3", "verdict": "conform", "note": ""}
    browsing(auditor).post(f"/r/{audit.ref}/checklist", sent)
    assert not audit.questions.filter(verdict="").exists()


# Drawing and the bench


def test_a_population_is_counted_before_it_is_drawn(manager: Person, auditor: Person) -> None:
    for _number in range(3):
        an_incident(manager)
    client = browsing(auditor)
    sent = {"title": "Incidents", "source": "/incidents/", "method": "random", "count": "yes"}
    page = client.post("/audit/draw/", sent).content.decode()
    assert "Suggested size" in page
    assert 'value="Incidents"' in page
    assert not AuditSample.objects.exists()
    wrong = client.post("/audit/draw/", sent | {"source": "/nowhere/"}).content.decode()
    assert "This is no list you may see" in wrong


def test_the_bench_walks_from_item_to_item(manager: Person, auditor: Person) -> None:
    for number in range(3):
        an_incident(manager, title=f"Terminal {number} offline")
    client = browsing(auditor)
    sent = {"title": "Incidents", "source": "/incidents/", "method": "random", "size": "2"}
    drawn = client.post("/audit/draw/", sent)
    sample = AuditSample.objects.get()
    assert drawn.headers["Location"] == f"/r/{sample.ref}/bench"
    first, second = sample.items.all()
    told = client.post(f"/r/{sample.ref}/bench", {"item": 1, "seen": 1, "verdict": "conform"})
    assert told.headers["Location"].endswith("?item=2")
    item = client.get(f"/r/{sample.ref}/bench?item=2", headers={"HX-Request": "true"})
    assert second.ref in item.content.decode()
    assert "<html" not in item.content.decode()
    first.refresh_from_db()
    assert first.verdict == "conform"


def test_the_bench_shows_the_record_as_it_was_when_frozen(manager: Person, auditor: Person) -> None:
    incident = an_incident(manager, description="Shop 4 cannot sell.")
    values = {"title": "One", "source": "/incidents/"}
    sample = file(AuditSample, values, by=auditor)
    revise(incident, {"description": "All was well."}, by=manager)
    page = read(browsing(auditor), f"/r/{sample.ref}/bench")
    assert "Shop 4 cannot sell." in page
    assert "All was well." not in page
    assert "It has changed since." in page


def test_the_bench_names_nothing_that_was_restricted_since(
    manager: Person, auditor: Person
) -> None:
    """One item is restricted, and so is the service that the other is about."""
    first, second = an_incident(manager), an_incident(manager, title="Printers are slow")
    file(AuditSample, {"title": "Two", "source": "/incidents/"}, by=auditor)
    sample = AuditSample.objects.get()
    with act("settle", by=None):
        Sheet.objects.filter(pk=first.pk).update(title="The merger", restricted=True)
        service = Sheet.objects.filter(pk=second.service_id)
        service.update(title="The takeover", restricted=True)
    for position in (1, 2):
        page = read(browsing(auditor), f"/r/{sample.ref}/bench?item={position}")
        assert "The merger" not in page and "The takeover" not in page
    assert "Printers are slow" in page


def test_a_longer_checklist_asks_no_more_queries(manager: Person, auditor: Person) -> None:
    counts = []
    for clauses in ("8.6.2", "8.6.3"):
        audit = walk(an_audit(auditor, clauses=clauses), "prepare", by=auditor)
        client = browsing(auditor)
        client.get(f"/r/{audit.ref}/checklist")
        with CaptureQueriesContext(connection) as queries:
            client.get(f"/r/{audit.ref}/checklist")
        counts.append(len(queries))
    assert counts[0] == counts[1]


# The report


def test_the_report_is_read_and_printed(audit: Audit, auditor: Person) -> None:
    an_auditfinding(auditor, audit=audit)
    client = browsing(auditor)
    page = read(client, f"/r/{audit.ref}/report")
    assert "Known errors without a workaround" in page
    assert "It is signed when it is reported to management." in page
    printed = client.post(f"/r/{audit.ref}/report.pdf")
    assert printed.content[:5] == b"%PDF-"
    assert client.get(f"/r/{audit.ref}/report.pdf").status_code == 302


@pytest.mark.parametrize("page", ["checklist", "bench", "report", "report.pdf"])
def test_other_records_have_no_such_page(page: str, manager: Person) -> None:
    incident: Any = an_incident(manager)
    assert browsing(manager).get(f"/r/{incident.ref}/{page}").status_code == 404
