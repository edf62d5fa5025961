"""From the agreement to the clock of an incident and back: targets found, handed on, measured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from verne.engine.acts import act, move, revise
from verne.engine.calendars import CalendarVersion, ServiceCalendar
from verne.engine.clock import Clock, find_target
from verne.engine.people import Organization, Person
from verne.sms.portfolio.service.models import Service
from verne.sms.portfolio.service.samples import a_service
from verne.sms.relationship.agreement.days import hand_clocks_on
from verne.sms.relationship.agreement.measuring import measure
from verne.sms.relationship.agreement.models import Agreement
from verne.sms.relationship.agreement.register import missed, results
from verne.sms.relationship.agreement.samples import an_agreement, signed
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.incident.samples import an_incident
from verne.sms.resolution.request.samples import a_model_in_force, a_servicerequest

pytestmark = pytest.mark.django_db

HOUR = 3600


@pytest.fixture
def mail(manager: Person) -> Service:
    return a_service(manager)


def clock_of(record: Any, measure: str = "resolve") -> Clock:
    return Clock.objects.get(record=record.pk, measure=measure)


def test_the_clock_takes_what_was_agreed_with_the_customer(
    manager: Person, mail: Service, harbour: Organization
) -> None:
    an_agreement(manager, services=[mail], customer=harbour)
    incident = an_incident(manager, service=mail, customer=harbour)
    assert incident.priority == 3
    assert clock_of(incident).seconds == 24 * HOUR
    assert clock_of(incident, "respond").seconds == HOUR


def test_a_priority_with_a_target_of_its_own_takes_it(
    manager: Person, mail: Service, harbour: Organization
) -> None:
    an_agreement(manager, services=[mail], customer=harbour)
    incident = an_incident(manager, service=mail, customer=harbour, impact=1, urgency=1)
    assert clock_of(incident).seconds == 4 * HOUR
    revise(incident, {"urgency": 2}, by=manager)
    assert clock_of(incident).seconds == 8 * HOUR


def test_where_nothing_is_agreed_with_the_customer_the_usual_levels_hold(
    manager: Person, mail: Service, harbour: Organization
) -> None:
    usual = an_agreement(manager, services=[mail], customer=None)
    incident = an_incident(manager, service=mail, customer=harbour)
    assert clock_of(incident).agreement_id == usual.pk
    theirs = an_agreement(manager, services=[mail], customer=harbour)
    later = an_incident(manager, service=mail, customer=harbour)
    assert clock_of(later).agreement_id == theirs.pk


def test_an_agreement_with_another_customer_or_service_promises_nothing(
    manager: Person, mail: Service, harbour: Organization
) -> None:
    an_agreement(manager, services=[a_service(manager, title="Chat")], customer=harbour)
    with act("settle", by=None):
        other = Organization.objects.create(name="Northern Rail", kind="customer")
    an_agreement(manager, services=[mail], customer=other)
    incident = an_incident(manager, service=mail, customer=harbour)
    assert not clock_of(incident).has_target


def test_a_draft_promises_nothing(manager: Person, mail: Service, harbour: Organization) -> None:
    from verne.sms.relationship.agreement.samples import an_agreed_agreement

    an_agreed_agreement(manager, services=[mail], customer=harbour)
    assert not clock_of(an_incident(manager, service=mail, customer=harbour)).has_target


def test_a_request_model_with_a_target_of_its_own_takes_it(manager: Person, mail: Service) -> None:
    rows = [
        {"measure": "fulfil", "applies_to": "service_request", "seconds": 9 * HOUR},
        {
            "measure": "fulfil",
            "applies_to": "service_request",
            "seconds": HOUR,
            "request_model": "Mailbox for a new colleague",
        },
    ]
    an_agreement(manager, services=[mail], customer=None, targets=rows)
    mailbox = a_model_in_force(manager, service=mail)
    other = a_model_in_force(manager, service=mail, title="Shared folder")
    quick = a_servicerequest(manager, request_model=mailbox, service=mail)
    slow = a_servicerequest(manager, request_model=other, service=mail)
    assert find_target(quick, "fulfil").seconds == HOUR  # type: ignore[union-attr]
    assert find_target(slow, "fulfil").seconds == 9 * HOUR  # type: ignore[union-attr]


def test_the_version_of_the_calendar_valid_then_is_taken(manager: Person, mail: Service) -> None:
    week = ("mon", "tue", "wed", "thu", "fri")
    specs = [
        {"tz": "Asia/Seoul", "weekly": {day: [[opening, "18:00"]] for day in week}}
        for opening in ("09:00", "08:00", "07:00")
    ]
    now = timezone.now()
    with act("settle", by=None):
        calendar = ServiceCalendar.objects.create(name="Office hours Seoul")
        days = (now - timedelta(days=900), now - timedelta(days=9), now + timedelta(days=9))
        kept = [
            CalendarVersion.objects.create(of=calendar, spec=spec, valid_from=day)
            for spec, day in zip(specs, days, strict=True)
        ]
    row = {"measure": "resolve", "days": 2, "end_of_day": True, "calendar": calendar}
    an_agreement(manager, services=[mail], customer=None, targets=[row])
    incident = an_incident(manager, service=mail)
    assert clock_of(incident).calendar == kept[1]
    assert clock_of(incident).days == 2
    assert clock_of(incident).end_of_day


def test_the_finder_asks_at_most_two_queries_for_all_measures(
    manager: Person, mail: Service
) -> None:
    an_agreement(manager, services=[mail], customer=None)
    incident = Incident.objects.get(pk=an_incident(manager, service=mail).pk)
    with act("settle", by=None), CaptureQueriesContext(connection) as queries:
        for name in ("respond", "next_update", "resolve"):
            assert find_target(incident, name)
    assert len(queries) <= 2


def test_what_waiting_stops_the_clock_is_agreed(manager: Person, mail: Service) -> None:
    an_agreement(manager, services=[mail], customer=None, pauses=["supplier"])
    incident = an_incident(manager, service=mail)
    target = find_target(incident, "resolve")
    assert target is not None
    assert target.pauses == frozenset({"supplier"})


def test_an_act_told_from_the_past_takes_what_was_in_force_then(
    manager: Person, mail: Service
) -> None:
    then = timezone.now() - timedelta(days=100)
    today = timezone.now().date()
    former = an_agreement(manager, services=[mail], customer=None)
    move(former, "new_version", by=manager, note="Faster")
    rows = [{"measure": "resolve", "seconds": HOUR}]
    draft = Agreement.objects.get(previous=former)
    values = {"targets": rows, "valid_from": today, "review_due": today + timedelta(days=365)}
    latest = move(signed(revise(draft, values, by=manager), by=manager), "activate", by=manager)
    now_open = an_incident(manager, service=mail)
    assert clock_of(now_open).agreement_id == latest.pk
    with act("settle", by=None, at=then):
        old = Incident.objects.get(pk=now_open.pk)
        found = find_target(old, "resolve")
    assert found is not None
    assert found.agreement_id == former.pk


def test_open_clocks_are_handed_on_to_the_new_version(manager: Person, mail: Service) -> None:
    former = an_agreement(manager, services=[mail], customer=None)
    incident = an_incident(manager, service=mail)
    started = clock_of(incident).started_at
    move(former, "new_version", by=manager, note="Faster")
    today = timezone.now().date()
    draft = Agreement.objects.get(previous=former)
    values = {
        "targets": [{"measure": "resolve", "seconds": HOUR}],
        "valid_from": today,
        "review_due": today + timedelta(days=365),
    }
    latest = move(signed(revise(draft, values, by=manager), by=manager), "activate", by=manager)
    assert hand_clocks_on(latest.pk) >= 1
    clock = clock_of(incident)
    assert (clock.seconds, clock.started_at) == (HOUR, started)
    assert clock.agreement_id == latest.pk


def test_results_are_those_of_real_incidents(manager: Person, mail: Service) -> None:
    rows = [{"measure": "resolve", "seconds": HOUR, "goal": 50}]
    agreement = an_agreement(manager, services=[mail], customer=None, targets=rows)
    day = datetime(2026, 10, 12, 9, tzinfo=UTC)
    late = None
    for minutes in (30, 90):
        with act("settle", by=None, at=day):
            incident = an_incident(manager, service=mail)
        move(incident, "start", by=manager, at=day + timedelta(minutes=5))
        late = move(
            incident,
            "resolve",
            by=manager,
            at=day + timedelta(minutes=minutes),
            values={"resolution": "Restarted the relay.", "resolution_code": "fixed"},
        )
    measure(agreement, day + timedelta(days=1), by=manager)
    row = agreement.measurements.get(subject="target")
    assert (row.counted, row.within, row.value, row.reached) == (2, 1, 50, True)
    assert results(agreement, manager)[0][2] == "1 of 2"
    assert late is not None
    assert [r[0].pk for r in missed(agreement, manager)] == [late.pk]
