"""What problem management promises: causes found or given up knowingly, and patterns seen."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from verne.engine import approvals, moment
from verne.engine.acts import NotOpen, act, file, move, revise
from verne.engine.comments import comment
from verne.engine.escalation import escalate
from verne.engine.evidence import Asked, answers
from verne.engine.history import Act
from verne.engine.people import Person, Team
from verne.engine.testing import a_person
from verne.sms.portfolio.service.samples import a_service

from ..classification.samples import a_category
from ..incident.models import Incident
from ..incident.samples import an_incident
from .models import Problem
from .register import patterns_not_yet_noted
from .samples import a_knownerror, a_problem, a_problemreview, a_trendanalysis
from .trend import TrendAnalysis, propose_problems

pytestmark = pytest.mark.django_db

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
PARAMETERS = {
    "incident_update_interval": timedelta(days=7),
    "problem_update_interval": timedelta(days=30),
    "problem_review_threshold": timedelta(days=90),
}
CAUSE = {"root_cause": "The backup takes all connections.", "possible_actions": "Move the backup."}
WAY = {"workaround": "Restart the relay; waiting messages go out within a minute."}


def after(**span: float) -> datetime:
    return NINE + timedelta(**span)


def fresh(record: Any) -> Any:
    return type(record).objects.get(pk=record.pk)


def obstacles(record: Any, name: str) -> list[str]:
    record = fresh(record)
    found: list[str] = record.lifecycle.moves[name].obstacles(record)
    return found


def figures(
    key: str, at: datetime | None = None, *, interval: timedelta = timedelta(days=30)
) -> tuple[int, int]:
    found = answers[key](Asked(at or timezone.now(), interval, dict(PARAMETERS)))
    return found.population.count(), found.exceptions.count()


def set_aside(record: Any, **columns: Any) -> None:
    """Columns as an import from elsewhere may bring them, past every guard."""
    with act("settle", by=None, note="As an import brings it"):
        type(record).objects.filter(pk=record.pk).update(**columns)


@pytest.fixture
def problem(manager: Person) -> Problem:
    """A problem under investigation."""
    with moment.at(NINE):
        return move(a_problem(manager), "investigate", by=manager)


def understood(problem: Problem, by: Person, **facts: Any) -> Problem:
    """The cause is known, and the service desk has a known error to work with."""
    a_knownerror(by, problem=problem, **{"root_cause": CAUSE["root_cause"]} | facts)
    return move(problem, "find_cause", by=by, values=CAUSE)


def accepted(problem: Problem, by: Person, approver: Person) -> Problem:
    soon = (timezone.now() + timedelta(days=60)).date()
    facts = {**WAY, "review_date": soon}
    problem = revise(problem, facts, by=by)
    approvals.vote(approvals.ask(problem, "accept", by=by), by=approver, agrees=True)
    return move(problem, "accept", by=by, note="The device is replaced in May anyway")


# Recorded, classified, prioritized


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("origin", "Origin is not filled in."),
        ("category", "Category is not filled in."),
        ("no_incidents", "Name the incidents it is behind, or state that there are none."),
    ],
)
def test_it_stays_recorded_until_it_is_classified(
    missing: str, words: str, manager: Person
) -> None:
    whole = {"origin": "other", "category": a_category(manager), "no_incidents": True}
    facts = {name: value for name, value in whole.items() if name != missing}
    problem = file(Problem, {"title": "Mail hangs"} | facts, by=manager)
    assert problem.state == "recorded"
    assert obstacles(problem, "classify") == [words]
    assert revise(problem, whole, by=manager).state == "classified"


def test_incidents_are_named(manager: Person) -> None:
    incident = an_incident(manager)
    problem = a_problem(manager, incidents=[incident])
    assert problem.state == "prioritized"
    assert list(incident.problems.all()) == [problem]


@pytest.mark.parametrize("facts", [{"priority": None}, {"priority_basis": " "}])
def test_a_priority_has_its_basis(facts: dict[str, Any], manager: Person) -> None:
    problem = a_problem(manager, **facts)
    assert problem.state == "classified"
    assert len(obstacles(problem, "prioritize")) == 1


def test_it_is_looked_into_by_somebody_with_a_method(manager: Person) -> None:
    problem = a_problem(manager, owner=None, method="")
    assert obstacles(problem, "investigate") == [
        "Owner is not filled in.",
        "Method is not filled in.",
    ]


# Under investigation


def test_a_workaround_is_published_as_a_known_error(problem: Problem, manager: Person) -> None:
    with pytest.raises(NotOpen) as refused:
        move(problem, "work_around", by=manager)
    assert refused.value.messages == [
        "Workaround is not filled in.",
        "File a known error, so that the service desk can use the workaround.",
    ]
    a_knownerror(manager, problem=problem)
    assert move(problem, "work_around", by=manager, values=WAY).state == "workaround_known"


@pytest.mark.parametrize("missing", ["root_cause", "possible_actions"])
def test_a_cause_is_recorded_with_what_could_be_done(
    missing: str, problem: Problem, manager: Person
) -> None:
    with pytest.raises(NotOpen) as refused:
        move(problem, "find_cause", by=manager, values=CAUSE | {missing: "  "})
    assert len(refused.value.messages) == 1
    found = move(problem, "find_cause", by=manager, values=CAUSE, at=after(days=2))
    assert found.analysed_at == after(days=2)


def test_resolving_it_takes_a_day_and_a_known_error(problem: Problem, manager: Person) -> None:
    problem = move(problem, "find_cause", by=manager, values=CAUSE)
    assert len(obstacles(problem, "begin_resolution")) == 2
    a_knownerror(manager, problem=problem)
    day = timezone.now().date()
    problem = move(problem, "begin_resolution", by=manager, values={"target_date": day})
    with pytest.raises(NotOpen, match="Resolution is not filled in"):
        move(problem, "resolve", by=manager)
    problem = move(problem, "resolve", by=manager, values={"resolution": "Moved the backup."})
    assert problem.resolved_at is not None


def test_what_is_resolved_at_once_needs_no_known_error(problem: Problem, manager: Person) -> None:
    problem = move(problem, "find_cause", by=manager, values=CAUSE)
    values = {"resolution": "Moved the backup."}
    assert move(problem, "resolve", by=manager, values=values).state == "resolved"


# Accepted


def test_living_with_it_is_decided_by_somebody_else_for_a_time(
    problem: Problem, manager: Person, approver: Person
) -> None:
    problem = understood(problem, manager)
    assert obstacles(problem, "accept") == [
        "To be looked at again is not filled in.",
        "Give a workaround, or an action that lowers its impact.",
    ]
    problem = accepted(problem, manager, approver)
    assert problem.state == "accepted_unresolved"
    asked = approvals.Approval.objects.get(record=problem.pk)
    assert (asked.standing, asked.votes.get().by) == ("used", approver)


def test_giving_up_the_search_says_why(problem: Problem, manager: Person, approver: Person) -> None:
    a_knownerror(manager, problem=problem)
    problem = move(problem, "work_around", by=manager, values=WAY)
    words = "Record the root cause, or say why nobody looks for it any longer."
    assert words in obstacles(problem, "accept")
    problem = revise(problem, {"stop_reason": "The maker is gone."}, by=manager)
    assert accepted(problem, manager, approver).state == "accepted_unresolved"


def test_what_was_accepted_is_taken_up_again_with_a_reason(
    problem: Problem, manager: Person, approver: Person
) -> None:
    problem = accepted(understood(problem, manager), manager, approver)
    with pytest.raises(NotOpen, match="Say why"):
        move(problem, "take_up_again", by=manager)
    again = move(problem, "take_up_again", by=manager, note="Twice as often now")
    assert again.state == "under_investigation"


# Closed, reopened


def resolved(problem: Problem, by: Person) -> Problem:
    problem = understood(problem, by)
    return move(problem, "resolve", by=by, values={"resolution": "Moved the backup."})


def test_closing_settles_the_known_errors(problem: Problem, manager: Person) -> None:
    problem = resolved(problem, manager)
    assert obstacles(problem, "close") == [
        "Closure reason is not filled in.",
        "Retire its known errors, now that it is resolved.",
    ]
    error = problem.known_errors.get()
    move(error, "retire", by=manager, note="The cause is removed")
    problem = move(problem, "close", by=manager, values={"closure_reason": "removed"})
    assert (problem.state, problem.closed_by) == ("closed", manager)


def test_what_is_accepted_for_good_keeps_its_known_errors(
    problem: Problem, manager: Person, approver: Person
) -> None:
    problem = accepted(understood(problem, manager), manager, approver)
    problem = move(problem, "close", by=manager, values={"closure_reason": "accepted"})
    assert problem.known_errors.get().state == "published"


def test_reopening_asks_why_and_clears_the_end(problem: Problem, manager: Person) -> None:
    problem = resolved(problem, manager)
    with pytest.raises(NotOpen, match="Say why"):
        move(problem, "reopen", by=manager)
    problem = move(problem, "reopen", by=manager, note="It came back on Monday")
    gone = (problem.resolved_at, problem.closed_at, problem.closed_by)
    assert (problem.state, gone) == ("under_investigation", (None, None, None))


def test_the_desk_files_problems_and_leaves_the_rest(agent: Person, manager: Person) -> None:
    problem = file(
        Problem,
        {"title": "Mail hangs", "origin": "incidents", "incidents": [an_incident(manager)]},
        by=agent,
    )
    for attempt in (
        lambda: revise(problem, {"priority": 1}, by=agent),
        lambda: move(problem, "classify", by=agent),
    ):
        with pytest.raises(PermissionDenied):
            attempt()


# Known errors


def test_a_known_error_is_published_as_soon_as_it_helps(manager: Person) -> None:
    error = a_knownerror(manager, symptom="")
    assert (error.state, error.published_at) == ("draft", None)
    assert obstacles(error, "publish") == ["Symptom is not filled in."]
    error = revise(error, {"symptom": "Messages stay in the outbox."}, by=manager)
    assert error.state == "published"
    assert error.published_at is not None


def test_it_says_what_helps_or_what_is_behind_it(manager: Person) -> None:
    error = a_knownerror(manager, workaround="")
    assert obstacles(error, "publish") == ["Give the root cause or a workaround."]
    assert revise(error, {"root_cause": "The backup."}, by=manager).state == "published"


def test_it_is_retired_and_brought_back_with_reasons(manager: Person) -> None:
    error = a_knownerror(manager)
    for name in ("retire", "bring_back"):
        with pytest.raises(NotOpen, match="Say why"):
            move(error, name, by=manager)
        error = move(error, name, by=manager, note="As the problem says")
    assert error.state == "published"


# Looking back


@pytest.fixture
def quarter(manager: Person) -> TrendAnalysis:
    """A quarter in which mail failed four times and the doors twice."""
    mail, doors = a_service(manager), a_service(manager, title="Doors")
    network, locks = a_category(manager), a_category(manager, title="Locks")
    for service, category, days in ((mail, network, (1, 8, 15, 22)), (doors, locks, (2, 3))):
        for day in days:
            with moment.at(after(days=day)):
                an_incident(manager, service=service, category=category)
    with moment.at(after(days=95)):
        return a_trendanalysis(manager, since=NINE.date(), until=after(days=90).date())


def test_a_period_does_not_end_before_it_begins(manager: Person) -> None:
    with pytest.raises(ValidationError, match="must not come before"):
        a_trendanalysis(manager, since=NINE.date(), until=after(days=-1).date())


def test_both_ends_of_a_period_belong_to_it(manager: Person) -> None:
    day, midnight = NINE.date(), after(hours=15)
    facts = {"service": a_service(manager), "category": a_category(manager)}
    for at in (midnight - timedelta(days=1), midnight - timedelta(seconds=1), midnight):
        with moment.at(at):
            an_incident(manager, **facts)
    analysis = a_trendanalysis(manager, since=day, until=day, threshold=1)
    assert [pattern["times"] for pattern in analysis.found()] == [2]


def test_patterns_are_noted_once_with_the_problem_they_already_have(
    quarter: TrendAnalysis, manager: Person
) -> None:
    (seen,) = patterns_not_yet_noted(quarter, manager)
    assert [str(seen[0]).split(" ", 1)[1], seen[2]] == ["E-mail", 4]
    propose_problems(quarter, by=manager)
    again = move(quarter, "gather", by=manager)
    pattern = again.patterns.get()
    assert (pattern.times, pattern.problem, str(pattern)) == (4, None, "E-mail: Network")
    assert patterns_not_yet_noted(fresh(quarter), manager) == []


def test_a_pattern_with_an_open_problem_is_tied_to_it(
    quarter: TrendAnalysis, manager: Person
) -> None:
    (found,) = quarter.found()
    incident = Incident.objects.filter(service=found["service"]).first()
    known = a_problem(manager, service=incident.service, category=incident.category)
    assert move(quarter, "gather", by=manager).patterns.get().problem == known


def test_problems_are_raised_from_the_patterns(quarter: TrendAnalysis, manager: Person) -> None:
    assert obstacles(quarter, "propose") == [
        "Every pattern noted so far has a problem, or a reason for none."
    ]
    analysis = move(quarter, "gather", by=manager)
    analysis = move(analysis, "propose", by=manager)
    problem = analysis.patterns.get().problem
    assert problem is not None
    assert (problem.title, problem.origin, problem.state) == (
        "E-mail: Network",
        "trend",
        "classified",
    )
    assert problem.incidents.count() == 4
    note = Act.objects.get(record=problem.pk, verb="file").note
    assert note == f"Raised from {quarter.ref}."
    assert obstacles(analysis, "propose")


def test_an_analysis_is_complete_when_each_pattern_is_answered(
    quarter: TrendAnalysis, manager: Person
) -> None:
    analysis = move(quarter, "gather", by=manager)
    conclusions = {"conclusions": "Mail fails every Monday."}
    with pytest.raises(NotOpen, match="1 pattern has neither a problem nor a reason"):
        move(analysis, "complete", by=manager, values=conclusions)
    rows = list(analysis.patterns.values("pk", "service", "category", "times", "problem", "reason"))
    rows[0]["reason"] = "Four different causes."
    analysis = revise(analysis, {"patterns": rows}, by=manager)
    analysis = move(analysis, "complete", by=manager, values=conclusions, at=after(days=96))
    assert analysis.completed_at == after(days=96)
    assert patterns_not_yet_noted(analysis, manager) == []
    analysis = move(analysis, "reopen", by=manager, note="One was overlooked")
    assert analysis.completed_at is None


def test_the_figures_of_a_review_come_from_the_records(problem: Problem, manager: Person) -> None:
    with moment.at(after(days=10)):
        done = resolved(problem, manager)
    with moment.at(after(days=20)):
        move(done, "reopen", by=manager, note="It came back")
    with moment.at(after(days=80)):
        other = move(a_problem(manager), "investigate", by=manager)
        resolved(other, manager)
    with moment.at(after(days=85)):
        revise(problem, {"priority_basis": "Twice a week now."}, by=manager)
    facts = {"since": NINE.date(), "until": after(days=60).date()}
    review = a_problemreview(manager, **facts)
    assert (review.resolved, review.recurred, review.outstanding) == (0, 1, 1)
    later = a_problemreview(manager, since=after(days=61).date(), until=after(days=90).date())
    assert (later.resolved, later.recurred, later.outstanding) == (1, 0, 2)


def test_the_figures_are_counted_a_last_time_when_it_is_completed(
    problem: Problem, manager: Person
) -> None:
    review = a_problemreview(manager, since=NINE.date(), until=after(days=60).date())
    with moment.at(after(days=10)):
        done = resolved(problem, manager)
    values = {"conclusions": "One cause fewer.", "reported_in": "Report of the quarter"}
    review = move(review, "complete", by=manager, values=values)
    assert (review.resolved, review.outstanding) == (1, 1)
    with moment.at(after(days=20)):
        move(done, "reopen", by=manager, note="It came back")
    revise(review, {"conclusions": "One cause fewer, for a while."}, by=manager)
    assert fresh(review).resolved == 1


# What problems prove

KEYS = [
    "problem-trends-analysed",
    "rca-performed",
    "problems-recorded-classified",
    "problems-prioritized",
    "problems-escalated",
    "problems-updated",
    "known-errors-recorded",
    "known-errors-available",
    "problem-impact-reduced",
]


@pytest.mark.parametrize("key", KEYS)
def test_without_problems_there_is_nothing_to_prove(key: str, db: None) -> None:
    assert figures(key) == (0, 0)


@pytest.mark.parametrize("key", [*KEYS[1:4], *KEYS[5:9]])
def test_a_problem_handled_by_the_rules_proves_it(
    key: str, problem: Problem, manager: Person
) -> None:
    with moment.at(after(days=3)):
        understood(problem, manager)
    assert figures(key, after(days=4)) == (1, 0)


def completed(analysis: TrendAnalysis, by: Person, at: datetime) -> TrendAnalysis:
    values = {"conclusions": "Mail fails every Monday."}
    return move(analysis, "complete", by=by, values=values, at=at)


def test_a_trend_analysis_holds_for_its_interval(manager: Person) -> None:
    key = "problem-trends-analysed"
    completed(a_trendanalysis(manager), manager, NINE)
    assert figures(key, after(minutes=-1)) == (0, 0)
    assert figures(key, NINE) == (1, 0)
    assert figures(key, after(days=30)) == (1, 0)
    assert figures(key, after(days=30, seconds=1)) == (1, 1)
    completed(a_trendanalysis(manager), manager, after(days=31))
    assert figures(key, after(days=32)) == (1, 0)


def test_an_analysis_taken_up_again_proves_nothing(manager: Person) -> None:
    analysis = completed(a_trendanalysis(manager), manager, NINE)
    move(analysis, "reopen", by=manager, note="One was overlooked")
    assert figures("problem-trends-analysed", after(days=1)) == (0, 0)


def test_a_pattern_without_an_answer_breaks_it(quarter: TrendAnalysis, manager: Person) -> None:
    analysis = move(move(quarter, "gather", by=manager), "propose", by=manager)
    completed(analysis, manager, after(days=96))
    assert figures("problem-trends-analysed", after(days=97)) == (1, 0)
    set_aside(analysis.patterns.get(), problem=None)
    assert figures("problem-trends-analysed", after(days=97)) == (1, 1)


@pytest.mark.parametrize("column", ["root_cause", "possible_actions", "analysed_at"])
def test_past_the_investigation_there_is_an_analysis_or_a_reason(
    column: str, problem: Problem, manager: Person
) -> None:
    understood(problem, manager)
    set_aside(problem, **{column: None if column == "analysed_at" else ""})
    assert figures("rca-performed") == (1, 1)
    set_aside(problem, stop_reason="The maker is gone.")
    assert figures("rca-performed") == (1, 0)


@pytest.mark.parametrize(
    ("key", "column", "blank"),
    [
        ("problems-recorded-classified", "origin", ""),
        ("problems-recorded-classified", "category", None),
        ("problems-prioritized", "priority_basis", ""),
        ("problems-prioritized", "priority", None),
    ],
)
def test_what_is_missing_is_an_exception(
    key: str, column: str, blank: str | None, problem: Problem
) -> None:
    assert figures(key) == (1, 0)
    set_aside(problem, **{column: blank})
    assert figures(key) == (1, 1)


def test_an_old_problem_is_escalated_or_accepted_for_a_time(
    problem: Problem, manager: Person, approver: Person
) -> None:
    key = "problems-escalated"
    assert figures(key, after(days=89, hours=23)) == (0, 0)
    assert figures(key, after(days=90)) == (1, 1)
    with act("settle", by=None):
        team = Team.objects.create(name="Servers")
    escalate(problem, by=manager, reason="No way on", to_team=team, at=after(days=80))
    assert figures(key, after(days=90)) == (1, 0)


def test_an_accepted_problem_is_justified_until_its_day(
    problem: Problem, manager: Person, approver: Person
) -> None:
    problem = accepted(understood(problem, manager), manager, approver)
    day = problem.review_date
    assert day is not None
    noon = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=12)
    assert figures("problems-escalated", noon) == (1, 0)
    assert figures("problems-escalated", noon + timedelta(days=1)) == (1, 1)


def test_an_open_problem_nobody_speaks_of_is_an_exception(
    problem: Problem, manager: Person
) -> None:
    key = "problems-updated"
    assert figures(key, after(days=29, hours=23)) == (1, 0)
    assert figures(key, after(days=30)) == (1, 1)
    comment(problem, "Waiting for the maker's answer.", by=manager, at=after(days=20))
    assert figures(key, after(days=30)) == (1, 0)


def test_what_is_understood_without_a_known_error_is_an_exception(
    problem: Problem, manager: Person
) -> None:
    key = "known-errors-recorded"
    assert figures(key) == (0, 0)
    move(problem, "find_cause", by=manager, values=CAUSE)
    assert figures(key) == (1, 1)
    a_knownerror(manager, problem=problem)
    assert figures(key) == (1, 0)


def test_a_known_error_says_what_its_problem_says_today(problem: Problem, manager: Person) -> None:
    key = "known-errors-available"
    understood(problem, manager)
    assert figures(key) == (1, 0)
    revise(problem, {"root_cause": "The relay itself."}, by=manager)
    assert figures(key) == (1, 1)
    revise(problem.known_errors.get(), {"root_cause": "The relay itself."}, by=manager)
    assert figures(key) == (1, 0)


def test_a_known_error_in_draft_or_retired(manager: Person) -> None:
    key = "known-errors-available"
    error = a_knownerror(manager, symptom="")
    assert figures(key) == (1, 1)
    move(error, "retire", by=manager, note="Filed for the wrong problem")
    assert figures(key) == (0, 0)


def test_a_known_cause_that_stays_is_made_bearable(problem: Problem, manager: Person) -> None:
    key = "problem-impact-reduced"
    move(problem, "find_cause", by=manager, values=CAUSE)
    assert figures(key) == (1, 1)
    set_aside(problem, impact_action="Mail is sent over the second relay on Mondays.")
    assert figures(key) == (1, 0)
    set_aside(problem, impact_action="")
    a_knownerror(manager, problem=problem)
    assert figures(key) == (1, 0)


def test_problem_managers_do_all_of_it(manager: Person) -> None:
    keeper = a_person("Jonas Weber", roles=["problem_manager", "service_portfolio_manager"])
    problem = move(a_problem(keeper), "investigate", by=keeper)
    assert understood(problem, keeper).state == "cause_known"


def test_open_problems_are_resolved_by_their_target(problem: Problem, manager: Person) -> None:
    assert figures("problems-resolved") == (0, 0)
    tomorrow = timezone.localdate() + timedelta(days=1)
    revise(problem, {"target_date": tomorrow}, by=manager)
    assert figures("problems-resolved") == (1, 0)
    assert figures("problems-resolved", timezone.now() + timedelta(days=5)) == (1, 1)


def test_leaving_a_problem_unresolved_takes_authority(
    problem: Problem, manager: Person, approver: Person
) -> None:
    left = accepted(understood(problem, manager), manager, approver)
    assert figures("problems-resolved") == (1, 0)
    set_aside(left, state="resolved", resolution="")
    assert figures("problems-resolved") == (1, 1)


def test_the_effect_of_problem_resolution_is_reported(manager: Person) -> None:
    check = "problem-effectiveness-reviewed"
    review = a_problemreview(manager, conclusions="Fewer come back than in spring.")
    assert figures(check) == (0, 0)
    move(review, "complete", by=manager, values={"reported_in": ""})
    assert figures(check) == (1, 1)
    revise(fresh(review), {"reported_in": "Service report for June"}, by=manager)
    assert figures(check) == (1, 0)
    assert figures(check, timezone.now() + timedelta(days=400)) == (1, 1)
