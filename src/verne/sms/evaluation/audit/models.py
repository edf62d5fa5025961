"""An audit: criteria, scope, team and plan before it starts, a checklist, a conclusion."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.records import Part, Record

from . import checklist, independence, report, skill
from .clauses import a_list_of_clauses, an_obligation, read, tidy
from .programme import AuditProgramme

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act


def one_leads_the_team(audit: Audit) -> StrOrPromise | None:
    leads = audit.members.filter(duty=AuditMember.Duty.LEAD).count()
    if leads == 1:
        return None
    return _("Name one lead auditor in the team.") if not leads else _("Only one leads the team.")


def the_plan_has_days(audit: Audit) -> StrOrPromise | None:
    if audit.sessions.exists():
        return None
    return _("Plan at least one session: the day, what is looked at, and with whom.")


def every_question_has_a_verdict(audit: Audit) -> StrOrPromise | None:
    open_ones = audit.questions.filter(verdict="").count()
    if not open_ones:
        return None
    return (
        ngettext(
            "%d question of the checklist has no verdict yet; “not evaluated” is one.",
            "%d questions of the checklist have no verdict yet; “not evaluated” is one.",
            open_ones,
        )
        % open_ones
    )


def what_does_not_conform_is_a_finding(audit: Audit) -> StrOrPromise | None:
    broken = set(
        audit.questions.filter(verdict=AuditQuestion.Verdict.NONCONFORM).values_list(
            "obligation", flat=True
        )
    )
    told = audit.findings.standing().filter(grade__in=("major", "minor"))
    missing = sorted(broken - set(told.values_list("obligation", flat=True)))
    if not missing:
        return None
    return ngettext(
        "No finding says what does not conform in %(obligations)s.",
        "No findings say what does not conform in %(obligations)s.",
        len(missing),
    ) % {"obligations": ", ".join(missing[:6])}


def samples_are_evaluated(audit: Audit) -> StrOrPromise | None:
    waiting = audit.samples.standing().exclude(state="evaluated").order_by("pk")
    refs = list(waiting.values_list("ref", flat=True)[:6])
    if not refs:
        return None
    return _("Evaluate the samples first: %(refs)s.") % {"refs": ", ".join(refs)}


def findings_are_settled(audit: Audit) -> StrOrPromise | None:
    waiting = audit.findings.standing().in_state("open", "accepted").order_by("pk")
    refs = list(waiting.values_list("ref", flat=True)[:6])
    if not refs:
        return None
    return _(
        "Findings wait for an answer: %(refs)s. Link what is done about them, or close them."
    ) % {"refs": ", ".join(refs)}


def stamp_start(audit: Audit, act: Act) -> None:
    audit.started_at = act.at


def stamp_completion(audit: Audit, act: Act) -> None:
    audit.completed_at = act.at


def stamp_report(audit: Audit, act: Act) -> None:
    audit.reported_at = act.at


class AuditLife(Lifecycle):
    planned = State(_("Planned"), initial=True)
    prepared = State(_("Prepared"))
    under_way = State(_("Under way"), tone="now")
    conducted = State(_("Conducted"), tone="now")
    reported = State(_("Reported"), tone="met")
    closed = State(_("Closed"), final=True)
    called_off = State(_("Called off"), final=True)

    prepare = Move(
        planned,
        prepared,
        _("Prepare"),
        needs=("owner", "planned_for", "criteria", "scope", "clauses"),
        guards=(one_leads_the_team, the_plan_has_days, independence.refusal, skill.refusal),
        then=(checklist.generate,),
    )
    plan_again = Move(prepared, planned, _("Plan again"), note=True)
    start = Move(
        prepared,
        under_way,
        _("Start"),
        needs=("criteria", "scope", "clauses"),
        guards=(independence.refusal,),
        then=(stamp_start,),
    )
    conduct = Move(
        under_way,
        conducted,
        _("Conclude"),
        needs=("effectiveness", "conclusion"),
        guards=(
            every_question_has_a_verdict,
            what_does_not_conform_is_a_finding,
            samples_are_evaluated,
            independence.refusal,
        ),
        then=(stamp_completion,),
    )
    look_again = Move(conducted, under_way, _("Look again"), note=True)
    report = Move(
        conducted,
        reported,
        _("Report to management"),
        needs=("reported_to",),
        then=(stamp_report,),
        signed=report.MEANING,
    )
    close = Move(reported, closed, _("Close"), guards=(findings_are_settled,))
    reopen = Move(closed, reported, _("Reopen"), note=True)
    call_off = Move((planned, prepared), called_off, _("Call off"), note=True)


class Audit(Record):
    """One audit of some clauses: by our own people, or by a certification body."""

    class Type(models.TextChoices):
        INTERNAL = "internal", _("Internal audit")
        FOLLOW_UP = "follow_up", _("Follow-up audit")
        STAGE_1 = "stage_1", _("Certification, stage 1")
        STAGE_2 = "stage_2", _("Certification, stage 2")
        SURVEILLANCE = "surveillance", _("Surveillance audit")
        RECERTIFICATION = "recertification", _("Recertification")
        CUSTOMER = "customer", _("Audit by a customer")

    class Effectiveness(models.TextChoices):
        YES = "yes", _("Effectively implemented and maintained")
        PARTLY = "partly", _("In part")
        NO = "no", _("Not effectively implemented")

    OURS = (Type.INTERNAL, Type.FOLLOW_UP)
    """Types that count as internal audits; the others are led by somebody from outside."""

    lifecycle = AuditLife

    type = models.CharField(_("type"), max_length=20, choices=Type, default=Type.INTERNAL)
    programme = models.ForeignKey(
        AuditProgramme,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="audits",
        verbose_name=_("programme"),
    )
    follow_up_of = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="followed_by",
        verbose_name=_("follows up"),
    )
    criteria = models.TextField(
        _("criteria"),
        blank=True,
        help_text=_("Against what it judges: the standard, policies, processes, plans."),
    )
    own_requirements = models.BooleanField(
        _("judges our own requirements too"),
        default=False,
        help_text=_("The criteria include our policies, processes and plans."),
    )
    scope = models.TextField(
        _("scope"), blank=True, help_text=_("Which services, places and units; what is left out.")
    )
    clauses = models.CharField(
        _("clauses"),
        max_length=500,
        blank=True,
        validators=[a_list_of_clauses],
        help_text=_(
            "Numbers with commas between, such as 8.6, 9.2. 8 stands for all of chapter 8."
        ),
    )
    services = models.ManyToManyField(
        "portfolio.Service", related_name="audits", blank=True, verbose_name=_("services")
    )
    since = models.DateField(_("audited period from"), null=True, blank=True)
    until = models.DateField(_("audited period until"), null=True, blank=True)
    planned_for = models.DateField(_("planned for"), null=True, blank=True)
    effectiveness = models.CharField(
        _("what was audited is"), max_length=10, choices=Effectiveness, blank=True
    )
    conclusion = models.TextField(_("conclusion"), blank=True)
    reported_to = models.ManyToManyField(
        "engine.Person",
        related_name="audits_reported",
        blank=True,
        verbose_name=_("reported to"),
    )
    started_at = models.DateTimeField(_("started"), null=True, editable=False)
    completed_at = models.DateTimeField(_("completed"), null=True, editable=False)
    reported_at = models.DateTimeField(_("reported"), null=True, editable=False)

    class Meta:
        verbose_name = _("audit")
        verbose_name_plural = _("audits")

    def clean(self) -> None:
        super().clean()
        if self.since and self.until and self.until < self.since:
            raise ValidationError({"until": _("The end must not come before the beginning.")})
        if self.pk and self.follow_up_of_id == self.pk:
            raise ValidationError({"follow_up_of": _("An audit cannot follow up itself.")})

    def set_derived(self) -> None:
        self.clauses = tidy(self.clauses)
        self.due_at = self._begins_by()
        if self.follow_up_of_id and self.type == self.Type.INTERNAL:
            self.type = self.Type.FOLLOW_UP

    def _begins_by(self) -> datetime | None:
        """The end of the day for which it is planned, until it is under way."""
        begun = self.state not in ("planned", "prepared")
        if self.planned_for is None or begun or self.withdrawn_at is not None:
            return None
        return timezone.make_aware(datetime.combine(self.planned_for, time(23, 59)))

    @property
    def numbers(self) -> tuple[str, ...]:
        """The clauses it looks at."""
        return read(self.clauses)

    def content(self) -> dict[str, Any]:
        """The fields, and what the report says beside them: whoever signs, signs all of it."""
        return super().content() | {"report": report.content(self)}

    def what_is_signed(self) -> str:
        return str(_("Report %(ref)s") % {"ref": self.ref})

    @property
    def is_ours(self) -> bool:
        return self.type in self.OURS


class AuditMember(Part):
    """Somebody in the team of an audit."""

    class Duty(models.TextChoices):
        LEAD = "lead", _("Lead auditor")
        AUDITOR = "auditor", _("Auditor")
        EXPERT = "expert", _("Technical expert")
        OBSERVER = "observer", _("Observer")

    JUDGING = (Duty.LEAD, Duty.AUDITOR)
    """Those who judge must be independent; experts and observers do not judge."""

    part_fields: ClassVar[tuple[str, ...]] = ("person", "duty")

    of = models.ForeignKey(Audit, models.PROTECT, related_name="members")
    person = models.ForeignKey(
        "engine.Person", models.PROTECT, related_name="+", verbose_name=_("person")
    )
    duty = models.CharField(_("duty"), max_length=10, choices=Duty, default=Duty.AUDITOR)

    class Meta:
        verbose_name = _("member of the team")
        verbose_name_plural = _("team")
        ordering = ("id",)
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["of", "person"], name="member_once"),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.get_duty_display()}"


class AuditSession(Part):
    """A piece of the plan: when, what, who asks and who answers."""

    part_fields: ClassVar[tuple[str, ...]] = (
        "day",
        "begins",
        "ends",
        "clauses",
        "auditor",
        "auditee",
        "subject",
    )

    of = models.ForeignKey(Audit, models.PROTECT, related_name="sessions")
    day = models.DateField(_("day"))
    begins = models.TimeField(_("from"), null=True, blank=True)
    ends = models.TimeField(_("until"), null=True, blank=True)
    clauses = models.CharField(
        _("clauses"), max_length=200, blank=True, validators=[a_list_of_clauses]
    )
    auditor = models.ForeignKey(
        "engine.Person",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("auditor"),
    )
    auditee = models.ForeignKey(
        "engine.Person",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("who answers"),
    )
    subject = models.CharField(_("subject"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("plan")
        ordering = ("day", "begins", "id")

    def __str__(self) -> str:
        return f"{self.day} {self.subject or self.clauses}"

    def clean(self) -> None:
        super().clean()
        if self.begins and self.ends and self.ends <= self.begins:
            raise ValidationError({"ends": _("The end must come after the beginning.")})


class AuditQuestion(Part):
    """A question of the checklist: an obligation, what the records said, and the auditor's word."""

    class Verdict(models.TextChoices):
        CONFORM = "conform", _("Conforms")
        NONCONFORM = "nonconform", _("Does not conform")
        NOT_EVALUATED = "not_evaluated", _("Not evaluated")

    of = models.ForeignKey(Audit, models.PROTECT, related_name="questions")
    obligation = models.CharField(_("obligation"), max_length=40, validators=[an_obligation])
    clause = models.CharField(_("clause"), max_length=20)
    verdict = models.CharField(_("verdict"), max_length=15, choices=Verdict, blank=True)
    note = models.TextField(_("note"), blank=True)
    found: Any = models.JSONField(_("what the checks said"), default=list)
    """What the checks had found when the verdict was given, figure by figure."""
    judged_by = models.ForeignKey(
        "engine.Person",
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("judged by"),
    )
    judged_at = models.DateTimeField(_("judged"), null=True)
    version = models.PositiveIntegerField(_("version"), default=1)

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("checklist")
        ordering = ("id",)
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["of", "obligation"], name="question_once"),
        ]

    def __str__(self) -> str:
        return self.obligation
