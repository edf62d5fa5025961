"""Nonconformities on the screen: raised where something is seen, asked why, told in figures."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from verne.engine.acts import move, revise
from verne.engine.links import linked
from verne.engine.people import Person
from verne.sms.evaluation.audit.samples import an_auditfinding
from verne.sms.improvement.nonconformity.measures import Share, measures
from verne.sms.improvement.nonconformity.models import Nonconformity
from verne.sms.improvement.nonconformity.samples import (
    SUCCESS,
    a_correctiveaction,
    a_nonconformity,
    analysed,
)
from verne.sms.resolution.incident.samples import an_incident

pytestmark = pytest.mark.django_db

Browse = Callable[[Person], Client]


def offered(client: Client, url: str) -> str:
    """Where the button leads that raises a nonconformity from this page."""
    page = client.get(url).content.decode()
    found = re.search(r'href="(/nonconformities/new\?[^"]*)"', page)
    assert found, "Nothing can be raised here."
    return unescape(found[1])


def hidden_values(client: Client, url: str) -> dict[str, str]:
    """What the form holds before anybody writes in it."""
    form = client.get(url).context["form"]
    return {name: str(form[name].value() or "") for name in form.fields}


def test_an_agent_raises_one_from_an_incident(
    manager: Person, agent: Person, browse: Browse
) -> None:
    incident = an_incident(manager)
    client = browse(agent)
    url = offered(client, f"/r/{incident.ref}")
    assert incident.title in client.get(url).content.decode()
    values = hidden_values(client, url) | {"title": "No code", "nature": "It was closed without."}
    answer = client.post(url, values)
    raised = Nonconformity.objects.get()
    assert answer.url == f"/r/{raised.ref}"
    assert raised.source == "incident"
    assert linked(raised, "raised_from").get().ref == incident.ref
    assert raised.ref in client.get(f"/r/{incident.ref}").content.decode()


def test_a_finding_hands_over_what_it_says(manager: Person, browse: Browse) -> None:
    finding = an_auditfinding(manager)
    values = hidden_values(browse(manager), offered(browse(manager), f"/r/{finding.ref}"))
    assert values["title"] == finding.title
    assert values["requirement"] == finding.obligation
    assert (values["grade"], values["source"]) == ("minor", "audit")
    assert finding.evidence in values["nature"]


def test_a_check_brings_its_evidence_along(manager: Person, browse: Browse) -> None:
    late = a_nonconformity(manager, detected_at=timezone.now() - timedelta(days=90))
    client = browse(manager)
    client.post("/standard/check/nc-corrected/compute/")
    url = offered(client, "/standard/check/nc-corrected/")
    values = hidden_values(client, url)
    assert values["nature"].startswith("1 of 1 records break it: ")
    client.post(url, values)
    raised = Nonconformity.objects.latest("pk")
    assert raised.requirement == "10.1.1.a.1"
    assert raised.seen_first is not None
    assert raised.seen_first.names == (late.ref,)
    for address in ("/standard/check/nc-corrected/", "/standard/obligation/10.1.1.a.1/"):
        assert raised.ref in client.get(address).content.decode()


def test_what_was_seen_names_only_what_the_reader_may_see(
    manager: Person, reader: Person, browse: Browse
) -> None:
    late = a_nonconformity(manager, detected_at=timezone.now() - timedelta(days=90))
    raised = a_nonconformity(manager, check_key="nc-corrected")
    assert late.ref in browse(reader).get(f"/r/{raised.ref}").content.decode()
    revise(late, {"restricted": True}, by=manager)
    page = browse(reader).get(f"/r/{raised.ref}").content.decode()
    assert f"/r/{late.ref}" not in page
    assert "1 more" in page


def test_strangers_find_neither_record_nor_tree(
    manager: Person, reader: Person, stranger: Person, browse: Browse
) -> None:
    found = a_nonconformity(manager)
    for url in (f"/r/{found.ref}", f"/r/{found.ref}/causes"):
        assert browse(stranger).get(url).status_code == 404
    assert browse(stranger).get("/nonconformities/measures/").status_code == 403
    assert browse(reader).get(f"/r/{found.ref}/causes").status_code == 403
    assert browse(manager).get(f"/r/{an_incident(manager).ref}/causes").status_code == 404


# The editor of causes


def test_why_is_asked_with_nothing_but_forms(manager: Person, browse: Browse) -> None:
    found = a_nonconformity(manager)
    client, url = browse(manager), f"/r/{found.ref}/causes"
    client.post(url, {"wish": "add", "place": "", "why": "Nobody looks"})
    answer = client.post(url, {"wish": "add", "place": "1", "why": "It is on no list"})
    assert answer.url == f"{url}#why-1.1"
    change = {"wish": "change", "place": "1.1", "why": "No list shows it", "is_root": "on"}
    refused = client.post(url, change)
    assert refused.status_code == 422
    assert "Say of what kind this cause is." in refused.content.decode()
    client.post(url, change | {"category": "information"})
    assert "No list shows it" in client.get(f"/r/{found.ref}").content.decode()
    root = found.causes.get(is_root=True)
    assert (root.place, root.why, root.category) == ("1.1", "No list shows it", "information")
    client.post(url, {"wish": "remove", "place": "1"})
    assert not found.causes.exists()


def test_an_empty_answer_is_no_answer(manager: Person, browse: Browse) -> None:
    found = a_nonconformity(manager)
    answer = browse(manager).post(f"/r/{found.ref}/causes", {"wish": "add", "why": " "})
    assert answer.status_code == 422
    assert "Write the reason first." in answer.content.decode()


def test_what_was_typed_stays_when_somebody_else_was_faster(
    manager: Person, approver: Person, browse: Browse
) -> None:
    found = a_nonconformity(manager)
    url = f"/r/{found.ref}/causes"
    browse(manager).post(url, {"wish": "add", "place": "", "why": "Nobody looks"})
    found.refresh_from_db()
    mine = {"wish": "change", "place": "1", "why": "Mine", "version": str(found.version)}
    browse(approver).post(url, mine | {"why": "Theirs"})
    answer = browse(manager).post(url, mine)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Theirs" in page
    assert 'value="Mine"' in page


def test_two_people_add_at_once_and_both_stay(
    manager: Person, approver: Person, browse: Browse
) -> None:
    found = a_nonconformity(manager)
    url = f"/r/{found.ref}/causes"
    for person, why in ((manager, "No time"), (approver, "No list")):
        answer = {"wish": "add", "place": "", "why": why, "version": str(found.version)}
        assert browse(person).post(url, answer).status_code == 302
    assert list(found.causes.values_list("place", "why")) == [("1", "No time"), ("2", "No list")]


# What is told


def test_the_page_asks_the_proof_anew_each_time(
    manager: Person, approver: Person, browse: Browse
) -> None:
    found = analysed(a_nonconformity(manager), manager)
    a_correctiveaction(manager, nonconformity=found)
    proof = {"proof": "list", "proof_list": "/incidents/", "verifier": approver}
    move(found, "begin", by=manager, values=SUCCESS | proof)
    client = browse(manager)
    assert "0 records on the list" in client.get(f"/r/{found.ref}").content.decode()
    an_incident(manager)
    page = client.get(f"/r/{found.ref}").content.decode()
    assert "1 record on the list" in page
    assert "Not as expected" in page


def test_its_verification_is_the_work_of_the_verifier(
    manager: Person, approver: Person, browse: Browse
) -> None:
    found = analysed(a_nonconformity(manager), manager)
    action = a_correctiveaction(manager, nonconformity=found)
    move(found, "begin", by=manager, values=SUCCESS | {"verifier": approver})
    assert [hit.ref for hit in browse(approver).get("/").context["mine"]] == []
    action = move(action, "start", by=manager)
    move(action, "finish", by=manager, values={"result": "Done", "changes_sms": False})
    assert [hit.ref for hit in browse(approver).get("/").context["mine"]] == [found.ref]


def test_measures_count_what_came_in_time_and_what_helped(
    manager: Person, approver: Person, browse: Browse
) -> None:
    now = timezone.now()
    for helped in (True, False):
        begun = now - timedelta(days=80)
        found = a_nonconformity(manager, detected_at=begun)
        found = analysed(found, manager)
        action = a_correctiveaction(manager, nonconformity=found)
        said = SUCCESS | {"verifier": approver, "verify_after_days": 0}
        move(found, "begin", by=manager, values=said)
        action = move(action, "start", by=manager)
        done = {"result": "Done", "changes_sms": False}
        move(action, "finish", by=manager, values=done)
        found.refresh_from_db()
        step, note = ("close", "") if helped else ("find_ineffective", "It came back")
        move(found, step, by=approver, values={"verification": "Seen."}, note=note)
    a_nonconformity(manager, grade="major", recurrence_of=Nonconformity.objects.first())
    told = measures(manager, now - timedelta(days=365), timezone.now())
    assert told.open_by_age == {"major": [1, 0, 0], "minor": [0, 1, 0], "": [0, 0, 0]}
    assert told.helped_at_once == Share(1, 2)
    assert told.came_back == Share(1, 3)
    assert told.actions_in_time == Share(2, 2)
    assert told.causes == {"process": 2}
    page = browse(manager).get("/nonconformities/measures/").content.decode()
    assert "1 of 2" in page
