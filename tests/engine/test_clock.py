"""Clocks on records: what was promised, what stops them, when they speak up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from verne.engine import clock as clocks
from verne.engine import moment
from verne.engine.acts import act, file, move, revise
from verne.engine.calendars import CalendarVersion, ServiceCalendar
from verne.engine.clock import Clock, Target, clocks_of, reproject, ring
from verne.engine.comments import comment
from verne.engine.escalation import Escalation
from verne.engine.history import Act
from verne.engine.jobs import declared, ring_clocks
from verne.engine.people import Organization, Person, Team
from verne.engine.testing import a_person
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.incident.samples import an_incident
from verne.sms.resolution.request.models import ServiceRequest
from verne.sms.resolution.request.samples import a_model_in_force, a_servicerequest

pytestmark = pytest.mark.django_db

HOUR = 3600
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def after(**span: float) -> datetime:
    return MONDAY + timedelta(**span)


class Promises:
    """What is agreed in a test: a target for each measure, changed as the story goes."""

    def __init__(self) -> None:
        self.by_measure: dict[str, Target] = {}

    def give(self, measure: str, **facts: Any) -> None:
        usual: dict[str, Any] = {"name": "As agreed", "calendar": None}
        self.by_measure[measure] = Target(**usual | facts)

    def find(self, record: Any, measure: str) -> Target | None:
        return self.by_measure.get(measure)


@pytest.fixture
def agreed(monkeypatch: pytest.MonkeyPatch) -> Promises:
    promises = Promises()
    monkeypatch.setattr(clocks, "target_finders", [promises.find])
    promises.give("respond", seconds=HOUR)
    promises.give("resolve", seconds=4 * HOUR)
    return promises


@pytest.fixture
def incident(agreed: Promises, manager: Person) -> Iterator[Incident]:
    with moment.at(MONDAY):
        yield an_incident(manager)


def clock_of(record: Any, measure: str = "resolve") -> Clock:
    return Clock.objects.get(record=record.pk, measure=measure)


def kinds(record: Any, measure: str = "resolve") -> list[str]:
    return list(clock_of(record, measure).events.values_list("kind", flat=True))


def solved(incident: Incident, by: Person, at: datetime) -> Incident:
    values = {"resolution": "Restarted the relay.", "resolution_code": "fixed"}
    return move(incident, "resolve", by=by, values=values, at=at)


def waiting(incident: Incident, by: Person, at: datetime, reason: str = "user") -> Incident:
    values = {"pending_reason": reason, "resume_at": at + timedelta(days=9)}
    return move(incident, "wait", by=by, values=values, at=at)


# A clock's life


def test_filing_starts_the_clocks_and_the_leading_one_is_the_records_own(
    incident: Incident,
) -> None:
    assert {rule.measure for rule, _clock in clocks_of(incident)} == {"respond", "resolve"}
    assert clock_of(incident).due_at == after(hours=4) == incident.due_at
    assert clock_of(incident, "respond").due_at == after(hours=1)


def test_starting_work_stops_the_response_in_time(incident: Incident, manager: Person) -> None:
    move(incident, "start", by=manager, at=after(minutes=20))
    clock = clock_of(incident, "respond")
    assert (clock.state, clock.elapsed) == (Clock.State.MET, 20 * 60)


def test_what_is_resolved_too_late_is_missed(incident: Incident, manager: Person) -> None:
    incident = move(incident, "start", by=manager, at=after(minutes=20))
    solved(incident, manager, after(hours=5))
    clock = clock_of(incident)
    assert (clock.state, clock.breached_at) == (Clock.State.BREACHED, after(hours=4))


def test_reopening_goes_on_where_it_stopped(incident: Incident, manager: Person) -> None:
    incident = move(incident, "start", by=manager, at=after(minutes=20))
    incident = solved(incident, manager, after(hours=1))
    incident = move(incident, "reopen", by=manager, note="It is back", at=after(hours=3))
    assert clock_of(incident).due_at == after(hours=6)
    incident = solved(incident, manager, after(hours=4))
    clock = clock_of(incident)
    assert (clock.state, clock.elapsed) == (Clock.State.MET, 2 * HOUR)
    assert kinds(incident) == ["start", "stop", "resume", "stop"]


def test_without_a_promise_it_still_counts(agreed: Promises, manager: Person) -> None:
    agreed.by_measure.clear()
    with moment.at(MONDAY):
        incident = an_incident(manager)
    clock = clock_of(incident)
    assert (clock.due_at, clock.has_target) == (None, False)
    assert clock.reading(after(hours=2)).elapsed == 2 * HOUR
    incident = move(incident, "start", by=manager, at=after(hours=1))
    solved(incident, manager, after(hours=3))
    assert clock_of(incident).state == Clock.State.MET


def test_a_cancelled_request_has_no_time_left_to_keep(agreed: Promises, manager: Person) -> None:
    agreed.give("fulfil", seconds=8 * HOUR)
    with moment.at(MONDAY):
        request = a_servicerequest(manager)
    move(request, "cancel", by=manager, note="Not needed", at=after(hours=1))
    assert clock_of(request, "fulfil").state == Clock.State.CANCELLED
    assert ServiceRequest.objects.get(pk=request.pk).due_at is None


# Waiting


def test_waiting_for_the_user_stops_the_clock_usually(incident: Incident, manager: Person) -> None:
    incident = move(incident, "start", by=manager, at=after(minutes=20))
    incident = waiting(incident, manager, after(hours=1))
    assert clock_of(incident).state == Clock.State.PAUSED
    move(incident, "resume", by=manager, at=after(hours=3))
    assert clock_of(incident).due_at == after(hours=6)


def test_waiting_for_a_supplier_is_our_own_affair_usually(
    incident: Incident, manager: Person
) -> None:
    incident = move(incident, "start", by=manager, at=after(minutes=20))
    incident = waiting(incident, manager, after(hours=1), reason="supplier")
    assert clock_of(incident).state == Clock.State.RUNNING
    move(incident, "resume", by=manager, at=after(hours=3))
    assert clock_of(incident).due_at == after(hours=4)
    assert kinds(incident) == ["start", "pause", "resume"]


@pytest.mark.parametrize(
    ("pauses", "due"), [({"supplier"}, 6), ({"user"}, 4), (set(), 4), (None, 4)]
)
def test_what_stops_the_clock_is_what_the_agreement_names(
    pauses: set[str] | None, due: int, agreed: Promises, manager: Person
) -> None:
    named = None if pauses is None else frozenset(pauses)
    agreed.give("resolve", seconds=4 * HOUR, pauses=named)
    with moment.at(MONDAY):
        incident = move(an_incident(manager), "start", by=manager)
    incident = waiting(incident, manager, after(hours=1), reason="supplier")
    move(incident, "resume", by=manager, at=after(hours=3))
    assert clock_of(incident).due_at == after(hours=due)


def test_another_agreement_reads_the_same_waits_in_its_own_way(
    incident: Incident, agreed: Promises, manager: Person
) -> None:
    incident = move(incident, "start", by=manager, at=after(minutes=20))
    incident = waiting(incident, manager, after(hours=1), reason="supplier")
    incident = move(incident, "resume", by=manager, at=after(hours=3))
    agreed.give("resolve", seconds=4 * HOUR, pauses=frozenset({"supplier"}))
    revise(incident, {"urgency": 1}, by=manager, at=after(hours=3))
    assert clock_of(incident).due_at == after(hours=6)


def test_another_reason_to_wait_is_another_wait(incident: Incident, manager: Person) -> None:
    incident = move(incident, "start", by=manager, at=after(minutes=20))
    incident = waiting(incident, manager, after(hours=1))
    incident = revise(incident, {"pending_reason": "supplier"}, by=manager, at=after(hours=2))
    move(incident, "resume", by=manager, at=after(hours=3))
    assert kinds(incident) == ["start", "pause", "resume", "pause", "resume"]
    reasons = clock_of(incident).events.filter(kind="pause").values_list("reason", flat=True)
    assert list(reasons) == ["user", "supplier"]
    assert clock_of(incident).due_at == after(hours=5)


def test_a_request_waits_for_its_approval(
    agreed: Promises, manager: Person, approver: Person
) -> None:
    from verne.engine import approvals

    agreed.give("fulfil", seconds=8 * HOUR)
    with moment.at(MONDAY):
        model = a_model_in_force(manager, approvals_needed=1)
        request = a_servicerequest(manager, request_model=model)
    assert clock_of(request, "fulfil").state == Clock.State.PAUSED
    asked = approvals.current(request, "approve")
    assert asked is not None
    with moment.at(after(hours=5)):
        approvals.vote(asked, by=approver, agrees=True)
    assert clock_of(request, "fulfil").due_at == after(hours=13)


# Another target


def test_another_priority_keeps_the_time_used(
    incident: Incident, agreed: Promises, manager: Person
) -> None:
    agreed.give("resolve", seconds=2 * HOUR)
    revise(incident, {"urgency": 1}, by=manager, at=after(minutes=30))
    assert clock_of(incident).due_at == after(hours=2)
    assert Incident.objects.get(pk=incident.pk).due_at == after(hours=2)


def test_words_alone_do_not_look_for_another_target(
    incident: Incident, agreed: Promises, manager: Person
) -> None:
    agreed.give("resolve", seconds=2 * HOUR)
    revise(incident, {"symptom": "Outbox fills up"}, by=manager, at=after(minutes=30))
    assert clock_of(incident).due_at == after(hours=4)


def test_open_clocks_are_projected_anew_under_a_new_agreement(
    incident: Incident, agreed: Promises, manager: Person
) -> None:
    agreed.give("resolve", seconds=HOUR)
    changed = reproject(Clock.objects.all(), by=manager, note="A new version", at=after(minutes=5))
    assert changed == 1
    assert Incident.objects.get(pk=incident.pk).due_at == after(hours=1)
    acts = Act.objects.count()
    assert not reproject(Clock.objects.all(), by=manager, note="Again", at=after(minutes=6))
    assert Act.objects.count() == acts, "what changes nothing leaves no trace"


def test_looking_at_more_clocks_anew_asks_nothing_more(
    incident: Incident, agreed: Promises, manager: Person
) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            reproject(Clock.objects.all(), by=manager, note="Again", at=after(minutes=6))
        return len(queries)

    few = asked()
    for _more in range(3):
        an_incident(manager, service=incident.service, category=incident.category)
    assert asked() == few


def test_it_counts_in_the_hours_of_its_calendar(agreed: Promises, manager: Person) -> None:
    week = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    with act("settle", by=None):
        hours = ServiceCalendar.objects.create(name="Office hours")
        version = CalendarVersion.objects.create(
            of=hours, spec={"tz": "Etc/UTC", "weekly": week}, valid_from=after(days=-30)
        )
    agreed.give("resolve", seconds=4 * HOUR, calendar=version)
    with moment.at(after(hours=6)):
        incident = an_incident(manager)
    clock = clock_of(incident)
    assert clock.due_at == after(days=1, hours=2)
    assert [step.counted for step in clock.explain(after(hours=6)) if step.counted] == [
        2 * HOUR,
        2 * HOUR,
    ]


def test_working_days_end_at_closing_time(agreed: Promises, manager: Person) -> None:
    week = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    with act("settle", by=None):
        hours = ServiceCalendar.objects.create(name="Office hours")
        version = CalendarVersion.objects.create(
            of=hours, spec={"tz": "Etc/UTC", "weekly": week}, valid_from=after(days=-30)
        )
    agreed.give("fulfil", days=2, end_of_day=True, calendar=version)
    with moment.at(MONDAY):
        request = a_servicerequest(manager)
    assert clock_of(request, "fulfil").due_at == after(days=2, hours=8)


# Updates, again and again


def test_each_public_word_starts_the_next_update_over(
    incident: Incident, agreed: Promises, manager: Person
) -> None:
    agreed.give("next_update", seconds=2 * HOUR)
    incident = move(incident, "start", by=manager, at=after(minutes=20))
    comment(incident, "We found the cause.", by=manager, public=True, at=after(hours=1))
    assert clock_of(incident, "next_update").due_at == after(hours=3)
    comment(incident, "Disk is full.", by=manager, at=after(hours=2))
    assert clock_of(incident, "next_update").due_at == after(hours=3)


def test_an_update_that_was_missed_stays_missed(
    incident: Incident, agreed: Promises, manager: Person
) -> None:
    agreed.give("next_update", seconds=2 * HOUR)
    incident = move(incident, "start", by=manager, at=MONDAY)
    comment(incident, "Sorry, we are late.", by=manager, public=True, at=after(hours=3))
    comment(incident, "Nearly there.", by=manager, public=True, at=after(hours=4))
    incident = Incident.objects.get(pk=incident.pk)
    solved(incident, manager, after(hours=5))
    clock = clock_of(incident, "next_update")
    assert (clock.state, clock.breached_at) == (Clock.State.BREACHED, after(hours=2))


# Ringing


def test_each_threshold_speaks_once(incident: Incident) -> None:
    assert ring(after(hours=2, minutes=1)) == 5
    assert ring(after(hours=2, minutes=2)) == 0
    told = Escalation.objects.filter(record=incident.pk).values_list("reason", flat=True)
    words = "{} % of the time for “{}” is used up."
    expected = [words.format(share, "Respond") for share in (50, 75, 90, 100)]
    expected.append(words.format(50, "Resolve"))
    assert sorted(told) == sorted(expected)
    assert clock_of(incident).next_threshold_at == after(hours=3)


def test_before_the_end_the_owner_hears_and_at_the_end_the_lead(
    agreed: Promises, manager: Person
) -> None:
    with act("settle", by=None):
        lead = a_person("Lena Lead", roles=[])
        team = Team.objects.create(name="Servers", lead=lead)
    agreed.by_measure.pop("respond")
    with moment.at(MONDAY):
        incident = an_incident(manager, team=team)
    assert ring(after(hours=4)) == 4
    told = {e.share: e for e in Escalation.objects.filter(record=incident.pk)}
    assert sorted(told) == [50, 75, 90, 100]
    assert (told[90].to_person, told[90].kind) == (manager, Escalation.Kind.FUNCTIONAL)
    assert (told[100].to_person, told[100].kind) == (lead, Escalation.Kind.HIERARCHICAL)
    assert all(e.to_team == team and e.by is None for e in told.values())


def test_a_paused_or_stopped_clock_does_not_speak(incident: Incident, manager: Person) -> None:
    incident = move(incident, "start", by=manager, at=after(minutes=5))
    waiting(incident, manager, after(minutes=10))
    assert ring(after(days=2)) == 0


def test_a_threshold_agreed_otherwise_is_kept(agreed: Promises, manager: Person) -> None:
    agreed.by_measure.clear()
    agreed.give("resolve", seconds=4 * HOUR, thresholds=(80,))
    with moment.at(MONDAY):
        incident = an_incident(manager)
    assert ring(after(hours=3)) == 0
    assert ring(after(hours=3, minutes=12)) == 1
    assert list(incident.escalations.values_list("share", flat=True)) == [80]


def test_a_clock_that_starts_over_speaks_anew(
    incident: Incident, agreed: Promises, manager: Person
) -> None:
    agreed.by_measure.clear()
    agreed.give("next_update", seconds=2 * HOUR, thresholds=(100,))
    incident = move(incident, "start", by=manager, at=MONDAY)
    for clock in Clock.objects.exclude(measure="next_update"):
        with act("settle", by=None):
            Clock.objects.filter(pk=clock.pk).update(next_threshold_at=None)
    assert ring(after(hours=2)) == 1
    comment(incident, "Sorry, we are late.", by=manager, public=True, at=after(hours=3))
    assert ring(after(hours=4)) == 0
    assert ring(after(hours=5)) == 1


def test_a_clock_that_cannot_be_read_keeps_no_other_from_ringing(
    incident: Incident, manager: Person, caplog: pytest.LogCaptureFixture
) -> None:
    broken = clock_of(incident, "respond")
    with act("settle", by=None):
        Clock.objects.filter(pk=broken.pk).update(thresholds=["half"])
    assert ring(after(hours=2)) == 1
    assert f"Clock {broken.pk} could not be rung" in caplog.text


def test_no_run_takes_more_than_it_should(incident: Incident, manager: Person) -> None:
    with moment.at(MONDAY):
        an_incident(manager)
    assert ring(after(minutes=30), limit=1) == 1
    assert ring(after(minutes=30), limit=1) == 1
    assert ring(after(minutes=30), limit=1) == 0


def test_the_job_rings_every_minute(incident: Incident) -> None:
    assert declared[ring_clocks.module_path].schedule == "* * * * *"
    with moment.at(after(hours=1)):
        assert ring_clocks() == 4
        assert ring_clocks() == 0
    row = Act.objects.filter(verb="ring").first()
    assert row is not None
    assert (row.at, row.by) == (after(hours=1), None)


@pytest.mark.django_db(transaction=True)
def test_two_workers_who_ring_at_once_speak_once(agreed: Promises, manager: Person) -> None:
    with moment.at(MONDAY):
        incident = an_incident(manager)
    rung: list[int] = []

    def work() -> None:
        try:
            rung.append(ring(after(hours=2)))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _n in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(rung) == Escalation.objects.filter(record=incident.pk).count()
    shares = list(incident.escalations.values_list("clock", "share"))
    assert len(shares) == len(set(shares))


@pytest.mark.django_db(transaction=True)
def test_a_clock_that_is_stopped_while_it_is_projected_anew_stays_stopped(
    agreed: Promises, manager: Person
) -> None:
    with moment.at(MONDAY):
        incident = move(an_incident(manager), "start", by=manager)
    resolving = threading.Thread(target=_and_close(solved), args=(incident, manager, MONDAY))

    def find(record: Any, measure: str) -> Target | None:
        """Between reading the clock and writing it; where it is locked, the other one waits."""
        if threading.current_thread() is threading.main_thread():
            resolving.start()
            resolving.join(1)
            clocks.target_finders.remove(find)
        return agreed.find(record, measure)

    clocks.target_finders.insert(0, find)
    agreed.give("resolve", seconds=HOUR)
    reproject(Clock.objects.filter(measure="resolve"), by=manager, note="New", at=after(minutes=5))
    resolving.join()
    clock = clock_of(incident)
    assert (clock.state, clock.stopped_at) == (Clock.State.MET, MONDAY)


@pytest.mark.django_db(transaction=True)
def test_who_rings_a_clock_and_who_revises_its_record_do_not_wait_for_one_another(
    agreed: Promises, manager: Person
) -> None:
    with moment.at(MONDAY):
        incident = an_incident(manager)
    rung: list[int] = []
    ringing = threading.Thread(target=_and_close(lambda: rung.append(ring(after(hours=2)))))

    def find(record: Any, measure: str) -> Target | None:
        """While the record is locked and its clocks are not written yet."""
        if threading.current_thread() is threading.main_thread() and find in clocks.target_finders:
            clocks.target_finders.remove(find)
            ringing.start()
            ringing.join(1)
        return agreed.find(record, measure)

    clocks.target_finders.insert(0, find)
    agreed.give("respond", seconds=3 * HOUR)
    agreed.give("resolve", seconds=6 * HOUR)
    revise(incident, {"urgency": 1}, by=manager, at=after(minutes=30))
    ringing.join()
    assert clock_of(incident).due_at == after(hours=6)
    assert sum(rung) == Escalation.objects.filter(record=incident.pk).count() > 0


def _and_close(work: Callable[..., Any]) -> Callable[..., None]:
    """The work of a thread, which gives its connection back."""

    def run(*arguments: Any) -> None:
        try:
            work(*arguments)
        finally:
            connection.close()

    return run


def test_a_customer_is_promised_what_was_agreed_with_them(
    agreed: Promises, manager: Person, harbour: Organization
) -> None:
    def find(record: Any, measure: str) -> Target | None:
        if measure != "resolve" or record.customer_id != harbour.pk:
            return None
        return Target(name="Harbour", calendar=None, seconds=HOUR)

    clocks.target_finders.insert(0, find)
    with moment.at(MONDAY):
        incident = file(Incident, {"title": "Tills are slow"}, by=manager)
        assert clock_of(incident).due_at == after(hours=4)
        revise(incident, {"customer": harbour}, by=manager)
    assert clock_of(incident).due_at == after(hours=1)
    assert clock_of(incident).name == "Harbour"
