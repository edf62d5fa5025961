"""Any job may run twice: what it does the second time is nothing."""

import pytest

from verne.conformity.jobs import take_in_libraries
from verne.conformity.library.models import LibraryVersion
from verne.conformity.models import Snapshot
from verne.engine import jobs
from verne.engine.calendars import ServiceCalendar
from verne.engine.clock import ClockEvent
from verne.engine.escalation import Escalation
from verne.engine.history import Act, Entry
from verne.engine.register import registers
from verne.engine.testing import sample
from verne.sms.relationship.agreement.days import hand_clocks_on
from verne.sms.relationship.agreement.models import Agreement
from verne.sms.relationship.agreement.samples import an_agreement
from verne.sms.resolution.incident.samples import an_incident
from verne.web.jobs import count_clocks_anew

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]

TABLES = (Act, Entry, Escalation, ClockEvent, Snapshot, LibraryVersion)


def left():
    """How much there is of what jobs leave behind."""
    return {model.__name__: model.objects.count() for model in TABLES}


def ours(declared):
    """Without those that tests declare."""
    return {
        path: job
        for path, job in declared.items()
        if path.startswith("verne.") and ".tests." not in path
    }


def test_every_recurring_job_does_nothing_the_second_time(manager):
    for register in registers.values():
        sample(register, manager)
    recurring = [job for job in ours(jobs.declared).values() if job.schedule]
    assert len(recurring) > 15
    for job in recurring:
        job()
    did_again = []
    for job in recurring:
        before = left()
        job()
        if left() != before:
            did_again.append(job.module_path)
    assert did_again == []


def test_what_is_asked_for_once_does_nothing_the_second_time(manager):
    agreement = an_agreement(manager)
    an_incident(manager)
    calendars = list(ServiceCalendar.objects.values_list("pk", flat=True))
    assert Agreement.objects.exists()
    asked = [
        lambda: take_in_libraries(),
        lambda: hand_clocks_on(agreement.pk),
        *(lambda pk=pk: count_clocks_anew(pk, manager.pk, "New hours") for pk in calendars),
    ]
    for job in asked:
        job()
        before = left()
        job()
        assert left() == before
