"""Records by number or reference come only to those who may see them."""

from __future__ import annotations

import pytest

from verne.engine.people import Person
from verne.engine.testing import a_person
from verne.sms.portfolio.service.samples import a_service
from verne.sms.resolution.incident.samples import an_incident
from verne.web.seen import sheet_at, sheets_of

pytestmark = pytest.mark.django_db


def test_records_are_found_by_those_who_may_see_them(manager: Person) -> None:
    service, incident = a_service(manager), an_incident(manager)
    stranger = a_person("Ines Duarte", roles=[])
    numbers = [service.pk, incident.pk, 987_654_321]
    assert set(sheets_of(manager, numbers)) == {service.pk, incident.pk}
    assert sheets_of(manager, []) == {}
    assert not sheets_of(stranger, numbers)
    found = sheet_at(manager, incident.ref)
    assert found is not None
    assert found.pk == incident.pk
    assert sheet_at(manager, "INC-999999") is None
    assert sheet_at(manager, "") is None
    assert sheet_at(stranger, incident.ref) is None
