"""Judging many nodes by what another framework shows, and taking it back."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from verne.engine.people import Person
from verne.engine.testing import a_person
from verne.sms.portfolio.service.samples import a_service

from ..assessing import begin, finish, judge
from ..loading import load
from ..models import Assessed, Assessment, Framework, FrameworkNode
from ..reading import written
from ..samples import a_house, a_library, loaded, node_urn
from ..taking_over import proposals, take_back, take_over, takings

pytestmark = pytest.mark.django_db


def node(leaf: str, framework: str = "kitchen") -> FrameworkNode:
    found: FrameworkNode = FrameworkNode.objects.get(key=node_urn(leaf, framework).casefold())
    return found


@pytest.fixture
def kitchen(manager: Person) -> Framework:
    """Judged: hands are washed, as the service shows; the blanket is there."""
    framework = loaded(a_library(), manager)
    load(written(a_house()), by=manager)
    done = begin(framework, by=manager, title="Canteen")
    shown = a_service(manager, title="Canteen")
    judge(done, node("1.1"), by=manager, result="conforming", evidence=[shown])
    judge(done, node("2.1"), by=manager, result="conforming")
    return framework


@pytest.fixture
def house(kitchen: Framework, manager: Person) -> Assessment:
    framework = Framework.objects.exclude(pk=kitchen.pk).get(library__origin="loaded")
    return begin(framework, by=manager, title="The house")


def results(assessment: Assessment) -> dict[str, str]:
    return dict(assessment.assessed.values_list("node__ref", "result"))


def test_what_is_covered_is_proposed_with_what_it_rests_on(
    kitchen: Framework, house: Assessment, manager: Person
) -> None:
    found = {p.node.ref: p for p in proposals(house, kitchen, by=manager)}
    assert {ref: p.result for ref, p in found.items()} == {
        "A": "conforming",
        "B": "partly conforming",
    }
    assert [sheet.title for sheet in found["A"].evidence] == ["Canteen"]
    assert results(house) == {}, "a preview judges nothing"


def test_it_is_taken_over_in_one_act_and_taken_back(
    kitchen: Framework, house: Assessment, manager: Person
) -> None:
    take_over(house, kitchen, [node("A", "house"), node("B", "house")], by=manager)
    assert results(house) == {"A": "conforming", "B": "partly conforming"}
    judged = Assessed.objects.get(assessment=house, node__ref="A")
    assert judged.evidence.get().title == "Canteen"
    assert "Rules of the kitchen: 1.1" in judged.note
    (taking,) = takings(house)
    assert (taking.standing, taking.all) == (2, 2)
    # Somebody looks at one of them; their word stays when the rest is taken back.
    judge(house, node("B", "house"), by=manager, result="nonconforming", note="No blanket")
    assert takings(house)[0].standing == 1
    assert take_back(house, taking.act, by=manager) == 1
    assert results(house) == {"A": "", "B": "nonconforming"}
    assert not Assessed.objects.get(pk=judged.pk).evidence.exists()
    assert takings(house) == []
    with pytest.raises(ValidationError, match="Nothing of it stands"):
        take_back(house, taking.act, by=manager)


def test_what_somebody_judged_is_neither_proposed_nor_overwritten(
    kitchen: Framework, house: Assessment, manager: Person
) -> None:
    judge(house, node("A", "house"), by=manager, result="nonconforming")
    assert [p.node.ref for p in proposals(house, kitchen, by=manager)] == ["B"]
    with pytest.raises(ValidationError, match="nobody has judged"):
        take_over(house, kitchen, [node("A", "house")], by=manager)
    assert results(house) == {"A": "nonconforming"}


def test_it_asks_for_the_right_and_for_a_round_that_is_open(
    kitchen: Framework, house: Assessment, manager: Person, reader: Person
) -> None:
    with pytest.raises(PermissionDenied):
        take_over(house, kitchen, [node("A", "house")], by=reader)
    finish(house, by=manager)
    with pytest.raises(ValidationError, match="finished"):
        take_over(house, kitchen, [node("A", "house")], by=manager)


def test_evidence_out_of_sight_does_not_come_along(
    kitchen: Framework, house: Assessment, manager: Person
) -> None:
    secret = a_service(manager, title="Payroll", restricted=True)
    again = begin(kitchen, by=manager, title="Canteen, again")
    judge(again, node("1.1"), by=manager, result="conforming", evidence=[secret])
    auditor = a_person("Laura Keller", roles=["internal_auditor"])
    (found,) = proposals(house, kitchen, by=auditor)
    assert (found.node.ref, found.evidence) == ("A", [])
