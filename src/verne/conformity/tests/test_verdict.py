"""An obligation is called conforming only when everything it asks for is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verne.conformity.catalogue import Check, Effect, Kind, Requirement, catalogue
from verne.conformity.verdict import (
    WORST_FIRST,
    Outcome,
    Result,
    RollUp,
    judge,
    outcome,
    verdict,
)

HOLDS, FAILS = Outcome.HOLDS, Outcome.FAILS
EMPTY, NOTHING = Outcome.NOT_EXERCISED, Outcome.NO_DATA
AWAITING, OPEN = Outcome.AWAITING_JUDGEMENT, Outcome.NOT_YET_COMPUTED

outcomes = st.sampled_from(list(Outcome))


def condition(kind=Kind.COMPLETE, reads=("incident",)):
    return Check(key="incidents-closed", kind=kind, condition="", reads=reads)


def obligation(checks: int, *, applies_when: str = "") -> Requirement:
    return Requirement(
        id="8.6.1-1",
        cite="8.6.1",
        clause="8.6.1",
        statement="8.6.1/2",
        title="Incident management",
        pdca="do",
        text="Write down what is done about incidents.",
        checks=tuple(
            Check(key=f"c{n}", kind=Kind.COMPLETE, condition="", reads=("incident",))
            for n in range(checks)
        ),
        documented=(),
        frequency=None,
        owner_role="incident_manager",
        decided_by="records",
        applies_when=applies_when,
    )


def result_of(*found: Outcome, applies_when: str = "", **universal) -> Result:
    named = {f"c{n}": seen for n, seen in enumerate(found)}
    return verdict(obligation(len(found), applies_when=applies_when), named, **universal).result


@pytest.mark.parametrize(
    ("kind", "population", "exceptions", "recorded", "expected"),
    [
        (Kind.COMPLETE, 40, 0, True, HOLDS),
        (Kind.COMPLETE, 40, 1, True, FAILS),
        (Kind.COMPLETE, 0, 0, True, EMPTY),
        (Kind.COMPLETE, 0, 0, False, NOTHING),
        (Kind.EXISTS, 1, 0, True, HOLDS),
        (Kind.EXISTS, 0, 0, True, FAILS),
        (Kind.EXISTS, 0, 0, False, NOTHING),
        (Kind.ATTESTED, 1, 0, True, HOLDS),
        (Kind.ATTESTED, 1, 1, True, FAILS),
    ],
)
def test_a_check_says_what_it_looked_at(kind, population, exceptions, recorded, expected):
    found = outcome(
        condition(kind),
        population=population,
        exceptions=exceptions,
        anything_recorded=recorded,
    )
    assert found is expected


def test_without_an_occasion_there_need_not_be_anything():
    seen = outcome(
        condition(Kind.EXISTS), population=0, exceptions=0, anything_recorded=True, arose=False
    )
    assert seen is EMPTY


def test_a_missing_attestation_awaits_judgement_even_in_an_empty_system():
    signed = condition(Kind.ATTESTED, reads=("sms_process", "attestation"))
    seen = outcome(signed, population=0, exceptions=0, anything_recorded=False)
    assert seen is AWAITING


def test_a_judgement_kept_in_the_work_itself_is_not_awaited_before_there_is_work():
    kept = condition(Kind.ATTESTED, reads=("corrective_action",))
    assert outcome(kept, population=0, exceptions=0, anything_recorded=False) is NOTHING


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([HOLDS], Result.CONFORMING),
        ([HOLDS, HOLDS], Result.CONFORMING),
        ([FAILS], Result.NONCONFORMING),
        ([FAILS, HOLDS], Result.PARTLY_CONFORMING),
        ([FAILS, NOTHING], Result.NONCONFORMING),
        ([FAILS, OPEN], Result.NONCONFORMING),
        ([FAILS, HOLDS, OPEN], Result.PARTLY_CONFORMING),
        ([HOLDS, OPEN], Result.NOT_YET_COMPUTED),
        ([OPEN], Result.NOT_YET_COMPUTED),
        ([NOTHING, OPEN], Result.NOT_YET_COMPUTED),
        ([EMPTY], Result.NOT_EXERCISED),
        ([EMPTY, NOTHING], Result.NOT_EXERCISED),
        ([NOTHING], Result.NO_DATA),
        ([HOLDS, EMPTY], Result.PARTLY_CONFORMING),
        ([HOLDS, NOTHING], Result.PARTLY_CONFORMING),
        ([AWAITING], Result.AWAITING_JUDGEMENT),
        ([HOLDS, AWAITING], Result.AWAITING_JUDGEMENT),
        ([HOLDS, NOTHING, AWAITING], Result.PARTLY_CONFORMING),
        ([NOTHING, NOTHING, AWAITING], Result.NO_DATA),
        ([FAILS, AWAITING], Result.NONCONFORMING),
    ],
)
def test_an_obligation_is_judged_by_what_its_checks_found(found, expected):
    assert result_of(*found) is expected


def test_a_situation_that_never_arose_is_not_exercised_rather_than_without_data():
    assert result_of(NOTHING) is Result.NO_DATA
    when = "A major incident occurred."
    assert result_of(NOTHING, applies_when=when) is Result.NOT_EXERCISED
    assert result_of(FAILS, applies_when=when) is Result.NONCONFORMING


@given(st.lists(outcomes, min_size=1, max_size=4), st.booleans())
def test_nothing_is_conforming_unless_each_check_is_computed_and_holds(found, situational):
    result = result_of(*found, applies_when="Something." if situational else "")
    assert (result is Result.CONFORMING) == (set(found) == {HOLDS})


@given(st.lists(outcomes, min_size=1, max_size=4))
def test_something_that_fails_is_never_hidden_behind_what_is_missing(found):
    result = result_of(*found)
    gap = result in (Result.NONCONFORMING, Result.PARTLY_CONFORMING)
    assert gap or FAILS not in found
    if FAILS in found:
        assert (result is Result.PARTLY_CONFORMING) == (HOLDS in found)


@given(st.lists(outcomes, min_size=1, max_size=4), st.data())
def test_the_order_of_the_checks_does_not_matter(found, data):
    assert result_of(*found) is result_of(*data.draw(st.permutations(found)))


@given(st.lists(outcomes, min_size=1, max_size=4))
def test_a_check_without_a_function_never_makes_a_result_better(found):
    before, after = result_of(*found), result_of(*found, OPEN)
    assert after is not Result.CONFORMING
    assert after is before or after is Result.NOT_YET_COMPUTED


@given(st.lists(outcomes, min_size=1, max_size=4))
def test_a_verdict_counts_how_many_of_its_checks_are_computed(found):
    judged = verdict(obligation(len(found)), {f"c{n}": o for n, o in enumerate(found)})
    assert judged.total == len(found)
    assert judged.computed + len(judged.not_yet_computed) == judged.total


OVERDUE = catalogue().universal["no-overdue-nonconformity"]
AUDITED = catalogue().universal["audited-in-interval"]


@given(st.lists(outcomes, min_size=1, max_size=3), outcomes)
def test_assurance_never_alters_a_result(found, seen):
    assert AUDITED.effect is Effect.ASSURANCE
    assert result_of(*found, universal={AUDITED: seen}) is result_of(*found)


@given(st.lists(outcomes, min_size=1, max_size=3), outcomes)
def test_an_overdue_nonconformity_alters_the_result_only_when_it_is_found(found, seen):
    result = result_of(*found, universal={OVERDUE: seen})
    if seen is FAILS:
        expected = Result.PARTLY_CONFORMING if HOLDS in found else Result.NONCONFORMING
        assert result is expected
    else:
        assert result is result_of(*found)


@given(st.lists(outcomes, min_size=1, max_size=3))
def test_an_open_major_nonconformity_overrides_green_conditions(found):
    assert result_of(*found, major_open=True) is Result.NONCONFORMING


@given(st.lists(st.sampled_from(list(Result))))
def test_a_group_counts_everything_and_shows_its_worst(results):
    group = RollUp.of(results)
    assert group.total == len(results)
    assert group.worst == min(results, key=WORST_FIRST.index, default=None)
    assert all(group[r] == results.count(r) for r in Result)
    assert group.readiness is None or 0 <= group.readiness <= 1


def test_what_has_no_function_yet_lowers_readiness_and_what_had_no_occasion_does_not():
    group = RollUp.of(
        [Result.CONFORMING, Result.NOT_EXERCISED, Result.NOT_YET_COMPUTED, Result.CONFORMING]
    )
    assert group.readiness == pytest.approx(2 / 3)


@given(st.dictionaries(st.sampled_from(sorted(catalogue().checks)), outcomes, max_size=60))
def test_chapters_and_sentences_together_account_for_every_obligation(found):
    judged = judge(catalogue(), found)
    assert judged.whole.total == 391
    assert judged.statements().total == 213
    chapters = [judged.clause(c) for c in catalogue().children(None)]
    for result in Result:
        assert sum(chapter[result] for chapter in chapters) == judged.whole[result]


def test_with_no_function_at_all_everything_is_openly_not_yet_computed():
    judged = judge(catalogue(), {})
    assert judged.whole.counts == {Result.NOT_YET_COMPUTED: 391}
    assert judged.clause(catalogue().clauses["8.3.1"]).worst is None


def test_one_failing_check_shows_in_every_obligation_that_uses_it():
    judged = judge(catalogue(), {"scope-approved-current": FAILS})
    for id in ("4.3-1", "4.3-3", "7.5.4.a"):
        assert judged.verdicts[id].failing == ("scope-approved-current",)
        assert judged.verdicts[id].result is Result.NONCONFORMING
    assert judged.clause(catalogue().clauses["4"]).worst is Result.NONCONFORMING


def test_every_result_has_a_word_and_a_meaning():
    assert all(str(r.label) and str(r.meaning) for r in Result)
    assert all(str(o.label) for o in Outcome)
