"""The verbs: one act each, seen and allowed before it is done, whole or not at all."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from verne.engine import acts, moment
from verne.engine.acts import (
    Conflict,
    NotOpen,
    act,
    after_act,
    blockers,
    file,
    link,
    move,
    move_by_rule,
    revise,
    unlink,
    via,
    withdraw,
)
from verne.engine.clock import Clock
from verne.engine.comments import comment
from verne.engine.escalation import escalate
from verne.engine.files import attach
from verne.engine.history import Act, Entry
from verne.engine.people import Organization, Person
from verne.engine.records import Counter, Sheet
from verne.engine.testing import a_person
from verne.sms.portfolio.service.samples import a_service
from verne.sms.resolution.classification.samples import a_category, a_prioritymatrix
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.incident.samples import an_incident
from verne.sms.resolution.problem.models import Problem
from verne.sms.resolution.problem.samples import a_problem

pytestmark = pytest.mark.django_db


FIELDS = ("impact", "urgency", "gives")


def acts_of(record: Any) -> list[str]:
    rows = Act.objects.filter(record=record.pk).order_by("id").values_list("verb", "name")
    return [f"{verb} {name}".strip() for verb, name in rows]


# Filing


def test_references_count_up_and_are_never_given_twice(manager: Person) -> None:
    first = a_category(manager)
    with pytest.raises(ValidationError):
        a_category(manager, title="x" * 300)
    withdraw(first, by=manager, note="Filed by mistake")
    second = a_category(manager)
    assert int(second.ref.split("-")[1]) == int(first.ref.split("-")[1]) + 1


def test_a_number_is_taken_inside_a_transaction_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoTransaction:
        in_atomic_block = False

    monkeypatch.setattr("verne.engine.records.transaction.get_connection", lambda: NoTransaction())
    with pytest.raises(RuntimeError, match="inside a transaction"):
        Counter.take("INC")


def test_filing_notes_who_when_and_through_which_face(manager: Person) -> None:
    face = via.set("api")
    try:
        category = file(manager_kind(), {"title": "Network"}, by=manager, note="Asked for")
    finally:
        via.reset(face)
    row = Act.objects.get(record=category.pk)
    assert (row.verb, row.by, row.note, row.via) == ("file", manager, "Asked for", "api")
    assert category.filed_by == manager
    assert category.filed_at == category.changed_at == row.at


def manager_kind() -> Any:
    from verne.sms.resolution.classification.models import Category

    return Category


def test_only_those_whose_roles_include_it_file(reader: Person) -> None:
    with pytest.raises(PermissionDenied, match="roles do not let you"):
        file(manager_kind(), {"title": "Network"}, by=reader)


@pytest.mark.parametrize("name", ["state", "ref", "filed_by", "version", "withdrawn_at"])
def test_where_a_record_stands_is_written_by_acts_alone(name: str, manager: Person) -> None:
    values = {"title": "Mail is slow", name: "closed"}
    with pytest.raises(ValidationError, match="the program keeps it"):
        file(Incident, values, by=manager)
    incident = an_incident(manager)
    with pytest.raises(ValidationError, match="the program keeps it"):
        revise(incident, {name: "closed"}, by=manager)
    with pytest.raises(ValidationError, match="the program keeps it"):
        move(incident, "start", by=manager, values={name: "closed"})
    assert Incident.objects.get(pk=incident.pk).state == "prioritized"


def test_what_a_customer_files_is_theirs_and_cannot_be_anybody_elses(
    customer: Person, harbour: Organization
) -> None:
    with act("settle", by=None):
        other = Organization.objects.create(name="Northern Rail", kind="customer")
    with pytest.raises(ValidationError):
        file(Incident, {"title": "No tickets", "customer": other}, by=customer)
    assert file(Incident, {"title": "No tickets"}, by=customer).customer == harbour


def test_nobody_points_at_a_record_they_do_not_see(manager: Person, customer: Person) -> None:
    internal = a_service(manager, title="Payroll")
    with pytest.raises(ValidationError, match="Choose a record that you can see"):
        file(Incident, {"title": "Salaries?", "service": internal}, by=customer)


def test_a_refused_filing_leaves_nothing_behind(manager: Person) -> None:
    before = (Act.objects.count(), Sheet.objects.count())
    with pytest.raises(ValidationError):
        file(Problem, {"title": "", "origin": "trend"}, by=manager)
    assert (Act.objects.count(), Sheet.objects.count()) == before


def test_automatic_moves_are_made_by_the_rule_each_as_its_own_act(customer: Person) -> None:
    incident = file(Incident, {"title": "Tills are slow"}, by=customer)
    assert acts_of(incident) == ["file"]
    assert not customer.may("resolution.classify_incident")
    problem = a_problem(a_person("Paul", roles=["problem_manager", "service_portfolio_manager"]))
    assert acts_of(problem) == ["file", "move classify", "move prioritize"]


# Revising


def test_revising_to_the_same_words_is_no_act(manager: Person) -> None:
    problem = a_problem(manager)
    revise(problem, {"title": problem.title, "incidents": []}, by=manager)
    assert "revise" not in acts_of(problem)
    assert Problem.objects.get(pk=problem.pk).version == problem.version


def test_two_people_may_change_different_fields(manager: Person, approver: Person) -> None:
    problem = a_problem(manager)
    seen = problem.version
    revise(problem, {"description": "Since May."}, by=manager, version=seen)
    both = revise(problem, {"title": "Mail hangs"}, by=approver, version=seen)
    assert (both.title, both.description) == ("Mail hangs", "Since May.")


def test_two_people_changing_one_list_get_a_choice(manager: Person, approver: Person) -> None:
    problem, seen = a_problem(manager), 0
    seen = problem.version
    first, second = an_incident(manager), an_incident(manager)
    revise(problem, {"incidents": [first]}, by=manager, version=seen)
    with pytest.raises(Conflict) as clash:
        revise(problem, {"incidents": [second]}, by=approver, version=seen)
    assert clash.value.theirs["incidents"] == [first]
    assert clash.value.mine["incidents"] == [second]
    assert list(Problem.objects.get(pk=problem.pk).incidents.all()) == [first]


def test_a_list_that_nobody_touched_is_no_conflict(manager: Person, approver: Person) -> None:
    problem = a_problem(manager)
    seen = problem.version
    revise(problem, {"title": "Mail hangs"}, by=approver, version=seen)
    incident = an_incident(manager)
    both = revise(problem, {"incidents": [incident]}, by=manager, version=seen)
    assert (both.title, list(both.incidents.all())) == ("Mail hangs", [incident])


def test_two_people_changing_the_rows_of_a_part_get_a_choice(
    manager: Person, approver: Person
) -> None:
    matrix = a_prioritymatrix(manager)
    seen = matrix.version
    rows = list(matrix.cells.order_by("pk").values("pk", *FIELDS))
    revise(matrix, {"cells": [rows[0] | {"gives": 4}, *rows[1:]]}, by=manager, version=seen)
    with pytest.raises(Conflict):
        revise(matrix, {"cells": [rows[0] | {"gives": 5}, *rows[1:]]}, by=approver, version=seen)


def test_a_move_that_changes_what_somebody_changed_meanwhile_is_a_choice_too(
    manager: Person, approver: Person
) -> None:
    incident = move(an_incident(manager), "start", by=manager)
    seen = incident.version
    revise(incident, {"resolution": "Restarted it."}, by=manager, version=seen)
    values = {"resolution": "Replaced it.", "resolution_code": "fixed"}
    with pytest.raises(Conflict):
        move(incident, "resolve", by=approver, values=values, version=seen)


def test_rows_of_a_part_are_added_changed_and_removed_together(manager: Person) -> None:
    matrix = a_prioritymatrix(manager)
    first, second, *others = matrix.cells.order_by("pk")
    rows: list[dict[str, Any]] = [
        {"pk": first.pk, "impact": first.impact, "urgency": first.urgency, "gives": 5},
        {"impact": second.impact, "urgency": second.urgency, "gives": 4},
    ]
    rows += [
        {"pk": c.pk, "impact": c.impact, "urgency": c.urgency, "gives": c.gives} for c in others
    ]
    revise(matrix, {"cells": rows}, by=manager)
    kept = {(c.impact, c.urgency): c for c in matrix.cells.all()}
    assert len(kept) == 9
    assert kept[(first.impact, first.urgency)].gives == 5
    assert kept[(second.impact, second.urgency)].pk != second.pk
    ops = Entry.objects.filter(record=matrix.pk, act__verb="revise")
    assert set(ops.exclude(table="engine_sheet").values_list("op", flat=True)) >= {"I", "U", "D"}


def test_a_row_of_another_record_is_refused(manager: Person) -> None:
    matrix, other = a_prioritymatrix(manager), a_prioritymatrix(manager)
    foreign = other.cells.first()
    rows = [{"pk": foreign.pk, "impact": 1, "urgency": 1, "gives": 1}]
    with pytest.raises(ValidationError, match="is not part of this record"):
        revise(matrix, {"cells": rows}, by=manager)
    assert matrix.cells.count() == 9


# Moving


def test_a_move_says_everything_that_stands_in_its_way(manager: Person) -> None:
    problem = a_problem(manager, owner=None, method="")
    with pytest.raises(NotOpen) as refused:
        move(problem, "investigate", by=manager)
    assert refused.value.messages == ["Owner is not filled in.", "Method is not filled in."]
    assert blockers(problem, problem.lifecycle.moves["investigate"], by=manager) == (
        refused.value.messages
    )


def test_a_refused_move_keeps_nothing_of_what_came_with_it(manager: Person) -> None:
    incident = move(an_incident(manager), "start", by=manager)
    with pytest.raises(NotOpen):
        move(incident, "resolve", by=manager, values={"resolution": "Restarted."})
    assert Incident.objects.get(pk=incident.pk).resolution == ""
    assert acts_of(incident)[-1] == "move start"


def test_a_move_nobody_declared_is_refused_in_words(manager: Person) -> None:
    with pytest.raises(NotOpen, match="no move called explode"):
        move(an_incident(manager), "explode", by=manager)


def test_a_move_from_elsewhere_is_refused_in_words(manager: Person) -> None:
    incident = an_incident(manager)
    with pytest.raises(NotOpen, match=r"INC-\d+ is Prioritized: “Close” cannot be done from there"):
        move(incident, "close", by=manager)


def test_blank_reasons_are_no_reasons(manager: Person) -> None:
    category = a_category(manager)
    with pytest.raises(NotOpen, match="Say why"):
        move(category, "retire", by=manager, note="   ")


def test_a_move_by_rule_asks_for_no_right_but_keeps_the_guards(
    manager: Person, customer: Person
) -> None:
    incident = move(an_incident(manager), "start", by=manager)
    with pytest.raises(NotOpen):
        move_by_rule(incident, "resolve", by=customer, note="It went away")
    soon = timezone.now() + timedelta(hours=2)
    values = {"pending_reason": "user", "resume_at": soon}
    incident = move(incident, "wait", by=manager, values=values)
    incident = move_by_rule(incident, "resume", by=customer, note="The user has answered.")
    assert incident.state == "in_progress"
    assert Act.objects.filter(record=incident.pk, name="resume", by=customer).exists()


def test_the_person_who_looks_is_told_that_their_roles_lack_a_step(
    manager: Person, reader: Person
) -> None:
    incident = an_incident(manager)
    step = incident.lifecycle.moves["start"]
    assert blockers(incident, step, by=reader) == ["Your roles do not include this step."]


# Withdrawing


def test_a_withdrawn_record_is_left_alone(manager: Person) -> None:
    incident = withdraw(an_incident(manager), by=manager, note="Filed twice")
    for attempt in (
        lambda: revise(incident, {"title": "Again"}, by=manager),
        lambda: move(incident, "start", by=manager),
        lambda: withdraw(incident, by=manager, note="Once more"),
    ):
        with pytest.raises(ValidationError, match="was withdrawn"):
            attempt()


def test_withdrawing_ends_its_clocks(manager: Person) -> None:
    incident = an_incident(manager)
    assert Clock.objects.filter(record=incident.pk, stopped_at=None).exists()
    withdraw(incident, by=manager, note="Filed twice")
    states = set(Clock.objects.filter(record=incident.pk).values_list("state", flat=True))
    assert states == {Clock.State.CANCELLED}
    assert Incident.objects.get(pk=incident.pk).due_at is None


# Seeing before acting


@pytest.mark.parametrize(
    "attempt",
    [
        lambda record, other, by: revise(record, {"title": "Mine"}, by=by),
        lambda record, other, by: move(record, "start", by=by),
        lambda record, other, by: withdraw(record, by=by, note="Away with it"),
        lambda record, other, by: link(record, "duplicates", other, by=by),
        lambda record, other, by: link(other, "duplicates", record, by=by),
        lambda record, other, by: unlink(other, "duplicates", record, by=by),
        lambda record, other, by: comment(record, "I know about this.", by=by),
        lambda record, other, by: attach(record, BytesIO(b"x"), name="x.txt", by=by),
        lambda record, other, by: escalate(record, by=by, reason="Now", to_person=by),
    ],
    ids=[
        "revise",
        "move",
        "withdraw",
        "link",
        "link-to",
        "unlink",
        "comment",
        "attach",
        "escalate",
    ],
)
def test_nobody_does_anything_with_a_record_they_may_not_see(attempt: Any, manager: Person) -> None:
    secret = an_incident(manager, restricted=True)
    agent = a_person("Jun Park", roles=["incident_manager"])
    other = an_incident(manager)
    count = Act.objects.count()
    with pytest.raises(PermissionDenied, match="no such record for you"):
        attempt(secret, other, agent)
    assert Act.objects.count() == count


# Acts themselves


def test_an_act_told_from_elsewhere_keeps_both_instants(manager: Person) -> None:
    then = timezone.now() - timedelta(days=30)
    incident = file(Incident, {"title": "Told by telephone"}, by=manager, at=then)
    row = Act.objects.get(record=incident.pk)
    assert row.at == then == incident.filed_at
    assert row.recorded_at > then + timedelta(days=29)


def test_acts_inside_one_another_share_the_instant(manager: Person) -> None:
    then = timezone.now() - timedelta(days=3)
    with moment.at(then):
        incident = an_incident(manager)
        assert set(Act.objects.filter(record=incident.pk).values_list("at", flat=True)) == {then}
    assert moment.now() > then


def test_those_who_listen_are_told_which_kinds_were_touched(
    manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, set[str]]] = []
    monkeypatch.setattr(acts, "after_act", after_act)
    after_act.append(lambda row, kinds: heard.append((row.verb, set(kinds))))
    try:
        problem, incident = a_problem(manager), an_incident(manager)
        heard.clear()
        link(incident, "duplicates", an_incident(manager), by=manager)
        revise(problem, {"incidents": [incident]}, by=manager)
    finally:
        after_act.pop()
    assert ("link", {"resolution.incident"}) in heard
    assert heard[-1] == ("revise", {"resolution.problem"})


def test_what_fails_in_the_middle_leaves_no_trace(manager: Person) -> None:
    before = Act.objects.count()
    with pytest.raises(ZeroDivisionError), act("settle", by=manager):
        Organization.objects.create(name="Half done", kind="customer")
        raise ZeroDivisionError
    assert Act.objects.count() == before
    assert not Organization.objects.filter(name="Half done").exists()


def test_a_verb_that_fails_late_takes_its_own_acts_back_and_no_others(
    manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = a_category(manager)
    before = Act.objects.count(), Sheet.objects.count()
    with transaction.atomic():
        with monkeypatch.context() as broken, pytest.raises(RuntimeError):
            broken.setattr(acts, "_walk_automatic", _break)
            a_problem(manager)
        assert (Act.objects.count(), Sheet.objects.count()) == before
        revise(kept, {"title": "Mail and calendars"}, by=manager)
    assert acts_of(kept)[-1] == "revise"


def _break(*_args: Any, **_more: Any) -> None:
    raise RuntimeError("The lights went out.")
