"""Looking back: which incidents recur, and whether resolving problems has an effect."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from verne.engine.acts import file, move
from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.records import Part, Record

from ..incident.models import Incident
from .models import KnownError, Problem

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act
    from verne.engine.people import Person


def every_pattern_is_answered(analysis: TrendAnalysis) -> StrOrPromise | None:
    open_ones = analysis.patterns.filter(problem=None, reason="").count()
    if not open_ones:
        return None
    return (
        ngettext(
            "%d pattern has neither a problem nor a reason for none.",
            "%d patterns have neither a problem nor a reason for none.",
            open_ones,
        )
        % open_ones
    )


def stamp_completion(record: TrendAnalysis | ProblemReview, act: Act) -> None:
    record.completed_at = act.at


def clear_completion(record: TrendAnalysis | ProblemReview, act: Act) -> None:
    record.completed_at = None


def note_patterns(analysis: TrendAnalysis, act: Act) -> None:
    """Write down what the incidents of the period show; what is there keeps its answer.

    A pattern whose service and category already have an open problem is tied to it.
    """
    there = set(analysis.patterns.values_list("service", "category"))
    for found in analysis.found():
        if (found["service"], found["category"]) in there:
            continue
        same = Problem.objects.unresolved().filter(
            service=found["service"], category=found["category"]
        )
        Pattern.objects.create(
            of=analysis,
            service_id=found["service"],
            category_id=found["category"],
            times=found["times"],
            problem=same.order_by("pk").first(),
        )


def raise_problems(analysis: TrendAnalysis, act: Act) -> None:
    """File a problem for each pattern without an answer, with its incidents, to be looked into."""
    if act.by is None:
        return
    since, until = analysis.bounds()
    for pattern in analysis.patterns.filter(problem=None, reason=""):
        incidents = Incident.objects.standing().filed_between(since, until)
        incidents = incidents.filter(service=pattern.service_id, category=pattern.category_id)
        pattern.problem = file(
            Problem,
            {
                "title": str(pattern)[:200],
                "service": pattern.service,
                "category": pattern.category,
                "origin": Problem.Origin.TREND,
                "incidents": list(incidents),
                "owner": analysis.owner,
            },
            by=act.by,
            note=say("Raised from %(ref)s.") % {"ref": analysis.ref},
        )
        pattern.save(update_fields=["problem"])


def a_pattern_has_no_answer(analysis: TrendAnalysis) -> StrOrPromise | None:
    if analysis.patterns.filter(problem=None, reason="").exists():
        return None
    return _("Every pattern noted so far has a problem, or a reason for none.")


class TrendAnalysisLife(Lifecycle):
    under_way = State(_("Under way"), initial=True, tone="now")
    completed = State(_("Completed"), final=True)

    gather = Move(under_way, under_way, _("Note the patterns found"), then=(note_patterns,))
    propose = Move(
        under_way,
        under_way,
        _("Raise the problems"),
        guards=(a_pattern_has_no_answer,),
        then=(raise_problems,),
    )
    complete = Move(
        under_way,
        completed,
        _("Complete"),
        needs=("conclusions",),
        guards=(every_pattern_is_answered,),
        then=(stamp_completion,),
    )
    reopen = Move(completed, under_way, _("Reopen"), note=True, then=(clear_completion,))


class Period(models.Model):
    """A look back over some days, both included."""

    since = models.DateField(_("from"))
    until = models.DateField(_("until"))

    class Meta:
        abstract = True

    def clean(self) -> None:
        super().clean()
        if self.since and self.until and self.until < self.since:
            raise ValidationError({"until": _("The end must not come before the beginning.")})

    def bounds(self) -> tuple[datetime, datetime]:
        """The first and the last instant of the period, in UTC."""
        zone = timezone.get_default_timezone()
        return (
            datetime.combine(self.since, time.min, zone),
            datetime.combine(self.until, time.max, zone),
        )


class TrendAnalysis(Period, Record):
    """A look at the incidents of a period for patterns that call for a problem."""

    lifecycle = TrendAnalysisLife

    threshold = models.PositiveSmallIntegerField(_("times a pattern must come up"), default=3)
    conclusions = models.TextField(_("conclusions"), blank=True)
    completed_at = models.DateTimeField(_("completed"), null=True, editable=False)

    class Meta:
        verbose_name = _("trend analysis")
        verbose_name_plural = _("trend analyses")

    def found(self) -> list[dict[str, Any]]:
        """The patterns in the incidents of the period: service, category, times."""
        since, until = self.bounds()
        found: list[dict[str, Any]] = Incident.objects.recurring(
            since=since, until=until, times=self.threshold
        )
        return found


class Pattern(Part):
    """Incidents that keep coming up, and the problem they led to or the reason for none."""

    part_fields: ClassVar[tuple[str, ...]] = (
        "service",
        "category",
        "times",
        "problem",
        "reason",
    )

    of = models.ForeignKey(TrendAnalysis, models.PROTECT, related_name="patterns")
    service = models.ForeignKey(
        "portfolio.Service",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("service"),
    )
    category = models.ForeignKey(
        "resolution.Category",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("category"),
    )
    times = models.PositiveIntegerField(_("times"))
    problem = models.ForeignKey(
        Problem,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="patterns",
        verbose_name=_("problem"),
    )
    reason = models.CharField(_("reason for none"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("pattern")
        verbose_name_plural = _("patterns")
        ordering = ("-times", "id")

    def __str__(self) -> str:
        about = [sheet.title for sheet in (self.service, self.category) if sheet is not None]
        return ": ".join(about)


def count_a_last_time(review: ProblemReview, act: Act) -> None:
    review.count()


class ProblemReviewLife(Lifecycle):
    under_way = State(_("Under way"), initial=True, tone="now")
    completed = State(_("Completed"), final=True)

    complete = Move(
        under_way,
        completed,
        _("Complete"),
        needs=("conclusions",),
        asks=("reported_in",),
        then=(count_a_last_time, stamp_completion),
    )
    reopen = Move(completed, under_way, _("Reopen"), note=True, then=(clear_completion,))


class ProblemReview(Period, Record):
    """Whether problem resolution has an effect: resolved, recurred, outstanding, reported."""

    lifecycle = ProblemReviewLife

    resolved = models.PositiveIntegerField(_("problems resolved"), default=0, editable=False)
    recurred = models.PositiveIntegerField(_("problems that came back"), default=0, editable=False)
    outstanding = models.PositiveIntegerField(
        _("known errors outstanding"), default=0, editable=False
    )
    conclusions = models.TextField(_("conclusions"), blank=True)
    reported_in = models.CharField(_("reported in"), max_length=200, blank=True)
    completed_at = models.DateTimeField(_("completed"), null=True, editable=False)

    class Meta:
        verbose_name = _("problem review")
        verbose_name_plural = _("problem reviews")

    def set_derived(self) -> None:
        """The figures come from the records, as long as the review is under way."""
        if self.state == "under_way":
            self.count()

    def count(self) -> None:
        since, until = self.bounds()
        problems = Problem.objects.standing()
        known = KnownError.objects.standing().in_state("published")
        self.resolved = problems.filter(resolved_at__range=(since, until)).count()
        self.recurred = problems.after("reopen", since=since, until=until).count()
        self.outstanding = known.filter(published_at__lte=until).count()


def propose_problems(analysis: TrendAnalysis, *, by: Person) -> TrendAnalysis:
    """Note the patterns of the period, each with the open problem it already has."""
    return move(analysis, "gather", by=by)
