"""What incident management promises, from the call to the closing, and when it is major."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from verne.engine import moment
from verne.engine.acts import NotOpen, act, file, link, move, revise, withdraw
from verne.engine.clock import Clock
from verne.engine.comments import Comment, comment
from verne.engine.escalation import Escalation, escalate
from verne.engine.evidence import Asked, answers
from verne.engine.history import Act
from verne.engine.jobs import declared
from verne.engine.people import Organization, Person, Team
from verne.engine.records import Sheet
from verne.engine.testing import a_person
from verne.sms.portfolio.configuration.samples import a_configurationitem
from verne.sms.portfolio.service.models import Service
from verne.sms.portfolio.service.samples import a_service
from verne.sms.support.document.samples import a_document, a_revision, put_in_force

from ..classification.models import USUAL_MATRIX
from ..classification.samples import a_category, a_prioritymatrix
from ..problem.samples import a_knownerror
from .days import AT_ONCE, escalate_missing_notices, take_up_again
from .major import MajorIncident, MajorIncidentCriteria
from .models import Incident, resumable
from .register import fitting_known_errors, similar_incidents
from .samples import (
    a_majorincident,
    a_majorincidentcriteria,
    a_resolved_incident,
    an_incident,
    criteria_in_force,
)

pytestmark = pytest.mark.django_db

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
SOLVED = {"resolution": "Restarted the mail relay.", "resolution_code": "fixed"}
PARAMETERS = {
    "incident_update_interval": timedelta(days=7),
    "incident_closure_delay": timedelta(days=14),
    "major_incident_review_delay": timedelta(days=14),
}


def after(**span: float) -> datetime:
    return NINE + timedelta(**span)


def fresh(record: Any) -> Any:
    return type(record).objects.get(pk=record.pk)


def obstacles(record: Any, name: str) -> list[str]:
    record = fresh(record)
    found: list[str] = record.lifecycle.moves[name].obstacles(record)
    return found


def figures(key: str, at: datetime | None = None) -> tuple[int, int]:
    found = answers[key](Asked(at or timezone.now(), parameters=dict(PARAMETERS)))
    return found.population.count(), found.exceptions.count()


@pytest.fixture
def mail(manager: Person) -> Service:
    return a_service(manager)


@pytest.fixture
def network(manager: Person) -> Any:
    return a_category(manager)


@pytest.fixture
def started(manager: Person) -> Incident:
    with moment.at(NINE):
        return move(an_incident(manager), "start", by=manager)


def waiting(incident: Incident, by: Person, **facts: Any) -> Incident:
    values = {"pending_reason": "user", "resume_at": moment.now() + timedelta(hours=4)} | facts
    return move(incident, "wait", by=by, values=values)


# Recorded, classified, prioritized


def test_what_the_form_says_is_enough_to_go_on_by_itself(manager: Person) -> None:
    incident = an_incident(manager)
    assert (incident.state, incident.priority) == ("prioritized", 3)
    names = Act.objects.filter(record=incident.pk, verb="move").values_list("name", flat=True)
    assert list(names) == ["classify", "prioritize"]


@pytest.mark.parametrize(
    ("facts", "missing"),
    [
        ({"category": None}, "Category is not filled in."),
        ({"major_answer": ""}, "Does it meet the criteria of a major incident? is not filled in."),
        ({"service": None}, "Name the service or a configuration item it is about."),
    ],
)
def test_it_stays_recorded_until_it_is_classified(
    facts: dict[str, Any], missing: str, manager: Person, mail: Service, network: Any
) -> None:
    whole = {"title": "No mail", "service": mail, "category": network, "major_answer": "no"}
    incident = file(Incident, whole | facts, by=manager)
    assert incident.state == "recorded"
    assert obstacles(incident, "classify") == [missing]
    assert revise(incident, whole, by=manager).state == "classified"


def test_a_configuration_item_names_what_is_concerned_as_well(
    manager: Person, network: Any
) -> None:
    item = a_configurationitem(manager)
    facts = {"title": "No mail", "category": network, "major_answer": "no"}
    assert file(Incident, facts | {"components": [item]}, by=manager).state == "classified"


@pytest.mark.parametrize("missing", ["impact", "urgency"])
def test_it_stays_classified_until_impact_and_urgency_are_known(
    missing: str, manager: Person
) -> None:
    incident = an_incident(manager, **{missing: None})
    assert (incident.state, incident.priority) == ("classified", None)
    assert revise(incident, {missing: 1}, by=manager).state == "prioritized"


@pytest.mark.parametrize(("pair", "priority"), USUAL_MATRIX.items())
def test_the_priority_comes_from_the_matrix(
    pair: tuple[int, int], priority: int, manager: Person, mail: Service, network: Any
) -> None:
    impact, urgency = pair
    incident = an_incident(manager, service=mail, category=network, impact=impact, urgency=urgency)
    assert incident.priority == priority


def test_another_priority_needs_a_reason(manager: Person) -> None:
    incident = an_incident(manager, priority_override=1)
    assert (incident.state, incident.priority) == ("classified", 1)
    assert obstacles(incident, "prioritize") == ["Say why the priority differs from the matrix."]
    incident = revise(incident, {"override_reason": "The board meets today."}, by=manager)
    assert (incident.state, incident.priority) == ("prioritized", 1)
    revised = revise(incident, {"priority_override": None}, by=manager)
    assert revised.priority == 3


def test_a_new_matrix_does_not_change_what_was_promised_before(manager: Person) -> None:
    with moment.at(NINE):
        before = an_incident(manager)
    cells = [
        {"impact": i, "urgency": u, "gives": 1 if (i, u) == (2, 2) else gives}
        for (i, u), gives in USUAL_MATRIX.items()
    ]
    for at, rows in ((after(days=-9), None), (after(days=9), cells)):
        facts = {} if rows is None else {"cells": rows}
        move(a_prioritymatrix(manager, **facts), "put_in_force", by=manager, at=at)
    assert revise(before, {"symptom": "Outbox fills up"}, by=manager).priority == 3
    with moment.at(after(days=10)):
        assert an_incident(manager).priority == 1


def test_it_reaches_the_first_line_of_its_service(manager: Person) -> None:
    with act("settle", by=None):
        desk = Team.objects.create(name="Service desk")
    mail = a_service(manager, first_line=desk)
    assert an_incident(manager, service=mail).team == desk


def test_a_fault_reported_by_a_customer_is_theirs(
    manager: Person, customer: Person, harbour: Organization
) -> None:
    reported = file(Incident, {"title": "Tills are slow"}, by=customer)
    assert (reported.reporter, reported.customer, reported.state) == (customer, harbour, "recorded")
    told = an_incident(manager, reporter=customer)
    assert told.customer == harbour
    noticed = an_incident(manager, source="monitoring")
    assert (noticed.reporter, noticed.customer) == (None, None)


# In progress, pending


def test_work_begins_with_an_owner_and_that_is_the_response(manager: Person) -> None:
    incident = an_incident(manager, owner=None)
    with pytest.raises(NotOpen, match="Owner is not filled in"):
        move(incident, "start", by=manager)
    incident = move(incident, "start", by=manager, values={"owner": manager})
    assert incident.responded_at is not None


def test_our_first_public_word_is_the_response_too(manager: Person, agent: Person) -> None:
    with moment.at(NINE):
        incident = an_incident(manager)
    comment(incident, "Looks like the relay.", by=agent, at=after(minutes=5))
    assert fresh(incident).responded_at is None
    comment(incident, "We are looking into it.", by=agent, public=True, at=after(minutes=9))
    comment(incident, "Still at it.", by=agent, public=True, at=after(minutes=20))
    assert fresh(incident).responded_at == after(minutes=9)
    clock = Clock.objects.get(record=incident.pk, measure="respond")
    assert clock.stopped_at == after(minutes=9)


def test_what_the_user_says_is_no_response_of_ours(manager: Person, customer: Person) -> None:
    incident = an_incident(manager, reporter=customer)
    comment(incident, "Hello? Anybody there?", by=customer)
    assert fresh(incident).responded_at is None


@pytest.mark.parametrize("missing", ["pending_reason", "resume_at"])
def test_waiting_needs_a_reason_and_a_day(missing: str, started: Incident, manager: Person) -> None:
    with pytest.raises(NotOpen, match="is not filled in"):
        waiting(started, manager, **{missing: "" if missing == "pending_reason" else None})


def test_waiting_ends_in_the_future_as_seen_from_the_act(
    started: Incident, manager: Person
) -> None:
    with moment.at(after(hours=1)):
        for late in (after(minutes=59), after(hours=1)):
            with pytest.raises(NotOpen, match="moment in the future"):
                waiting(started, manager, resume_at=late)
        assert waiting(started, manager, resume_at=after(hours=2)).state == "pending"


def test_taking_it_up_again_clears_the_wait(started: Incident, manager: Person) -> None:
    incident = move(waiting(started, manager), "resume", by=manager)
    assert (incident.state, incident.pending_reason, incident.resume_at) == (
        "in_progress",
        "",
        None,
    )


def test_the_answer_of_the_user_wakes_it(
    manager: Person, customer: Person, harbour: Organization
) -> None:
    incident = move(an_incident(manager, reporter=customer), "start", by=manager)
    waiting(incident, manager)
    comment(incident, "It still happens; I have sent a picture.", by=customer)
    assert fresh(incident).state == "in_progress"
    row = Act.objects.get(record=incident.pk, name="resume")
    assert (row.by, row.note) == (customer, "The user has answered.")


def test_a_colleague_of_the_user_may_answer_too(
    manager: Person, customer: Person, harbour: Organization
) -> None:
    colleague = a_person("Rosa Diaz", roles=["customer_user"], organization=harbour)
    incident = move(an_incident(manager, reporter=customer), "start", by=manager)
    waiting(incident, manager)
    comment(incident, "She is on leave; it still happens.", by=colleague)
    assert fresh(incident).state == "in_progress"


def test_the_user_wakes_it_even_where_its_owner_has_left(
    manager: Person, customer: Person, harbour: Organization
) -> None:
    agent = a_person("Jun Park", roles=["service_desk_agent"])
    incident = move(an_incident(manager, reporter=customer, owner=agent), "start", by=manager)
    waiting(incident, manager)
    with act("settle", by=None, note="Left us"):
        Person.objects.filter(pk=agent.pk).update(active=False)
    comment(incident, "It still happens.", by=customer)
    assert fresh(incident).state == "in_progress"


@pytest.mark.parametrize("reason", ["supplier", "change", "evidence"])
def test_what_waits_for_somebody_else_is_not_woken_by_the_user(
    reason: str, manager: Person, customer: Person
) -> None:
    incident = move(an_incident(manager, reporter=customer), "start", by=manager)
    waiting(incident, manager, pending_reason=reason)
    comment(incident, "Any news?", by=customer)
    assert fresh(incident).state == "pending"
    assert Comment.objects.filter(record=incident.pk).count() == 1


def test_our_own_word_does_not_end_the_wait_for_the_user(
    started: Incident, manager: Person
) -> None:
    waiting(started, manager)
    comment(started, "Please send a picture.", by=manager, public=True)
    assert fresh(started).state == "pending"


# Waiting that is over


def test_the_hour_takes_up_what_has_waited_long_enough(started: Incident, manager: Person) -> None:
    with moment.at(after(hours=1)):
        waiting(started, manager, resume_at=after(hours=5))
    with moment.at(after(hours=4, minutes=59)):
        assert take_up_again() == 0
    with moment.at(after(hours=5)):
        assert list(resumable(moment.now())) == [started]
        assert take_up_again() == 1
        assert take_up_again() == 0
    row = Act.objects.get(record=started.pk, name="resume")
    assert (row.by, row.at, row.note) == (manager, after(hours=5), "The time to wait is over.")
    assert declared[take_up_again.module_path].schedule == "*/5 * * * *"


def test_where_the_owner_may_not_somebody_else_takes_it_up(manager: Person, reader: Person) -> None:
    incident = move(an_incident(manager), "start", by=manager, values={"owner": reader})
    waiting(incident, manager)
    with moment.at(timezone.now() + timedelta(days=1)):
        assert take_up_again() == 1
    assert Act.objects.get(record=incident.pk, name="resume").by == manager


def test_where_nobody_may_it_goes_on_waiting(caplog: pytest.LogCaptureFixture) -> None:
    alone = a_person("Alma Alone", roles=["incident_manager", "service_portfolio_manager"])
    incident = waiting(move(an_incident(alone), "start", by=alone), alone)
    with act("settle", by=None, note="Left us"):
        Person.objects.filter(pk=alone.pk).update(active=False)
    with moment.at(timezone.now() + timedelta(days=1)):
        assert take_up_again() == 0
    assert fresh(incident).state == "pending"
    assert f"{incident.ref}: its waiting is over, and nobody may take it up" in caplog.text


def test_a_run_takes_up_so_many_and_the_next_one_the_others(
    started: Incident, manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{take_up_again.func.__module__}.AT_ONCE", 1)
    assert AT_ONCE > 1
    with moment.at(after(hours=1)):
        second = move(an_incident(manager), "start", by=manager)
        for n, incident in enumerate((started, second)):
            waiting(incident, manager, resume_at=after(hours=3 - n))
    with moment.at(after(days=1)):
        assert (take_up_again(), fresh(second).state) == (1, "in_progress")
        assert (take_up_again(), fresh(started).state) == (1, "in_progress")


# Resolved, closed, reopened


@pytest.mark.parametrize("missing", ["resolution", "resolution_code"])
def test_resolving_says_how(missing: str, started: Incident, manager: Person) -> None:
    with pytest.raises(NotOpen, match="is not filled in"):
        move(started, "resolve", by=manager, values=SOLVED | {missing: ""})


def test_resolving_notes_who_and_when(started: Incident, manager: Person) -> None:
    incident = move(started, "resolve", by=manager, values=SOLVED, at=after(hours=2))
    assert (incident.resolved_at, incident.resolved_by) == (after(hours=2), manager)
    assert Clock.objects.get(record=incident.pk, measure="resolve").elapsed == 2 * 3600


def test_a_known_error_that_helped_is_named(started: Incident, manager: Person) -> None:
    error = a_knownerror(manager)
    incident = move(started, "resolve", by=manager, values=SOLVED | {"known_error": error})
    assert list(error.incidents.all()) == [incident]


def resolved(by: Person, **facts: Any) -> Incident:
    with moment.at(NINE):
        return a_resolved_incident(by, **facts)


def test_closing_needs_a_code(manager: Person) -> None:
    with pytest.raises(NotOpen, match="Closure code is not filled in"):
        move(resolved(manager), "close", by=manager)


def test_closing_waits_for_the_user_or_five_days(manager: Person, customer: Person) -> None:
    incident = resolved(manager, reporter=customer)
    values = {"closure_code": "solved"}
    with pytest.raises(NotOpen, match="has not confirmed, and still has time to"):
        move(incident, "close", by=manager, values=values, at=after(days=4, hours=23))
    closed = move(incident, "close", by=manager, values=values, at=after(days=5))
    assert (closed.state, closed.closed_by, closed.closed_at) == ("closed", manager, after(days=5))


def test_a_user_who_confirms_need_not_wait(manager: Person, customer: Person) -> None:
    incident = resolved(manager, reporter=customer)
    values = {"closure_code": "solved", "confirmation": "confirmed"}
    assert move(incident, "close", by=manager, values=values, at=after(hours=1)).state == "closed"


def test_a_user_who_disagrees_is_not_passed_over(manager: Person, customer: Person) -> None:
    incident = resolved(manager, reporter=customer)
    values = {"closure_code": "solved", "confirmation": "disputed"}
    with pytest.raises(NotOpen, match="reopen it instead"):
        move(incident, "close", by=manager, values=values, at=after(days=30))


def test_what_monitoring_noticed_needs_nobody_to_confirm(manager: Person) -> None:
    incident = resolved(manager, source="monitoring")
    assert (
        move(
            incident, "close", by=manager, values={"closure_code": "solved"}, at=after(minutes=1)
        ).state
        == "closed"
    )


def test_a_priority_changed_late_is_explained_before_closing(manager: Person) -> None:
    incident = revise(resolved(manager), {"priority_override": 1}, by=manager)
    with pytest.raises(NotOpen, match="Say why the priority differs"):
        move(incident, "close", by=manager, values={"closure_code": "solved"})


def test_reopening_asks_why_and_counts(manager: Person) -> None:
    incident = move(resolved(manager), "close", by=manager, values={"closure_code": "solved"})
    with pytest.raises(NotOpen, match="Say why"):
        move(incident, "reopen", by=manager)
    incident = move(incident, "reopen", by=manager, note="It is back")
    assert (incident.state, incident.reopened) == ("in_progress", 1)
    gone = (incident.closed_at, incident.closed_by, incident.resolved_at, incident.resolved_by)
    assert gone == (None, None, None, None)
    assert (incident.closure_code, incident.confirmation) == ("", "")
    incident = move(incident, "resolve", by=manager)
    assert move(incident, "reopen", by=manager, note="And again").reopened == 2


def test_the_desk_does_the_daily_work_and_withdraws_nothing(agent: Person) -> None:
    keeper = a_person("Ida Keeper", roles=["service_portfolio_manager", "incident_manager"])
    incident = move(an_incident(keeper, owner=agent), "start", by=agent)
    incident = move(incident, "resolve", by=agent, values=SOLVED)
    incident = move(incident, "close", by=agent, values={"closure_code": "solved"})
    with pytest.raises(PermissionDenied):
        withdraw(incident, by=agent, note="Nobody needs to know")


# What is offered at classification


def test_known_errors_of_the_service_or_in_the_same_words_are_offered(
    manager: Person, agent: Person
) -> None:
    mail, chat = a_service(manager), a_service(manager, title="Chat")
    of_service = a_knownerror(manager, title="Address book is empty", services=[mail])
    in_words = a_knownerror(manager, symptom="Messages stay in the outbox", services=[chat])
    elsewhere = a_knownerror(
        manager, title="Badge reader beeps", symptom="Doors", workaround="Knock", services=[chat]
    )
    incident = an_incident(manager, service=mail, title="Messages stay in the outbox")
    offered = {row[0].pk: row[1] for row in fitting_known_errors(incident, agent)}
    assert {of_service.pk, in_words.pk} <= offered.keys()
    assert elsewhere.pk not in offered
    assert offered[in_words.pk] == in_words.workaround


def test_retired_known_errors_are_not_offered(manager: Person, agent: Person) -> None:
    mail = a_service(manager)
    error = a_knownerror(manager, services=[mail])
    incident = an_incident(manager, service=mail)
    assert fitting_known_errors(incident, agent)
    move(error, "retire", by=manager, note="The cause is removed")
    assert not fitting_known_errors(incident, agent)


def test_similar_incidents_are_offered_with_how_they_were_solved(
    manager: Person, agent: Person, customer: Person
) -> None:
    past = resolved(manager, title="Outbox keeps every message")
    secret = resolved(manager, title="Outbox keeps every message", restricted=True)
    incident = an_incident(manager, title="Every message stays in the outbox")
    offered = similar_incidents(incident, agent)
    assert [row[0].pk for row in offered] == [past.pk]
    assert offered[0][2] == "Restarted the mail relay."
    assert secret.pk not in [row[0].pk for row in similar_incidents(incident, customer)]
    assert not similar_incidents(past, agent)
    assert not fitting_known_errors(past, agent)


def test_incidents_that_recur_are_counted_by_service_and_category(manager: Person) -> None:
    mail, chat = a_service(manager), a_service(manager, title="Chat")
    lines, doors = a_category(manager), a_category(manager, title="Doors")
    with moment.at(NINE):
        for service, category, times in ((mail, lines, 3), (chat, doors, 2), (chat, None, 4)):
            for _n in range(times):
                facts = {"title": "Again", "service": service, "category": category}
                file(Incident, facts, by=manager)
    with moment.at(after(days=40)):
        an_incident(manager, service=mail, category=lines)
    span = {"since": NINE, "until": after(days=30)}
    assert Incident.objects.recurring(**span) == [
        {"service": mail.pk, "category": lines.pk, "times": 3}
    ]
    assert len(Incident.objects.recurring(**span, times=2)) == 2


# Major incidents: the criteria


def test_criteria_are_agreed_by_somebody_else(manager: Person, approver: Person) -> None:
    criteria = a_majorincidentcriteria(manager)
    with pytest.raises(NotOpen, match="1 person must approve it first"):
        move(criteria, "put_in_force", by=manager)
    in_force = criteria_in_force(manager, approver=approver)
    assert (in_force.state, MajorIncidentCriteria.in_force()) == ("in_force", in_force)
    assert in_force.approved_at is not None


def test_one_set_of_criteria_is_in_force(manager: Person, approver: Person) -> None:
    former = criteria_in_force(manager, approver=approver)
    latest = criteria_in_force(manager, approver=approver, procedure_version="2.0")
    assert fresh(former).state == "superseded"
    row = Act.objects.get(record=former.pk, name="supersede")
    assert row.note == f"{latest.ref} has taken its place."


# Major incidents: the procedure


@pytest.fixture
def criteria(manager: Person, approver: Person) -> MajorIncidentCriteria:
    with moment.at(after(days=-30)):
        return criteria_in_force(manager, approver=approver)


@pytest.fixture
def major(criteria: MajorIncidentCriteria, manager: Person) -> MajorIncident:
    with moment.at(NINE):
        incident = move(an_incident(manager, major_answer="yes"), "start", by=manager)
        return a_majorincident(manager, incident=incident)


def notice(major: MajorIncident, by: Person, *, final: bool = False) -> MajorIncident:
    """One more word to top management, now."""
    rows = list(major.notices.values("pk", "at", "to", "text", "final"))
    word = "It works again." if final else "We are working on it."
    rows.append({"at": moment.now(), "to": "Helena Brandt", "text": word, "final": final})
    return revise(fresh(major), {"notices": rows}, by=by)


def run_to_the_end(major: MajorIncident, by: Person, *, hours: float = 3) -> MajorIncident:
    """Notices in time, the incident resolved, the final notice, and the major one resolved."""
    with moment.at(after(minutes=30)):
        notice(major, by)
    with moment.at(after(hours=hours)):
        move(major.incident, "resolve", by=by, values=SOLVED)
        notice(major, by, final=True)
        return move(major, "resolve", by=by)


def test_it_runs_by_the_criteria_and_the_procedure_in_force(
    major: MajorIncident, criteria: MajorIncidentCriteria
) -> None:
    assert (major.state, major.criteria, major.procedure_version) == ("running", criteria, "1.0")


def test_it_stays_declared_without_criteria_or_a_manager(manager: Person, approver: Person) -> None:
    without = a_majorincident(manager)
    assert without.state == "declared"
    assert obstacles(without, "run") == ["Put criteria for major incidents in force first."]
    criteria_in_force(manager, approver=approver)
    unled = a_majorincident(manager, manager=None)
    assert unled.state == "declared"
    assert revise(unled, {"manager": manager}, by=manager).state == "running"


def test_it_follows_its_incident(
    criteria: MajorIncidentCriteria, manager: Person, harbour: Organization
) -> None:
    incident = an_incident(manager, customer=harbour, restricted=True, impact=1, urgency=1)
    major = a_majorincident(manager, incident=incident)
    assert (major.customer, major.priority, major.restricted) == (harbour, 1, True)
    assert major.owner == manager


def test_an_incident_is_run_as_a_major_one_once_at_a_time(
    major: MajorIncident, manager: Person
) -> None:
    with pytest.raises(ValidationError, match=f"It is being run as {major.ref} already"):
        a_majorincident(manager, incident=major.incident)
    move(major, "stand_down", by=manager, note="One shop only")
    assert a_majorincident(manager, incident=major.incident).state == "running"


def test_a_major_incident_does_not_wait(major: MajorIncident, manager: Person) -> None:
    with pytest.raises(NotOpen, match="A major incident does not wait"):
        waiting(major.incident, manager)
    move(major, "stand_down", by=manager, note="One shop only")
    assert waiting(fresh(major.incident), manager).state == "pending"


def test_it_ends_when_the_service_is_back_and_top_management_knows(
    major: MajorIncident, manager: Person
) -> None:
    incident, final = major.incident, "Note the final notice to top management."
    assert obstacles(major, "resolve") == [f"Resolve {incident.ref} first.", final]
    with moment.at(after(minutes=30)):
        notice(major, manager)
    move(incident, "resolve", by=manager, values=SOLVED)
    assert obstacles(major, "resolve") == [final]
    with moment.at(after(hours=1)):
        notice(major, manager, final=True)
        ended = move(major, "resolve", by=manager)
    assert ended.resolved_at == after(hours=1)


def test_it_is_reviewed_with_improvements_or_stated_none(
    major: MajorIncident, manager: Person
) -> None:
    major = run_to_the_end(major, manager)
    with pytest.raises(NotOpen) as refused:
        move(major, "review", by=manager)
    assert refused.value.messages == [
        "Report is not filled in.",
        "List the improvements, or state that there are none.",
    ]
    report = {"report": "The relay ran out of memory; restarted by hand."}
    values = report | {"no_improvements": True}
    reviewed = move(major, "review", by=manager, values=values, at=after(days=3))
    assert reviewed.reviewed_at == after(days=3)
    assert move(reviewed, "close", by=manager).state == "closed"


def test_reopening_begins_the_procedure_anew(major: MajorIncident, manager: Person) -> None:
    major = run_to_the_end(major, manager)
    major = move(major, "reopen", by=manager, note="Down again", at=after(hours=5))
    assert (major.state, major.resolved_at) == ("running", None)
    assert major.next_notice_due() == after(hours=6)
    assert "Note the final notice to top management." in obstacles(major, "resolve")


def test_standing_down_asks_why(major: MajorIncident, manager: Person) -> None:
    with pytest.raises(NotOpen, match="Say why"):
        move(major, "stand_down", by=manager)
    assert move(major, "stand_down", by=manager, note="One shop only").state == "closed"


def test_it_is_due_when_top_management_is_to_hear_and_then_when_it_is_to_be_reviewed(
    major: MajorIncident, manager: Person
) -> None:
    assert major.next_notice_due() == major.due_at == after(hours=1)
    with moment.at(after(minutes=40)):
        assert notice(major, manager).due_at == after(minutes=40, hours=4)
    move(major.incident, "resolve", by=manager, values=SOLVED)
    with moment.at(after(hours=3)):
        assert notice(major, manager, final=True).due_at is None
        major = move(major, "resolve", by=manager)
    assert major.due_at == after(hours=3, days=14)
    values = {"report": "As in the log.", "no_improvements": True}
    assert move(major, "review", by=manager, values=values).due_at is None


def test_a_withdrawn_one_is_due_no_more(major: MajorIncident, manager: Person) -> None:
    assert withdraw(major, by=manager, note="Filed twice").due_at is None


# Major incidents: top management is told


@pytest.fixture
def top(db: None) -> Person:
    return a_person("Helena Brandt", roles=["top_management"])


def missing_words(major: MajorIncident) -> list[Escalation]:
    return list(Escalation.objects.filter(record=major.pk, by=None).order_by("id"))


def test_a_word_that_is_missing_is_escalated_once(
    criteria: MajorIncidentCriteria, top: Person
) -> None:
    keeper = a_person("Ines Moreau", roles=["incident_manager", "service_portfolio_manager"])
    with act("settle", by=None, note="Helena alone is top management"):
        from verne.engine.people import Assignment

        Assignment.objects.filter(role__key="top_management").exclude(person=top).update(
            until=timezone.now()
        )
    with moment.at(NINE):
        incident = move(an_incident(keeper, major_answer="yes"), "start", by=keeper)
        major = a_majorincident(keeper, incident=incident)
    with moment.at(after(minutes=59)):
        assert escalate_missing_notices() == 0
    with moment.at(after(minutes=60)):
        assert escalate_missing_notices() == 1
    with moment.at(after(hours=2)):
        assert escalate_missing_notices() == 0
        notice(major, keeper)
    with moment.at(after(hours=6, minutes=5)):
        assert escalate_missing_notices() == 1
        assert escalate_missing_notices() == 0
    told = missing_words(major)
    assert [(e.to_person, e.kind, e.at) for e in told] == [
        (top, Escalation.Kind.HIERARCHICAL, after(minutes=60)),
        (top, Escalation.Kind.HIERARCHICAL, after(hours=6, minutes=5)),
    ]
    assert told[0].reason == "Word to top management was due at 2026-03-02 10:00 UTC."


def test_nobody_is_chased_once_it_is_over(major: MajorIncident, manager: Person) -> None:
    run_to_the_end(major, manager)
    with moment.at(after(days=9)):
        assert escalate_missing_notices() == 0


def test_a_missing_word_is_noted_even_where_nobody_is_top_management(
    manager: Person, approver: Person, caplog: pytest.LogCaptureFixture
) -> None:
    from verne.engine.people import Assignment

    with moment.at(NINE):
        major = a_majorincident(manager)
    with act("settle", by=None):
        Assignment.objects.filter(role__key="top_management").update(until=timezone.now())
    with moment.at(after(hours=2)):
        assert escalate_missing_notices() == 1
    assert [e.to_person for e in missing_words(major)] == [None]
    assert "nobody holds the role of top management" in caplog.text


# What incidents prove

KEYS = [
    "incidents-recorded-classified",
    "incidents-prioritized",
    "incidents-escalated",
    "incidents-resolved",
    "incidents-closed",
    "incidents-updated",
    "mi-criteria-approved",
    "mi-manager-assigned",
    "mi-management-informed",
    "mi-reported-reviewed",
]


@pytest.mark.parametrize("key", KEYS)
def test_without_incidents_there_is_nothing_to_prove(key: str, db: None) -> None:
    assert figures(key) == (0, 0)


@pytest.mark.parametrize("key", KEYS[:2] + KEYS[3:6])
def test_an_incident_handled_by_the_rules_proves_it(key: str, manager: Person) -> None:
    incident = resolved(manager)
    values = {"closure_code": "solved"}
    move(incident, "close", by=manager, values=values, at=after(days=2))
    assert figures(key, after(days=3)) == (1, 0)


def test_what_was_recorded_a_minute_ago_is_no_evidence_yet(manager: Person) -> None:
    with moment.at(NINE):
        file(Incident, {"title": "No mail"}, by=manager)
    key = "incidents-recorded-classified"
    assert figures(key, after(days=6, hours=23)) == (0, 0)
    assert figures(key, after(days=7)) == (1, 1)
    assert figures("incidents-prioritized", after(days=7)) == (1, 1)


def set_aside(record: Any, **columns: Any) -> None:
    """Columns as an import from elsewhere may bring them, past every guard."""
    with act("settle", by=None, note="As an import brings it"):
        type(record).objects.filter(pk=record.pk).update(**columns)


def test_an_incident_without_a_category_breaks_it(manager: Person) -> None:
    incident = an_incident(manager)
    set_aside(incident, category=None)
    assert figures("incidents-recorded-classified") == (1, 1)


def test_a_priority_off_the_matrix_needs_a_reason(manager: Person) -> None:
    incident = an_incident(manager)
    set_aside(incident, priority=1)
    assert figures("incidents-prioritized") == (1, 1)
    set_aside(incident, override_reason="The board meets today.")
    assert figures("incidents-prioritized") == (1, 0)


def test_priorities_are_judged_by_the_matrix_of_their_day(manager: Person) -> None:
    cells = [
        {"impact": i, "urgency": u, "gives": 1 if (i, u) == (2, 2) else gives}
        for (i, u), gives in USUAL_MATRIX.items()
    ]
    move(a_prioritymatrix(manager), "put_in_force", by=manager, at=after(days=-9))
    move(a_prioritymatrix(manager, cells=cells), "put_in_force", by=manager, at=after(days=5))
    for day in (-20, 0, 5, 9):
        with moment.at(after(days=day)):
            an_incident(manager)
    assert figures("incidents-prioritized", after(days=10)) == (4, 0)
    late = Incident.objects.latest("filed_at")
    set_aside(late, priority=3)
    assert figures("incidents-prioritized", after(days=10)) == (4, 1)


def breached(record: Any, at: datetime) -> None:
    with act("settle", by=None, note="As a clock leaves it"):
        Clock.objects.filter(record=record.pk, measure="resolve").update(
            due_at=at, breached_at=at, state=Clock.State.BREACHED
        )


def test_what_ran_out_was_passed_on_or_is_an_exception(started: Incident, manager: Person) -> None:
    for key in ("incidents-escalated", "incidents-resolved"):
        assert figures(key, after(hours=3))[1] == 0
    breached(started, after(hours=4))
    assert figures("incidents-escalated", after(hours=3)) == (0, 0)
    assert figures("incidents-escalated", after(hours=4)) == (1, 1)
    assert figures("incidents-resolved", after(hours=4)) == (1, 1)
    with act("settle", by=None):
        team = Team.objects.create(name="Servers")
    escalate(started, by=manager, reason="No way on", to_team=team, at=after(hours=5))
    assert figures("incidents-escalated", after(hours=4)) == (1, 1)
    assert figures("incidents-escalated", after(hours=5)) == (1, 0)
    assert figures("incidents-resolved", after(hours=5)) == (1, 0)


def test_a_clock_still_running_past_its_due_time_counts_as_late(started: Incident) -> None:
    with act("settle", by=None):
        Clock.objects.filter(record=started.pk, measure="resolve").update(due_at=after(hours=4))
    assert figures("incidents-escalated", after(hours=3, minutes=59)) == (0, 0)
    assert figures("incidents-escalated", after(hours=4)) == (1, 1)


def test_resolved_without_a_resolution_is_an_exception(manager: Person) -> None:
    incident = resolved(manager)
    set_aside(incident, resolution="")
    assert figures("incidents-resolved", after(days=1)) == (1, 1)


def test_what_stays_resolved_for_too_long_is_an_exception(manager: Person) -> None:
    resolved(manager)
    assert figures("incidents-closed", after(days=13, hours=23)) == (1, 0)
    assert figures("incidents-closed", after(days=14)) == (1, 1)


@pytest.mark.parametrize(
    "columns", [{"closure_code": ""}, {"closed_by": None}, {"confirmation": "disputed"}]
)
def test_closed_halfway_is_an_exception(columns: dict[str, Any], manager: Person) -> None:
    incident = move(resolved(manager), "close", by=manager, values={"closure_code": "solved"})
    assert figures("incidents-closed")[1] == 0
    set_aside(incident, **columns)
    assert figures("incidents-closed") == (1, 1)


def test_an_open_incident_nobody_speaks_of_is_an_exception(
    started: Incident, manager: Person
) -> None:
    assert figures("incidents-updated", after(days=6, hours=23)) == (1, 0)
    assert figures("incidents-updated", after(days=7)) == (1, 1)
    comment(started, "Waiting for the spare part.", by=manager, at=after(days=6))
    assert figures("incidents-updated", after(days=7)) == (1, 0)
    assert figures("incidents-updated", after(days=13)) == (1, 1)


# What major incidents prove


def test_criteria_in_force_prove_it_while_their_review_lies_ahead(
    criteria: MajorIncidentCriteria, manager: Person
) -> None:
    key = "mi-criteria-approved"
    assert figures(key, after(days=-31)) == (0, 0)
    assert figures(key, NINE) == (1, 0)
    due = criteria.review_due
    assert due is not None
    eve = datetime.combine(due, datetime.min.time(), UTC)
    assert figures(key, eve)[1] == 0
    assert figures(key, eve + timedelta(days=1)) == (1, 1)


def test_every_incident_since_then_answers_the_question(
    criteria: MajorIncidentCriteria, manager: Person
) -> None:
    with moment.at(after(days=-40)):
        before = an_incident(manager)
    with moment.at(NINE):
        incident = an_incident(manager)
    set_aside(before, major_answer="")
    assert figures("mi-criteria-approved", after(days=1)) == (1, 0)
    set_aside(incident, major_answer="")
    assert figures("mi-criteria-approved", after(days=1)) == (1, 1)


def test_without_criteria_no_incident_was_asked(manager: Person) -> None:
    an_incident(manager)
    assert figures("mi-criteria-approved") == (1, 1)


def test_a_major_incident_has_a_manager_who_is_there(
    major: MajorIncident, manager: Person, approver: Person
) -> None:
    key = "mi-manager-assigned"
    assert figures(key, after(hours=1)) == (1, 0)
    agent = a_person("Jun Park", roles=["major_incident_manager"])
    revise(major, {"manager": agent}, by=manager)
    with act("settle", by=None, note="Left us"):
        Person.objects.filter(pk=agent.pk).update(active=False)
    assert figures(key, after(hours=1)) == (1, 1)
    set_aside(major, manager=None)
    assert figures(key, after(hours=1)) == (1, 1)


@pytest.mark.parametrize(
    ("minutes", "broken"),
    [((30,), 0), ((60,), 0), ((61,), 1), ((30, 270), 0), ((30, 271), 1), ((), 1)],
)
def test_top_management_hears_in_time_and_again(
    minutes: tuple[int, ...], broken: int, major: MajorIncident, manager: Person
) -> None:
    for minute in minutes:
        with moment.at(after(minutes=minute)):
            notice(major, manager)
    end = max((*minutes, 61)) + 10
    assert figures("mi-management-informed", after(minutes=end)) == (1, broken)


def test_before_the_first_word_is_due_nothing_is_missing(major: MajorIncident) -> None:
    assert figures("mi-management-informed", after(minutes=60)) == (1, 0)
    assert figures("mi-management-informed", after(minutes=61)) == (1, 1)


def test_silence_after_the_last_word_counts_while_it_runs(
    major: MajorIncident, manager: Person
) -> None:
    with moment.at(after(minutes=30)):
        notice(major, manager)
    assert figures("mi-management-informed", after(minutes=270)) == (1, 0)
    assert figures("mi-management-informed", after(minutes=271)) == (1, 1)


def test_the_final_word_ends_it(major: MajorIncident, manager: Person) -> None:
    run_to_the_end(major, manager)
    assert figures("mi-management-informed", after(days=90)) == (1, 0)


def test_after_reopening_it_hears_anew(major: MajorIncident, manager: Person) -> None:
    major = run_to_the_end(major, manager)
    major = move(major, "reopen", by=manager, note="Down again", at=after(days=2))
    key = "mi-management-informed"
    assert figures(key, after(days=2, hours=1)) == (1, 0)
    assert figures(key, after(days=2, hours=2)) == (1, 1)
    with moment.at(after(days=2, minutes=50)):
        notice(major, manager)
    assert figures(key, after(days=2, hours=2)) == (1, 0)


def test_one_that_was_none_after_all_is_not_counted(major: MajorIncident, manager: Person) -> None:
    move(major, "stand_down", by=manager, note="One shop only", at=after(hours=9))
    assert figures("mi-management-informed", after(hours=10)) == (0, 0)


def test_it_is_reviewed_within_the_delay(major: MajorIncident, manager: Person) -> None:
    key = "mi-reported-reviewed"
    assert figures(key, after(hours=1)) == (0, 0)
    major = run_to_the_end(major, manager)
    ended = after(hours=3)
    assert figures(key, ended + timedelta(days=13)) == (1, 0)
    assert figures(key, ended + timedelta(days=14)) == (1, 1)
    values = {"report": "As in the log.", "improvements": "Watch the second line."}
    reviewed = move(major, "review", by=manager, values=values, at=ended + timedelta(days=13))
    assert figures(key, ended + timedelta(days=90)) == (1, 0)
    set_aside(reviewed, improvements="")
    assert figures(key, ended + timedelta(days=90)) == (1, 1)


def test_a_review_that_came_late_stays_late(major: MajorIncident, manager: Person) -> None:
    major = run_to_the_end(major, manager)
    values = {"report": "As in the log.", "no_improvements": True}
    move(major, "review", by=manager, values=values, at=after(days=20))
    assert figures("mi-reported-reviewed", after(days=21)) == (1, 1)


def test_withdrawn_incidents_prove_and_break_nothing(started: Incident, manager: Person) -> None:
    set_aside(started, category=None)
    withdraw(started, by=manager, note="Filed twice")
    for key in KEYS[:6]:
        assert figures(key, after(days=30)) == (0, 0)
    assert Sheet.objects.filter(pk=started.pk).exists()


def test_a_family_is_linked_and_ends_together(started: Incident, manager: Person) -> None:
    child = an_incident(manager, title="The till is dark")
    link(started, "parent_of", child, by=manager)
    move(started, "resolve", by=manager, values=SOLVED, at=after(hours=2))
    child = fresh(child)
    assert (child.state, child.resolution) == ("resolved", SOLVED["resolution"])


def test_it_is_run_by_the_approved_text_of_the_procedure(manager: Person, approver: Person) -> None:
    procedure = a_document(manager, carries=[{"key": "mi_procedure"}])
    assert figures("mi-procedure-followed") == (1, 1)
    by_hand = criteria_in_force(manager, approver=approver)
    unnamed = a_majorincident(manager)
    assert figures("mi-procedure-followed") == (2, 2)
    text = put_in_force(a_revision(manager, document=procedure), by=manager, signer=approver)
    assert figures("mi-procedure-followed") == (2, 1)
    followed = {"procedure_document": procedure, "procedure_version": ""}
    revise(fresh(by_hand), followed, by=manager)
    assert unnamed.procedure_followed is None
    named = a_majorincident(manager)
    assert named.procedure_followed == text
    assert named.procedure_version == text.what_is_signed()
    assert figures("mi-procedure-followed") == (3, 1)
