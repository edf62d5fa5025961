"""What a nonconformity promises: nothing is closed until somebody else has seen that it helped."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from verne.engine import moment
from verne.engine.acts import (
    Conflict,
    NotOpen,
    act,
    blockers,
    file,
    link,
    move,
    revise,
    withdraw,
)
from verne.engine.evidence import Asked, answers
from verne.engine.history import Act
from verne.engine.links import linked
from verne.engine.people import Person
from verne.engine.raising import raise_from
from verne.engine.testing import a_person
from verne.sms.portfolio.service.samples import a_live_service
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.incident.samples import an_incident
from verne.sms.support.document.samples import a_retentionrule

from . import causes, observation
from .action import CorrectiveAction
from .models import Nonconformity
from .observation import Observation
from .samples import ANALYSIS, CAUSES, CORRECTION, SUCCESS, a_correctiveaction, a_nonconformity
from .samples import analysed as an_analysed_one

pytestmark = pytest.mark.django_db

MAY = datetime(2026, 5, 4, 9, tzinfo=UTC)
DONE = {
    "result": "Two tablets, six people trained.",
    "changes_sms": True,
    "change_reference": "Procedure 4.2, revision 3",
}
SEEN = {"verification": "All 41 incidents closed in June have their code."}
PARAMETERS = {
    "correction_delay": timedelta(days=30),
    "effectiveness_review_delay": timedelta(days=90),
}


def after(**span: float) -> datetime:
    return MAY + timedelta(**span)


def fresh(record: Any) -> Any:
    return type(record).objects.get(pk=record.pk)


def obstacles(record: Any, name: str) -> list[str]:
    record = fresh(record)
    found: list[str] = record.lifecycle.moves[name].obstacles(record)
    return found


def figures(key: str, at: datetime) -> tuple[int, int]:
    found = answers[key](Asked(at, None, dict(PARAMETERS)))
    return found.population.count(), found.exceptions.count()


def set_aside(record: Any, **columns: Any) -> None:
    """Columns as an import from elsewhere may bring them, past every guard."""
    with act("settle", by=None, note="As an import brings it"):
        type(record).objects.filter(pk=record.pk).update(**columns)


@pytest.fixture
def worker(db: None) -> Person:
    """Carries the actions out."""
    return a_person("Wanda Ito", roles=["process_owner"])


@pytest.fixture
def found(manager: Person) -> Nonconformity:
    with moment.at(MAY):
        return a_nonconformity(manager)


@pytest.fixture
def analysed(found: Nonconformity, manager: Person) -> Nonconformity:
    with moment.at(after(days=1)):
        return an_analysed_one(found, manager)


def planned(nonconformity: Nonconformity, by: Person, **facts: Any) -> CorrectiveAction:
    with moment.at(after(days=2)):
        return a_correctiveaction(by, nonconformity=nonconformity, **facts)


def begun(nonconformity: Nonconformity, by: Person, verifier: Person, **facts: Any) -> Any:
    values = SUCCESS | {"verifier": verifier} | facts
    return move(nonconformity, "begin", by=by, values=values, at=after(days=3))


def carried_out(action: CorrectiveAction, by: Person) -> CorrectiveAction:
    action = move(action, "start", by=by, at=after(days=4))
    return move(action, "finish", by=by, values=DONE, at=after(days=10))


@pytest.fixture
def waiting(
    analysed: Nonconformity, manager: Person, worker: Person, approver: Person
) -> Nonconformity:
    """All actions are done; its effect is awaited."""
    action = planned(analysed, manager, owner=worker)
    begun(analysed, manager, approver)
    carried_out(action, worker)
    return fresh(analysed)


# Correction and analysis


def test_it_is_corrected_with_its_consequences_and_what_it_is_against(manager: Person) -> None:
    found = a_nonconformity(manager, requirement="", owner=None, due_at=None)
    assert obstacles(found, "correct") == [
        "Owner is not filled in.",
        "Due is not filled in.",
        "Consequences is not filled in.",
        "How they were dealt with is not filled in.",
        "Say how it was corrected, or why nothing can be corrected.",
        "Name the obligation it is against, or the other requirement.",
    ]


def test_where_nothing_can_be_corrected_the_reason_is_enough(
    found: Nonconformity, manager: Person
) -> None:
    facts = CORRECTION | {"correction": "", "no_correction": "The data were deleted in April."}
    corrected = move(found, "correct", by=manager, values=facts)
    assert corrected.state == "corrected"
    assert corrected.corrected_at is not None


def test_it_is_against_an_obligation_there_is(manager: Person) -> None:
    with pytest.raises(ValidationError, match=r"no obligation 8\.6\.1\.zz"):
        a_nonconformity(manager, requirement="8.6.1.zz")


def test_its_cause_is_found_before_it_counts_as_analysed(
    found: Nonconformity, manager: Person
) -> None:
    found = move(found, "correct", by=manager, values=CORRECTION)
    found = revise(found, {"causes": CAUSES[:1]}, by=manager)
    with pytest.raises(NotOpen, match="Ask why until you come to a cause"):
        move(found, "analyse", by=manager, values=ANALYSIS)
    found = revise(found, {"causes": CAUSES}, by=manager)
    found = move(found, "analyse", by=manager, values=ANALYSIS)
    assert found.reviewed_by == manager


def test_the_cause_of_a_major_one_has_to_be_removed(found: Nonconformity, manager: Person) -> None:
    found = move(found, "correct", by=manager, values=CORRECTION | {"grade": "major"})
    with pytest.raises(NotOpen, match="has to be removed"):
        move(found, "analyse", by=manager, values=ANALYSIS | {"needs_action": False})


def test_a_small_one_is_closed_without_action_by_somebody_else(
    found: Nonconformity, manager: Person, approver: Person
) -> None:
    found = move(found, "correct", by=manager, values=CORRECTION)
    found = move(found, "analyse", by=manager, values=ANALYSIS | {"needs_action": False})
    with pytest.raises(NotOpen, match="Ada Kim owns it"):
        move(found, "close_without_action", by=manager, note="A slip")
    closed = move(found, "close_without_action", by=approver, note="A slip, seen once")
    assert closed.state == "closed"


def test_what_is_none_is_not_accepted_and_says_why(found: Nonconformity, manager: Person) -> None:
    with pytest.raises(NotOpen, match="Say why"):
        move(found, "not_accept", by=manager)
    found = move(found, "not_accept", by=manager, note="The codes are in the archive")
    assert found.state == "not_accepted"
    assert move(found, "accept_after_all", by=manager, note="They are not").state == "detected"


# The tree of causes


def test_every_why_may_have_several_answers(found: Nonconformity, manager: Person) -> None:
    for below, why in (("", "Nobody asks"), ("1", "No time"), ("1", "No form"), ("1.2", "Lost")):
        rows = causes.with_answer(found, below, why)
        found = revise(found, {"causes": rows}, by=manager)
    (top,) = causes.tree(found.causes.all())
    assert [node.cause.why for node in top.answers] == ["No time", "No form"]
    assert [node.cause.place for node in causes.walk([top])] == ["1", "1.1", "1.2", "1.2.1"]
    found = revise(found, {"causes": causes.without(found, "1.2")}, by=manager)
    assert [cause.place for cause in found.causes.all()] == ["1", "1.1"]


def test_a_cause_that_is_removed_is_of_some_kind(found: Nonconformity, manager: Person) -> None:
    rows = causes.with_answer(found, "", "Nobody asks")
    found = revise(found, {"causes": rows}, by=manager)
    with pytest.raises(ValidationError, match="of what kind this cause is"):
        revise(found, {"causes": causes.with_changes(found, "1", is_root=True)}, by=manager)


def test_two_people_asking_why_at_once_lose_nothing(
    found: Nonconformity, manager: Person, approver: Person
) -> None:
    theirs = causes.with_answer(found, "", "Theirs")
    mine = causes.with_answer(found, "", "Mine")
    revise(found, {"causes": theirs}, by=approver, version=found.version)
    with pytest.raises(Conflict):
        revise(found, {"causes": mine}, by=manager, version=found.version)


@pytest.mark.parametrize("place", ["1.", "a", "0", "1..2", "1.2.3.4.5.6.7.8.9.1"])
def test_a_place_in_the_tree_is_made_of_numbers(
    place: str, found: Nonconformity, manager: Person
) -> None:
    row = {"place": place, "why": "Because", "is_root": False, "category": ""}
    with pytest.raises(ValidationError, match="numbers with points"):
        revise(found, {"causes": [row]}, by=manager)


# Actions, and what success means


def test_success_is_defined_before_the_work_begins(
    analysed: Nonconformity, manager: Person, worker: Person, approver: Person
) -> None:
    action = planned(analysed, manager, owner=worker)
    with pytest.raises(NotOpen, match="what shows success is written before"):
        move(action, "start", by=worker)
    with pytest.raises(NotOpen, match="Criterion of success is not filled in"):
        move(analysed, "begin", by=manager, values={"verifier": approver})
    begun(analysed, manager, approver)
    assert move(action, "start", by=worker).state == "under_way"
    with pytest.raises(ValidationError, match="settled before the work began"):
        revise(fresh(analysed), {"success_criterion": "Fewer than ten."}, by=manager)


def test_what_puts_it_right_at_once_need_not_wait(found: Nonconformity, manager: Person) -> None:
    action = planned(found, manager, type="correction", title="Add the missing codes")
    assert carried_out(action, manager).state == "done"
    assert fresh(found).state == "detected"


def test_going_back_to_the_analysis_says_why_and_opens_the_criterion(
    analysed: Nonconformity, manager: Person, approver: Person
) -> None:
    planned(analysed, manager)
    nonconformity = begun(analysed, manager, approver)
    nonconformity = move(nonconformity, "plan_anew", by=manager, note="The criterion is too weak")
    nonconformity = revise(nonconformity, {"success_criterion": "None at all."}, by=manager)
    assert nonconformity.success_criterion == "None at all."


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"owner": None}, "needs an owner and a day"),
        ({"due_at": None}, "needs an owner and a day"),
        ({"type": "correction"}, "at least one corrective action"),
    ],
)
def test_work_is_planned_before_it_begins(
    facts: dict[str, Any], words: str, analysed: Nonconformity, manager: Person, approver: Person
) -> None:
    planned(analysed, manager, **facts)
    with pytest.raises(NotOpen, match=words):
        begun(analysed, manager, approver)


def test_the_verifier_has_no_part_in_it(
    analysed: Nonconformity, manager: Person, worker: Person
) -> None:
    planned(analysed, manager, owner=worker)
    with pytest.raises(NotOpen, match="Ada Kim owns it"):
        begun(analysed, manager, manager)
    with pytest.raises(NotOpen, match="Wanda Ito worked on ACT-1"):
        begun(analysed, manager, worker)


def test_an_action_ends_with_a_result_and_the_question_of_the_sms(
    analysed: Nonconformity, manager: Person, worker: Person, approver: Person
) -> None:
    action = planned(analysed, manager, owner=worker, proportion="")
    begun(analysed, manager, approver)
    action = move(action, "start", by=worker)
    with pytest.raises(NotOpen) as refused:
        move(action, "finish", by=worker, values={"result": "Done"})
    assert refused.value.messages == [
        "Say whether the service management system has to change.",
        "Say why this is in proportion to what the nonconformity did.",
    ]
    facts = DONE | {"change_reference": "", "proportion": "Cheap."}
    with pytest.raises(NotOpen, match="Name the change"):
        move(action, "finish", by=worker, values=facts)


def test_the_last_action_done_lets_it_wait_for_the_effect(
    analysed: Nonconformity, manager: Person, worker: Person, approver: Person
) -> None:
    first, second = (planned(analysed, manager, owner=worker) for _ in range(2))
    begun(analysed, manager, approver)
    carried_out(first, worker)
    assert obstacles(analysed, "wait_for_effect") == [f"Not done yet: {second.ref}."]
    move(second, "drop", by=worker, note="The first is enough", at=after(days=12))
    nonconformity = fresh(analysed)
    assert nonconformity.state == "awaiting_effectiveness"
    assert nonconformity.verify_from == after(days=42).date()
    told = Act.objects.filter(record=nonconformity.pk, name="wait_for_effect").get()
    assert told.note == f"The last of its actions is done: {second.ref}."


def test_withdrawing_the_last_open_action_does_the_same(
    analysed: Nonconformity, manager: Person, worker: Person, approver: Person
) -> None:
    first, second = (planned(analysed, manager, owner=worker) for _ in range(2))
    begun(analysed, manager, approver)
    carried_out(first, worker)
    withdraw(second, by=manager, note="Filed twice")
    assert fresh(analysed).state == "awaiting_effectiveness"


def test_nobody_plans_for_one_that_is_closed(
    waiting: Nonconformity, manager: Person, approver: Person
) -> None:
    closed = move(waiting, "close", by=approver, values=SEEN, at=after(days=60))
    with pytest.raises(ValidationError, match="is closed: reopen it"):
        planned(closed, manager)


# Verification


def test_its_effect_is_verified_after_the_delay_by_somebody_else(
    waiting: Nonconformity, manager: Person, worker: Person, approver: Person
) -> None:
    with pytest.raises(NotOpen, match="is verified from 2026-06-13 on"):
        move(waiting, "close", by=approver, values=SEEN, at=after(days=39))
    for person, words in ((manager, "Ada Kim owns it"), (worker, "Wanda Ito worked on ACT-1")):
        with pytest.raises(NotOpen, match=words):
            move(waiting, "close", by=person, values=SEEN, at=after(days=40))
    closed = move(waiting, "close", by=approver, values=SEEN, at=after(days=40))
    assert (closed.state, closed.verified_by) == ("closed", approver)
    action = closed.actions.get()
    assert (action.state, action.effect_reviewed_at) == ("effective", after(days=40))


def test_the_page_says_who_may_not_verify_it(
    waiting: Nonconformity, manager: Person, approver: Person
) -> None:
    step = waiting.lifecycle.moves["close"]
    with moment.at(after(days=60)):
        assert "Ada Kim owns it" in " ".join(blockers(waiting, step, by=manager))
        assert blockers(waiting, step, by=approver) == [
            "What the verification found is not filled in."
        ]


def test_nobody_makes_an_action_effective_by_hand(waiting: Nonconformity, manager: Person) -> None:
    with pytest.raises(NotOpen, match="This follows when the effect"):
        move(waiting.actions.get(), "prove_effective", by=manager)


def test_what_did_not_help_begins_again_and_is_counted(
    waiting: Nonconformity, manager: Person, approver: Person
) -> None:
    with pytest.raises(NotOpen, match="Say why"):
        move(waiting, "find_ineffective", by=approver, values=SEEN)
    values = {"verification": "Seven of 41 have no code."}
    note = "The tablets are locked away at night"
    again = move(waiting, "find_ineffective", by=approver, values=values, note=note)
    assert (again.state, again.round, again.ineffective_times) == ("corrected", 2, 1)
    assert again.actions.get().state == "ineffective"
    assert again.reviewed_at is None
    again = move(again, "analyse", by=manager, values=ANALYSIS)
    with pytest.raises(NotOpen, match="at least one corrective action"):
        move(again, "begin", by=manager, values={"verifier": approver})
    second = planned(again, manager)
    assert second.round == 2


def test_one_that_was_worked_on_cannot_be_turned_down(
    waiting: Nonconformity, manager: Person, approver: Person
) -> None:
    note = "Seven in June"
    again = move(waiting, "find_ineffective", by=approver, values=SEEN, note=note)
    with pytest.raises(NotOpen, match="carry it to its end"):
        move(again, "not_accept", by=manager, note="Too much work")


def test_one_that_came_back_is_reopened_with_the_reason(
    waiting: Nonconformity, manager: Person, approver: Person
) -> None:
    closed = move(waiting, "close", by=approver, values=SEEN, at=after(days=60))
    again = move(closed, "reopen", by=manager, note="Nine in October")
    assert (again.state, again.round, again.came_back_times) == ("corrected", 2, 1)


def test_a_list_can_be_the_proof_and_is_frozen_with_its_hash(
    analysed: Nonconformity, manager: Person, worker: Person, approver: Person
) -> None:
    incident = an_incident(manager, owner=manager)
    action = planned(analysed, manager, owner=worker)
    proof = {"proof": "list", "proof_list": "/incidents/?standing=open", "proof_number": 0}
    begun(analysed, manager, approver, **proof)
    carried_out(action, worker)
    with pytest.raises(NotOpen, match="The list holds 1 records"):
        move(fresh(analysed), "close", by=approver, values=SEEN)
    withdraw(incident, by=manager, note="A test")
    closed = move(fresh(analysed), "close", by=approver, values=SEEN)
    seen = closed.seen_last
    assert (seen.found, seen.source) == (0, "list:/incidents/?standing=open")
    assert observation.is_unaltered(seen)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/weather/", "is not the address of a list"),
        ("/incidents/?colour=blue", "has no filter “colour”"),
    ],
)
def test_a_proof_that_cannot_be_asked_is_refused(
    address: str, words: str, found: Nonconformity, manager: Person
) -> None:
    with pytest.raises(ValidationError, match=words):
        revise(found, {"proof": "list", "proof_list": address}, by=manager)


def test_a_check_can_be_the_proof(
    analysed: Nonconformity, manager: Person, worker: Person, approver: Person
) -> None:
    """The check itself: this very nonconformity has an action past its day, so it fails."""
    action = planned(analysed, manager, owner=worker, due_at=after(days=5))
    late = planned(a_nonconformity(manager, due_at=after(days=9)), manager, due_at=after(days=5))
    begun(analysed, manager, approver, proof="check", proof_check="nc-actions-implemented")
    carried_out(action, worker)
    other = an_analysed_one(late.nonconformity, manager)
    with pytest.raises(NotOpen, match="1 of 2 records break it"):
        move(fresh(analysed), "close", by=approver, values=SEEN)
    revise(late, {"due_at": moment.now() + timedelta(days=9)}, by=manager)
    closed = move(fresh(analysed), "close", by=approver, values=SEEN)
    assert (closed.seen_last.population, closed.seen_last.found) == (2, 0)
    assert other.state == "analysed"


# Raised from what shows it


def test_it_is_tied_to_what_it_was_raised_from(agent: Person, manager: Person) -> None:
    incident = an_incident(manager)
    values = {"title": "No closure code", "nature": "INC-1 was closed without one."}
    raised = raise_from(Nonconformity, values, [incident], by=agent)
    assert [sheet.pk for sheet in linked(raised, "raised_from")] == [incident.pk]
    assert [sheet.pk for sheet in linked(incident, "gave_rise_to")] == [raised.pk]


def test_nobody_raises_one_from_what_they_cannot_see(agent: Person, manager: Person) -> None:
    hidden = an_incident(manager, restricted=True, team=None, owner=manager)
    assert not Incident.objects.visible_to(agent).filter(pk=hidden.pk).exists()
    with pytest.raises(PermissionDenied):
        raise_from(Nonconformity, {"title": "X", "nature": "Y"}, [hidden], by=agent)
    assert not Nonconformity.objects.exists()


def test_what_a_check_showed_is_frozen_with_its_hash(manager: Person) -> None:
    first = a_nonconformity(manager)
    late = {"detected_at": moment.now() - timedelta(days=90)}
    broken = a_nonconformity(manager, title="Changes without a review", **late)
    raised = a_nonconformity(manager, title="Corrections are late", check_key="nc-corrected")
    revise(broken, {"title": "Changes are never reviewed"}, by=manager)
    seen = fresh(raised).seen_first
    assert (seen.population, seen.found, seen.names) == (2, 1, (broken.ref,))
    assert observation.is_unaltered(seen)
    assert first.ref not in seen.names
    altered = Observation.from_json(seen.as_json() | {"names": [first.ref]})
    assert observation.is_unaltered(altered) is False


def test_a_check_that_does_not_exist_shows_nothing(manager: Person) -> None:
    with pytest.raises(ValidationError, match="no check called nc-invented"):
        a_nonconformity(manager, check_key="nc-invented")


# Evidence


def test_they_are_corrected_within_the_delay(found: Nonconformity, manager: Person) -> None:
    assert figures("nc-corrected", after(days=29)) == (1, 0)
    assert figures("nc-corrected", after(days=31)) == (1, 1)
    move(found, "correct", by=manager, values=CORRECTION, at=after(days=20))
    assert figures("nc-corrected", after(days=31)) == (1, 0)
    set_aside(found, correction="")
    assert figures("nc-corrected", after(days=31)) == (1, 1)


def test_a_late_correction_stays_late(found: Nonconformity, manager: Person) -> None:
    move(found, "correct", by=manager, values=CORRECTION, at=after(days=40))
    assert figures("nc-corrected", after(days=60)) == (1, 1)


def test_one_that_is_not_accepted_is_kept_and_counts_nowhere_else(
    found: Nonconformity, manager: Person
) -> None:
    move(found, "not_accept", by=manager, note="It is none")
    keys = [key for key in answers if key.startswith("nc-")]
    assert len(keys) == 10
    found_by = {key: figures(key, after(days=400)) for key in keys}
    # That somebody said so is kept all the same.
    assert {key for key, (looked_at, _bad) in found_by.items() if looked_at} == {
        "nc-nature-retained"
    }


@pytest.mark.parametrize(
    ("key", "columns"),
    [
        ("nc-consequences", {"consequences_handled": ""}),
        ("nc-reviewed", {"reviewed_by": None}),
        ("nc-similar", {"similar_scope": ""}),
    ],
)
def test_what_a_review_leaves_out_is_seen(
    key: str, columns: dict[str, Any], analysed: Nonconformity
) -> None:
    assert figures(key, after(days=2)) == (1, 0)
    set_aside(analysed, **columns)
    assert figures(key, after(days=2)) == (1, 1)


def test_one_forgotten_after_its_correction_is_seen(found: Nonconformity, manager: Person) -> None:
    move(found, "correct", by=manager, values=CORRECTION, at=after(days=1))
    assert figures("nc-reviewed", after(days=20)) == (0, 0)
    assert figures("nc-reviewed", after(days=40)) == (1, 1)


def test_causes_are_stated_or_left_for_a_reason(analysed: Nonconformity, manager: Person) -> None:
    assert figures("nc-causes", after(days=2)) == (1, 0)
    revise(analysed, {"causes": []}, by=manager)
    assert figures("nc-causes", after(days=2)) == (1, 1)
    revise(fresh(analysed), {"needs_action": False}, by=manager)
    assert figures("nc-causes", after(days=2)) == (1, 0)


def test_what_needs_action_has_it_in_time(analysed: Nonconformity, manager: Person) -> None:
    assert figures("nc-actions-implemented", after(days=2)) == (1, 1)
    planned(analysed, manager, due_at=after(days=30))
    assert figures("nc-actions-implemented", after(days=29)) == (1, 0)
    assert figures("nc-actions-implemented", after(days=31)) == (1, 1)


def test_effects_are_reviewed_within_the_delay(waiting: Nonconformity, approver: Person) -> None:
    assert figures("nc-effectiveness", after(days=99)) == (1, 0)
    assert figures("nc-effectiveness", after(days=101)) == (1, 1)
    move(waiting, "close", by=approver, values=SEEN, at=after(days=60))
    assert figures("nc-effectiveness", after(days=101)) == (1, 0)


def test_an_ineffective_action_that_reopened_nothing_is_seen(
    waiting: Nonconformity, approver: Person
) -> None:
    note, values = "Seven in June", {"verification": "Seven of 41 have none."}
    again = move(
        waiting, "find_ineffective", by=approver, values=values, note=note, at=after(days=60)
    )
    assert figures("nc-effectiveness", after(days=101)) == (1, 0)
    set_aside(again, round=1)
    assert figures("nc-effectiveness", after(days=101)) == (1, 1)


def test_actions_say_why_they_are_in_proportion(analysed: Nonconformity, manager: Person) -> None:
    action = planned(analysed, manager)
    planned(analysed, manager, type="correction", proportion="")
    assert figures("nc-proportionate", after(days=3)) == (1, 0)
    revise(action, {"proportion": ""}, by=manager)
    assert figures("nc-proportionate", after(days=3)) == (1, 1)


def keep_by_a_rule(by: Person, *kinds: str) -> None:
    subjects = [{"subject": f"improvement.{kind}"} for kind in kinds]
    move(a_retentionrule(by, subjects=subjects), "put_in_force", by=by)


def test_what_they_were_is_kept_by_a_rule_and_an_unbroken_trail(
    found: Nonconformity, manager: Person
) -> None:
    assert figures("nc-nature-retained", after(days=2)) == (1, 1)
    keep_by_a_rule(manager, "nonconformity")
    found = move(found, "correct", by=manager, values=CORRECTION)
    assert figures("nc-nature-retained", after(days=2)) == (1, 0)
    set_aside(found, version=found.version + 5)
    assert figures("nc-nature-retained", after(days=2)) == (1, 1)


def test_what_actions_brought_is_kept(waiting: Nonconformity, manager: Person) -> None:
    keep_by_a_rule(manager, "nonconformity")
    assert figures("nc-results-retained", after(days=20)) == (1, 1)
    keep_by_a_rule(manager, "correctiveaction")
    assert figures("nc-results-retained", after(days=20)) == (1, 0)
    set_aside(waiting.actions.get(), result="")
    assert figures("nc-results-retained", after(days=20)) == (1, 1)


def test_a_service_desk_agent_raises_one_and_does_not_judge_it(agent: Person) -> None:
    raised = file(Nonconformity, {"title": "No code", "nature": "None in INC-1."}, by=agent)
    with pytest.raises(PermissionDenied):
        move(raised, "not_accept", by=agent, note="Never mind")


def test_what_is_to_be_done_for_a_service_has_an_owner_and_is_in_time(manager: Person) -> None:
    check, now = "service-delivery-coordinated", moment.now()
    service = a_live_service(manager)
    found = a_nonconformity(manager)
    link(found, "raised_from", service, by=manager)
    a_correctiveaction(manager, nonconformity=found, due_at=now + timedelta(days=5))
    a_correctiveaction(manager)  # Against something else.
    assert figures(check, moment.now()) == (2, 0)
    assert figures(check, now + timedelta(days=6)) == (2, 1)
    revise(service, {"owner": None}, by=manager)
    assert figures(check, moment.now()) == (2, 1)
