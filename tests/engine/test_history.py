"""The audit trail as people read it: who did what, and any record as it was."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from verne.engine.acts import link, move, revise
from verne.engine.history import Act, Entry, as_it_was, rows_at
from verne.engine.links import Link
from verne.engine.people import Organization, Person
from verne.sms.portfolio.configuration.samples import a_configurationitem
from verne.sms.resolution.classification.models import PriorityCell
from verne.sms.resolution.classification.samples import a_prioritymatrix
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.incident.samples import an_incident
from verne.sms.resolution.problem.models import Problem
from verne.sms.resolution.problem.samples import a_problem

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def test_any_record_can_be_shown_as_it_was_at_an_instant(
    manager: Person, approver: Person, harbour: Organization
) -> None:
    now = timezone.now()
    incident = an_incident(manager, customer=harbour)
    revise(incident, {"title": "Mail is slow", "owner": approver}, by=manager, at=now + DAY)
    incident = move(Incident.objects.get(pk=incident.pk), "start", by=manager, at=now + 2 * DAY)

    first = as_it_was(incident, now + DAY / 2)
    second = as_it_was(incident, now + DAY * 1.5)
    third = as_it_was(incident, now + DAY * 2.5)
    assert isinstance(first, Incident)
    assert isinstance(second, Incident)
    assert isinstance(third, Incident)
    assert (first.title, first.owner, first.state) == (
        "Nobody can send mail",
        manager,
        "prioritized",
    )
    assert (second.title, second.owner, second.state) == ("Mail is slow", approver, "prioritized")
    assert (third.state, third.responded_at) == ("in_progress", now + 2 * DAY)
    assert first.customer == harbour
    assert first.filed_at == incident.filed_at
    assert first.filed_at.tzinfo is not None


def test_before_it_was_filed_there_was_nothing(manager: Person) -> None:
    incident = an_incident(manager)
    assert as_it_was(incident, incident.filed_at - timedelta(seconds=1)) is None


def test_structured_fields_come_back_with_their_structure(manager: Person) -> None:
    item = a_configurationitem(manager)
    attributes = dict(item.attributes)
    then = timezone.now()
    revise(item, {"attributes": attributes | {"memory_gb": 96}}, by=manager, at=then + DAY)
    before, later = as_it_was(item, then + DAY / 2), as_it_was(item, then + 2 * DAY)
    assert before is not None
    assert later is not None
    assert before.attributes == attributes  # type: ignore[attr-defined]
    assert later.attributes == attributes | {"memory_gb": 96}  # type: ignore[attr-defined]


def test_rows_that_belong_to_a_record_are_replayed_too(manager: Person) -> None:
    now = timezone.now()
    matrix = a_prioritymatrix(manager)
    rows = list(matrix.cells.order_by("pk").values("pk", "impact", "urgency", "gives"))
    revise(matrix, {"cells": [rows[0] | {"gives": 4}, *rows[1:8]]}, by=manager, at=now + DAY)
    table = PriorityCell._meta.db_table
    before = rows_at(table, now + DAY / 2, record=matrix.pk)
    after = rows_at(table, now + 2 * DAY, record=matrix.pk)
    assert (len(before), len(after)) == (9, 8)
    first = rows[0]["pk"]
    assert (before[first]["gives"], after[first]["gives"]) == (rows[0]["gives"], 4)


def test_lists_and_links_are_replayed_too(manager: Person) -> None:
    now = timezone.now()
    incident, other = an_incident(manager), an_incident(manager)
    problem = a_problem(manager, incidents=[incident])
    revise(problem, {"incidents": [other]}, by=manager, at=now + DAY)
    table = Problem.incidents.through._meta.db_table
    for when, expected in ((now + DAY / 2, incident), (now + 2 * DAY, other)):
        rows = rows_at(table, when, record=problem.pk)
        assert [row["incident_id"] for row in rows.values()] == [expected.pk]
    link(incident, "duplicates", other, by=manager, at=now + DAY)
    ties = rows_at(Link._meta.db_table, now + 2 * DAY, record=incident.pk)
    assert [row["target_id"] for row in ties.values()] == [other.pk]
    assert rows_at(Link._meta.db_table, now + DAY / 2, record=incident.pk) == {}


def test_an_act_told_late_takes_its_place_in_the_story(manager: Person) -> None:
    now = timezone.now()
    incident = an_incident(manager)
    revise(incident, {"symptom": "Outbox fills up"}, by=manager, at=now + 3 * DAY)
    incident = Incident.objects.get(pk=incident.pk)
    revise(incident, {"title": "Mail is slow"}, by=manager, at=now + DAY)
    between = as_it_was(incident, now + 2 * DAY)
    assert between is not None
    assert between.title == "Mail is slow"
    assert between.symptom == ""  # type: ignore[attr-defined]


def test_the_timeline_is_read_in_the_order_things_happened(manager: Person) -> None:
    now = timezone.now()
    incident = an_incident(manager)
    for days, title in ((3, "Third"), (1, "First"), (2, "Second")):
        revise(incident, {"title": title}, by=manager, note=title, at=now + days * DAY)
    notes = Act.objects.filter(record=incident.pk, verb="revise").values_list("note", flat=True)
    assert list(notes) == ["First", "Second", "Third"]


def test_an_entry_names_what_changed_and_only_that(manager: Person) -> None:
    incident = an_incident(manager)
    revise(incident, {"symptom": "Outbox fills up"}, by=manager)
    own = Entry.objects.get(record=incident.pk, act__verb="revise", table=Incident._meta.db_table)
    assert (own.before, own.after) == ({"symptom": ""}, {"symptom": "Outbox fills up"})
    sheet = Entry.objects.get(record=incident.pk, act__verb="revise", table="engine_sheet")
    assert set(sheet.after) == {"version", "changed_at"}
