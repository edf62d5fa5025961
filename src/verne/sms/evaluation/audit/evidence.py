"""What audits and their programme prove about 9.2."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from verne.engine import triggers
from verne.engine.evidence import Asked, Evidence, every, evidence, none_of
from verne.engine.history import Act
from verne.engine.people import Assignment
from verne.engine.records import Sheet
from verne.sms.support.competence.models import Competence, CompetenceRecord
from verne.sms.support.document.retention import RetentionRule, RetentionSubject

from . import skill
from .clauses import auditable, covers, read
from .finding import AuditFinding
from .models import Audit, AuditMember
from .programme import AuditArea, AuditProgramme

FILLED = (
    "frequency",
    "methods",
    "responsibilities",
    "planning_requirements",
    "reporting",
)
"""What a programme says of how it is run."""


def _ours(asked: Asked) -> Any:
    """Internal audits on file; what certification bodies and customers do counts elsewhere."""
    return Audit.objects.standing().filter(type__in=Audit.OURS, filed_at__lte=asked.at)


def _completed(asked: Asked) -> Any:
    return _ours(asked).filter(completed_at__lte=asked.at)


def _recent(asked: Asked) -> tuple[Any, Evidence | None]:
    """Audits completed within the interval; or, where all are older, that the newest is too old."""
    done = _completed(asked)
    recent = done.filter(completed_at__gte=asked.since)
    newest = done.order_by("-completed_at").first()
    if newest is None or newest.completed_at >= asked.since:
        return recent, None
    old = Evidence(
        done, done.filter(pk=newest.pk), _("The newest audit is older than the interval.")
    )
    return recent, old


def _blank(*names: str) -> Q:
    blank = Q(pk__in=[])
    for name in names:
        blank |= Q(**{name: ""})
    return blank


@evidence("audits-own-requirements", reads=(Audit,))
def audits_judge_our_own_requirements(asked: Asked) -> Evidence:
    recent, too_old = _recent(asked)
    if too_old:
        return too_old
    if recent.filter(own_requirements=True).exclude(criteria="").exists():
        return Evidence(recent, recent.none())
    return Evidence(recent, recent, _("None has criteria that cover our own requirements."))


@evidence("audits-cover-clauses", reads=(Audit,))
def audits_cover_every_clause(asked: Asked) -> Evidence:
    """The coverage grid names the clauses that are missing; the newest audit stands for them."""
    recent, too_old = _recent(asked)
    if too_old:
        return too_old
    said = [read(text) for text in recent.values_list("clauses", flat=True)]
    missing = [c for c in auditable() if not any(covers(clauses, c.number) for clauses in said)]
    if not missing:
        return Evidence(recent, recent.none())
    newest = recent.order_by("-completed_at").values("pk")[:1]
    return Evidence(
        recent,
        recent.filter(pk__in=list(newest.values_list("pk", flat=True))),
        _("Not every clause was audited within the interval: the coverage grid names them."),
    )


@evidence("audits-effectiveness", reads=(Audit, AuditFinding))
def audits_conclude_on_effectiveness(asked: Asked) -> Evidence:
    return none_of(_completed(asked), _blank("effectiveness", "conclusion"))


def _programmes(asked: Asked) -> Any:
    """Programmes of the current period; the last there was, where none is."""
    known = AuditProgramme.objects.standing().filter(filed_at__lte=asked.at)
    today = asked.at.date()
    current = known.filter(since__lte=today, until__gte=today).exclude(state="ended")
    if current.exists():
        return current
    last = known.order_by("-until").values_list("pk", flat=True)[:1]
    return known.filter(pk__in=list(last))


@evidence("audit-programme-approved", reads=(AuditProgramme, AuditArea, Audit))
def the_programme_is_approved_and_kept_to(asked: Asked) -> Evidence:
    today = asked.at.date()
    overdue = Audit.objects.standing().filter(
        programme=OuterRef("pk"),
        planned_for__lt=today,
        state__in=("planned", "prepared"),
    )
    current = Q(state="in_force", approved_at__lte=asked.at, since__lte=today, until__gte=today)
    return none_of(
        _programmes(asked),
        ~current | _blank(*FILLED) | Q(Exists(overdue)),
        note=_("Not approved, not for this period, incomplete, or an audit of it is overdue."),
    )


@evidence("audit-programme-importance", reads=(AuditProgramme, AuditArea))
def the_programme_says_how_importance_shaped_it(asked: Asked) -> Evidence:
    areas = AuditArea.objects.filter(of=OuterRef("pk"))
    return none_of(_programmes(asked), Q(importance_basis="") | ~Q(Exists(areas)))


@evidence("audit-programme-changes", reads=(AuditProgramme,))
def the_programme_says_how_changes_shaped_it(asked: Asked) -> Evidence:
    return none_of(_programmes(asked), Q(changes_basis=""))


@evidence("audit-programme-previous", reads=(AuditProgramme, AuditArea, AuditFinding))
def the_programme_looks_again_at_what_was_found(asked: Asked) -> Evidence:
    """An earlier finding is closed, or its clause is an area of the programme."""
    found = AuditFinding.objects.standing().filter(filed_at__lte=asked.at)
    waiting = set(found.exclude(state="closed").values_list("clause", flat=True))
    areas: dict[int, list[str]] = {}
    for programme, clause in AuditArea.objects.values_list("of", "clause"):
        areas.setdefault(programme, []).append(clause)
    population = _programmes(asked)
    leaving = [
        pk
        for pk in population.values_list("pk", flat=True)
        if any(not covers(areas.get(pk, ()), clause) for clause in waiting)
    ]
    return none_of(
        population,
        Q(previous_results_basis="") | Q(pk__in=leaving),
        note=_("It does not say so, or leaves out a clause with a finding that is not closed."),
    )


@evidence("audit-criteria-scope", reads=(Audit,))
def audits_have_criteria_and_scope_before_they_start(asked: Asked) -> Evidence:
    prepared = Act.objects.filter(
        record=OuterRef("pk"), verb="move", name="prepare", at__lte=OuterRef("started_at")
    )
    return none_of(
        _ours(asked).filter(started_at__lte=asked.at),
        _blank("criteria", "scope", "clauses") | ~Q(Exists(prepared)),
        note=_("No criteria or scope, or it started without being prepared."),
    )


@evidence(
    "auditors-impartial",
    reads=(Audit, AuditMember, Competence, CompetenceRecord, Assignment),
)
def auditors_are_impartial_and_able(asked: Asked) -> Evidence:
    """The moves refuse a team that judges its own work: an audit that made them had none.

    What was brought in from elsewhere made no moves, and somebody may run out of competence.
    """
    moved = Act.objects.filter(record=OuterRef("pk"), verb="move", at__lte=asked.at)
    conducted = Q(completed_at=None) | Q(Exists(moved.filter(name="conduct")))
    able = AuditMember.objects.filter(of=OuterRef("pk"), duty__in=AuditMember.JUDGING)
    lacking = able.filter(Exists(skill.unmet(asked.at, OuterRef(OuterRef("person")))))
    population = _ours(asked).filter(started_at__gte=asked.since, started_at__lte=asked.at)
    if not skill.needs(asked.at).exists():
        return Evidence(population, population, _("No competence is asked of auditors."))
    return none_of(
        population,
        ~Q(Exists(moved.filter(name="start"))) | ~conducted | ~Q(Exists(able)) | Q(Exists(lacking)),
        note=_("The program did not look at its team, or an auditor lacks a competence."),
    )


KEPT = (AuditProgramme, Audit, AuditFinding)
"""What is retained as evidence of the programme and of results."""


@evidence("audit-records-retained", reads=(*KEPT, RetentionRule, RetentionSubject))
def programmes_audits_and_findings_are_kept(asked: Asked) -> Evidence:
    """A rule in force speaks of their kind, and the history tells of each since it was filed."""
    kinds = [model.kind_name() for model in KEPT]
    kept = Sheet.objects.filter(kind__in=kinds, filed_at__lte=asked.at)
    if triggers.missing(connection):
        return Evidence(kept, kept, _("The triggers that write the history are not in place."))
    ruled = RetentionSubject.objects.filter(of__state="in_force", of__withdrawn_at=None)
    subjects = ruled.filter(subject__in=kinds).values_list("subject", flat=True)
    told = Act.objects.filter(record=OuterRef("pk"), verb="file")
    return none_of(
        kept,
        ~Q(kind__in=list(subjects)) | ~Q(Exists(told)),
        note=_("No retention rule speaks of its kind, or nothing tells who filed it."),
    )


@evidence("audit-results-reported", reads=(Audit,))
def audits_are_reported_to_management_in_time(asked: Asked) -> Evidence:
    delay = asked.delay("audit_report_delay")
    told = Q(reported_to__isnull=False, reported_at__lte=F("completed_at") + delay)
    in_time = _ours(asked).filter(completed_at__gt=asked.at - delay, reported_at=None)
    return every(_completed(asked).exclude(pk__in=in_time.values("pk")), told)
