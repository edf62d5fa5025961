"""An incident and its lifecycle."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.db.models import Count, F
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from verne.engine import clock
from verne.engine.acts import act, move_by_rule
from verne.engine.comments import heard
from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.links import Cascade, LinkType, linked
from verne.engine.moment import now
from verne.engine.records import Priority, Record, RecordQuerySet

from ..classification.models import Degree, priority_of

if TYPE_CHECKING:
    from datetime import datetime

    from django_stubs_ext import StrOrPromise

    from verne.engine.comments import Comment
    from verne.engine.history import Act
    from verne.engine.people import Person


class Pending(models.TextChoices):
    """What an incident waits for."""

    USER = "user", _("Awaiting the user")
    EVIDENCE = "evidence", _("Awaiting evidence")
    SUPPLIER = "supplier", _("Awaiting a supplier")
    PROBLEM = "problem", _("Awaiting a problem")
    CHANGE = "change", _("Awaiting a change")
    OTHER = "other", _("Awaiting something else")


PAUSES = frozenset({Pending.USER, Pending.EVIDENCE})
"""Reasons that stop the clock where the agreement says nothing else: those the customer holds."""


def service_or_component_is_named(incident: Incident) -> StrOrPromise | None:
    if incident.service_id or incident.components.exists():
        return None
    return _("Name the service or a configuration item it is about.")


def an_override_is_explained(incident: Incident) -> StrOrPromise | None:
    if incident.priority_override is None or incident.override_reason.strip():
        return None
    return _("Say why the priority differs from the matrix.")


def the_end_of_waiting_lies_ahead(incident: Incident) -> StrOrPromise | None:
    if incident.resume_at and incident.resume_at <= now():
        return _("Choose a moment in the future to take it up again.")
    return None


def it_is_not_major(incident: Incident) -> StrOrPromise | None:
    if incident.major_incidents.in_state("declared", "running").standing().exists():
        return _("A major incident does not wait.")
    return None


def its_children_are_resolved(incident: Incident) -> StrOrPromise | None:
    """Those that could not be resolved together with it: nobody has classified them yet, say."""
    n: int = linked(incident, "parent_of").exclude(state__in=("resolved", "closed")).count()
    if not n:
        return None
    return (
        ngettext(
            "%d incident below it is not resolved yet.",
            "%d incidents below it are not resolved yet.",
            n,
        )
        % n
    )


def the_user_has_agreed_or_had_time(incident: Incident) -> StrOrPromise | None:
    if incident.confirmation == Incident.Confirmation.CONFIRMED:
        return None
    if incident.confirmation == Incident.Confirmation.DISPUTED:
        return _("The user says it is not solved: reopen it instead.")
    waited = now() - (incident.resolved_at or now())
    if incident.reporter_id and waited < timedelta(days=incident.WAIT_FOR_USER_DAYS):
        return _("The user has not confirmed, and still has time to.")
    return None


def stamp_start(incident: Incident, act: Act) -> None:
    incident.responded_at = incident.responded_at or act.at


def stamp_resolution(incident: Incident, act: Act) -> None:
    incident.resolved_at = act.at
    incident.resolved_by = act.by
    incident.responded_at = incident.responded_at or act.at
    incident.confirmation = ""


def stamp_closure(incident: Incident, act: Act) -> None:
    incident.closed_at = act.at
    incident.closed_by = act.by


def clear_waiting(incident: Incident, act: Act) -> None:
    incident.pending_reason = ""
    incident.resume_at = None


def count_reopening(incident: Incident, act: Act) -> None:
    incident.reopened += 1
    incident.closed_at = None
    incident.closed_by = None
    incident.resolved_at = None
    incident.resolved_by = None
    incident.closure_code = ""
    incident.confirmation = ""


class IncidentLife(Lifecycle):
    recorded = State(_("Recorded"), initial=True)
    classified = State(_("Classified"))
    prioritized = State(_("Prioritized"))
    in_progress = State(_("In progress"), tone="now")
    pending = State(_("Pending"), tone="partly")
    resolved = State(_("Resolved"), tone="met")
    closed = State(_("Closed"), final=True)

    classify = Move(
        recorded,
        classified,
        _("Classify"),
        needs=("category", "major_answer"),
        asks=("service", "components"),
        guards=(service_or_component_is_named,),
        auto=True,
    )
    prioritize = Move(
        classified,
        prioritized,
        _("Prioritize"),
        needs=("impact", "urgency"),
        asks=("priority_override", "override_reason"),
        guards=(an_override_is_explained,),
        auto=True,
    )
    start = Move(
        prioritized,
        in_progress,
        _("Start work"),
        needs=("owner",),
        asks=("team",),
        then=(stamp_start,),
    )
    wait = Move(
        in_progress,
        pending,
        _("Wait for…"),
        needs=("pending_reason", "resume_at"),
        guards=(the_end_of_waiting_lies_ahead, it_is_not_major),
    )
    resume = Move(pending, in_progress, _("Take up again"), then=(clear_waiting,))
    resolve = Move(
        in_progress,
        resolved,
        _("Resolve"),
        needs=("resolution", "resolution_code"),
        asks=("known_error", "change_reference"),
        then=(stamp_resolution,),
    )
    close = Move(
        resolved,
        closed,
        _("Close"),
        needs=("closure_code",),
        asks=("confirmation",),
        guards=(
            the_user_has_agreed_or_had_time,
            an_override_is_explained,
            its_children_are_resolved,
        ),
        then=(stamp_closure,),
    )
    reopen = Move((resolved, closed), in_progress, _("Reopen"), note=True, then=(count_reopening,))


class IncidentQuerySet(RecordQuerySet):
    def unresolved(self) -> Self:
        return self.standing().exclude(state__in=("resolved", "closed"))

    def recurring(
        self, *, since: datetime, until: datetime, times: int = 3
    ) -> list[dict[str, Any]]:
        """Service and category pairs that came up at least `times`, most frequent first."""
        found = (
            self.standing()
            .filed_between(since, until)
            .exclude(category=None)
            .values("service", "category")
            .annotate(times=Count("pk"))
            .filter(times__gte=times)
            .order_by("-times", "service", "category")
        )
        return list(found)


def _respond(incident: Incident) -> clock.Status:
    return clock.STOPPED if incident.responded_at or incident.resolved_at else clock.RUNNING


def _resolve(incident: Incident) -> clock.Status:
    if incident.state in ("resolved", "closed"):
        return clock.STOPPED
    return _waiting(incident) or clock.RUNNING


def _next_update(incident: Incident) -> clock.Status:
    if incident.state in ("resolved", "closed"):
        return clock.STOPPED
    if not incident.responded_at:
        return clock.ABSENT
    return _waiting(incident) or clock.RUNNING


def _waiting(incident: Incident) -> clock.Status | None:
    if incident.state != "pending":
        return None
    return clock.paused(
        str(Pending(incident.pending_reason).label) if incident.pending_reason else "",
        reason=incident.pending_reason,
        usual=incident.pending_reason in PAUSES,
    )


class Incident(Record):
    """An unplanned break or dip in a service, or an event that could become one."""

    WAIT_FOR_USER_DAYS: ClassVar[int] = 5

    class Source(models.TextChoices):
        PHONE = "phone", _("Phone")
        MAIL = "mail", _("E-mail")
        PORTAL = "portal", _("Portal")
        DESK = "desk", _("In person")
        MONITORING = "monitoring", _("Monitoring")
        OTHER = "other", _("Other")

    class Answer(models.TextChoices):
        NO = "no", _("No")
        YES = "yes", _("Yes")

    class Resolution(models.TextChoices):
        FIXED = "fixed", _("Fixed")
        WORKAROUND = "workaround", _("Workaround given")
        ADVICE = "advice", _("Advice given")
        DUPLICATE = "duplicate", _("Duplicate")
        NOT_FOUND = "not_found", _("Could not be found")
        WENT_AWAY = "went_away", _("Went away by itself")

    class Closure(models.TextChoices):
        SOLVED = "solved", _("Solved")
        SOLVED_WORKAROUND = "workaround", _("Solved by a workaround")
        NOT_SOLVED = "not_solved", _("Not solved")
        WITHDRAWN = "withdrawn", _("Withdrawn by the user")

    class Confirmation(models.TextChoices):
        NONE = "", _("No answer yet")
        CONFIRMED = "confirmed", _("The user confirms it is solved")
        DISPUTED = "disputed", _("The user says it is not solved")

    lifecycle = IncidentLife
    clocks = (
        clock.ClockRule("respond", _("Respond"), _respond),
        clock.ClockRule(
            "next_update", _("Next update"), _next_update, resets=("comment:public", "move:start")
        ),
        clock.ClockRule("resolve", _("Resolve"), _resolve, leads=True),
    )

    description = models.TextField(_("description"), blank=True)
    service = models.ForeignKey(
        "portfolio.Service",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="incidents",
        verbose_name=_("service"),
        db_index=False,
    )
    components = models.ManyToManyField(
        "portfolio.ConfigurationItem",
        related_name="incidents",
        blank=True,
        verbose_name=_("configuration items"),
    )
    reporter = models.ForeignKey(
        "engine.Person",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="reported_incidents",
        verbose_name=_("reported by"),
    )
    source = models.CharField(_("source"), max_length=20, choices=Source, default=Source.PHONE)
    category = models.ForeignKey(
        "resolution.Category",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="incidents",
        verbose_name=_("category"),
    )
    symptom = models.CharField(_("symptom"), max_length=200, blank=True)
    impact = models.PositiveSmallIntegerField(_("impact"), choices=Degree, null=True, blank=True)
    urgency = models.PositiveSmallIntegerField(_("urgency"), choices=Degree, null=True, blank=True)
    priority_override = models.PositiveSmallIntegerField(
        _("priority instead"), choices=Priority, null=True, blank=True
    )
    override_reason = models.CharField(_("reason for it"), max_length=300, blank=True)
    major_answer = models.CharField(
        _("does it meet the criteria of a major incident?"),
        max_length=5,
        choices=Answer,
        blank=True,
    )
    responded_at = models.DateTimeField(_("responded"), null=True, editable=False)
    pending_reason = models.CharField(_("waits for"), max_length=20, choices=Pending, blank=True)
    resume_at = models.DateTimeField(_("take up again"), null=True, blank=True)
    resolution = models.TextField(_("resolution"), blank=True)
    resolution_code = models.CharField(
        _("kind of resolution"), max_length=20, choices=Resolution, blank=True
    )
    known_error = models.ForeignKey(
        "resolution.KnownError",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="incidents",
        verbose_name=_("known error used"),
    )
    change_reference = models.CharField(_("change it was solved by"), max_length=60, blank=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True, editable=False)
    resolved_by = models.ForeignKey(
        "engine.Person",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("resolved by"),
    )
    confirmation = models.CharField(
        _("user confirmation"), max_length=10, choices=Confirmation, blank=True
    )
    closure_code = models.CharField(_("closure code"), max_length=20, choices=Closure, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, editable=False)
    closed_by = models.ForeignKey(
        "engine.Person",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("closed by"),
    )
    reopened = models.PositiveSmallIntegerField(_("times reopened"), default=0, editable=False)

    derives_from: ClassVar[tuple[str, ...]] = (
        "service__first_line",
        "reporter__organization",
        "filed_by__organization",
    )
    objects: ClassVar[Any] = IncidentQuerySet.as_manager()

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["service", "sheet"], name="incident_of_service"),
            models.Index(fields=["service", "category"], name="incident_recurring"),
            models.Index(fields=["resume_at"], name="incident_resume"),
        ]

    def set_derived(self) -> None:
        if self.service is not None and not self.team_id:
            self.team = self.service.first_line
        if self.reporter is None and self.filed_by is not None and self.filed_by.is_customer:
            self.reporter = self.filed_by
        if not self.customer_id and self.reporter and self.reporter.is_customer:
            self.customer = self.reporter.organization
        # By the matrix of its own day: a new one does not change what was promised before.
        given = priority_of(self.impact, self.urgency, at=self.filed_at)
        self.priority = self.priority_override or given


PARENT_OF = LinkType(
    "parent_of",
    _("is the parent of"),
    "child_of",
    _("is a child of"),
    sources=("resolution.incident",),
    targets=("resolution.incident",),
    cascades=(
        # First bring those along that have not begun or wait, then resolve all.
        Cascade("resolve", "start", copies=("owner",)),
        Cascade("resolve", "resume"),
        Cascade(
            "resolve",
            "resolve",
            copies=("resolution", "resolution_code", "known_error", "change_reference"),
        ),
        Cascade("close", "close", copies=("closure_code",)),
    ),
)
DUPLICATES = LinkType(
    "duplicates",
    _("duplicates"),
    "duplicated_by",
    _("is duplicated by"),
    sources=("resolution.incident",),
    targets=("resolution.incident",),
)


def note_the_first_answer(record: Any, comment: Comment, act: Act) -> None:
    """Our first public word is the response; the user's word wakes what waits for the user."""
    if not isinstance(record, Incident) or not comment.public or act.by is None:
        return
    theirs = act.by.pk == record.reporter_id or act.by.is_customer
    if not theirs and record.responded_at is None:
        Incident.objects.filter(pk=record.pk).update(responded_at=act.at, version=F("version") + 1)
        record.responded_at = act.at
        clock.follow(record, act, retarget=False)
    if theirs and record.state == "pending" and record.pending_reason == Pending.USER:
        move_by_rule(record, "resume", by=act.by, note=say("The user has answered."), at=act.at)


heard.append(note_the_first_answer)


def note_confirmation(incident: Incident, *, solved: bool, by: Person) -> None:
    """The user's own answer whether it is solved: theirs to give without a right to revise."""
    if incident.state != "resolved":
        return
    answer = Incident.Confirmation.CONFIRMED if solved else Incident.Confirmation.DISPUTED
    with act("revise", by=by, record=incident.pk, kind=incident.kind_name()):
        Incident.objects.filter(pk=incident.pk).update(
            confirmation=answer, version=F("version") + 1
        )


def resumable(at: datetime) -> IncidentQuerySet:
    """Incidents whose waiting is over, the longest overdue first."""
    found: IncidentQuerySet = Incident.objects.standing().in_state("pending")
    return found.filter(resume_at__lte=at).order_by("resume_at", "pk")
