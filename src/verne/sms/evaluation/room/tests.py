"""What an audit room promises: its guests see what it admits them to, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction
from django.utils import timezone

from verne.engine import guests
from verne.engine.acts import NotOpen, act, file, move, revise
from verne.engine.history import Act
from verne.engine.people import Organization, Person
from verne.engine.records import Sheet
from verne.engine.register import register_of
from verne.engine.rights import may, scope
from verne.engine.testing import a_person
from verne.sms.portfolio.service.models import Service
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.incident.samples import an_incident
from verne.sms.resolution.problem.models import Problem
from verne.sms.resolution.problem.samples import a_problem
from verne.sms.support.document.models import Document
from verne.sms.support.document.revision import Revision
from verne.sms.support.document.samples import a_document, a_document_in_force

from ..audit.finding import AuditFinding
from ..audit.samples import an_auditfinding
from ..sampling.models import AuditSample
from .admission import note_view
from .models import AuditRoom, RoomView
from .samples import an_auditroom

pytestmark = pytest.mark.django_db


@pytest.fixture
def guest(db: None) -> Person:
    """Comes from the certification body."""
    with act("settle", by=None):
        body = Organization.objects.create(name="Hansa Cert", kind="other")
    return a_person("Karl Brandt", roles=["external_auditor"], organization=body)


@pytest.fixture
def room(manager: Person, guest: Person) -> AuditRoom:
    """A room over incidents, open for five days."""
    room = an_auditroom(manager, clauses="8.6.1", guests=[guest])
    return move(room, "let_in", by=manager)


def refreshed(person: Person) -> Person:
    return Person.objects.get(pk=person.pk)


def test_a_guest_sees_nothing_before_the_room_is_open(manager: Person, guest: Person) -> None:
    an_incident(manager)
    an_auditroom(manager, guests=[guest])
    assert guests.is_guest(guest)
    assert guest.rights == frozenset()
    assert not Incident.objects.visible_to(guest).exists()
    assert not Sheet.objects.filter(scope(guest, Sheet)).exists()


def test_a_guest_sees_the_records_of_the_clauses_and_no_others(
    room: AuditRoom, manager: Person, guest: Person
) -> None:
    incident, problem = an_incident(manager), a_problem(manager)
    hidden = an_incident(manager, restricted=True)
    assert list(Incident.objects.visible_to(guest)) == [incident]
    assert not Problem.objects.visible_to(guest).exists()
    assert not Service.objects.visible_to(guest).exists()
    seen = set(Sheet.objects.filter(scope(guest, Sheet)).values_list("ref", flat=True))
    assert incident.ref in seen
    assert not {problem.ref, hidden.ref, room.ref} & seen


def test_the_room_ends_at_its_hour(room: AuditRoom, manager: Person, guest: Person) -> None:
    an_incident(manager)
    assert Incident.objects.visible_to(guest).exists()
    revise(room, {"expires_at": timezone.now() - timedelta(seconds=1)}, by=manager)
    assert not Incident.objects.visible_to(refreshed(guest)).exists()


def test_closing_the_room_takes_effect_at_once(
    room: AuditRoom, manager: Person, guest: Person
) -> None:
    incident = an_incident(manager)
    move(room, "close", by=manager)
    assert not Incident.objects.visible_to(refreshed(guest)).filter(pk=incident.pk).exists()


def test_the_period_of_a_room_narrows_what_is_seen(manager: Person, guest: Person) -> None:
    today = timezone.localdate()
    an_incident(manager)
    room = an_auditroom(
        manager, clauses="8.6.1", guests=[guest], until=today - timedelta(days=2), since=None
    )
    move(room, "let_in", by=manager)
    assert not Incident.objects.visible_to(guest).exists()


def test_a_guest_changes_nothing(room: AuditRoom, manager: Person, guest: Person) -> None:
    incident = an_incident(manager)
    with pytest.raises(PermissionDenied):
        revise(incident, {"title": "Mine"}, by=guest)
    with pytest.raises(PermissionDenied):
        file(Incident, {"title": "Mine"}, by=guest)
    assert not may(guest, "comment", Incident)


def test_a_guest_draws_a_sample_where_the_room_allows_it(
    room: AuditRoom, manager: Person, guest: Person
) -> None:
    an_incident(manager)
    an_incident(manager, restricted=True)
    sample = file(AuditSample, {"title": "Incidents", "source": "/incidents/"}, by=guest)
    assert (sample.room, sample.population_size) == (room, 1)
    with pytest.raises(ValidationError, match="no list you may see"):
        file(AuditSample, {"title": "Problems", "source": "/problems/"}, by=guest)
    revise(room, {"may_sample": False}, by=manager)
    with pytest.raises(PermissionDenied):
        file(AuditSample, {"title": "More", "source": "/incidents/"}, by=refreshed(guest))


def test_findings_of_others_are_not_shown_unless_the_room_looks_at_audits(
    room: AuditRoom, manager: Person, guest: Person
) -> None:
    ours = an_auditfinding(manager)
    assert not AuditFinding.objects.visible_to(guest).filter(pk=ours.pk).exists()
    with pytest.raises(PermissionDenied):
        an_auditfinding(guest, audit=ours.audit, owner=None)


def test_only_somebody_from_outside_is_a_guest(manager: Person, reader: Person) -> None:
    room = an_auditroom(manager, guests=[reader])
    with pytest.raises(NotOpen, match="Rita Reader is no guest"):
        move(room, "let_in", by=manager)


def test_a_room_that_has_ended_is_not_opened(manager: Person, guest: Person) -> None:
    past = timezone.now() - timedelta(hours=1)
    room = an_auditroom(manager, guests=[guest], expires_at=past)
    with pytest.raises(NotOpen, match="an hour in the future"):
        move(room, "let_in", by=manager)


def test_other_roles_of_a_guest_grant_nothing(room: AuditRoom, guest: Person) -> None:
    with act("settle", by=None):
        from verne.engine.people import Assignment, Role

        Assignment.objects.create(role=Role.objects.get(key="sms_manager"), person=guest)
    assert not refreshed(guest).may("engine.manage_roles")


def test_every_view_is_noted_and_stays(room: AuditRoom, guest: Person) -> None:
    note_view(guest, "/r/INC-1", "INC-1")
    (view,) = room.views.all()
    assert (view.guest, view.ref) == (guest, "INC-1")
    assert Act.objects.filter(record=room.pk, verb="view", by=guest).exists()
    with pytest.raises(DatabaseError), transaction.atomic(), act("settle", by=None):
        RoomView.objects.filter(pk=view.pk).delete()


def test_a_guest_samples_what_is_written_whatever_its_audience(
    room: AuditRoom, manager: Person, approver: Person, guest: Person
) -> None:
    """See “What holds” in docs/processes/room.md."""
    closed = {"classification": "confidential", "audience": "chosen"}
    narrow = a_document_in_force(manager, approver, **closed)
    kept_back = a_document_in_force(manager, approver, restricted=True)
    a_document(manager)  # Not in force.
    assert list(Document.objects.visible_to(guest)) == [narrow]
    texts = Revision.objects.visible_to(guest)
    assert list(texts) == list(narrow.in_force())
    assert kept_back.in_force().get() not in texts
    first_text = narrow.in_force().get()
    since = register_of(Revision.kind_name()).open_since(first_text, guest)
    assert since == first_text.in_force_at
