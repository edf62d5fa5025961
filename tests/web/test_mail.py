"""Mail: one letter in the morning with what needs somebody, and none that should not go."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail as outbox
from django.db import transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from verne.engine import mail
from verne.engine.acts import act, revise
from verne.engine.jobs_workers import run_waiting
from verne.engine.people import Assignment, Person
from verne.engine.testing import a_person
from verne.sms.leadership.role.samples import an_appointment
from verne.sms.resolution.incident.samples import an_incident
from verne.sms.support.document.samples import a_document_in_force, a_revision

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _server(settings: Any) -> None:
    settings.MAIL_URL = "smtp://mail.example.com"
    settings.MAIL_FROM = "Verne <verne@example.com>"
    settings.ADDRESS = "https://verne.example.com"


@pytest.fixture
def nora(db: None) -> Person:
    """Works on the service desk, reads Spanish, gets up in Seoul."""
    return a_person(
        "Nora Lindqvist",
        roles=["service_desk_agent", "process_owner"],
        email="nora@example.com",
        language="en",
    )


def letters() -> list[Any]:
    """Write and send what waits, and look into the box."""
    mail.write_letters()
    # A letter is a job that a job asks for.
    for _round in range(3):
        run_waiting()
    return outbox.outbox


def changed(person: Person, **facts: Any) -> Person:
    with act("settle", by=None):
        Person.objects.filter(pk=person.pk).update(**facts)
    return Person.objects.get(pk=person.pk)


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is morning everywhere, whatever the clock of the machine says."""
    monkeypatch.setattr(mail, "MORNING", datetime.min.time())


def test_a_letter_tells_what_needs_somebody(nora: Person, manager: Person) -> None:
    late = an_incident(manager, title="Mail stops every Monday at nine", owner=nora)
    with act("settle", by=None, record=late.pk):
        type(late).objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(hours=2))
    policy = a_document_in_force(
        manager, a_person("Petr", roles=["top_management"]), to_acknowledge=True
    )
    (letter,) = [m for m in letters() if m.to == ["nora@example.com"]]
    assert letter.subject == "Verne: 2 things need you"
    assert f"* {late.ref} Mail stops every Monday at nine (late since" in letter.body
    assert f"https://verne.example.com/r/{late.ref}" in letter.body
    assert f"https://verne.example.com/r/{policy.ref}" in letter.body
    assert letter.from_email == "Verne <verne@example.com>"
    assert letter.extra_headers["Auto-Submitted"] == "auto-generated"


def test_there_is_one_letter_a_day_and_none_without_need(nora: Person, manager: Person) -> None:
    assert letters() == []
    assert mail.Letter.objects.get(person=nora).lines == 0
    an_appointment(manager, person=nora)
    assert letters() == [], "what comes up today is told tomorrow"
    mail.Letter.objects.all().delete()
    assert len(letters()) == 1
    assert len(letters()) == 1


def test_approvals_and_appointments_are_told(nora: Person, manager: Person) -> None:
    offered = an_appointment(manager, person=nora)
    text = a_revision(manager)
    revise(text.document, {"owner": nora}, by=manager)
    found = mail.compose(nora, timezone.now())
    assert found is not None
    assert "Appointments to accept" in found[1]
    assert offered.ref in found[1]


def test_it_is_written_in_their_language_and_zone(nora: Person, manager: Person) -> None:
    nora = changed(nora, language="es", time_zone="Asia/Seoul")
    incident = an_incident(manager, title="Correo", owner=nora)
    with act("settle", by=None, record=incident.pk):
        # Nine in the evening in Hamburg is the next day in Seoul.
        evening = datetime(2026, 3, 31, 20, tzinfo=UTC)
        type(incident).objects.filter(pk=incident.pk).update(due_at=evening)
    found = mail.compose(nora, evening + timedelta(days=30))
    assert found is not None
    assert re.search(r"1 .*abr", found[1]), found[1]


def test_nobody_is_told_of_what_they_may_not_see(nora: Person, manager: Person) -> None:
    secret = an_incident(manager, title="Payroll leaked", owner=nora)
    secret = revise(secret, {"restricted": True, "owner": manager}, by=manager)
    with act("settle", by=None, record=secret.pk):
        type(secret).objects.filter(pk=secret.pk).update(due_at=timezone.now())
    assert mail.compose(nora, timezone.now()) is None


def test_the_profile_switches_it_off(nora: Person, manager: Person, browse: Any) -> None:
    an_appointment(manager, person=nora)
    browser = browse(nora)
    facts = {"name": nora.name, "email": nora.email, "language": "en", "time_zone": "", "theme": ""}
    assert 'name="wants_mail"' in browser.get("/profile/").content.decode()
    browser.post("/profile/", facts)
    assert not Person.objects.get(pk=nora.pk).wants_mail
    assert letters() == []


def test_who_left_or_has_no_address_gets_none(nora: Person, manager: Person) -> None:
    an_appointment(manager, person=nora)
    changed(nora, email="")
    assert letters() == []
    assert not mail.post(Person.objects.get(pk=nora.pk), "Hello", "Text")


def test_an_act_that_is_rolled_back_sends_nothing(nora: Person, manager: Person) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        assert mail.post(nora, "Your incident", "It is resolved.")
        raise ZeroDivisionError
    run_waiting()
    assert outbox.outbox == []
    with transaction.atomic():
        mail.post(nora, "Your\nincident", "It is resolved.")
    run_waiting()
    assert [m.subject for m in outbox.outbox] == ["Your incident"]


def test_a_server_that_is_away_is_tried_again(
    nora: Person, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail.post(nora, "Your incident", "It is resolved.", key="one")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    run_waiting()
    waiting = DBTaskResult.objects.filter(task_path=mail.deliver.module_path).get()
    assert waiting.status == "READY"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    DBTaskResult.objects.update(run_after=timezone.now() - timedelta(seconds=1))
    run_waiting()
    (letter,) = outbox.outbox
    named = letter.extra_headers["Message-ID"]
    mail.deliver(nora.pk, "Your incident", "It is resolved.", "one")
    assert outbox.outbox[1].extra_headers["Message-ID"] == named, "sent twice, it is one letter"


def test_without_a_server_nothing_is_written(nora: Person, manager: Person, settings: Any) -> None:
    settings.MAIL_URL = ""
    an_appointment(manager, person=nora)
    assert letters() == []
    assert not mail.Letter.objects.exists()
    assert not mail.post(nora, "Hello", "Text")


def test_a_role_that_ends_is_told_two_weeks_before(nora: Person) -> None:
    with act("settle", by=None):
        Assignment.objects.filter(person=nora).update(until=timezone.now() + timedelta(days=10))
    found = mail.compose(nora, timezone.now())
    assert found is not None
    assert "Service desk agent (by" in found[1]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"VERNE_MAIL_URL": "mail.example.com"}, "VERNE_MAIL_URL cannot be read"),
        ({"VERNE_MAIL_URL": "smtp://mail.example.com"}, "VERNE_MAIL_FROM"),
        (
            {"VERNE_MAIL_URL": "smtp://mail.example.com", "VERNE_MAIL_FROM": "verne@example.com"},
            "VERNE_ADDRESS",
        ),
    ],
)
def test_half_a_setting_is_refused_at_the_start(
    facts: dict[str, str], words: str, tmp_path: Any
) -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import verne.settings"],
        env={**os.environ, "VERNE_HOME": str(tmp_path), **facts},
        capture_output=True,
        text=True,
        check=False,
    )
    assert words in run.stderr
