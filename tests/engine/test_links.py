"""Ties between records: both ways to read them, what fits, what they carry along."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction
from django.utils import timezone

from verne.engine.acts import NotOpen, act, link, move, unlink, withdraw
from verne.engine.history import Act
from verne.engine.links import Link, LinkType, find, link_types, linked, types_for
from verne.engine.people import Person
from verne.engine.testing import a_person
from verne.sms.portfolio.service.samples import a_service
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.incident.samples import an_incident
from verne.sms.resolution.problem.samples import a_problem

pytestmark = pytest.mark.django_db

SOLVED = {"resolution": "Replaced the power supply.", "resolution_code": "fixed"}


@pytest.fixture
def own_types() -> Iterator[None]:
    """Link types made in a test are gone after it."""
    before = dict(link_types)
    yield
    link_types.clear()
    link_types.update(before)


def test_a_tie_reads_both_ways(manager: Person) -> None:
    mail, servers = a_service(manager), a_service(manager, title="Servers")
    link(mail, "depends_on", servers, by=manager)
    assert [s.ref for s in linked(mail, "depends_on")] == [servers.ref]
    assert [s.ref for s in linked(servers, "supports")] == [mail.ref]
    assert not linked(servers, "depends_on").exists()


def test_it_is_tied_from_either_end_and_only_once(manager: Person) -> None:
    mail, servers = a_service(manager), a_service(manager, title="Servers")
    first = link(servers, "supports", mail, by=manager)
    again = link(mail, "depends_on", servers, by=manager)
    assert first == again
    assert (first.source_id, first.target_id) == (mail.pk, servers.pk)
    assert Act.objects.filter(verb="link").count() == 1


def test_a_tie_is_ended_and_may_be_tied_again(manager: Person) -> None:
    mail, servers = a_service(manager), a_service(manager, title="Servers")
    link(mail, "depends_on", servers, by=manager)
    unlink(servers, "supports", mail, by=manager, note="Moved to the cloud")
    assert not linked(mail, "depends_on").exists()
    link(mail, "depends_on", servers, by=manager)
    assert Link.objects.filter(kind="depends_on").count() == 2
    assert Act.objects.get(verb="unlink").note == "Moved to the cloud"


def test_what_was_never_tied_cannot_be_untied(manager: Person) -> None:
    mail, servers = a_service(manager), a_service(manager, title="Servers")
    with pytest.raises(ValidationError, match="not linked like that"):
        unlink(mail, "depends_on", servers, by=manager)
    assert not Act.objects.filter(verb="unlink").exists()


def test_the_ends_have_to_fit(manager: Person) -> None:
    incident, service = an_incident(manager), a_service(manager)
    with pytest.raises(ValidationError, match="does not fit its type"):
        link(incident, "depends_on", service, by=manager)
    with pytest.raises(ValidationError, match="no link called likes"):
        link(incident, "likes", service, by=manager)
    with pytest.raises(ValidationError, match="linked to itself"):
        link(service, "depends_on", service, by=manager)


def test_the_database_ties_nothing_to_itself_nor_twice(manager: Person) -> None:
    mail, servers = a_service(manager), a_service(manager, title="Servers")
    link(mail, "depends_on", servers, by=manager)
    for target in (mail, servers):
        with pytest.raises(DatabaseError), transaction.atomic(), act("settle", by=None):
            Link.objects.create(kind="depends_on", source_id=mail.pk, target_id=target.pk)


def test_those_who_may_not_link_do_not(manager: Person, reader: Person) -> None:
    mail, servers = a_service(manager), a_service(manager, title="Servers")
    with pytest.raises(PermissionDenied):
        link(mail, "depends_on", servers, by=reader)


def test_withdrawn_records_are_not_shown_as_linked(manager: Person) -> None:
    mail, servers = a_service(manager), a_service(manager, title="Servers")
    link(mail, "depends_on", servers, by=manager)
    withdraw(servers, by=manager, note="Filed twice")
    assert not linked(mail, "depends_on").exists()


def test_a_type_says_which_ends_it_can_have() -> None:
    offered = {name: ends for name, _label, ends in types_for("resolution.incident")}
    assert offered["parent_of"] == offered["child_of"] == ("resolution.incident",)
    assert "depends_on" not in offered
    assert find("child_of") is find("parent_of")
    with pytest.raises(LookupError, match="No link type is called likes"):
        linked(Incident(), "likes")


def test_two_types_do_not_share_a_name(own_types: None) -> None:
    LinkType("mentions", "mentions", "mentioned_by", "is mentioned by")
    with pytest.raises(ValueError, match="Two link types are called mentioned_by"):
        LinkType("quotes", "quotes", "mentioned_by", "is quoted by")


def test_a_type_may_do_more_when_it_is_tied(own_types: None, manager: Person) -> None:
    seen: list[tuple[str, str]] = []
    LinkType(
        "mentions",
        "mentions",
        "mentioned_by",
        "is mentioned by",
        on_link=lambda source, target, act: seen.append((source.ref, target.ref)),
    )
    incident, problem = an_incident(manager), a_problem(manager)
    link(problem, "mentioned_by", incident, by=manager)
    assert seen == [(incident.ref, problem.ref)]


# What a tie carries along


def a_family(manager: Person, **facts: Any) -> tuple[Incident, Incident]:
    """An incident under way and another below it."""
    parent = move(an_incident(manager, title="The power is off"), "start", by=manager)
    child = an_incident(manager, title="The till is dark", **facts)
    link(parent, "parent_of", child, by=manager)
    return parent, child


def fresh(incident: Incident) -> Incident:
    return Incident.objects.get(pk=incident.pk)


def test_what_resolves_the_parent_resolves_its_children(manager: Person) -> None:
    parent, child = a_family(manager)
    move(child, "start", by=manager)
    move(parent, "resolve", by=manager, values=SOLVED)
    child = fresh(child)
    assert (child.state, child.resolution) == ("resolved", SOLVED["resolution"])
    note = Act.objects.get(record=child.pk, name="resolve").note
    assert note == f"Together with {parent.ref}."


def test_children_that_wait_or_have_not_begun_come_along(manager: Person, approver: Person) -> None:
    parent, idle = a_family(manager, owner=None)
    waiting = move(an_incident(manager, owner=approver), "start", by=manager)
    soon = timezone.now() + timedelta(hours=5)
    waiting = move(
        waiting, "wait", by=manager, values={"pending_reason": "user", "resume_at": soon}
    )
    link(parent, "parent_of", waiting, by=manager)
    move(parent, "resolve", by=manager, values=SOLVED)
    idle, waiting = fresh(idle), fresh(waiting)
    assert (idle.state, idle.owner) == ("resolved", parent.owner)
    assert (waiting.state, waiting.owner) == ("resolved", approver)


def test_what_a_child_says_itself_stands(manager: Person) -> None:
    parent, child = a_family(manager, resolution="Plugged it in elsewhere.")
    move(parent, "resolve", by=manager, values=SOLVED)
    assert fresh(child).resolution == "Plugged it in elsewhere."


def test_a_child_that_cannot_come_along_stays_and_keeps_the_parent_from_closing(
    manager: Person,
) -> None:
    parent, child = a_family(manager, impact=None)
    parent = move(parent, "resolve", by=manager, values=SOLVED)
    assert fresh(child).state == "classified"
    with pytest.raises(NotOpen, match="1 incident below it is not resolved yet"):
        move(parent, "close", by=manager, values={"closure_code": "solved"})


def test_closing_the_parent_closes_its_children(manager: Person) -> None:
    parent, child = a_family(manager)
    parent = move(parent, "resolve", by=manager, values=SOLVED)
    move(parent, "close", by=manager, values={"closure_code": "solved"})
    child = fresh(child)
    assert (child.state, child.closure_code) == ("closed", "solved")


def test_children_of_children_come_along_too(manager: Person) -> None:
    parent, child = a_family(manager)
    grandchild = an_incident(manager)
    link(child, "parent_of", grandchild, by=manager)
    move(parent, "resolve", by=manager, values=SOLVED)
    assert fresh(grandchild).state == "resolved"


def test_incidents_that_name_each_other_as_parent_still_end(manager: Person) -> None:
    parent, child = a_family(manager)
    link(child, "parent_of", parent, by=manager)
    assert move(parent, "resolve", by=manager, values=SOLVED).state == "resolved"
    assert fresh(child).state == "resolved"


def test_a_child_that_is_hidden_from_whoever_resolves_stays(manager: Person) -> None:
    parent, child = a_family(manager, restricted=True)
    agent = a_person("Jun Park", roles=["service_desk_agent"])
    assert move(parent, "resolve", by=agent, values=SOLVED).state == "resolved"
    assert fresh(child).state == "prioritized"
