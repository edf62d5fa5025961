"""What categories and the priority matrix promise: nine cells, one rule at a time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from verne.engine.acts import NotOpen, move, revise, withdraw
from verne.engine.history import Act
from verne.engine.people import Person

from .models import USUAL_MATRIX, Category, PriorityMatrix, priority_of
from .samples import a_category, a_prioritymatrix

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def cells(**changed: int) -> list[dict[str, int]]:
    """The usual matrix, with some cells (`i1u1`) giving another priority."""
    return [
        {"impact": i, "urgency": u, "gives": changed.get(f"i{i}u{u}", gives)}
        for (i, u), gives in USUAL_MATRIX.items()
    ]


def in_force(by: Person, *, at: datetime, **changed: int) -> PriorityMatrix:
    matrix = a_prioritymatrix(by, cells=cells(**changed))
    return move(matrix, "put_in_force", by=by, at=at)


# The matrix


def test_a_matrix_is_put_in_force_with_all_nine_cells(manager: Person) -> None:
    matrix = a_prioritymatrix(manager, cells=cells()[:8])
    with pytest.raises(NotOpen, match="nine in all"):
        move(matrix, "put_in_force", by=manager)
    revise(matrix, {"cells": cells()}, by=manager)
    assert move(matrix, "put_in_force", by=manager).in_force_since is not None


def test_a_matrix_has_a_day_for_its_review(manager: Person) -> None:
    matrix = a_prioritymatrix(manager, review_due=None)
    with pytest.raises(NotOpen, match="Review due is not filled in"):
        move(matrix, "put_in_force", by=manager)


def test_a_cell_gives_one_of_five_priorities_once(manager: Person) -> None:
    for rows in ([*cells(), cells()[0]], [{"impact": 1, "urgency": 1, "gives": 6}]):
        with pytest.raises(ValidationError):
            a_prioritymatrix(manager, cells=rows)


def test_a_new_matrix_takes_the_place_of_the_former_in_the_same_act(manager: Person) -> None:
    former = in_force(manager, at=LONG_AGO)
    latest = in_force(manager, at=LONG_AGO + timedelta(days=9))
    former = PriorityMatrix.objects.get(pk=former.pk)
    assert (former.state, latest.state) == ("superseded", "in_force")
    row = Act.objects.get(record=former.pk, name="supersede")
    assert (row.at, row.note) == (latest.in_force_since, f"{latest.ref} has taken its place.")


@pytest.mark.parametrize("rows", [cells(i1u1=3), cells()[:8], [*cells()[:8], cells(i3u3=4)[8]]])
def test_a_matrix_that_was_put_in_force_stands(rows: Any, manager: Person) -> None:
    matrix = in_force(manager, at=LONG_AGO)
    kept = {(c.impact, c.urgency): c.pk for c in matrix.cells.all()}
    rows = [row | {"pk": kept[(row["impact"], row["urgency"])]} for row in rows]
    with pytest.raises(ValidationError, match="draft another one|nine in all"):
        revise(matrix, {"cells": rows}, by=manager)
    assert {(c.impact, c.urgency): c.gives for c in matrix.cells.all()} == USUAL_MATRIX


def test_its_keeping_and_its_review_may_still_change(manager: Person, approver: Person) -> None:
    matrix = in_force(manager, at=LONG_AGO)
    soon = (timezone.now() + timedelta(days=90)).date()
    assert revise(matrix, {"review_due": soon, "owner": approver}, by=manager).owner == approver


# The priority


@pytest.mark.parametrize(("impact", "urgency"), [(None, 1), (1, None), (None, None)])
def test_without_impact_and_urgency_there_is_no_priority(
    impact: int | None, urgency: int | None
) -> None:
    assert priority_of(impact, urgency, at=LONG_AGO) is None


def test_without_a_matrix_the_usual_one_applies() -> None:
    given = {pair: priority_of(*pair, at=LONG_AGO) for pair in USUAL_MATRIX}
    assert given == USUAL_MATRIX
    assert (given[(1, 1)], given[(2, 2)], given[(3, 3)]) == (1, 3, 5)


def test_each_day_goes_by_the_matrix_of_that_day(manager: Person) -> None:
    in_force(manager, at=LONG_AGO, i1u1=2)
    in_force(manager, at=LONG_AGO + timedelta(days=10), i1u1=3)
    days = {-1: 2, 0: 2, 9: 2, 10: 3, 900: 3}
    for day, expected in days.items():
        assert priority_of(1, 1, at=LONG_AGO + timedelta(days=day)) == expected


def test_a_draft_and_a_withdrawn_matrix_give_nothing(manager: Person) -> None:
    a_prioritymatrix(manager, cells=cells(i1u1=5))
    mistaken = in_force(manager, at=LONG_AGO, i1u1=4)
    withdraw(mistaken, by=manager, note="Never agreed")
    assert priority_of(1, 1, at=timezone.now()) == 1


# Categories


def test_a_category_is_retired_with_a_reason_and_used_again(manager: Person) -> None:
    category = a_category(manager)
    with pytest.raises(NotOpen, match="Say why"):
        move(category, "retire", by=manager)
    category = move(category, "retire", by=manager, note="Split into two")
    assert not Category.objects.open().exists()
    assert move(category, "reinstate", by=manager).state == "in_use"


def test_customers_and_agents_see_categories_and_leave_them_alone(
    manager: Person, agent: Person, customer: Person
) -> None:
    category = a_category(manager)
    assert list(Category.objects.visible_to(agent)) == [category]
    for person in (agent, customer):
        with pytest.raises(PermissionDenied):
            move(category, "retire", by=person, note="I never use it")
