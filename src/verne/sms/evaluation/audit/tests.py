"""What internal audit promises: nobody judges their own work, and what is found is not lost."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from verne.engine import approvals, moment, signing
from verne.engine.acts import NotOpen, act, file, move, revise, withdraw
from verne.engine.evidence import Asked, answers
from verne.engine.people import Person, Role
from verne.engine.requirements import library
from verne.engine.testing import a_person, walk
from verne.sms.resolution.problem.samples import a_problem
from verne.sms.support.competence.samples import a_competence, a_competencerecord
from verne.sms.support.document.samples import a_retentionrule

from . import coverage, report
from .checklist import Overtaken, judge, judge_rest, questions_of
from .clauses import auditable, covers, read, tidy
from .finding import AuditFinding, suggested_grade
from .independence import entanglements
from .models import Audit
from .programme import AuditArea, AuditProgramme
from .samples import an_audit, an_auditfinding, an_auditprogramme, an_evidencerequest

pytestmark = pytest.mark.django_db

PARAMETERS = {"audit_report_delay": timedelta(days=30)}
PASSWORD = "a long word of mine"


@pytest.fixture
def auditor(db: None) -> Person:
    """Audits, and runs nothing."""
    person = a_person("Laura Keller", roles=["internal_auditor"])
    with act("settle", by=None):
        person.set_password(PASSWORD)
        person.save()
    return person


@pytest.fixture
def started(auditor: Person) -> Audit:
    """An audit of problem management that is under way."""
    return walk(an_audit(auditor), "prepare", "start", by=auditor)


def figures(key: str, at: Any = None, *, days: int = 365) -> tuple[int, int]:
    asked = Asked(at or timezone.now(), timedelta(days=days), dict(PARAMETERS))
    found = answers[key](asked)
    return found.population.count(), found.exceptions.count()


def judged(audit: Audit, by: Person) -> None:
    for clause in set(audit.questions.values_list("clause", flat=True)):
        judge_rest(audit, clause=clause, verdict="conform", by=by)


def concluded(audit: Audit, by: Person) -> Audit:
    judged(audit, by)
    values = {"effectiveness": "yes", "conclusion": "Problems are solved for good."}
    return move(audit, "conduct", by=by, values=values)


def reported(audit: Audit, by: Person, to: Person) -> Audit:
    proof = signing.prove(by, PASSWORD)
    return move(audit, "report", by=by, values={"reported_to": [to]}, proof=proof)


# Clauses


def test_clauses_are_read_in_the_order_of_the_standard() -> None:
    assert read("9.2; 8.10, 8.6.1  4.1") == ("4.1", "8.6.1", "8.10", "9.2")
    assert tidy("8.6.3, 8.6, 9.2") == "8.6, 9.2"
    assert covers(["8"], "8.6.1") and covers(["8.6.1.1"], "8.6.1") and not covers(["8.1"], "8.10")


def test_a_clause_that_is_none_is_named(auditor: Person) -> None:
    with pytest.raises(ValidationError, match="8.99 is no clause"):
        an_audit(auditor, clauses="8.6, 8.99")


def test_areas_are_the_processes_of_clause_8_and_the_headings_of_the_others() -> None:
    numbers = [clause.number for clause in auditable()]
    assert {"4.1", "8.1", "8.6.1", "9.2", "10.1"} <= set(numbers)
    assert not {"8.6", "9.2.1", "4"} & set(numbers)


# The programme


def test_a_programme_is_laid_out_and_agreed_to_by_somebody_else(
    manager: Person, approver: Person
) -> None:
    programme = an_auditprogramme(manager)
    with pytest.raises(NotOpen, match="have no area"):
        move(programme, "put_in_force", by=manager)
    programme = move(programme, "lay_out", by=manager)
    assert programme.areas.count() == len(auditable())
    asked = approvals.ask(programme, "put_in_force", by=manager)
    with pytest.raises(PermissionDenied):
        approvals.vote(asked, by=manager, agrees=True)
    approvals.vote(asked, by=approver, agrees=True)
    assert move(programme, "put_in_force", by=manager).approved_at is not None


def test_what_was_found_makes_an_area_heavier(manager: Person) -> None:
    an_auditfinding(manager, grade="major")
    programme = move(an_auditprogramme(manager), "lay_out", by=manager)
    area = programme.areas.get(clause="8.6.3")
    assert area.former == 3
    assert area.months < AuditArea(importance=1, change=1, former=1).months


def test_the_grid_tells_done_planned_overdue_and_never(manager: Person, auditor: Person) -> None:
    today = date(2026, 5, 20)
    facts = {"since": date(2026, 1, 1), "until": date(2027, 12, 31)}
    programme = an_auditprogramme(
        manager,
        **facts,
        areas=[{"clause": c} for c in ("8.6.1", "8.6.2", "8.6.3", "9.3")],
    )
    an_audit(auditor, clauses="8.6.1", planned_for=date(2026, 8, 3))
    an_audit(auditor, clauses="8.6.2", planned_for=date(2026, 4, 3))
    with moment.at(timezone.make_aware(timezone.datetime(2026, 2, 10, 9))):
        done = walk(an_audit(auditor), "prepare", "start", by=auditor)
        concluded(done, auditor)
    seen = coverage.grid(programme, manager, today=today)
    standings = {row.area.clause: row.standing for row in seen.rows}
    assert standings == {
        "8.6.1": "planned",
        "8.6.2": "overdue",
        "8.6.3": "done",
        "9.3": "never",
    }
    assert len(seen.quarters) == 8
    due = next(row for row in seen.rows if row.area.clause == "8.6.3").due
    assert due == date(2027, 2, 10)


def test_the_grid_costs_the_same_for_many_audits(manager: Person) -> None:
    programme = move(an_auditprogramme(manager), "lay_out", by=manager)
    counts = []
    for _round in range(2):
        an_audit(manager)
        with CaptureQueriesContext(connection) as queries:
            coverage.grid(programme, manager, today=timezone.localdate())
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("day", "months", "there"),
    [
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2025, 11, 30), 3, date(2026, 2, 28)),
        (date(2026, 3, 12), -3, date(2025, 12, 12)),
        (date(2026, 12, 1), 12, date(2027, 12, 1)),
    ],
)
def test_some_months_later_is_the_same_day_or_the_last(day: date, months: int, there: date) -> None:
    assert coverage.later(day, months) == there


# Preparing


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"criteria": " "}, "Criteria is not filled in."),
        ({"scope": ""}, "Scope is not filled in."),
        ({"members": []}, "Name one lead auditor"),
        ({"sessions": []}, "Plan at least one session"),
    ],
)
def test_criteria_scope_team_and_plan_stand_before_it_starts(
    facts: dict[str, Any], words: str, auditor: Person
) -> None:
    with pytest.raises(NotOpen) as refused:
        move(an_audit(auditor, **facts), "prepare", by=auditor)
    assert any(words in message for message in refused.value.messages)


def test_nobody_audits_what_they_worked_on(auditor: Person, manager: Person) -> None:
    assert entanglements(an_audit(auditor)) == []
    busy = a_person("Jonas Weber", roles=["internal_auditor", "service_desk_agent"])
    problem = a_problem(manager, owner=manager)
    audit = an_audit(busy)
    assert entanglements(audit) == []
    mine = a_problem(busy, owner=manager, service=problem.service, category=problem.category)
    (found,) = entanglements(audit)
    assert (found.person, found.clause, found.example) == (busy, "8.6.3", mine.ref)
    with pytest.raises(NotOpen, match="Nobody audits their own work"):
        move(audit, "prepare", by=busy)
    later = timezone.now() + timedelta(days=366)
    assert entanglements(audit, at=later) == []


def test_nobody_audits_what_they_own_or_answer_for(auditor: Person, manager: Person) -> None:
    runs_it = a_person("Priya Raman", roles=["internal_auditor", "problem_manager"])
    a_problem(manager, owner=runs_it)
    reasons = " ".join(e.reason for e in entanglements(an_audit(runs_it)))
    assert "holds or held the role “Problem manager”" in reasons
    assert "owns 1 of the problems" in reasons


def test_an_area_given_to_somebody_else_makes_the_team_independent(
    auditor: Person, manager: Person
) -> None:
    runs_it = a_person("Priya Raman", roles=["internal_auditor", "problem_manager"])
    today = timezone.localdate()
    audit = an_audit(
        auditor,
        clauses="8.6.3, 7.5",
        members=[{"person": auditor, "duty": "lead"}, {"person": runs_it, "duty": "auditor"}],
        sessions=[{"day": today, "clauses": "8.6.3", "auditor": auditor}],
    )
    assert {e.person for e in entanglements(audit)} == {runs_it}
    more = [
        {"day": today, "clauses": "8.6.3", "auditor": auditor},
        {"day": today, "clauses": "7.5", "auditor": runs_it},
    ]
    audit = revise(audit, {"sessions": more}, by=auditor)
    assert entanglements(audit) == []
    assert move(audit, "prepare", by=auditor).state == "prepared"


def test_independence_costs_the_same_for_many_records(auditor: Person, manager: Person) -> None:
    busy = a_person("Jonas Weber", roles=["internal_auditor", "problem_manager"])
    audit = an_audit(busy)
    counts = []
    for _round in range(2):
        a_problem(manager, owner=busy)
        with CaptureQueriesContext(connection) as queries:
            entanglements(audit)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 10


def test_a_planned_audit_is_due_on_its_day_until_it_is_under_way(auditor: Person) -> None:
    audit = an_audit(auditor)
    assert timezone.localdate(audit.due_at) == audit.planned_for
    assert walk(audit, "prepare", "start", by=auditor).due_at is None


# The checklist


def test_the_checklist_asks_about_each_obligation_in_scope(started: Audit) -> None:
    wanted = [o.id for o in library().obligations().values() if o.clause == "8.6.3"]
    questions = questions_of(started)
    assert [question.row.obligation for question in questions] == wanted
    assert all(question.found for question in questions)


def test_a_verdict_keeps_what_the_checks_said_then(started: Audit, auditor: Person) -> None:
    question = started.questions.get(obligation="8.6.3.b")
    with pytest.raises(ValidationError, match="Say what you saw"):
        judge(question, verdict="nonconform", by=auditor, seen=1)
    kept = judge(question, verdict="nonconform", note="No priority", by=auditor, seen=1)
    assert {figure["key"] for figure in kept.found} == set(
        library().obligations()["8.6.3.b"].checks
    )
    assert kept.judged_by == auditor


def test_the_rest_of_a_clause_gets_one_verdict_in_one_act(started: Audit, auditor: Person) -> None:
    first = started.questions.first()
    assert first is not None
    judge(first, verdict="nonconform", note="Two of twelve", by=auditor, seen=1)
    rest = judge_rest(started, clause="8.6.3", verdict="not_evaluated", note="No time", by=auditor)
    assert len(rest) == started.questions.count() - 1
    assert started.questions.get(pk=first.pk).verdict == "nonconform"
    last = started.acts.order_by("-pk").first()
    assert last is not None
    assert last.entries.count() == len(rest)


def test_two_auditors_do_not_overwrite_one_another(started: Audit, auditor: Person) -> None:
    question = started.questions.first()
    assert question is not None
    judge(question, verdict="conform", by=auditor, seen=1)
    with pytest.raises(Overtaken, match="Laura Keller has judged"):
        judge(question, verdict="not_evaluated", note="No time", by=auditor, seen=1)


def test_a_reader_gives_no_verdict(started: Audit, reader: Person) -> None:
    question = started.questions.first()
    assert question is not None
    with pytest.raises(PermissionDenied):
        judge(question, verdict="conform", by=reader, seen=1)


def test_it_concludes_when_all_is_judged_and_told(started: Audit, auditor: Person) -> None:
    values = {"effectiveness": "partly", "conclusion": "Mostly."}
    with pytest.raises(NotOpen, match="have no verdict yet"):
        move(started, "conduct", by=auditor, values=values)
    judged(started, auditor)
    broken = started.questions.get(obligation="8.6.3-2")
    judge(broken, verdict="nonconform", note="Two of twelve", by=auditor, seen=broken.version)
    with pytest.raises(NotOpen, match=r"No finding says what does not conform in 8\.6\.3-2"):
        move(started, "conduct", by=auditor, values=values)
    an_auditfinding(auditor, audit=started)
    assert move(started, "conduct", by=auditor, values=values).completed_at is not None


# The report


def test_it_is_reported_under_a_signature_of_all_it_says(
    started: Audit, auditor: Person, manager: Person
) -> None:
    audit = concluded(started, auditor)
    with pytest.raises(signing.NotProven):
        move(audit, "report", by=auditor, values={"reported_to": [manager]})
    audit = reported(audit, auditor, manager)
    (signature,) = signing.signatures_of(audit, meaning=report.MEANING)
    assert signature.by == auditor
    assert signing.is_still_true(signature)
    with act("settle", by=None, note="Behind the back of the report"):
        audit.questions.filter(obligation="8.6.3-2").update(note="Never mind")
    assert not signing.is_still_true(signature)


def test_the_report_is_printed_with_what_was_found(started: Audit, auditor: Person) -> None:
    finding = an_auditfinding(auditor, audit=started)
    printed = report.paper(concluded(started, auditor))
    assert printed.mark == "Draft"
    assert finding.ref in str(printed.body)
    assert "Problems are solved for good." in str(printed.body)


# Findings


@pytest.mark.parametrize(
    ("answers_", "grade"),
    [
        ({"absent": True}, "major"),
        ({"doubts_results": True}, "major"),
        ({"systematic": True}, "minor"),
        ({}, "minor"),
    ],
)
def test_three_questions_help_with_the_grade(
    answers_: dict[str, bool], grade: str, manager: Person
) -> None:
    finding = an_auditfinding(manager, **{"systematic": False} | answers_)
    assert suggested_grade(finding)[0] == grade


def test_what_is_found_again_and_again_is_major(manager: Person) -> None:
    first = an_auditfinding(manager)
    again = an_auditfinding(manager, audit=first.audit, repeat_of=first)
    assert suggested_grade(again)[0] == "major"


def test_a_finding_names_an_obligation(manager: Person) -> None:
    assert an_auditfinding(manager).clause == "8.6.3"
    with pytest.raises(ValidationError, match="is no obligation"):
        an_auditfinding(manager, obligation="8.6.3.zz")


def test_a_nonconformity_waits_for_what_is_done_about_it(manager: Person) -> None:
    finding = move(an_auditfinding(manager), "accept", by=manager, values={"response": "Yes."})
    with pytest.raises(NotOpen, match="Link what is done"):
        move(finding, "close", by=manager, values={"outcome": "Done"})
    with pytest.raises(NotOpen, match="Raise a nonconformity"):
        move(finding, "link_up", by=manager)
    strength = an_auditfinding(manager, audit=finding.audit, grade="strength")
    closed = move(strength, "close", by=manager, values={"outcome": "Told the team"})
    assert closed.closed_at is not None


def test_an_audit_closes_when_its_findings_are_settled(
    started: Audit, auditor: Person, manager: Person
) -> None:
    finding = an_auditfinding(auditor, audit=started, grade="opportunity")
    audit = reported(concluded(started, auditor), auditor, manager)
    with pytest.raises(NotOpen, match=finding.ref):
        move(audit, "close", by=auditor)
    move(finding, "close", by=manager, values={"outcome": "Taken up"})
    assert move(audit, "close", by=auditor).state == "closed"


def test_a_follow_up_asks_again_about_what_was_left_open(started: Audit, auditor: Person) -> None:
    an_auditfinding(auditor, audit=started, obligation="9.2.2.d", grade="minor")
    again = an_audit(auditor, follow_up_of=started, clauses="8.6.3")
    assert again.type == "follow_up"
    again = move(again, "prepare", by=auditor)
    assert again.questions.filter(obligation="9.2.2.d").exists()


# Requests for evidence


def test_somebody_else_says_whether_an_answer_is_enough(manager: Person, approver: Person) -> None:
    asked = an_evidencerequest(manager)
    asked = move(asked, "give_answer", by=manager, values={"answer": "See the files."})
    with pytest.raises(NotOpen, match="You gave the answer"):
        move(asked, "accept", by=manager)
    again = move(asked, "reject", by=approver, note="The minutes of June are missing")
    assert (again.state, again.answered_by) == ("asked", None)


# What it proves


def test_without_audits_nothing_is_proven() -> None:
    keys = [key for key, a in answers.items() if a.function.__module__ == f"{__package__}.evidence"]
    assert len(keys) >= 9
    assert {figures(key) for key in keys} == {(0, 0)}


def test_audits_cover_clauses_and_our_own_requirements(started: Audit, auditor: Person) -> None:
    concluded(started, auditor)
    assert figures("audits-own-requirements") == (1, 0)
    assert figures("audits-cover-clauses") == (1, 1)
    whole = an_audit(auditor, clauses="4, 5, 6, 7, 8, 9, 10", own_requirements=False)
    with act("settle", by=None, note="As an import brings it"):
        Audit.objects.filter(pk=whole.pk).update(state="closed", completed_at=timezone.now())
    assert figures("audits-cover-clauses") == (2, 0)
    much_later = timezone.now() + timedelta(days=400)
    assert figures("audits-cover-clauses", much_later) == (2, 1)
    assert figures("audits-own-requirements", much_later) == (2, 1)
    assert figures("audits-effectiveness") == (2, 1)
    assert figures("audit-criteria-scope") == (1, 0)


def test_an_audit_is_reported_within_the_delay(
    started: Audit, auditor: Person, manager: Person
) -> None:
    audit = concluded(started, auditor)
    assert figures("audit-results-reported") == (0, 0)
    late = timezone.now() + timedelta(days=31)
    assert figures("audit-results-reported", late) == (1, 1)
    reported(audit, auditor, manager)
    assert figures("audit-results-reported", late) == (1, 0)


def test_an_audit_that_started_unprepared_is_an_exception(auditor: Person) -> None:
    audit = an_audit(auditor)
    with act("settle", by=None, note="As an import brings it"):
        Audit.objects.filter(pk=audit.pk).update(state="under_way", started_at=timezone.now())
    assert figures("audit-criteria-scope") == (1, 1)


def in_force(by: Person, approver: Person, **facts: Any) -> AuditProgramme:
    programme = move(an_auditprogramme(by, **facts), "lay_out", by=by)
    approvals.vote(approvals.ask(programme, "put_in_force", by=by), by=approver, agrees=True)
    return move(programme, "put_in_force", by=by)


def able(person: Person, by: Person) -> None:
    """Somebody may audit by what is asked of auditors."""
    asked = a_competence(
        by, title="Auditing", needs=[{"role": Role.objects.get(key="internal_auditor"), "level": 3}]
    )
    held = a_competencerecord(by, person=person, competence=asked, level=3, basis="training")
    move(held, "assess", by=by)


def test_whoever_judges_is_able_to(manager: Person, auditor: Person) -> None:
    able(manager, by=auditor_of_competence(manager))
    with pytest.raises(NotOpen, match="holds no valid record of the competence “Auditing”"):
        move(an_audit(auditor), "prepare", by=auditor)


def auditor_of_competence(person: Person) -> Person:
    """Somebody else who may assess."""
    return a_person("Anna Petrova", roles=["competence_manager", "sms_manager"])


def test_auditors_are_impartial_by_the_moves_and_able_by_their_records(
    auditor: Person, manager: Person
) -> None:
    started = walk(an_audit(auditor), "prepare", "start", by=auditor)
    assert figures("auditors-impartial") == (1, 1)
    able(auditor, by=manager)
    assert figures("auditors-impartial") == (1, 0)
    with act("settle", by=None, note="As an import brings it"):
        Audit.objects.filter(pk=started.pk).update(completed_at=timezone.now())
    assert figures("auditors-impartial") == (1, 1)


def test_what_auditors_hold_of_themselves_is_no_work_of_theirs(
    auditor: Person, manager: Person
) -> None:
    able(auditor, by=manager)
    about = an_audit(auditor, clauses="7.2")
    assert entanglements(about) == []


def test_programmes_audits_and_findings_are_kept_by_a_rule(manager: Person) -> None:
    an_auditfinding(manager)
    assert figures("audit-records-retained") == (2, 2)
    kinds = ("evaluation.audit", "evaluation.auditfinding")
    rule = a_retentionrule(manager, subjects=[{"subject": kind} for kind in kinds])
    if rule.state == "draft":
        move(rule, "put_in_force", by=manager)
    assert figures("audit-records-retained") == (2, 0)


def test_a_programme_is_approved_for_now_and_kept_to(manager: Person, approver: Person) -> None:
    draft = an_auditprogramme(manager)
    assert figures("audit-programme-approved") == (1, 1)
    withdraw(draft, by=manager, note="Begun anew")
    programme = in_force(manager, approver)
    assert figures("audit-programme-approved") == (1, 0)
    an_audit(manager, programme=programme)
    late = timezone.now() + timedelta(days=30)
    assert figures("audit-programme-approved", late) == (1, 1)
    after = timezone.now() + timedelta(days=1500)
    assert figures("audit-programme-approved", after) == (1, 1)


def test_a_programme_says_what_shaped_it(manager: Person, approver: Person) -> None:
    keys = ("importance", "changes", "previous")
    bare = an_auditprogramme(
        manager, importance_basis="", changes_basis="", previous_results_basis=""
    )
    assert [figures(f"audit-programme-{key}") for key in keys] == [(1, 1)] * 3
    withdraw(bare, by=manager, note="Begun anew")
    in_force(manager, approver)
    assert [figures(f"audit-programme-{key}") for key in keys] == [(1, 0)] * 3


def test_a_programme_does_not_leave_out_what_was_found(manager: Person) -> None:
    an_auditfinding(manager)
    programme = an_auditprogramme(manager, areas=[{"clause": "9.2"}])
    assert figures("audit-programme-previous") == (1, 1)
    areas = [{"clause": "9.2"}, {"clause": "8.6.3"}]
    revise(programme, {"areas": areas}, by=manager)
    assert figures("audit-programme-previous") == (1, 0)


def test_a_finding_is_filed_against_no_audit_when_a_body_tells_it(manager: Person) -> None:
    finding = file(
        AuditFinding,
        {
            "title": "Scope wording",
            "obligation": "8.6.3.a",
            "statement": "Is narrower; should be as the certificate says.",
            "evidence": "Certificate, page 1.",
            "grade": "minor",
            "body_reference": "NC-1/2026",
            "target_date": timezone.localdate() + timedelta(days=60),
        },
        by=manager,
    )
    assert finding.audit is None
