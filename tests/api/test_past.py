"""Programs read the past like people: a list as it stood on a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from verne.engine.acts import file, revise
from verne.engine.people import Person
from verne.sms.resolution.problem.models import Problem
from verne.sms.resolution.problem.samples import a_problem

pytestmark = pytest.mark.django_db


def test_a_list_is_given_as_it_stood_on_a_day(manager: Person, api: Any) -> None:
    values = {"title": "Mail stops", "service": a_problem(manager).service}
    then = timezone.now() - timedelta(days=40)
    problem = file(Problem, values, by=manager, at=then)
    revise(problem, {"title": "Mail stops every Monday"}, by=manager)
    day = timezone.localdate(then + timedelta(days=10))
    items = api.get(f"/problems?at={day}").json()["items"]
    assert [item["title"] for item in items] == ["Mail stops"]
    assert len(api.get("/problems").json()["items"]) == 2


def test_a_day_that_is_none_is_refused(manager: Person, api: Any) -> None:
    for wrong in ("yesterday", "2199-01-01"):
        answer = api.get(f"/problems?at={wrong}")
        assert answer.status_code in (400, 422)
        assert answer["Content-Type"].startswith("application/problem+json")
