"""A problem and its lifecycle, and the known error that the service desk works with meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from verne.engine.lifecycle import Approval, Lifecycle, Move, State
from verne.engine.records import Record, RecordQuerySet

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act


def its_incidents_are_named(problem: Problem) -> StrOrPromise | None:
    if problem.no_incidents or problem.incidents.exists():
        return None
    return _("Name the incidents it is behind, or state that there are none.")


def a_known_error_exists(problem: Problem) -> StrOrPromise | None:
    if problem.known_errors.standing().exists():
        return None
    return _("File a known error, so that the service desk can use the workaround.")


def a_way_to_live_with_it_is_known(problem: Problem) -> StrOrPromise | None:
    if problem.workaround.strip() or problem.impact_action.strip():
        return None
    return _("Give a workaround, or an action that lowers its impact.")


def its_cause_is_known_or_no_longer_sought(problem: Problem) -> StrOrPromise | None:
    if problem.root_cause.strip() or problem.stop_reason.strip():
        return None
    return _("Record the root cause, or say why nobody looks for it any longer.")


def known_errors_are_settled(problem: Problem) -> StrOrPromise | None:
    if problem.state == "accepted_unresolved":
        return None
    if problem.known_errors.in_state("draft", "published").standing().exists():
        return _("Retire its known errors, now that it is resolved.")
    return None


def stamp_analysis(problem: Problem, act: Act) -> None:
    problem.analysed_at = act.at


def stamp_resolution(problem: Problem, act: Act) -> None:
    problem.resolved_at = act.at


def stamp_closure(problem: Problem, act: Act) -> None:
    problem.closed_at = act.at
    problem.closed_by = act.by


def clear_stamps(problem: Problem, act: Act) -> None:
    problem.resolved_at = None
    problem.closed_at = None
    problem.closed_by = None


class ProblemLife(Lifecycle):
    recorded = State(_("Recorded"), initial=True)
    classified = State(_("Classified"))
    prioritized = State(_("Prioritized"))
    under_investigation = State(_("Under investigation"), tone="now")
    workaround_known = State(_("Workaround known"), tone="now")
    cause_known = State(_("Cause known"), tone="now")
    resolution_in_progress = State(_("Resolution in progress"), tone="now")
    accepted_unresolved = State(_("Accepted unresolved"), tone="partly")
    resolved = State(_("Resolved"), tone="met")
    closed = State(_("Closed"), final=True)

    classify = Move(
        recorded,
        classified,
        _("Classify"),
        needs=("origin", "category"),
        asks=("incidents", "no_incidents"),
        guards=(its_incidents_are_named,),
        auto=True,
    )
    prioritize = Move(
        classified,
        prioritized,
        _("Prioritize"),
        needs=("priority", "priority_basis"),
        auto=True,
    )
    investigate = Move(
        prioritized, under_investigation, _("Investigate"), needs=("owner", "method")
    )
    work_around = Move(
        under_investigation,
        workaround_known,
        _("Publish a workaround"),
        needs=("workaround",),
        guards=(a_known_error_exists,),
    )
    find_cause = Move(
        (under_investigation, workaround_known),
        cause_known,
        _("Record the cause"),
        needs=("root_cause", "possible_actions"),
        then=(stamp_analysis,),
    )
    begin_resolution = Move(
        cause_known,
        resolution_in_progress,
        _("Resolve it"),
        needs=("target_date",),
        asks=("change_reference",),
        guards=(a_known_error_exists,),
    )
    accept = Move(
        (workaround_known, cause_known),
        accepted_unresolved,
        _("Accept unresolved"),
        needs=("review_date",),
        asks=("impact_action", "stop_reason"),
        guards=(
            a_way_to_live_with_it_is_known,
            its_cause_is_known_or_no_longer_sought,
            a_known_error_exists,
        ),
        note=True,
        approval=Approval(),
    )
    resolve = Move(
        (cause_known, resolution_in_progress),
        resolved,
        _("Resolved"),
        needs=("resolution",),
        then=(stamp_resolution,),
    )
    take_up_again = Move(accepted_unresolved, under_investigation, _("Take up again"), note=True)
    close = Move(
        (resolved, accepted_unresolved),
        closed,
        _("Close"),
        needs=("closure_reason",),
        asks=("effect",),
        guards=(known_errors_are_settled,),
        then=(stamp_closure,),
    )
    reopen = Move(
        (resolved, closed), under_investigation, _("Reopen"), note=True, then=(clear_stamps,)
    )


class ProblemQuerySet(RecordQuerySet):
    def unresolved(self) -> Self:
        return self.standing().exclude(state__in=("resolved", "closed"))

    def past_investigation(self) -> Self:
        return self.standing().in_state(
            "cause_known", "resolution_in_progress", "accepted_unresolved", "resolved", "closed"
        )


class Problem(Record):
    """The cause, still unknown or not yet removed, of one or more incidents."""

    class Origin(models.TextChoices):
        INCIDENTS = "incidents", _("Incidents")
        TREND = "trend", _("Trend analysis")
        MAJOR = "major", _("Major incident review")
        SUPPLIER = "supplier", _("Notice of a supplier")
        MONITORING = "monitoring", _("Monitoring")
        OTHER = "other", _("Other")

    class Method(models.TextChoices):
        FIVE_WHYS = "five_whys", _("Five whys")
        FAULT_TREE = "fault_tree", _("Fault tree")
        TIMELINE = "timeline", _("Timeline")
        COMPARISON = "comparison", _("What differs where it works")
        EXPERIMENT = "experiment", _("Experiment")

    class Closure(models.TextChoices):
        REMOVED = "removed", _("Cause removed")
        NO_LONGER = "no_longer", _("No longer arises")
        ACCEPTED = "accepted", _("Accepted for good")
        NOT_FOUND = "not_found", _("Cause could not be found")

    lifecycle = ProblemLife

    description = models.TextField(_("description"), blank=True)
    service = models.ForeignKey(
        "portfolio.Service",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="problems",
        verbose_name=_("service"),
    )
    components = models.ManyToManyField(
        "portfolio.ConfigurationItem",
        related_name="problems",
        blank=True,
        verbose_name=_("configuration items"),
    )
    origin = models.CharField(_("origin"), max_length=20, choices=Origin, blank=True)
    incidents = models.ManyToManyField(
        "resolution.Incident", related_name="problems", blank=True, verbose_name=_("incidents")
    )
    no_incidents = models.BooleanField(_("no incident so far"), default=False)
    category = models.ForeignKey(
        "resolution.Category",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="problems",
        verbose_name=_("category"),
    )
    priority_basis = models.CharField(_("basis of the priority"), max_length=300, blank=True)
    method = models.CharField(_("method"), max_length=20, choices=Method, blank=True)
    root_cause = models.TextField(_("root cause"), blank=True)
    possible_actions = models.TextField(_("possible actions"), blank=True)
    stop_reason = models.CharField(
        _("reason to stop looking for the cause"), max_length=300, blank=True
    )
    analysed_at = models.DateTimeField(_("cause analysed"), null=True, editable=False)
    workaround = models.TextField(_("workaround"), blank=True)
    impact_action = models.TextField(_("action that lowers the impact"), blank=True)
    change_reference = models.CharField(_("change that removes it"), max_length=60, blank=True)
    target_date = models.DateField(_("to be resolved by"), null=True, blank=True)
    review_date = models.DateField(_("to be looked at again"), null=True, blank=True)
    resolution = models.TextField(_("resolution"), blank=True)
    closure_reason = models.CharField(
        _("closure reason"), max_length=20, choices=Closure, blank=True
    )
    effect = models.TextField(
        _("effect"), blank=True, help_text=_("Did the incidents stop? What did we learn?")
    )
    resolved_at = models.DateTimeField(_("resolved"), null=True, editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True, editable=False)
    closed_by = models.ForeignKey(
        "engine.Person",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("closed by"),
    )

    objects: ClassVar[Any] = ProblemQuerySet.as_manager()

    class Meta:
        verbose_name = _("problem")
        verbose_name_plural = _("problems")


def a_workaround_or_cause_is_given(error: KnownError) -> StrOrPromise | None:
    if error.workaround.strip() or error.root_cause.strip():
        return None
    return _("Give the root cause or a workaround.")


def stamp_publication(error: KnownError, act: Act) -> None:
    error.published_at = act.at


class KnownErrorLife(Lifecycle):
    draft = State(_("Draft"), initial=True)
    published = State(_("Published"), tone="met")
    retired = State(_("Retired"), final=True)

    publish = Move(
        draft,
        published,
        _("Publish"),
        needs=("symptom",),
        guards=(a_workaround_or_cause_is_given,),
        then=(stamp_publication,),
        auto=True,
    )
    retire = Move((draft, published), retired, _("Retire"), note=True)
    bring_back = Move(retired, published, _("Bring back"), note=True)


class KnownError(Record):
    """A problem that is understood, or can be lived with, in words the service desk can use."""

    lifecycle = KnownErrorLife

    problem = models.ForeignKey(
        Problem, models.PROTECT, related_name="known_errors", verbose_name=_("problem")
    )
    services = models.ManyToManyField(
        "portfolio.Service", related_name="known_errors", blank=True, verbose_name=_("services")
    )
    symptom = models.TextField(_("symptom"), blank=True)
    root_cause = models.TextField(_("root cause"), blank=True)
    workaround = models.TextField(_("workaround"), blank=True)
    published_at = models.DateTimeField(_("published"), null=True, editable=False)

    class Meta:
        verbose_name = _("known error")
        verbose_name_plural = _("known errors")
