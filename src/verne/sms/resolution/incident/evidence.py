"""What incidents and major incidents say about 8.6.1, with the procedure they follow."""

from __future__ import annotations

from datetime import datetime

from django.db.models import DurationField, Exists, ExpressionWrapper, F, Min, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from verne.engine.clock import Clock
from verne.engine.escalation import Escalation
from verne.engine.evidence import Asked, Evidence, every, evidence, none_of, some
from verne.engine.history import Act
from verne.engine.people import Person
from verne.engine.records import Sheet
from verne.engine.signing import Signature
from verne.sms.support.document.models import Document
from verne.sms.support.document.revision import Revision

from ..classification.models import USUAL_MATRIX, PriorityCell, PriorityMatrix, matrices
from ..evidence import escalated, moves_noted, overdue, settled_enough, silent_for
from .major import MajorIncident, MajorIncidentCriteria
from .models import Incident, IncidentQuerySet

RESPONSE_AND_RESOLUTION = ("respond", "resolve")


def _incidents(asked: Asked) -> IncidentQuerySet:
    found: IncidentQuerySet = Incident.objects.standing().filter(filed_at__lte=asked.at)
    return found


@evidence("incidents-recorded-classified", reads=(Incident,), each=Incident)
def incidents_are_recorded_and_classified(asked: Asked) -> Evidence:
    population = _incidents(asked).filter(settled_enough(asked, ("recorded",)))
    return every(
        population,
        Q(service__isnull=False) | Q(components__isnull=False),
        filed_by__isnull=False,
        category__isnull=False,
        note=_("Each needs a recorder, a date, a service or configuration item, and a category."),
    )


@evidence("incidents-prioritized", reads=(Incident, PriorityMatrix, PriorityCell), each=Incident)
def priorities_follow_the_matrix(asked: Asked) -> Evidence:
    by_rule = Q(pk__in=[])
    for span, rule in _rules():
        for (impact, urgency), gives in rule.items():
            by_rule |= span & Q(impact=impact, urgency=urgency, priority=gives)
    explained = Q(impact__isnull=False, urgency__isnull=False, priority__isnull=False)
    explained &= ~Q(override_reason="")
    population = _incidents(asked).filter(settled_enough(asked, ("recorded", "classified")))
    return every(
        population,
        by_rule | explained,
        note=_("Each needs impact, urgency and the priority of the matrix, or a reason."),
    )


def _rules() -> list[tuple[Q, dict[tuple[int, int], int]]]:
    """Each matrix with the incidents that go by it: those filed while it was in force."""
    found = list(matrices().prefetch_related("cells"))
    if not found:
        return [(Q(), USUAL_MATRIX)]
    rules = []
    for n, (matrix, following) in enumerate(zip(found, [*found[1:], None], strict=True)):
        span = Q(filed_at__gte=matrix.in_force_since) if n else Q()
        if following is not None:
            span &= Q(filed_at__lt=following.in_force_since)
        cells = {(cell.impact, cell.urgency): cell.gives for cell in matrix.cells.all()}
        rules.append((span, cells))
    return rules


@evidence("incidents-escalated", reads=(Incident, Escalation, Clock), each=Incident)
def incidents_beyond_their_targets_are_escalated(asked: Asked) -> Evidence:
    late = _incidents(asked).filter(overdue(RESPONSE_AND_RESOLUTION, asked.at))
    return none_of(late, ~Q(escalated(asked.at)), note=_("Late, and passed on to nobody."))


@evidence("incidents-resolved", reads=(Incident, Escalation, Clock), each=Incident)
def incidents_are_resolved_in_time(asked: Asked) -> Evidence:
    done = Q(state__in=("resolved", "closed"))
    unsaid = done & Q(resolution="")
    late = ~done & Q(overdue(("resolve",), asked.at)) & ~Q(escalated(asked.at))
    return none_of(
        _incidents(asked),
        unsaid | late,
        note=_("Resolved without a resolution, or open past the target without an escalation."),
    )


@evidence("incidents-closed", reads=(Incident,), each=Incident)
def incidents_are_closed(asked: Asked) -> Evidence:
    patience = asked.delay("incident_closure_delay")
    population = _incidents(asked).filter(state__in=("resolved", "closed"))
    incomplete = Q(state="closed") & (Q(closure_code="") | Q(closed_by=None))
    waiting = Q(state="resolved", resolved_at__lte=asked.at - patience)
    disputed = Q(state="closed", confirmation=Incident.Confirmation.DISPUTED)
    return none_of(
        population,
        incomplete | waiting | disputed,
        note=_("Closed without a code or a person, against the user's word, or left waiting."),
    )


@evidence("incidents-updated", reads=(Incident, Act), each=Incident)
def incidents_are_kept_up_to_date(asked: Asked) -> Evidence:
    population = _incidents(asked)
    silent = silent_for(asked.delay("incident_update_interval"), asked.at)
    still_open = ~Q(state__in=("resolved", "closed"))
    return none_of(
        population,
        (still_open & silent) | ~moves_noted(population),
        note=_("Open, and nobody has done or said anything for too long."),
    )


@evidence("mi-criteria-approved", reads=(MajorIncidentCriteria, Incident), each=Incident)
def criteria_are_approved_and_asked(asked: Asked) -> Evidence:
    in_force = MajorIncidentCriteria.objects.standing().in_state("in_force")
    current = in_force.filter(approved_at__lte=asked.at)
    outdated = current.filter(Q(review_due=None) | Q(review_due__lt=asked.at.date()))
    if outdated.exists():
        return Evidence(current, outdated, _("The review of the criteria is overdue."))
    since = current.aggregate(since=Min("approved_at"))["since"]
    if since is None:
        incidents = _incidents(asked)
        return Evidence(incidents, incidents, _("No criteria are in force."))
    asked_about = _incidents(asked).filter(filed_at__gte=since)
    if not asked_about.exists():
        return some(current)
    unanswered = asked_about.filter(settled_enough(asked, ("recorded",)), major_answer="")
    return Evidence(asked_about, unanswered, _("Incidents without an answer to the criteria."))


@evidence("mi-manager-assigned", reads=(MajorIncident, Person))
def major_incidents_have_a_manager(asked: Asked) -> Evidence:
    majors = MajorIncident.objects.standing().filter(filed_at__lte=asked.at)
    still_runs = Q(state__in=("declared", "running", "resolved"))
    return none_of(majors, Q(manager=None) | (still_runs & Q(manager__active=False)))


@evidence("mi-management-informed", reads=(MajorIncident, MajorIncidentCriteria, Act))
def top_management_is_informed(asked: Asked) -> Evidence:
    """The first notice within the time the procedure sets, each further one within its interval."""
    majors = MajorIncident.objects.standing().filter(filed_at__lte=asked.at)
    majors = majors.exclude(state="closed", resolved_at=None)
    usual = MajorIncidentCriteria.in_force() or MajorIncidentCriteria()
    late = {
        major.pk
        for major in majors.select_related("criteria").prefetch_related("notices", "acts")
        for since, until in _courses(major, asked.at)
        if not _told_in_time(major, major.criteria or usual, since, until)
    }
    return Evidence(
        majors, majors.filter(pk__in=late), _("Told too late, or left without word for too long.")
    )


def _courses(major: MajorIncident, at: datetime) -> list[tuple[datetime, datetime]]:
    """From when to when it ran: once, and once more each time it was reopened."""
    steps = sorted((a.at, a.name) for a in major.acts.all() if a.verb == "move" and a.at <= at)
    courses: list[tuple[datetime, datetime]] = []
    since: datetime | None = major.filed_at
    for when, name in steps:
        if name == "resolve" and since is not None:
            courses.append((since, when))
            since = None
        elif name == "reopen":
            since = when
    return courses if since is None else [*courses, (since, at)]


def _told_in_time(
    major: MajorIncident, rule: MajorIncidentCriteria, since: datetime, until: datetime
) -> bool:
    """Whether there was a word in time after the beginning, and after each word the next one.

    The final word ends it: nobody waits for more, even where the record is finished later.
    """
    notices = sorted((n.at, n.final) for n in major.notices.all() if since <= n.at <= until)
    words = [at for at, _final in notices]
    deadlines = [since + rule.first_notice, *(at + rule.notice_interval for at in words)]
    ended = bool(notices) and notices[-1][1]
    awaited = words if ended else [*words, until]
    return all(at <= deadline for at, deadline in zip(awaited, deadlines, strict=False))


@evidence("mi-procedure-followed", reads=(Document, Revision, MajorIncident, MajorIncidentCriteria))
def major_incidents_follow_an_approved_procedure(asked: Asked) -> Evidence:
    """One is in force; and each that was run names the approved text that was followed.

    Running one writes down the text in force by itself: see `stamp_running` and its test.
    """
    approved = Signature.objects.filter(
        record=OuterRef("pk"), meaning="approval", content_hash=OuterRef("content_hash")
    )
    texts = Revision.objects.filter(Exists(approved))
    majors = MajorIncident.objects.standing().filter(filed_at__lte=asked.at)
    run = majors.exclude(state="declared").exclude(state="closed", criteria=None)
    following = run.filter(procedure_followed__in=texts.values("pk"))
    papers = Document.objects.carrying("mi_procedure").filter(filed_at__lte=asked.at)
    in_force = papers.in_force().filter(pk__in=texts.filter(state="in_force").values("document"))
    papers = in_force if in_force.exists() else papers.exclude(state="retired")
    population = Sheet.objects.filter(Q(pk__in=papers.values("pk")) | Q(pk__in=run.values("pk")))
    return every(
        population,
        Q(pk__in=in_force.values("pk")) | Q(pk__in=following.values("pk")),
        note=_("The procedure is not in force, or was not what the major incident followed."),
    )


@evidence("mi-reported-reviewed", reads=(MajorIncident,))
def major_incidents_are_reviewed(asked: Asked) -> Evidence:
    patience = asked.delay("major_incident_review_delay")
    ended = MajorIncident.objects.standing().filter(resolved_at__lte=asked.at)
    took = ExpressionWrapper(F("reviewed_at") - F("resolved_at"), output_field=DurationField())
    ended = ended.annotate(took=took)
    unsaid = Q(report="") | (Q(improvements="") & Q(no_improvements=False))
    never = Q(reviewed_at=None, resolved_at__lte=asked.at - patience)
    reviewed = Q(reviewed_at__isnull=False)
    return none_of(
        ended,
        never | (reviewed & (unsaid | Q(took__gt=patience))),
        note=_("Not reported and reviewed within the set delay."),
    )
