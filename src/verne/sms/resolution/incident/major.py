"""The major incident: the criteria that make one, and the record that runs beside its incident."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from verne.engine.acts import move_by_rule
from verne.engine.lifecycle import Approval, Lifecycle, Move, State
from verne.engine.moment import now
from verne.engine.records import Part, Record

from .models import Incident

if TYPE_CHECKING:
    from datetime import datetime

    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act
    from verne.sms.support.document.revision import Revision


def supersede_the_former(criteria: MajorIncidentCriteria, act: Act) -> None:
    """One version is in force; the former steps back in the same act."""
    criteria.approved_at = act.at
    note = say("%(ref)s has taken its place.") % {"ref": criteria.ref}
    in_force = MajorIncidentCriteria.objects.standing().in_state("in_force")
    for former in in_force.exclude(pk=criteria.pk):
        move_by_rule(former, "supersede", by=act.by, note=note, at=act.at)


class CriteriaLife(Lifecycle):
    draft = State(_("Draft"), initial=True)
    in_force = State(_("In force"), tone="met")
    superseded = State(_("Superseded"), final=True)

    put_in_force = Move(
        draft,
        in_force,
        _("Put in force"),
        needs=("criteria", "procedure_version", "review_due"),
        approval=Approval(),
        then=(supersede_the_former,),
    )
    supersede = Move(in_force, superseded, _("Take out of force"), note=True)


class MajorIncidentCriteria(Record):
    """What makes an incident a major one, and how it is then run."""

    lifecycle = CriteriaLife

    criteria = models.TextField(
        _("criteria"), blank=True, help_text=_("An incident that meets one of these is major.")
    )
    procedure_document = models.ForeignKey(
        "support.Document",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        limit_choices_to={"carries__key": "mi_procedure"},
        verbose_name=_("procedure"),
        help_text=_("The document in force is followed; each major incident keeps which text."),
    )
    procedure_version = models.CharField(
        _("version of the procedure"),
        max_length=60,
        blank=True,
        help_text=_("Empty: the text of the document that is in force."),
    )
    first_notice_minutes = models.PositiveSmallIntegerField(
        _("minutes until top management is told"), default=60
    )
    notice_interval_minutes = models.PositiveSmallIntegerField(
        _("minutes between further notices"), default=240
    )
    review_days = models.PositiveSmallIntegerField(_("days until the review"), default=14)
    approved_at = models.DateTimeField(_("approved"), null=True, editable=False)
    review_due = models.DateField(_("review due"), null=True, blank=True)

    class Meta:
        verbose_name = _("major incident criteria")
        verbose_name_plural = _("major incident criteria")

    def set_derived(self) -> None:
        text = self.text_in_force()
        if text is not None and not self.procedure_version:
            self.procedure_version = text.what_is_signed()[:60]

    def text_in_force(self) -> Revision | None:
        """The procedure that people follow now, where it is a document here."""
        document = self.procedure_document
        return document.in_force().first() if document is not None else None

    @classmethod
    def in_force(cls) -> MajorIncidentCriteria | None:
        found: MajorIncidentCriteria | None = cls.objects.in_state("in_force").standing().first()
        return found

    @property
    def first_notice(self) -> timedelta:
        return timedelta(minutes=self.first_notice_minutes)

    @property
    def notice_interval(self) -> timedelta:
        return timedelta(minutes=self.notice_interval_minutes)


def criteria_are_in_force(major: MajorIncident) -> StrOrPromise | None:
    if MajorIncidentCriteria.in_force():
        return None
    return _("Put criteria for major incidents in force first.")


def the_service_is_restored(major: MajorIncident) -> StrOrPromise | None:
    if major.incident.state in ("resolved", "closed"):
        return None
    return _("Resolve %(ref)s first.") % {"ref": major.incident.ref}


def a_final_notice_was_given(major: MajorIncident) -> StrOrPromise | None:
    if (last := major.latest_notice()) is not None and last.final:
        return None
    return _("Note the final notice to top management.")


def improvements_are_stated(major: MajorIncident) -> StrOrPromise | None:
    if major.improvements.strip() or major.no_improvements:
        return None
    return _("List the improvements, or state that there are none.")


def stamp_running(major: MajorIncident, act: Act) -> None:
    criteria = MajorIncidentCriteria.in_force()
    major.criteria = criteria
    text = criteria.text_in_force() if criteria else None
    major.procedure_followed = text
    stated = criteria.procedure_version if criteria else ""
    major.procedure_version = text.what_is_signed()[:60] if text else stated


def stamp_resolved(major: MajorIncident, act: Act) -> None:
    major.resolved_at = act.at


def stamp_reviewed(major: MajorIncident, act: Act) -> None:
    major.reviewed_at = act.at


def begin_anew(major: MajorIncident, act: Act) -> None:
    """Top management was told that it was over: from now on it is told again."""
    major.reopened_at = act.at
    major.resolved_at = None
    major.reviewed_at = None


class MajorIncidentLife(Lifecycle):
    declared = State(_("Declared"), initial=True, tone="gap")
    running = State(_("Running"), tone="gap")
    resolved = State(_("Resolved"), tone="partly")
    reviewed = State(_("Reviewed"), tone="met")
    closed = State(_("Closed"), final=True)

    run = Move(
        declared,
        running,
        _("Run the procedure"),
        needs=("manager",),
        guards=(criteria_are_in_force,),
        then=(stamp_running,),
        auto=True,
    )
    resolve = Move(
        running,
        resolved,
        _("Resolved"),
        guards=(the_service_is_restored, a_final_notice_was_given),
        then=(stamp_resolved,),
    )
    review = Move(
        resolved,
        reviewed,
        _("Review"),
        needs=("report",),
        asks=("improvements", "no_improvements"),
        guards=(improvements_are_stated,),
        then=(stamp_reviewed,),
    )
    close = Move(reviewed, closed, _("Close"))
    reopen = Move((resolved, reviewed, closed), running, _("Reopen"), note=True, then=(begin_anew,))
    stand_down = Move((declared, running), closed, _("Not major after all"), note=True)


class MajorIncident(Record):
    """The faster procedure for an incident that meets the criteria."""

    lifecycle = MajorIncidentLife

    incident = models.ForeignKey(
        Incident, models.PROTECT, related_name="major_incidents", verbose_name=_("incident")
    )
    manager = models.ForeignKey(
        "engine.Person",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("major incident manager"),
    )
    criteria = models.ForeignKey(
        MajorIncidentCriteria,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="major_incidents",
        verbose_name=_("criteria"),
    )
    procedure_version = models.CharField(
        _("version of the procedure"), max_length=60, blank=True, editable=False
    )
    procedure_followed = models.ForeignKey(
        "support.Revision",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("procedure followed"),
    )
    report = models.TextField(
        _("report"), blank=True, help_text=_("What happened, why, and how it was restored.")
    )
    improvements = models.TextField(_("improvements"), blank=True)
    no_improvements = models.BooleanField(_("there are none"), default=False)
    reopened_at = models.DateTimeField(_("reopened"), null=True, editable=False)
    resolved_at = models.DateTimeField(_("resolved"), null=True, editable=False)
    reviewed_at = models.DateTimeField(_("reviewed"), null=True, editable=False)

    class Meta:
        verbose_name = _("major incident")
        verbose_name_plural = _("major incidents")

    def set_derived(self) -> None:
        self.customer = self.incident.customer
        self.priority = self.incident.priority
        self.restricted = self.restricted or self.incident.restricted
        self.owner = self.manager or self.owner
        self.due_at = None if self.withdrawn_at else self.next_notice_due() or self.review_due_at()

    def clean(self) -> None:
        others = self.incident.major_incidents.standing().exclude(pk=self.pk)
        there = others.in_state("declared", "running").first()
        if there is not None and self.state in ("declared", "running"):
            raise ValidationError(
                {"incident": _("It is being run as %(ref)s already.") % {"ref": there.ref}}
            )

    @property
    def procedure(self) -> MajorIncidentCriteria:
        """The rule it is run by; the usual delays where none is in force."""
        return self.criteria or MajorIncidentCriteria.in_force() or MajorIncidentCriteria()

    def latest_notice(self) -> Notice | None:
        """The last word to top management since it began, or began anew."""
        since = self.reopened_at or self.filed_at
        found: Notice | None = self.notices.filter(at__gte=since).order_by("at", "pk").last()
        return found

    def next_notice_due(self) -> datetime | None:
        """When top management is to hear next; None once the final notice is given."""
        if self.state not in ("declared", "running"):
            return None
        last = self.latest_notice()
        if last is not None and last.final:
            return None
        if last is not None:
            return last.at + self.procedure.notice_interval
        return (self.reopened_at or self.filed_at) + self.procedure.first_notice

    def review_due_at(self) -> datetime | None:
        """When it is to be reviewed; None before it is resolved and once that is done."""
        if self.state != "resolved" or self.resolved_at is None:
            return None
        return self.resolved_at + timedelta(days=self.procedure.review_days)


class Notice(Part):
    """One word to top management while a major incident runs."""

    part_fields: ClassVar[tuple[str, ...]] = ("at", "to", "text", "final")

    of = models.ForeignKey(MajorIncident, models.PROTECT, related_name="notices")
    at = models.DateTimeField(_("at"), default=now)
    to = models.CharField(pgettext_lazy("recipient", "to"), max_length=200)
    text = models.TextField(_("what was said"))
    final = models.BooleanField(_("final notice"), default=False)

    class Meta:
        verbose_name = _("notice to top management")
        verbose_name_plural = _("notices to top management")
        ordering = ("at", "id")
