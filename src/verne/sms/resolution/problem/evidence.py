"""What problems, known errors and looks back say about 8.6.3."""

from __future__ import annotations

from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from verne.engine.approvals import Approval
from verne.engine.escalation import Escalation
from verne.engine.evidence import Asked, Evidence, every, evidence, none_of
from verne.engine.history import Act

from ..evidence import escalated, moves_noted, settled_enough, silent_for
from ..incident.models import Incident
from .models import KnownError, Problem, ProblemQuerySet
from .trend import Pattern, ProblemReview, TrendAnalysis


def _problems(asked: Asked) -> ProblemQuerySet:
    found: ProblemQuerySet = Problem.objects.standing().filter(filed_at__lte=asked.at)
    return found


@evidence("problem-trends-analysed", reads=(TrendAnalysis, Pattern, Problem, Incident))
def incidents_are_looked_at_for_trends(asked: Asked) -> Evidence:
    done = TrendAnalysis.objects.standing().filter(completed_at__lte=asked.at)
    newest = done.order_by("-completed_at").first()
    if newest is not None and newest.completed_at < asked.since:
        return Evidence(
            done, done.filter(pk=newest.pk), _("The newest analysis is older than the interval.")
        )
    recent = done.filter(completed_at__gte=asked.since)
    unanswered = Pattern.objects.filter(of=OuterRef("pk"), problem=None, reason="")
    return none_of(recent, Q(Exists(unanswered)), note=_("A pattern has no problem and no reason."))


@evidence("rca-performed", reads=(Problem,), each=Problem)
def causes_are_analysed(asked: Asked) -> Evidence:
    analysed = ~Q(root_cause="") & ~Q(possible_actions="") & Q(analysed_at__isnull=False)
    return every(
        _problems(asked).past_investigation(),
        analysed | ~Q(stop_reason=""),
        note=_("Each needs a cause and possible actions, or a decision to stop looking."),
    )


@evidence("problems-recorded-classified", reads=(Problem,), each=Problem)
def problems_are_recorded_and_classified(asked: Asked) -> Evidence:
    population = _problems(asked).filter(settled_enough(asked, ("recorded",)))
    return every(population, ~Q(origin=""), filed_by__isnull=False, category__isnull=False)


@evidence("problems-prioritized", reads=(Problem,), each=Problem)
def problems_are_prioritized(asked: Asked) -> Evidence:
    population = _problems(asked).filter(settled_enough(asked, ("recorded", "classified")))
    return every(population, ~Q(priority_basis=""), priority__isnull=False)


@evidence("problems-resolved", reads=(Problem, Approval), each=Problem)
def problems_are_resolved_or_accepted_with_authority(asked: Asked) -> Evidence:
    """None is open past its target, unless somebody with that authority agreed to leave it."""
    agreed = Approval.objects.filter(record=OuterRef("pk"), move="accept", standing="used")
    resolved = Q(state__in=("resolved", "closed"))
    accepted = Q(state="accepted_unresolved") | Q(state="closed", closure_reason="accepted")
    late = ~resolved & ~accepted & Q(target_date__lt=timezone.localtime(asked.at).date())
    return none_of(
        _problems(asked).filter(resolved | accepted | Q(target_date__isnull=False)),
        (resolved & ~accepted & Q(resolution="")) | (accepted & ~Q(Exists(agreed))) | late,
        note=_("Without a resolution, past its target, or accepted without an approval."),
    )


@evidence("problem-effectiveness-reviewed", reads=(ProblemReview,))
def the_effect_of_problem_resolution_is_reviewed_and_reported(asked: Asked) -> Evidence:
    done = ProblemReview.objects.standing().filter(completed_at__lte=asked.at)
    newest = done.order_by("-completed_at", "-pk").values_list("pk", flat=True)[:1]
    return none_of(
        done.filter(pk__in=list(newest)),
        Q(completed_at__lt=asked.since) | Q(conclusions="") | Q(reported_in=""),
        note=_("Older than the interval, without conclusions, or reported nowhere."),
    )


@evidence("problems-escalated", reads=(Problem, Escalation), each=Problem)
def old_problems_are_escalated(asked: Asked) -> Evidence:
    threshold = asked.at - asked.delay("problem_review_threshold")
    old = _problems(asked).unresolved().filter(filed_at__lte=threshold)
    justified = Q(state="accepted_unresolved", review_date__gte=asked.at.date())
    return every(old, Q(escalated(asked.at)) | justified, note=_("Open for long, and left there."))


@evidence("problems-updated", reads=(Problem, Act), each=Problem)
def problems_are_kept_up_to_date(asked: Asked) -> Evidence:
    population = _problems(asked)
    silent = silent_for(asked.delay("problem_update_interval"), asked.at)
    still_open = ~Q(state__in=("resolved", "closed", "accepted_unresolved"))
    return none_of(population, (still_open & silent) | ~moves_noted(population))


@evidence("known-errors-recorded", reads=(Problem, KnownError), each=Problem)
def what_is_understood_is_a_known_error(asked: Asked) -> Evidence:
    understood = _problems(asked).unresolved().exclude(root_cause="", workaround="")
    errors = KnownError.objects.standing().filter(problem=OuterRef("pk"))
    return none_of(understood, ~Q(Exists(errors)), note=_("Understood, but no known error."))


@evidence("known-errors-available", reads=(KnownError, Problem, Incident))
def known_errors_are_published_and_up_to_date(asked: Asked) -> Evidence:
    """Matching ones are offered on the incident's page: see `fitting_known_errors` and its test."""
    active = KnownError.objects.standing().exclude(state="retired")
    unpublished = Q(published_at=None) & Q(filed_at__lte=asked.at)
    cause_moved_on = ~Q(problem__root_cause="") & ~Q(root_cause=F("problem__root_cause"))
    way_moved_on = ~Q(problem__workaround="") & ~Q(workaround=F("problem__workaround"))
    return none_of(
        active,
        unpublished | cause_moved_on | way_moved_on,
        note=_("Not published, or not what its problem says today."),
    )


@evidence("problem-impact-reduced", reads=(Problem, KnownError), each=Problem)
def unresolved_problems_can_be_lived_with(asked: Asked) -> Evidence:
    known = _problems(asked).unresolved().exclude(root_cause="")
    eased = KnownError.objects.standing().filter(problem=OuterRef("pk")).exclude(workaround="")
    return every(known, ~Q(workaround="") | ~Q(impact_action="") | Q(Exists(eased)))
