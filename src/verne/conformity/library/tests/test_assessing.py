"""Frameworks are judged by hand, by those who may, and nobody's word is overwritten."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from verne.engine.people import Person
from verne.engine.records import Sheet
from verne.engine.testing import a_person
from verne.sms.portfolio.service.samples import a_service

from ..assessing import Sheetful, begin, change, finish, history, judge, take_up_again
from ..models import Assessment, FrameworkNode
from ..questions import asked_now, suggestion
from ..samples import a_library, a_node, loaded, node_urn

pytestmark = pytest.mark.django_db

QUESTIONS = {
    "urn:q:grease": {
        "type": "single_choice",
        "text": "Is there a deep fryer?",
        "choices": [
            {"urn": "urn:q:grease:yes", "value": "Yes", "select_implementation_groups": ["full"]},
            {"urn": "urn:q:grease:no", "value": "No", "compute_result": "not_applicable"},
        ],
    },
    "urn:q:lid": {
        "type": "unique_choice",
        "text": "Has it a lid?",
        "depends_on": {"question": "urn:q:grease", "answers": ["urn:q:grease:yes"]},
        "choices": [
            {"urn": "urn:q:lid:yes", "value": "Yes", "compute_result": True, "add_score": 3},
            {"urn": "urn:q:lid:no", "value": "No", "compute_result": False, "add_score": 0},
        ],
    },
}
YES, NO = {"urn:q:grease": "urn:q:grease:yes"}, {"urn:q:grease": "urn:q:grease:no"}


def node(ref: str) -> FrameworkNode:
    found: FrameworkNode = FrameworkNode.objects.get(key=node_urn(ref))
    return found


@pytest.fixture
def canteen(manager: Person) -> Assessment:
    return begin(loaded(a_library(), manager), by=manager, title="Canteen, spring")


def test_an_auditor_judges_a_reader_and_a_stranger_do_not(
    canteen: Assessment, reader: Person, stranger: Person
) -> None:
    auditor = a_person("Ines Auditor", roles=["internal_auditor"])
    assert judge(canteen, node("1.1"), by=auditor, result="conforming").by == auditor
    for person in (reader, stranger):
        with pytest.raises(PermissionDenied):
            judge(canteen, node("1.1"), by=person, result="conforming")
        with pytest.raises(PermissionDenied):
            begin(canteen.framework, by=person, title="Mine")


def test_only_the_chosen_groups_are_asked_and_nothing_is_lost_by_choosing_others(
    canteen: Assessment, manager: Person
) -> None:
    judge(canteen, node("2.1"), by=manager, result="conforming")
    assert len(Sheetful.of(canteen).asked) == 3
    values = {"title": "Canteen", "scope": "", "groups": ["base"], "owner": manager}
    narrowed = change(canteen, values, by=manager, version=1)
    sheet = Sheetful.of(narrowed)
    assert [n.ref for n in sheet.asked] == ["1.1", "1.2"]
    assert [n.ref for n in sheet.left_behind] == ["2.1"]
    with pytest.raises(ValidationError, match="Somebody else changed"):
        change(canteen, values, by=manager, version=1)
    with pytest.raises(ValidationError, match="no implementation group"):
        change(canteen, values | {"groups": ["gold"]}, by=manager, version=2)


def test_what_does_not_apply_needs_a_reason_and_a_score_its_scale(
    canteen: Assessment, manager: Person
) -> None:
    for how, why in (
        ({"result": "not applicable"}, "Say why it does not apply"),
        ({"result": "splendid"}, "one of the results"),
        ({"result": "conforming", "score": 6}, "from 0 to 5"),
    ):
        with pytest.raises(ValidationError, match=why):
            judge(canteen, node("1.1"), by=manager, **how)
    with pytest.raises(ValidationError, match="nothing that the assessment looks at"):
        judge(canteen, node("1"), by=manager, result="conforming")


def test_two_people_who_judge_at_once_do_not_overwrite_each_other(
    canteen: Assessment, manager: Person, approver: Person
) -> None:
    judge(canteen, node("1.1"), by=manager, result="conforming", version=0)
    with pytest.raises(ValidationError, match="Ada Kim judged this meanwhile: Conforming"):
        judge(canteen, node("1.1"), by=approver, result="nonconforming", version=0)
    judged = judge(canteen, node("1.1"), by=approver, result="nonconforming", version=1)
    told = [(e.act.by.name, (e.after or {}).get("result")) for e in history(judged)]
    assert told == [("Petr Novak", "nonconforming"), ("Ada Kim", "conforming")]


def test_a_finished_round_stands_until_it_is_taken_up_again(
    canteen: Assessment, manager: Person
) -> None:
    finish(canteen, by=manager)
    with pytest.raises(ValidationError, match="is finished"):
        judge(canteen, node("1.1"), by=manager, result="conforming")
    with pytest.raises(ValidationError, match="Say why"):
        take_up_again(canteen, by=manager, note="")
    take_up_again(canteen, by=manager, note="The kitchen was rebuilt")
    judge(canteen, node("1.1"), by=manager, result="conforming")


def test_evidence_that_somebody_may_not_see_stays_when_they_judge(
    canteen: Assessment, manager: Person
) -> None:
    secret = a_service(manager, title="Payroll", restricted=True)
    mail = a_service(manager, title="Mail")
    judge(canteen, node("1.1"), by=manager, result="conforming", evidence=[secret])
    auditor = a_person("Ines Auditor", roles=["internal_auditor"])
    judged = judge(canteen, node("1.1"), by=auditor, result="conforming", evidence=[mail])
    assert set(judged.evidence.all()) == {Sheet.objects.get(pk=s.pk) for s in (secret, mail)}
    with pytest.raises(ValidationError, match="Choose records that you can see"):
        judge(canteen, node("1.2"), by=auditor, result="conforming", evidence=[secret])


def test_the_score_of_a_round_is_the_weighted_mean_on_each_scale(manager: Person) -> None:
    nodes = [
        a_node("1", "Wash", weight=3),
        a_node("2", "Wipe", max_score=10),
        a_node("3", "Air", weight=9),
    ]
    assessment = begin(loaded(a_library(nodes=nodes), manager), by=manager, title="Canteen")
    judge(assessment, node("1"), by=manager, result="conforming", score=5)
    judge(assessment, node("2"), by=manager, result="partly conforming", score=2)
    judge(assessment, node("3"), by=manager, result="not applicable", score=5, note="No windows")
    assert Sheetful.of(assessment).score == pytest.approx((3 * 1 + 1 * 0.2) / 4)


def test_a_question_waits_for_the_answer_it_depends_on(manager: Person) -> None:
    loaded(a_library(nodes=[a_node("1", "Fry safely", questions=QUESTIONS)]), manager)
    asked = node("1").asked
    assert [q.type for q in asked] == ["unique_choice", "unique_choice"]
    assert [q.key for q in asked_now(asked, {})] == ["urn:q:grease"]
    assert len(asked_now(asked, YES)) == 2
    assert suggestion(asked, YES).result == "", "the lid has not been answered"
    assert suggestion(asked, NO).result == "not applicable"
    answered = suggestion(asked, YES | {"urn:q:lid": ["urn:q:lid:yes"]})
    assert (answered.result, answered.score) == ("conforming", 3)


def test_answers_speak_for_a_result_and_bring_in_a_group(manager: Person) -> None:
    nodes = [
        a_node("1", "Fry safely", questions=QUESTIONS, implementation_groups=["base"]),
        a_node("2", "Change the oil", implementation_groups=["full"]),
    ]
    framework = loaded(a_library(nodes=nodes), manager)
    assessment = begin(framework, by=manager, title="Canteen", groups=["base"])
    answers = YES | {"urn:q:lid": "urn:q:lid:no"}
    assert [n.ref for n in Sheetful.of(assessment).asked] == ["1"]
    judged = judge(assessment, node("1"), by=manager, answers=answers)
    assert (judged.result, judged.score) == ("nonconforming", 0)
    assert [n.ref for n in Sheetful.of(assessment).asked] == ["1", "2"]
    own = judge(assessment, node("1"), by=manager, answers=answers, result="partly conforming")
    assert own.result == "partly conforming", "people may say otherwise"
