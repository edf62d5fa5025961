"""What follows when a promised level is not reached."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from verne.engine import approvals
from verne.engine.acts import NotOpen, link, move, unlink
from verne.engine.evidence import Asked, answers
from verne.engine.people import Person
from verne.engine.testing import a_person
from verne.sms.improvement.nonconformity.samples import a_nonconformity
from verne.sms.portfolio.service.samples import a_service
from verne.sms.relationship.agreement.samples import a_measurementcorrection, an_agreement
from verne.sms.relationship.missed.days import file_misses, note_missed_targets
from verne.sms.relationship.missed.models import MissedTarget
from verne.sms.relationship.missed.samples import a_measurement_below_its_goal, a_missedtarget
from verne.sms.resolution.problem.samples import a_problem

pytestmark = pytest.mark.django_db


def figures(**later: float) -> tuple[int, int]:
    found = answers["sla-misses-improved"](Asked(timezone.now() + timedelta(**later)))
    return found.population.count(), found.exceptions.count()


def test_a_window_below_its_goal_becomes_work_of_the_service_owner(manager: Person) -> None:
    keeper = a_person("Ines Okafor", roles=["service_owner"])
    mail = a_service(manager, owner=keeper)
    row = a_measurement_below_its_goal(an_agreement(manager, services=[mail]))
    note_missed_targets()
    missed = MissedTarget.objects.get()
    assert (missed.measurement, missed.service, missed.owner) == (row, mail, keeper)
    assert missed.title == str(row)
    assert missed.due_at is not None
    assert missed.due_at > timezone.now() + timedelta(days=13)
    note_missed_targets()
    assert MissedTarget.objects.count() == 1


def test_of_several_services_the_owner_of_the_agreement_is_asked(manager: Person) -> None:
    services = [a_service(manager, title=name) for name in ("Mail", "Calendar")]
    a_measurement_below_its_goal(an_agreement(manager, services=services))
    (missed,) = file_misses(timezone.now())
    assert (missed.service, missed.owner) == (None, manager)


def test_a_month_still_running_and_one_long_past_ask_nobody(manager: Person) -> None:
    agreement, today = an_agreement(manager), timezone.localdate()
    soon = today + timedelta(days=3)
    a_measurement_below_its_goal(agreement, window_start=today, window_end=soon)
    years_ago = today - timedelta(days=700)
    a_measurement_below_its_goal(
        agreement, window_start=years_ago, window_end=years_ago + timedelta(days=30)
    )
    assert file_misses(timezone.now()) == []


def test_a_figure_that_was_put_right_is_no_miss(manager: Person, approver: Person) -> None:
    row = a_measurement_below_its_goal(an_agreement(manager))
    right = a_measurementcorrection(manager, measurement=row, corrected_value=97)
    approvals.vote(approvals.ask(right, "agree", by=manager), by=approver, agrees=True)
    assert file_misses(timezone.now()) == []


def test_it_is_answered_by_what_deals_with_it_or_by_a_reason(manager: Person) -> None:
    missed = a_missedtarget(manager)
    with pytest.raises(NotOpen, match="say why nothing follows"):
        move(missed, "answer", by=manager)
    link(missed, "improved_by", a_problem(manager), by=manager)
    assert move(missed, "answer", by=manager).answered_at is not None
    other = a_missedtarget(manager)
    link(a_nonconformity(manager), "raised_from", other, by=manager)
    assert move(other, "answer", by=manager).state == "answered"
    third = a_missedtarget(manager)
    reason = {"no_action_reason": "A strike of the carrier; nothing of ours failed."}
    assert move(third, "answer", by=manager, values=reason).state == "answered"


def test_the_same_miss_is_filed_once_and_only_if_it_was_one(manager: Person) -> None:
    missed = a_missedtarget(manager)
    with pytest.raises(ValidationError, match=missed.ref):
        a_missedtarget(manager, measurement=missed.measurement)
    good = a_measurement_below_its_goal(an_agreement(manager), reached=True)
    with pytest.raises(ValidationError, match="was reached"):
        a_missedtarget(manager, measurement=good)


def test_a_miss_that_nobody_answered_in_time_breaks_the_condition(manager: Person) -> None:
    missed = a_missedtarget(manager)
    assert figures() == (0, 0)  # There is still time.
    assert figures(days=15) == (1, 1)
    problem = a_problem(manager)
    link(missed, "improved_by", problem, by=manager)
    assert figures(days=15) == (1, 0)
    unlink(missed, "improved_by", problem, by=manager)
    assert figures(days=15) == (1, 1)
