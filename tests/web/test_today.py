"""Today, search and jump: what needs me, and getting anywhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from verne.conformity import statement
from verne.conformity.models import CheckResult
from verne.conformity.verdict import Outcome
from verne.engine import approvals
from verne.engine.acts import file, move, revise
from verne.engine.people import Person
from verne.engine.testing import walk
from verne.sms.evaluation.audit.programme import AuditProgramme
from verne.sms.evaluation.audit.samples import an_audit, an_auditprogramme
from verne.sms.portfolio.service.models import Service
from verne.sms.portfolio.service.samples import a_service
from verne.sms.relationship.agreement.samples import an_agreement
from verne.sms.resolution.classification.samples import a_prioritymatrix
from verne.sms.resolution.incident.samples import an_incident
from verne.web import work
from verne.web.first_steps import first_steps

pytestmark = pytest.mark.django_db

Browse = Callable[[Person], Client]


def a_programme_in_force(by: Person, *, approver: Person) -> AuditProgramme:
    programme = move(an_auditprogramme(by), "lay_out", by=by)
    asked = approvals.ask(programme, "put_in_force", by=by)
    approvals.vote(asked, by=approver, agrees=True)
    return move(programme, "put_in_force", by=by)


def test_today_asks_at_most_sixteen_queries_however_much_there_is(
    manager: Person, approver: Person, browse: Browse
) -> None:
    an_agreement(manager)
    a_programme_in_force(manager, approver=approver)
    an_audit(manager)
    for n in range(4):
        an_incident(manager, title=f"Mail stops every Monday at {n}", owner=approver)
    client = browse(approver)
    client.get("/")
    with CaptureQueriesContext(connection) as queries:
        page = client.get("/")
    assert page.status_code == 200
    assert len(queries) <= 16
    assert len(page.context["mine"]) >= 4


def test_my_work_comes_by_the_time_that_is_left(manager: Person) -> None:
    for title, days in (("Later", 9), ("Soon", 1), ("Whenever", None)):
        due = timezone.now() + timedelta(days=days) if days else None
        file(Service, {"title": title, "owner": manager, "due_at": due}, by=manager)
    hits, more = work.mine(manager)
    assert [hit.title for hit in hits] == ["Soon", "Later", "Whenever"]
    assert not more


def test_what_is_finished_or_somebody_elses_is_not_my_work(
    manager: Person, approver: Person
) -> None:
    theirs = a_service(manager, title="Theirs", owner=approver)
    rejected = a_service(manager, title="Rejected")
    walk(rejected, "reject", by=manager, note="Too dear")
    assert [hit.ref for hit in work.mine(approver)[0]] == [theirs.ref]
    assert work.mine(manager)[0] == []


def test_a_record_of_my_team_without_an_owner_is_my_work(manager: Person, approver: Person) -> None:
    from verne.engine.acts import act
    from verne.engine.people import Team

    with act("settle", by=None):
        team = Team.objects.create(name="Network")
        team.members.add(approver)
    service = a_service(manager, title="Lines", owner=None, team=team)
    assert [hit.ref for hit in work.mine(approver)[0]] == [service.ref]


def test_work_is_found_without_looking_through_what_is_finished(manager: Person) -> None:
    a_service(manager, title="Mail")
    plan = work.owned(manager).explain()
    if connection.vendor == "sqlite":
        assert "sheet_owner_state (owner_id=? AND state=?)" in plan


def test_approvals_wait_for_those_who_may_give_them(
    manager: Person, approver: Person, reader: Person
) -> None:
    record, move = _something_to_approve(manager)
    assert [hit.ref for hit in work.awaiting(approver)] == [record.ref]
    assert work.awaiting(manager) == []
    assert work.awaiting(reader) == []
    asking = approvals.current(record, move)
    assert asking is not None
    approvals.vote(asking, by=approver, agrees=True)
    assert work.awaiting(approver) == []


def _something_to_approve(manager: Person):  # type: ignore[no-untyped-def]
    """A request whose model asks for the agreement of one person."""
    from verne.sms.resolution.request.samples import a_requestmodel, a_servicerequest

    model = a_requestmodel(manager, approvals_needed=1)
    if model.state == "draft":
        model = walk(model, "put_in_force", by=manager)
    request = a_servicerequest(manager, request_model=model)
    assert request.state == "awaiting_approval"
    return request, "approve"


def test_days_to_keep_are_shown_before_they_pass(manager: Person) -> None:
    matrix = a_prioritymatrix(manager, review_due=timezone.localdate() - timedelta(days=3))
    far = a_prioritymatrix(manager, review_due=timezone.localdate() + timedelta(days=300))
    found = {each.ref: each.over for each in work.due_soon(manager)}
    assert found[matrix.ref] is True
    assert far.ref not in found


def test_what_changed_lately_names_each_record_once(manager: Person) -> None:
    mail = a_service(manager, title="Mail")
    printing = a_service(manager, title="Print")
    revise(mail, {"need": "Letters"}, by=manager)
    assert [hit.ref for hit in work.changed_lately(manager)] == [mail.ref, printing.ref]


def test_a_restricted_record_shows_up_nowhere_for_others(
    manager: Person, reader: Person, browse: Browse
) -> None:
    secret = a_service(manager, title="Zephyrine", restricted=True)
    client = browse(reader)
    for address in ("/", "/services/", "/search/?q=zephyrine", "/jump/?q=zephyrine"):
        assert secret.ref not in client.get(address).content.decode(), address
    assert client.get(f"/r/{secret.ref}").status_code == 404


def test_a_stranger_sees_a_calm_empty_page(stranger: Person, browse: Browse) -> None:
    page = browse(stranger).get("/").content.decode()
    assert "Nothing is waiting for you." in page
    assert "audit" not in page


def test_search_finds_records_of_every_type(manager: Person, browse: Browse) -> None:
    service = a_service(manager, title="Harbour payments")
    incident = an_incident(manager, title="Harbour payments fail")
    client = browse(manager)
    found = client.get("/search/?q=harbour")
    assert {hit.ref for hit in found.context["hits"]} >= {service.ref, incident.ref}
    rows = re.findall(r"<tr data-row>.*?</tr>", found.content.decode())
    assert len(rows) == len(found.context["hits"])
    assert all(row.count("<td") == 4 for row in rows)
    narrowed = client.get("/search/?q=harbour&kind=resolution.incident")
    assert {hit.ref for hit in narrowed.context["hits"]} == {incident.ref}


def test_jumping_finds_places_records_and_clauses(manager: Person, browse: Browse) -> None:
    mail = a_service(manager, title="Mail")
    client = browse(manager)
    titles = _titles(client.get("/jump/?q=incid"))
    assert "Incidents" in titles
    assert "File: incident" in titles
    assert "Mail" in _titles(client.get(f"/jump/?q={mail.ref}"))
    assert "8.6.1" in client.get("/jump/?q=8.6.1").content.decode()


def _titles(page) -> set[str]:  # type: ignore[no-untyped-def]
    return {str(hit.title) for group in page.context["groups"] for hit in group.hits}


def test_jumping_answers_a_script_with_the_results_alone(manager: Person, browse: Browse) -> None:
    page = browse(manager).get("/jump/?q=incid", headers={"HX-Request": "true"})
    assert "<html" not in page.content.decode()
    assert "Incidents" in page.content.decode()


def test_a_new_installation_is_told_where_to_begin(
    manager: Person, approver: Person, reader: Person
) -> None:
    steps = first_steps(manager)
    assert [step.done for step in steps] == [False] * 6
    assert first_steps(reader) == [], "it is for whoever sets the program up"
    a_programme_in_force(manager, approver=approver)
    assert [step.done for step in first_steps(manager)] == [False] * 4 + [True, False]
    an_audit(manager)
    assert first_steps(manager) == []


def test_what_is_drawn_once_follows_the_records_and_the_reader(
    manager: Person, approver: Person, browse: Browse
) -> None:
    """Today and the tree of clauses say what a statement judged anew says, in each language."""
    readers = {"en": browse(manager), "ko": browse(approver)}
    for language, client in readers.items():
        client.post("/preferences/", {"language": language, "next": "/"})
    statement.refresh()

    def shown(client: Client) -> list[str]:
        today, standard = (client.get(path).content.decode() for path in ("/", "/standard/"))
        return [
            today.partition('<svg class="drawing wheel"')[2].partition("</svg>")[0],
            today.partition('<div class="quarters halves">')[2].partition("</div>")[0],
            standard.partition('<div class="quarters">')[2].partition('<div class="stack">')[0],
        ]

    before = {language: shown(client) for language, client in readers.items()}
    CheckResult.objects.update(outcome=Outcome.HOLDS.value, stale=False)
    after = {language: shown(client) for language, client in readers.items()}
    for said in zip(before["en"], before["ko"], after["en"], after["ko"], strict=True):
        assert len(set(said)) == 4
        assert all(said)
    for _standard, _grounds, (judgement, _universal) in statement._last.values():
        judgement.drawn.clear()
    assert after == {language: shown(client) for language, client in readers.items()}
