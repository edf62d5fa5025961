"""What agreements promise: both sides sign, one version is in force, results are computed."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.utils import timezone

from verne.engine import approvals
from verne.engine.acts import NotOpen, act, move, revise, withdraw
from verne.engine.calendars import CalendarVersion, ServiceCalendar
from verne.engine.clock import Clock
from verne.engine.evidence import Asked, answers
from verne.engine.history import Act
from verne.engine.people import Person
from verne.engine.records import Sheet
from verne.engine.testing import a_person
from verne.sms.portfolio.service.samples import a_live_service, a_service, an_agreed_requirement

from ..customer.samples import an_organization
from .days import turn_agreements
from .measuring import measure, measure_agreements, measurers, window_at
from .models import Agreement, ServiceLevelTarget
from .register import corrections, percent, results, versions, workload
from .samples import (
    USUAL_TARGETS,
    a_draft_agreement,
    a_measurementcorrection,
    an_agreed_agreement,
    an_agreement,
    signed,
)

pytestmark = pytest.mark.django_db

OFFICE = {
    "tz": "Asia/Seoul",
    "weekly": {day: [["09:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
}


def figures(key: str, **asked: Any) -> tuple[int, int]:
    found = answers[key](Asked(**{"at": timezone.now()} | asked))
    return found.population.count(), found.exceptions.count()


def fresh(agreement: Agreement) -> Agreement:
    return Agreement.objects.get(pk=agreement.pk)


def office_hours() -> ServiceCalendar:
    with act("settle", by=None, note="Hours agreed"):
        calendar = ServiceCalendar.objects.create(name="Office hours Seoul")
        CalendarVersion.objects.create(
            of=calendar, spec=OFFICE, valid_from=datetime(2020, 1, 1, tzinfo=UTC)
        )
    return calendar


# Making an agreement


def test_an_agreement_needs_a_service_and_a_target(manager: Person) -> None:
    agreement = a_draft_agreement(manager)
    revise(agreement, {"services": [], "targets": []}, by=manager)
    with pytest.raises(NotOpen) as refused:
        move(agreement, "negotiate", by=manager)
    assert refused.value.messages == [
        "Name at least one service that it covers.",
        "Add at least one service level target.",
    ]


def test_both_sides_sign(manager: Person) -> None:
    agreement = move(a_draft_agreement(manager), "negotiate", by=manager)
    with pytest.raises(NotOpen) as refused:
        move(agreement, "agree", by=manager)
    assert len(refused.value.messages) == 4


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"no_exceptions": False}, "state that there are none"),
        ({"workload_limits": ""}, "Workload limits is not filled in"),
        ({"support_fit": ""}, "Fit of supporting contracts is not filled in"),
        ({"review_due": None}, "Review due is not filled in"),
        ({"requirements": []}, "agreed service requirement of: E-mail"),
    ],
)
def test_an_agreement_says_everything_it_has_to(
    facts: dict[str, Any], words: str, manager: Person
) -> None:
    draft = a_draft_agreement(manager, **facts)
    with pytest.raises(NotOpen, match=words):
        signed(draft, by=manager)


def test_every_service_has_its_own_requirement(manager: Person) -> None:
    mail, chat = a_service(manager), a_service(manager, title="Chat")
    requirement = an_agreed_requirement(manager, service=mail)
    draft = a_draft_agreement(manager, services=[mail, chat], requirements=[requirement])
    with pytest.raises(NotOpen, match="agreed service requirement of: Chat"):
        signed(draft, by=manager)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"measure": "resolve"}, "either seconds or working days"),
        ({"measure": "resolve", "seconds": 60, "days": 1}, "either seconds or working days"),
        ({"measure": "resolve", "days": 2}, "Working days need service hours"),
        ({"measure": "resolve", "seconds": 60, "end_of_day": True}, "Only working days end"),
        ({"measure": "availability", "seconds": 60, "goal": 99}, "in percent alone"),
        ({"measure": "resolve", "seconds": 60, "thresholds": ["half"]}, "whole percentages"),
        ({"measure": "resolve", "seconds": 60, "goal": 120}, "less than or equal to 100"),
    ],
)
def test_a_target_that_means_nothing_is_refused(
    row: dict[str, Any], words: str, manager: Person
) -> None:
    with pytest.raises(ValidationError, match=words):
        a_draft_agreement(manager, targets=[row])


def test_agreements_are_made_with_customers(manager: Person) -> None:
    with act("settle", by=None):
        ours = type(an_organization()).objects.create(name="We", kind="own")
    with pytest.raises(ValidationError, match="made with customers"):
        a_draft_agreement(manager, customer=ours)


def test_it_comes_into_force_on_its_day(manager: Person) -> None:
    tomorrow = timezone.now().date() + timedelta(days=1)
    agreement = an_agreed_agreement(manager, valid_from=tomorrow)
    with pytest.raises(NotOpen, match="has not come yet"):
        move(agreement, "activate", by=manager)


# Versions


@pytest.mark.parametrize(
    "values",
    [
        {"workload_limits": "As many as they like."},
        {"monthly_incidents": 1},
        {"services": []},
        {"requirements": []},
        {"targets": [{"measure": "resolve", "seconds": 1}]},
        {"customer_signatory": "Somebody else"},
        {"valid_until": date(2100, 1, 1)},
    ],
)
def test_what_was_signed_is_not_changed(values: dict[str, Any], manager: Person) -> None:
    agreement = an_agreement(manager)
    with pytest.raises(ValidationError, match="draft a new version"):
        revise(agreement, values, by=manager)
    assert fresh(agreement).hash_of_terms() == agreement.terms_hash


def test_its_keeping_may_still_change_hands(manager: Person, approver: Person) -> None:
    agreement = an_agreement(manager)
    revise(agreement, {"owner": approver, "title": "Mail, Harbour"}, by=manager)
    assert fresh(agreement).owner == approver


def test_a_new_version_copies_the_terms_without_the_signatures(manager: Person) -> None:
    agreement = an_agreement(manager)
    agreement = move(agreement, "new_version", by=manager, note="Chat is to be covered too")
    assert agreement.state == "under_review"
    draft = Agreement.objects.get(previous=agreement)
    assert (draft.state, draft.version_number) == ("draft", 2)
    assert list(draft.services.all()) == list(agreement.services.all())
    assert list(draft.requirements.all()) == list(agreement.requirements.all())
    assert draft.targets.count() == agreement.targets.count() == len(USUAL_TARGETS)
    assert not draft.customer_signatory
    assert draft.signed_by is None


def test_a_new_version_supersedes_the_former_in_the_same_act(manager: Person) -> None:
    former = an_agreement(manager)
    former = move(former, "new_version", by=manager, note="Faster")
    today = timezone.now().date()
    draft = Agreement.objects.get(previous=former)
    values = {"valid_from": today, "review_due": today + timedelta(days=365)}
    latest = move(signed(revise(draft, values, by=manager), by=manager), "activate", by=manager)
    former = fresh(former)
    assert (former.state, latest.state) == ("expired", "in_force")
    assert former.in_force_until == latest.in_force_since
    assert former.in_force_for is None
    expiry = Act.objects.get(record=former.pk, name="expire")
    assert latest.ref in expiry.note
    assert [row[1] for row in versions(latest, manager)] == ["2", "1"]


def test_a_new_version_stays_with_the_customer(manager: Person) -> None:
    agreement = an_agreement(manager)
    other = an_organization("Northern Rail")
    with pytest.raises(ValidationError, match="same customer"):
        a_draft_agreement(manager, customer=other, previous=agreement)
    draft = a_draft_agreement(manager, customer=other)
    with pytest.raises(ValidationError, match="no version of itself"):
        revise(draft, {"previous": draft}, by=manager)


def test_one_new_version_is_prepared_at_a_time(manager: Person) -> None:
    agreement = move(an_agreement(manager), "new_version", by=manager, note="Faster")
    with pytest.raises(NotOpen, match="already in preparation"):
        move(agreement, "new_version", by=manager, note="Slower")


def test_the_database_keeps_one_version_in_force(manager: Person) -> None:
    former = move(an_agreement(manager), "new_version", by=manager, note="Faster")
    draft = Agreement.objects.get(previous=former)
    with pytest.raises(DatabaseError), transaction.atomic(), act("settle", by=None):
        Agreement.objects.filter(pk=draft.pk).update(in_force_for=former.pk)


def test_a_review_ends_with_a_new_date(manager: Person) -> None:
    agreement = move(an_agreement(manager), "review", by=manager)
    soon = timezone.now().date() + timedelta(days=365)
    agreement = move(
        agreement, "confirm", by=manager, note="Still fits", values={"review_due": soon}
    )
    assert agreement.state == "in_force"
    assert agreement.reviewed_at is not None


def test_a_terminated_agreement_is_no_longer_in_force(manager: Person) -> None:
    agreement = an_agreement(manager)
    before = timezone.now()
    move(agreement, "terminate", by=manager, note="Harbour leaves us")
    assert Agreement.objects.in_force(before).filter(pk=agreement.pk).exists()
    assert not Agreement.objects.in_force(timezone.now()).filter(pk=agreement.pk).exists()


def test_days_put_in_force_and_let_expire(manager: Person) -> None:
    today = timezone.now().date()
    coming = an_agreed_agreement(manager, valid_from=today)
    ending = an_agreement(manager, valid_until=today)
    turn_agreements()
    assert fresh(coming).state == "in_force"
    assert fresh(ending).state == "in_force"
    with act("settle", by=None, note="A night later"):
        Agreement.objects.filter(pk=ending.pk).update(valid_until=today - timedelta(days=1))
    stale = fresh(ending)
    with act("settle", by=None, note="A night later"):
        Agreement.objects.filter(pk=ending.pk).update(terms_hash=stale.hash_of_terms())
    turn_agreements()
    assert fresh(ending).state == "expired"


def test_days_do_nothing_where_nobody_may(db: None) -> None:
    with act("settle", by=None):
        leaver = a_person("Lena Leaver", roles=_every_role())
    agreement = an_agreed_agreement(leaver)
    with act("settle", by=None, note="Left us"):
        Person.objects.filter(pk=leaver.pk).update(active=False)
    turn_agreements()
    assert fresh(agreement).state == "agreed"


def _every_role() -> list[str]:
    from verne.engine.people import Role

    return list(Role.objects.values_list("key", flat=True))


# Measuring


def a_clock(
    agreement: Agreement,
    *,
    record: Any,
    target: ServiceLevelTarget,
    stopped: datetime,
    met: bool,
    kind: str = "resolution.incident",
) -> Clock:
    """A clock that came to its end, on a record of that kind."""
    with act("settle", by=None, note="As an operating record leaves it"):
        Sheet.objects.filter(pk=record.pk).update(kind=kind)
        return Clock.objects.create(
            record_id=record.pk,
            measure=target.measure,
            agreement_id=agreement.pk,
            target_id=target.pk,
            seconds=target.seconds,
            started_at=stopped - timedelta(hours=1),
            stopped_at=stopped,
            state=Clock.State.MET if met else Clock.State.BREACHED,
            breached_at=None if met else stopped,
            due_at=stopped,
        )


def resolve_target(agreement: Agreement) -> ServiceLevelTarget:
    target: ServiceLevelTarget = agreement.targets.filter(measure="resolve", priority=None).get()
    return target


def test_results_are_computed_from_the_clocks(manager: Person) -> None:
    agreement = an_agreement(manager)
    target, now = resolve_target(agreement), timezone.now()
    for met in (True, True, True, False):
        a_clock(agreement, record=a_service(manager), target=target, stopped=now, met=met)
    measure(agreement, now, by=manager)
    row = agreement.measurements.get(target=target)
    assert (row.counted, row.within, row.value, row.reached) == (4, 3, 75, False)
    incidents = agreement.measurements.filter(subject="incidents").latest("window_start")
    assert (incidents.counted, incidents.limit, incidents.reached) == (4, 300, True)
    shown = results(agreement, manager)
    assert shown[0][2:] == ("3 of 4", "75 %", "95 %", "Missed")


def test_a_clock_counts_in_the_month_in_which_it_ended(manager: Person) -> None:
    agreement = an_agreement(manager)
    target = resolve_target(agreement)
    for day in (datetime(2026, 9, 30, 23, 59, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)):
        a_clock(agreement, record=a_service(manager), target=target, stopped=day, met=True)
    measure(agreement, datetime(2026, 10, 15, tzinfo=UTC), by=manager)
    rows = agreement.measurements.filter(target=target)
    assert [(r.window_start, r.counted) for r in rows] == [
        (date(2026, 9, 1), 1),
        (date(2026, 10, 1), 1),
    ]


def test_months_begin_where_the_service_hours_are_kept(manager: Person) -> None:
    calendar = office_hours()
    row = {"measure": "resolve", "seconds": 3600, "calendar": calendar}
    agreement = an_agreement(manager, targets=[row])
    target = resolve_target(agreement)
    midnight_in_seoul = datetime(2026, 9, 30, 15, tzinfo=UTC)
    a_clock(
        agreement, record=a_service(manager), target=target, stopped=midnight_in_seoul, met=True
    )
    measure(agreement, midnight_in_seoul, by=manager)
    assert agreement.measurements.get(target=target).window_start == date(2026, 10, 1)


def test_windows_of_every_length() -> None:
    at = datetime(2026, 11, 30, 20, tzinfo=UTC)
    assert window_at(at, "month").first == date(2026, 11, 1)
    assert window_at(at, "month", ZoneInfo("Asia/Seoul")).first == date(2026, 12, 1)
    assert window_at(at, "quarter").first == date(2026, 10, 1)
    assert window_at(at, "year").after == date(2027, 1, 1)
    assert window_at(at, "year").before.first == date(2025, 1, 1)
    assert window_at(at, "quarter").before.after == date(2026, 10, 1)


def test_cancelled_and_withdrawn_count_for_nothing(manager: Person) -> None:
    agreement = an_agreement(manager)
    target, now = resolve_target(agreement), timezone.now()
    cancelled = a_clock(agreement, record=a_service(manager), target=target, stopped=now, met=True)
    gone = a_service(manager)
    withdraw(gone, by=manager, note="Filed twice")
    a_clock(agreement, record=gone, target=target, stopped=now, met=False)
    with act("settle", by=None):
        Clock.objects.filter(pk=cancelled.pk).update(state=Clock.State.CANCELLED)
    measure(agreement, now, by=manager)
    assert not agreement.measurements.filter(target=target).exists()


def test_measuring_again_changes_only_what_is_new(manager: Person) -> None:
    agreement = an_agreement(manager)
    target, now = resolve_target(agreement), timezone.now()
    a_clock(agreement, record=a_service(manager), target=target, stopped=now, met=True)
    assert measure(agreement, now, by=manager)
    assert measure(agreement, now, by=manager) == []
    a_clock(agreement, record=a_service(manager), target=target, stopped=now, met=False)
    measure_agreements()
    row = agreement.measurements.get(target=target)
    assert (row.counted, row.value) == (2, 50)


def test_a_version_is_measured_only_while_in_force(manager: Person) -> None:
    today = timezone.now().date()
    agreement = an_agreement(manager, valid_from=today)
    measure(agreement, timezone.now(), by=manager)
    assert set(agreement.measurements.values_list("window_start", flat=True)) == {
        today.replace(day=1)
    }


def test_the_workload_shows_its_trend(manager: Person) -> None:
    agreement = an_agreement(manager)
    target = resolve_target(agreement)
    for month in (9, 10, 10):
        day = datetime(2026, month, 10, tzinfo=UTC)
        a_clock(agreement, record=a_service(manager), target=target, stopped=day, met=True)
    measure(agreement, datetime(2026, 10, 15, tzinfo=UTC), by=manager)
    trend = [(row[2], row[3]) for row in workload(agreement, manager) if row[0] != "Requests"]
    assert ("2", "+1") in trend


def test_more_than_the_limit_is_told(manager: Person) -> None:
    agreement = an_agreement(manager, monthly_incidents=1, monthly_requests=None)
    target, now = resolve_target(agreement), timezone.now()
    for _round in range(2):
        a_clock(agreement, record=a_service(manager), target=target, stopped=now, met=True)
    measure(agreement, now, by=manager)
    this_month = agreement.measurements.filter(window_start=now.date().replace(day=1))
    assert this_month.get(subject="incidents").reached is False
    assert this_month.get(subject="requests").reached is None


def test_availability_is_measured_by_whoever_knows_the_outages(manager: Person) -> None:
    row = {"measure": "availability", "goal": "99.9"}
    agreement = an_agreement(manager, targets=[*USUAL_TARGETS, row])
    target = agreement.targets.get(measure="availability")
    measure(agreement, timezone.now(), by=manager)
    assert not agreement.measurements.filter(target=target).exists()
    measurers["availability"] = lambda target, window: (720, 719, target.goal)
    try:
        measure(agreement, timezone.now(), by=manager)
    finally:
        del measurers["availability"]
    assert agreement.measurements.filter(target=target, reached=True).count() == 2


def test_measuring_on_demand_is_a_step_of_the_agreement(manager: Person) -> None:
    agreement = move(an_agreement(manager), "measure", by=manager)
    assert agreement.state == "in_force"
    assert agreement.measurements.exists()


def test_a_figure_is_never_typed_over(manager: Person) -> None:
    correction = a_measurementcorrection(manager)
    with pytest.raises(DatabaseError), transaction.atomic():
        type(correction.measurement).objects.update(value=100)


def test_a_correction_takes_a_second_person(manager: Person, approver: Person) -> None:
    correction = a_measurementcorrection(manager)
    with pytest.raises(NotOpen, match="1 person must approve it first"):
        move(correction, "agree", by=manager)
    asked = approvals.ask(correction, "agree", by=manager)
    with pytest.raises(Exception, match="Nobody approves"):
        approvals.vote(asked, by=manager, agrees=True)
    approvals.vote(asked, by=approver, agrees=True)
    assert type(correction).objects.get(pk=correction.pk).state == "agreed"
    agreement = correction.measurement.agreement
    assert corrections(agreement, manager)[0][0] == correction
    assert agreement.measurements.get(pk=correction.measurement_id).value == 0


def test_a_correction_needs_its_reason(manager: Person) -> None:
    with pytest.raises(ValidationError, match="reason"):
        a_measurementcorrection(manager, reason="")


# What agreements prove

KEYS = [
    "sla-per-live-service",
    "services-agreed-with-customer",
    "sla-based-on-requirements",
    "sla-content-complete",
]


@pytest.mark.parametrize("key", KEYS)
def test_without_agreements_there_is_nothing_to_prove(key: str, db: None) -> None:
    assert figures(key) == (0, 0)


@pytest.mark.parametrize("key", KEYS)
def test_a_service_that_went_live_by_the_rules_proves_it(key: str, manager: Person) -> None:
    a_live_service(manager)
    assert figures(key) == (1, 0)


def test_an_overdue_review_is_an_exception(manager: Person) -> None:
    a_live_service(manager)
    later = timezone.now() + timedelta(days=181)
    assert figures("sla-per-live-service", at=later) == (1, 1)


def test_a_draft_is_no_agreement(manager: Person) -> None:
    service = a_live_service(manager)
    move(service.agreements.get(), "terminate", by=manager, note="Both sides let go")
    a_draft_agreement(manager, services=[service])
    assert figures("sla-per-live-service") == (1, 1)
    assert figures("services-agreed-with-customer") == (1, 1)
    assert figures("sla-content-complete") == (0, 0)


def test_each_customer_has_to_agree(manager: Person) -> None:
    service = a_live_service(manager)
    other = an_organization("Northern Rail")
    revise(service, {"customers": [*service.customers.all(), other]}, by=manager)
    assert figures("services-agreed-with-customer") == (1, 1)
    an_agreed_agreement(manager, services=[service], customer=other)
    assert figures("services-agreed-with-customer") == (1, 0)


def test_a_live_service_without_customers_was_agreed_with_nobody(manager: Person) -> None:
    service = a_live_service(manager)
    revise(service, {"customers": []}, by=manager)
    assert figures("services-agreed-with-customer") == (1, 1)


def test_an_agreement_past_its_end_counts_no_more(manager: Person) -> None:
    today = timezone.now().date()
    an_agreement(manager, valid_until=today)
    assert figures("sla-content-complete") == (1, 0)
    assert figures("sla-content-complete", at=timezone.now() + timedelta(days=2)) == (0, 0)


def test_an_agreement_that_refers_to_no_requirement_is_an_exception(manager: Person) -> None:
    agreement = an_agreement(manager)
    with act("settle", by=None, note="As in a database brought from elsewhere"):
        agreement.requirements.clear()
    assert figures("sla-based-on-requirements") == (1, 1)


@pytest.mark.parametrize("values", [{"workload_limits": " "}, {"no_exceptions": False}])
def test_an_agreement_that_says_too_little_is_an_exception(
    values: dict[str, Any], manager: Person
) -> None:
    agreement = an_agreement(manager)
    with act("settle", by=None, note="As in a database brought from elsewhere"):
        Agreement.objects.filter(pk=agreement.pk).update(**values)
    assert figures("sla-content-complete") == (1, 1)


def test_an_agreement_without_targets_is_an_exception(manager: Person) -> None:
    agreement = an_agreement(manager)
    with act("settle", by=None, note="As in a database brought from elsewhere"):
        ServiceLevelTarget.objects.filter(of=agreement).delete()
    assert figures("sla-content-complete") == (1, 1)


@pytest.mark.parametrize(
    ("value", "said"),
    [("99.950", "99.95 %"), ("83.333", "83.333 %"), ("50.000", "50 %"), ("100", "100 %")],
)
def test_a_percentage_is_neither_rounded_nor_longer_than_it_is(value: str, said: str) -> None:
    assert percent(Decimal(value)) == said
