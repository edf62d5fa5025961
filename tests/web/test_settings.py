"""Settings: who may change them, and what each change does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from verne.engine.acts import act
from verne.engine.calendars import CalendarVersion, ServiceCalendar
from verne.engine.clock import Clock
from verne.engine.history import Act
from verne.engine.people import Assignment, Organization, Person, Role, Team, holders
from verne.engine.testing import a_person
from verne.sms.portfolio.service.samples import a_service
from verne.sms.relationship.agreement.samples import an_agreement
from verne.sms.resolution.incident.samples import an_incident
from verne.web.views.settings.calendars import preview, read_hours

pytestmark = pytest.mark.django_db

Browse = Callable[[Person], Client]

TOPICS = ("organizations", "people", "teams", "roles", "calendars")


@pytest.mark.parametrize("topic", TOPICS)
def test_only_those_with_the_right_open_a_topic(
    topic: str, manager: Person, reader: Person, browse: Browse
) -> None:
    assert browse(manager).get(f"/settings/{topic}/").status_code == 200
    assert browse(reader).get(f"/settings/{topic}/").status_code == 403
    assert f"/settings/{topic}/" not in browse(reader).get("/settings/").content.decode()


def test_a_person_is_filed_given_a_password_and_deactivated(
    manager: Person, browse: Browse
) -> None:
    client = browse(manager)
    said = {"name": "Nora Voss", "username": "nora", "active": "on", "sms_relevant": "on"}
    answer = client.post("/settings/people/new", said)
    nora = Person.objects.get(username="nora")
    assert answer["Location"] == f"/settings/people/{nora.pk}/password"
    assert not nora.has_usable_password()
    client.post(f"/settings/people/{nora.pk}/password", {"new": "lighthouse on the pier"})
    nora.refresh_from_db()
    assert nora.check_password("lighthouse on the pier")
    client.post(f"/settings/people/{nora.pk}/", {k: v for k, v in said.items() if k != "active"})
    nora.refresh_from_db()
    assert not nora.active
    assert Act.objects.filter(verb="settle", by=manager).count() == 3


def test_nobody_deactivates_themselves(manager: Person, browse: Browse) -> None:
    said = {"name": manager.name, "username": manager.username}
    answer = browse(manager).post(f"/settings/people/{manager.pk}/", said)
    assert answer.status_code == 422
    assert "active" in answer.context["entry"].form.errors


def test_a_team_keeps_its_members(manager: Person, approver: Person, browse: Browse) -> None:
    client = browse(manager)
    said = {"name": "Network", "purpose": "Lines", "members": [approver.pk], "active": "on"}
    client.post("/settings/teams/new", said)
    team = Team.objects.get(name="Network")
    assert list(team.members.all()) == [approver]
    client.post(f"/settings/teams/{team.pk}/", said | {"members": [manager.pk]})
    assert list(team.members.all()) == [manager]


def test_organizations_are_named_once(manager: Person, browse: Browse) -> None:
    client = browse(manager)
    said = {"name": "Alder Clinics", "kind": "customer", "active": "on"}
    assert client.post("/settings/organizations/new", said).status_code == 302
    assert client.post("/settings/organizations/new", said).status_code == 422
    assert Organization.objects.get(name="Alder Clinics").kind == "customer"


def test_a_role_is_assigned_from_a_day_to_a_day(
    manager: Person, stranger: Person, browse: Browse
) -> None:
    now = timezone.now().replace(second=0, microsecond=0)
    said = {
        "person": stranger.pk,
        "since": (now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"),
        "until": (now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"),
        "communicated": "on",
    }
    browse(manager).post("/settings/roles/risk_manager/", said)
    assert stranger in holders("risk_manager")
    assert stranger not in holders("risk_manager", at=now + timedelta(days=2))
    assert Assignment.objects.get(person=stranger).communicated_at is not None


def test_a_role_ends_now_and_stays_known(manager: Person, approver: Person, browse: Browse) -> None:
    row = Assignment.objects.get(person=approver, role__key="risk_manager")
    browse(manager).post(f"/settings/roles/end/{row.pk}")
    assert approver not in holders("risk_manager")
    assert approver in holders("risk_manager", at=row.since + timedelta(milliseconds=1))


def test_the_last_who_may_assign_roles_keeps_that_role(browse: Browse) -> None:
    only = a_person("Olga Only", roles=["administrator"])
    row = Assignment.objects.get(person=only)
    from verne.engine.rights import bundles

    assert "engine.manage_roles" in bundles()["administrator"]
    browse(only).post(f"/settings/roles/end/{row.pk}")
    row.refresh_from_db()
    assert row.until is None


def test_roles_of_customers_are_for_their_people(
    manager: Person, customer: Person, browse: Browse
) -> None:
    said = {"person": customer.pk, "since": "2026-01-01T08:00"}
    answer = browse(manager).post("/settings/roles/administrator/", said)
    assert answer.status_code == 422
    assert not Assignment.objects.filter(person=customer, role__key="administrator").exists()


def test_a_role_says_what_it_may_do_and_what_it_answers_for(
    manager: Person, browse: Browse
) -> None:
    page = browse(manager).get("/settings/roles/incident_manager/").content.decode()
    assert "Incidents" in page
    assert "Resolve" in page
    assert "/standard/obligation/" in page
    assert Role.objects.filter(key="incident_manager").exists()


# --- Service hours -------------------------------------------------------------------------------


def _week(hours: str = "09:00-17:00", **more: Any) -> dict[str, Any]:
    week = {f"day_{day}": hours for day in ("mon", "tue", "wed", "thu", "fri")}
    return (
        {"name": "Office hours", "tz": "Europe/Berlin", "valid_from": "2026-01-01T00:00"}
        | week
        | more
    )


def test_hours_are_shown_before_they_count(manager: Person, browse: Browse) -> None:
    client = browse(manager)
    shown = client.post("/settings/calendars/new", _week())
    assert len(shown.context["preview"]) == 7
    assert not ServiceCalendar.objects.exists()
    client.post("/settings/calendars/new", _week(save="1"))
    calendar = ServiceCalendar.objects.get()
    assert calendar.versions.get().spec["weekly"]["mon"] == [["09:00", "17:00"]]
    assert client.get(f"/settings/calendars/{calendar.pk}/").status_code == 200


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("day_mon", "nine to five"),
        ("day_mon", "17:00-09:00"),
        ("special", "2026-12-24 noon"),
        ("holidays", "Christmas"),
        ("yearly", "31-12"),
    ],
)
def test_hours_that_cannot_be_read_are_refused_with_an_example(
    manager: Person, browse: Browse, field: str, text: str
) -> None:
    answer = browse(manager).post("/settings/calendars/new", _week(**{field: text, "save": "1"}))
    assert answer.status_code == 422
    assert answer.context["form"].errors
    assert not ServiceCalendar.objects.exists()


def test_hours_are_read_as_people_write_them() -> None:
    assert read_hours("9:00 - 12:00; 13:00–17:30") == [["9:00", "12:00"], ["13:00", "17:30"]]
    assert read_hours("  ") == []


def test_public_holidays_are_added_for_people_to_check(manager: Person, browse: Browse) -> None:
    client = browse(manager)
    shown = client.post("/settings/calendars/new", _week(country="DE-BY", save="1"))
    assert not ServiceCalendar.objects.exists(), "they are looked over first"
    year = timezone.localdate().year
    assert f"{year}-12-25" in shown.context["form"]["holidays"].value()
    strange = client.post("/settings/calendars/new", _week(country="XX"))
    assert "no list of public holidays" in strange.content.decode()


def test_a_holiday_and_a_special_day_are_seen_in_the_preview() -> None:
    from verne.engine.calendar import Calendar

    spec = {
        "tz": "Europe/Berlin",
        "weekly": {"thu": [["09:00", "17:00"]], "fri": [["09:00", "17:00"]]},
        "holidays": ["2026-12-25"],
        "overrides": {"2026-12-24": [["09:00", "12:00"]]},
    }
    days = preview(
        Calendar.from_dict(spec), days=2, first=datetime(2026, 12, 24, tzinfo=UTC).date()
    )
    assert [(day.hours, day.why) for day in days] == [
        ("09:00–12:00", "special day"),
        ("closed", "holiday"),
    ]


def test_a_new_version_moves_open_clocks_and_keeps_the_old_one(
    manager: Person, harbour: Organization, browse: Browse
) -> None:
    week = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    with act("settle", by=None):
        calendar = ServiceCalendar.objects.create(name="Office hours")
        long_ago = timezone.now() - timedelta(days=900)
        spec = {"tz": "Europe/Berlin", "weekly": week}
        CalendarVersion.objects.create(of=calendar, valid_from=long_ago, spec=spec)
    mail = a_service(manager)
    row = {"measure": "resolve", "applies_to": "incident", "seconds": 36_000, "goal": 95}
    an_agreement(
        manager, services=[mail], customer=harbour, targets=[row | {"calendar": calendar.pk}]
    )
    incident = an_incident(manager, service=mail, customer=harbour)
    clock = Clock.objects.get(record=incident.pk, measure="resolve")
    before = clock.due_at
    said = _week("11:00-11:30", reproject="on", save="1", valid_from="2026-01-02T00:00")
    del said["name"]
    answer = browse(manager).post(f"/settings/calendars/{calendar.pk}/new", said)
    assert answer.status_code == 302
    assert CalendarVersion.objects.filter(of=calendar).count() == 2
    clock.refresh_from_db()
    assert clock.due_at != before
