"""A clock that is set back: what came later is told as later all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from verne.engine import moment
from verne.engine.acts import move, revise
from verne.engine.clock import Clock
from verne.engine.comments import comment
from verne.engine.history import Act, as_it_was
from verne.engine.people import Person
from verne.engine.seal import examining, sealing
from verne.sms.resolution.incident.samples import an_incident

pytestmark = pytest.mark.django_db


class MachineClock:
    """The clock of the machine, turned by hand."""

    def __init__(self) -> None:
        self.off = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.off


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[MachineClock]:
    clock = MachineClock()
    monkeypatch.setattr(timezone, "now", clock)
    yield clock
    moment.forget()


def test_acts_after_it_come_after_those_before_it(manager: Person, machine: MachineClock) -> None:
    incident = an_incident(manager, title="Nobody can send mail")
    before = machine()
    machine.off = timedelta(hours=-1)
    revise(incident, {"title": "Nobody in Ulm can send mail"}, by=manager)
    comment(incident, "Only Ulm, it seems.", by=manager)
    move(incident, "start", by=manager)
    instants = list(Act.objects.filter(record=incident.pk).order_by("pk").values_list("at"))
    assert instants == sorted(instants)
    later = as_it_was(incident, before + timedelta(seconds=1))
    assert later is not None
    assert (later.title, later.state) == ("Nobody in Ulm can send mail", "in_progress")
    for clock in Clock.objects.filter(record=incident.pk):
        events = [event.at for event in clock.events.order_by("pk")]
        assert events == sorted(events)
        assert clock.state != Clock.State.BREACHED


def test_a_process_that_begins_afterwards_looks_up_what_was_recorded(
    manager: Person, machine: MachineClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = an_incident(manager)
    filed = Act.objects.get(record=incident.pk, verb="file")
    machine.off = timedelta(hours=-1)
    moment.forget()
    monkeypatch.setattr("verne.engine.acts._began", None)
    comment(incident, "Said after the restart.", by=manager)
    assert Act.objects.get(record=incident.pk, verb="comment").at > filed.at


def test_a_clock_that_was_days_ahead_is_followed_back(
    manager: Person, machine: MachineClock
) -> None:
    machine.off = timedelta(days=400)
    incident = an_incident(manager)
    machine.off = timedelta()
    comment(incident, "The clock was wrong.", by=manager)
    said = Act.objects.get(record=incident.pk, verb="comment").at
    assert abs(said - timezone.now()) < timedelta(minutes=1)


def test_the_seal_holds_over_it(manager: Person, machine: MachineClock) -> None:
    incident = an_incident(manager)
    sealing.seal()
    machine.off = timedelta(hours=-1)
    comment(incident, "Said an hour before the checkpoint, by the clock.", by=manager)
    sealing.seal()
    assert [finding.says for finding in examining.examine() if not finding.warning] == []
