"""The statement follows the records: what changed is computed, what was is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from verne.conformity import jobs, statement
from verne.conformity.adjusting import InForce, adjust
from verne.conformity.catalogue import catalogue
from verne.conformity.checks import evidence_answers_known_checks, evidence_says_what_it_reads
from verne.conformity.duration import Duration
from verne.conformity.marking import settle_marks
from verne.conformity.models import Adjustment, CheckResult, Run, Snapshot, Touched
from verne.conformity.statement import NoSnapshot, current, lost, past, stored, take_snapshot
from verne.conformity.verdict import Outcome, Result
from verne.engine.acts import file, revise
from verne.engine.evidence import Answer, Evidence, answers, every, some
from verne.engine.history import Entry
from verne.engine.people import Person, Team
from verne.engine.testing import a_person
from verne.sms.portfolio.service.models import Service
from verne.sms.portfolio.service.samples import a_service

pytestmark = pytest.mark.django_db


def services_have_a_reason_for_their_criticality(asked):
    return every(Service.objects.standing(), criticality_basis__gt="", note="Services without one.")


@pytest.fixture(autouse=True)
def only_two_answers(monkeypatch):
    """Two checks are answered: one reads services, the other people and teams."""
    for key in list(answers):
        monkeypatch.delitem(answers, key)
    services = Answer(SERVICES, services_have_a_reason_for_their_criticality, (Service,))
    people = Answer(PEOPLE, lambda asked: some(Person.objects.filter(active=True)), (Person, Team))
    monkeypatch.setitem(answers, SERVICES, services)
    monkeypatch.setitem(answers, PEOPLE, people)


def _obligation_with_one_check(kind):
    """A check that stands alone in an obligation and is used nowhere else."""
    return next(
        check.key
        for check in catalogue().checks.values()
        if check.kind == kind
        and [len(r.checks) for r in catalogue().requirements_using(check.key)] == [1]
        and not catalogue().requirements_using(check.key)[0].applies_when
    )


SERVICES = _obligation_with_one_check("complete")
PEOPLE = _obligation_with_one_check("enforced")


def obligation_of(key):
    return catalogue().requirements_using(key)[0]


def result(key, now=None):
    return (now or current()).judgement.verdicts[obligation_of(key).id].result


def test_an_empty_system_proves_nothing_and_says_so():
    now = current()
    assert now.computed == 2
    assert now.figures[SERVICES].outcome is Outcome.NO_DATA
    assert now.judgement.whole[Result.CONFORMING] <= 1
    assert now.judgement.whole[Result.NOT_YET_COMPUTED] >= 380


def test_a_record_that_breaks_a_condition_turns_its_obligation(manager):
    a_service(manager, criticality_basis="People stop working within a day.")
    assert result(SERVICES) is Result.CONFORMING
    a_service(manager, title="Payments", criticality_basis="")
    now = current()
    assert result(SERVICES, now) is Result.NONCONFORMING
    assert (now.figures[SERVICES].population, now.figures[SERVICES].exceptions) == (2, 1)


def test_only_checks_that_read_what_changed_are_computed_again(manager):
    current()
    before = {r.key: r.computed_at for r in CheckResult.objects.all()}
    a_service(manager)
    current()
    after = {r.key: r.computed_at for r in CheckResult.objects.all()}
    assert after[SERVICES] > before[SERVICES]
    assert after[PEOPLE] == before[PEOPLE]


def test_a_new_person_concerns_the_checks_that_read_people():
    current()
    before = {r.key: r.computed_at for r in CheckResult.objects.all()}
    a_person("Ines Duarte", roles=["reader"])
    current()
    after = {r.key: r.computed_at for r in CheckResult.objects.all()}
    assert after[PEOPLE] > before[PEOPLE]
    assert after[SERVICES] == before[SERVICES]


def test_nothing_is_computed_when_nothing_changed(manager):
    a_service(manager)
    current()
    assert statement.refresh() is None
    assert Run.objects.count() == 1


def test_marking_a_change_costs_a_verb_one_row_and_one_query(manager):
    service = a_service(manager)
    Touched.objects.all().delete()
    with CaptureQueriesContext(connection) as queries:
        revise(service, {"title": "Mail"}, by=manager)
    marking = [q for q in queries.captured_queries if "conformity_" in q["sql"]]
    assert len(marking) == 1
    assert "INSERT INTO" in marking[0]["sql"]
    assert Touched.objects.count() == 1


def test_an_act_that_is_taken_back_marks_nothing(manager):
    service = a_service(manager)
    current()
    with pytest.raises(ValidationError):
        file(Service, {"title": "", "owner": manager}, by=manager)
    with pytest.raises(ValidationError):
        revise(service, {"title": ""}, by=manager)
    assert not settle_marks()


def test_a_figure_computed_before_a_change_never_overwrites_one_after_it(manager, monkeypatch):
    a_service(manager)
    current()
    compute = statement.compute

    def overtaken(check, values, *, at):
        figure = compute(check, values, at=at)
        if check.key == SERVICES and not overtaken.done:
            overtaken.done = True
            a_service(manager, title="Payments")
            settle_marks()
        return figure

    overtaken.done = False
    monkeypatch.setattr(statement, "compute", overtaken)
    statement.recompute()
    assert SERVICES in stored().stale
    assert current().figures[SERVICES].population == 2


def test_a_budget_leaves_the_rest_out_of_date_and_says_so():
    now = current(budget=0)
    assert len(now.stale) == 1
    assert not current().stale


def test_a_page_finds_out_about_no_check_that_may_take_long(monkeypatch, manager):
    """With a million records the first page after an import waited ten seconds to learn it."""
    a_service(manager)
    monkeypatch.setattr(statement, "how_many", lambda: 1_000_000)
    now = current(budget=0.2)
    assert not Run.objects.exists()
    assert now.figures[SERVICES].outcome is Outcome.NOT_YET_COMPUTED
    # What is known to be quick is computed, and in the background everything is.
    statement.refresh()
    a_service(manager, title="Payments")
    assert current(budget=5).figures[SERVICES].population == 2


def test_a_function_that_fails_is_told_and_judges_nothing(monkeypatch, caplog):
    def broken(asked):
        raise ZeroDivisionError("no incidents in the window")

    monkeypatch.setitem(answers, SERVICES, Answer(SERVICES, broken, (Service,)))
    now = current()
    assert now.figures[SERVICES].outcome is Outcome.NOT_YET_COMPUTED
    assert "no incidents in the window" in now.figures[SERVICES].fault
    assert result(SERVICES, now) is Result.NOT_YET_COMPUTED
    assert SERVICES in caplog.text


def test_a_result_keeps_what_it_was_computed_from(manager):
    a_service(manager)
    current(by=manager)
    row = CheckResult.objects.get(key=SERVICES)
    assert row.inputs["reads"] == ["portfolio.service"]
    assert row.note == "Services without one."
    assert row.queries >= 2
    assert row.run.inputs["standard"] == "iso-iec-20000-1-2018"
    assert row.run.inputs["last_act"] > 0
    assert row.run.by == manager
    assert len(row.run.digest) == 64


def test_another_version_of_the_program_computes_everything_once_more(monkeypatch):
    current()
    monkeypatch.setattr(statement, "__version__", "99.0")
    assert statement.refresh() is not None


def test_what_is_computed_leaves_no_trace_in_the_history(manager):
    a_service(manager)
    before = Entry.objects.count()
    current()
    take_snapshot()
    assert Entry.objects.count() == before


def test_a_snapshot_shows_the_past_as_it_was(manager):
    a_service(manager, criticality_basis="")
    snapshot = take_snapshot(by=manager)
    service = Service.objects.get()
    revise(service, {"criticality_basis": "People stop working within a day."}, by=manager)
    then = past(snapshot.at)
    assert result(SERVICES) is Result.CONFORMING
    assert result(SERVICES, then) is Result.NONCONFORMING
    assert then.figures[SERVICES].exceptions == 1
    assert then.figures[SERVICES].examples == (service.pk,)
    assert then.judgement.whole.counts == snapshot.whole.counts


def test_a_snapshot_says_the_same_as_the_statement_it_was_taken_from(manager):
    a_service(manager)
    kept = statement.opened(take_snapshot())
    now = stored()
    assert kept.as_json()["obligations"] == now.as_json()["obligations"]
    assert kept.as_json()["checks"] == now.as_json()["checks"]
    assert kept.as_json()["clauses"] == now.as_json()["clauses"]


def test_a_past_that_is_replayed_in_order_is_kept_at_its_own_time(manager):
    spring = timezone.now() - timedelta(days=200)
    a_service(manager, criticality_basis="", at=spring - timedelta(days=3))
    kept = take_snapshot(at=spring)
    assert kept.at == kept.run.at == spring
    assert kept.run.started_at > spring
    assert past(spring).figures[SERVICES].exceptions == 1


def test_before_the_first_snapshot_there_is_no_past():
    with pytest.raises(NoSnapshot, match="No snapshot has been taken"):
        past(timezone.now())
    take_snapshot()
    with pytest.raises(NoSnapshot, match="The first snapshot was taken on"):
        past(timezone.now() - timedelta(days=30))


def test_what_was_met_and_no_longer_is_can_be_named(manager):
    service = a_service(manager, criticality_basis="People stop working within a day.")
    then = statement.opened(take_snapshot())
    assert not lost(current(), then)
    revise(service, {"criticality_basis": ""}, by=manager)
    assert obligation_of(SERVICES) in lost(current(), then)


def test_a_named_baseline_counts_before_newer_snapshots():
    named = take_snapshot(why=Snapshot.Why.BASELINE)
    take_snapshot()
    assert statement.baseline() == named


def test_the_day_is_kept_once():
    jobs.keep_the_day()
    jobs.keep_the_day()
    assert Snapshot.objects.filter(why=Snapshot.Why.DAILY).count() == 1


def test_runs_that_nothing_rests_on_are_forgotten_after_a_while():
    current()
    statement.recompute()
    Run.objects.update(started_at=timezone.now() - timedelta(days=100))
    jobs.forget_runs()
    assert Run.objects.count() == 1


def test_the_role_that_answers_must_be_held_by_somebody():
    def found(now):
        seen = now.universal["8.6.1.a"]
        return next(o for check, o in seen.items() if check.key == "owner-assigned")

    assert found(current()) is Outcome.FAILS
    a_person("Marta Solano", roles=["incident_manager"])
    assert found(current()) is Outcome.HOLDS
    person = Person.objects.get(name="Marta Solano")
    assert person.active


def test_the_json_has_the_face_programs_rely_on(manager):
    a_service(manager)
    told = current().as_json()
    assert told["checks"]["total"] == 394
    assert told["checks"]["computed"] == 2
    assert told["checks"][SERVICES].keys() == {"result", "population", "exceptions"}
    assert len(told["checks"]) == 396
    assert len(told["obligations"]) == 391
    assert told["clauses"]["8.3.1"]["result"] is None
    assert len(told["clauses"]) == 88
    words = {r.value for r in Result}
    assert {o["result"] for o in told["obligations"].values()} <= words


# --- Values the organization sets ----------------------------------------------------------------


def frequency(id):
    return InForce.at(timezone.now()).frequency(catalogue().requirements[id])


def test_an_interval_is_set_with_a_reason_and_taken_back(manager):
    adjust("frequency", "4.2.a", "p6m", by=manager, why="Our market moves fast.")
    assert frequency("4.2.a") == Duration.parse("P6M")
    adjust("frequency", "4.2.a", "", by=manager, why="It proved too often.")
    assert frequency("4.2.a") == Duration.parse("P12M")
    assert Entry.objects.filter(table=Adjustment._meta.db_table).count() == 2


def test_a_shared_check_is_judged_by_the_shortest_of_its_intervals(manager):
    check = catalogue().checks["context-review-current"]
    adjust("frequency", "4.2.a", "P6M", by=manager, why="Our market moves fast.")
    assert InForce.at(timezone.now()).interval(check) == Duration.parse("P6M")


def test_setting_a_parameter_puts_the_checks_that_use_it_out_of_date(manager, monkeypatch):
    asked_with = []

    def closed(asked):
        asked_with.append(asked.delay("incident_closure_delay"))
        return Evidence(Service.objects.all(), Service.objects.none())

    monkeypatch.setitem(answers, "incidents-closed", Answer("incidents-closed", closed, (Service,)))
    current()
    adjust("parameter", "incident_closure_delay", "P3D", by=manager, why="Agreed with customers.")
    current()
    assert asked_with == [timedelta(days=14), timedelta(days=3)]


def test_a_value_that_another_check_looked_at_puts_that_one_out_of_date_too(manager, monkeypatch):
    def silent(asked):
        asked.delay("incident_update_interval")
        return Evidence(Service.objects.all(), Service.objects.none())

    monkeypatch.setitem(answers, SERVICES, Answer(SERVICES, silent, (Service,)))
    current()
    kept = CheckResult.objects.get(key=SERVICES).inputs
    assert kept["parameters"] == {"incident_update_interval": "P7D"}
    adjust("parameter", "incident_update_interval", "P2D", by=manager, why="Customers wait.")
    assert SERVICES in stored().stale


@pytest.mark.parametrize(
    ("what", "key", "value", "why"),
    [
        ("parameter", "incident_closure_delay", "two weeks", "Agreed."),
        ("parameter", "incident_closure_delay", "PT0S", "Agreed."),
        ("parameter", "incident_closure_delay", "P30Y", "Agreed."),
        ("parameter", "configuration_link_share", "1.5", "Agreed."),
        ("parameter", "configuration_link_share", "most", "Agreed."),
        ("parameter", "incident_closure_delay", "P3D", " "),
        ("parameter", "weather", "P3D", "Agreed."),
        ("frequency", "8.6.1.a", "P3D", "Agreed."),
        ("frequency", "99.1", "P3D", "Agreed."),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(manager, what, key, value, why):
    with pytest.raises(ValidationError):
        adjust(what, key, value, by=manager, why=why)
    assert not Adjustment.objects.exists()


def test_a_reader_sets_no_values(reader):
    with pytest.raises(PermissionDenied):
        adjust("frequency", "4.2.a", "P6M", by=reader, why="I would like it so.")


# --- Start-up ------------------------------------------------------------------------------------


def test_evidence_for_a_check_nobody_asked_for_is_refused_at_start_up(monkeypatch):
    slip = Answer("incidents-closd", services_have_a_reason_for_their_criticality, (Service,))
    monkeypatch.setitem(answers, "incidents-closd", slip)
    (error,) = evidence_answers_known_checks()
    assert "incidents-closd" in error.msg
    assert "incidents-closed" in error.hint


def test_evidence_that_reads_nothing_is_refused_at_start_up(monkeypatch):
    blind = Answer(SERVICES, services_have_a_reason_for_their_criticality, ())
    monkeypatch.setitem(answers, SERVICES, blind)
    (error,) = evidence_says_what_it_reads()
    assert SERVICES in error.msg
