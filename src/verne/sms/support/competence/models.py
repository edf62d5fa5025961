"""A competence, who holds it at which level, and the actions that close a gap."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from verne.engine import moment
from verne.engine.acts import move_by_rule
from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.people import Person, Role
from verne.engine.records import Part, Record, RecordQuerySet

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act


class Level(models.IntegerChoices):
    """How well somebody can do something, the same for every competence."""

    NONE = 0, _("0 None")
    KNOWS = 1, _("1 Knows of it")
    GUIDED = 2, _("2 Does it with guidance")
    ALONE = 3, _("3 Does it alone")
    TEACHES = 4, _("4 Teaches it")


NEEDED = [choice for choice in Level.choices if choice[0] > Level.NONE]


# --- The competence -------------------------------------------------------------------------------


class CompetenceLife(Lifecycle):
    in_use = State(_("In use"), initial=True, tone="met")
    retired = State(_("Retired"), final=True)

    retire = Move(in_use, retired, _("Retire"), note=True)
    reinstate = Move(retired, in_use, _("Use it again"))


class Competence(Record):
    """Something people must be able to do for the SMS or the services to perform."""

    lifecycle = CompetenceLife

    description = models.TextField(
        _("description"), blank=True, help_text=_("What somebody who does it alone can do.")
    )
    proven_by = models.CharField(
        _("proven by"),
        max_length=300,
        blank=True,
        help_text=_("What counts as evidence: a certificate, work looked at, years of doing it."),
    )
    valid_months = models.PositiveSmallIntegerField(
        _("months an assessment holds"), default=24, validators=[MinValueValidator(1)]
    )

    class Meta:
        verbose_name = _("competence")
        verbose_name_plural = _("competences")


class CompetenceNeed(Part):
    """A role that needs the competence, and the level it takes."""

    part_fields: ClassVar[tuple[str, ...]] = ("role", "level", "why")

    of = models.ForeignKey(Competence, models.PROTECT, related_name="needs")
    role = models.ForeignKey(
        Role, models.PROTECT, related_name="competence_needs", verbose_name=_("role")
    )
    level = models.PositiveSmallIntegerField(_("level"), choices=NEEDED)
    why = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("role that needs it")
        verbose_name_plural = _("roles that need it")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["of", "role"], name="need_once"),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.get_level_display()}"


# --- What somebody holds --------------------------------------------------------------------------


def it_is_shown_by_something(record: CompetenceRecord) -> StrOrPromise | None:
    if record.evidence.strip() or record.attachments.filter(removed_at=None).exists():
        return None
    return _("Say what shows it, or attach the certificate.")


def its_end_has_come(record: CompetenceRecord) -> StrOrPromise | None:
    if record.expires_on is not None and record.expires_on <= moment.now().date():
        return None
    return _("The assessment still holds.")


def not_of_oneself(record: CompetenceRecord | CompetenceAction, person: Person) -> Any:
    if record.person_id != person.pk:
        return None
    return _("Nobody assesses their own competence: ask somebody else.")


def stamp_assessment(record: CompetenceRecord, act: Act) -> None:
    record.assessed_by, record.assessed_at = act.by, act.at
    if record.expires_on is None or record.expires_on <= act.at.date():
        record.expires_on = months_after(act.at.date(), record.competence.valid_months)
    note = say("%(ref)s has taken its place.") % {"ref": record.ref}
    former = CompetenceRecord.objects.standing().in_state("evaluated", "expired")
    for one in former.filter(person=record.person_id, competence=record.competence_id).exclude(
        pk=record.pk
    ):
        move_by_rule(one, "supersede", by=act.by, note=note, at=act.at)


def months_after(day: date, months: int) -> date:
    """The same day some months later; of a shorter month its last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in range(day.day, 27, -1):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    return date(year, month + 1, day.day)


class CompetenceRecordLife(Lifecycle):
    planned = State(_("To be assessed"), initial=True, tone="gap")
    evaluated = State(_("Assessed"), tone="met")
    expired = State(_("Expired"), tone="partly")
    superseded = State(_("Superseded"), final=True)

    assess = Move(
        (planned, evaluated, expired),
        evaluated,
        _("Assess"),
        needs=("level", "basis"),
        asks=("evidence", "expires_on"),
        guards=(it_is_shown_by_something,),
        by=(not_of_oneself,),
        then=(stamp_assessment,),
    )
    expire = Move(evaluated, expired, _("Expire"), guards=(its_end_has_come,))
    supersede = Move((evaluated, expired), superseded, _("Supersede"), note=True)


class CompetenceRecordQuerySet(RecordQuerySet):
    def valid(self, at: datetime) -> Self:
        """Assessed, and not run out by then."""
        return (
            self.standing()
            .filter(assessed_at__lte=at, state__in=("evaluated", "expired"))
            .filter(Q(expires_on=None) | Q(expires_on__gt=at.date()))
        )


class CompetenceRecord(Record):
    """That a person holds a competence at a level: what shows it, who says so, until when."""

    class Basis(models.TextChoices):
        EDUCATION = "education", _("Education")
        TRAINING = "training", _("Training")
        EXPERIENCE = "experience", _("Experience")

    lifecycle = CompetenceRecordLife

    person = models.ForeignKey(
        Person, models.PROTECT, related_name="competences", verbose_name=_("person")
    )
    competence = models.ForeignKey(
        Competence, models.PROTECT, related_name="held", verbose_name=_("competence")
    )
    level = models.PositiveSmallIntegerField(_("level"), choices=Level, null=True, blank=True)
    basis = models.CharField(_("basis"), max_length=20, choices=Basis, blank=True)
    evidence = models.TextField(
        _("evidence"),
        blank=True,
        help_text=_("What shows it; attach certificates to the record, or link the work."),
    )
    expires_on = models.DateField(
        _("expires"), null=True, blank=True, help_text=_("Empty: as the competence says.")
    )
    assessed_by = models.ForeignKey(
        Person,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("assessed by"),
    )
    assessed_at = models.DateTimeField(_("assessed"), null=True, editable=False)

    objects: ClassVar[Any] = CompetenceRecordQuerySet.as_manager()

    class Meta:
        verbose_name = _("competence record")
        verbose_name_plural = _("competence records")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["person", "competence"], name="competence_of_person")
        ]

    def set_derived(self) -> None:
        self.title = self.title or f"{self.person.name}: {self.competence.title}"[:200]

    def clean(self) -> None:
        before = CompetenceRecord.objects.filter(pk=self.pk).exclude(assessed_at=None).first()
        if before and (before.person_id, before.competence_id) != (
            self.person_id,
            self.competence_id,
        ):
            raise ValidationError(
                _("Person and competence of an assessment stay: file another record.")
            )
        told = (before.level, before.basis, before.evidence) if before else ()
        again = before is not None and before.assessed_at != self.assessed_at
        if before and not again and told != (self.level, self.basis, self.evidence):
            raise ValidationError(_("What was assessed stays: assess it anew."))


# --- Closing a gap --------------------------------------------------------------------------------


def stamp_done(action: CompetenceAction, act: Act) -> None:
    action.done_at = act.at


def stamp_evaluation(action: CompetenceAction, act: Act) -> None:
    action.evaluated_by, action.evaluated_at = act.by, act.at


class CompetenceActionLife(Lifecycle):
    planned = State(_("Planned"), initial=True)
    done = State(_("Done"), tone="now")
    evaluated = State(_("Evaluated"), final=True)
    cancelled = State(_("Cancelled"), final=True)

    carry_out = Move(planned, done, _("Done"), needs=("outcome",), then=(stamp_done,))
    evaluate = Move(
        done,
        evaluated,
        _("Evaluate the effect"),
        needs=("worked", "effect"),
        by=(not_of_oneself,),
        then=(stamp_evaluation,),
    )
    cancel = Move(planned, cancelled, _("Cancel"), note=True)


class CompetenceAction(Record):
    """What is done so that somebody comes to hold a competence, and whether it worked."""

    class Means(models.TextChoices):
        TRAINING = "training", _("Training")
        COACHING = "coaching", _("Coaching")
        EDUCATION = "education", _("Education")
        ROTATION = "rotation", _("Working along")
        REASSIGNMENT = "reassignment", _("Another role")
        HIRING = "hiring", _("Hiring or contracting")

    class Worked(models.TextChoices):
        YES = "yes", _("It worked")
        PARTLY = "partly", _("It worked in part")
        NO = "no", _("It did not work")

    lifecycle = CompetenceActionLife

    person = models.ForeignKey(
        Person, models.PROTECT, related_name="competence_actions", verbose_name=_("person")
    )
    competence = models.ForeignKey(
        Competence, models.PROTECT, related_name="actions", verbose_name=_("competence")
    )
    target_level = models.PositiveSmallIntegerField(_("level to reach"), choices=NEEDED)
    means = models.CharField(_("means"), max_length=20, choices=Means)
    description = models.TextField(_("what is done"), blank=True)
    outcome = models.TextField(_("what was done"), blank=True)
    worked = models.CharField(_("whether it worked"), max_length=10, choices=Worked, blank=True)
    effect = models.TextField(
        _("effect"), blank=True, help_text=_("What the person can do now, and how that was seen.")
    )
    done_at = models.DateTimeField(_("done"), null=True, editable=False)
    evaluated_by = models.ForeignKey(
        Person,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("evaluated by"),
    )
    evaluated_at = models.DateTimeField(_("evaluated"), null=True, editable=False)

    class Meta:
        verbose_name = _("competence action")
        verbose_name_plural = _("competence actions")

    def set_derived(self) -> None:
        self.title = self.title or f"{self.person.name}: {self.competence.title}"[:200]
