"""An action on a nonconformity: who does what by when, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from verne.engine.lifecycle import Lifecycle, Move, State, about
from verne.engine.records import Record, RecordQuerySet

from .models import Nonconformity

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act
    from verne.engine.people import Person


def work_on_the_cause_has_begun(action: CorrectiveAction) -> StrOrPromise | None:
    """What makes it right at once need not wait; what removes the cause waits for its criterion."""
    if not action.is_on_the_cause:
        return None
    if action.nonconformity.state == "in_corrective_action":
        return None
    return say(
        "Begin corrective action on %(ref)s first: what shows success is written before the work."
    ) % {"ref": action.nonconformity.ref}


@about("changes_sms", "change_reference")
def the_sms_question_is_answered(action: CorrectiveAction) -> StrOrPromise | None:
    if not action.is_on_the_cause:
        return None
    if action.changes_sms is None:
        return _("Say whether the service management system has to change.")
    if action.changes_sms and not action.change_reference.strip():
        return _("Name the change of the service management system.")
    return None


@about("proportion")
def it_is_in_proportion(action: CorrectiveAction) -> StrOrPromise | None:
    if not action.is_on_the_cause or action.proportion.strip():
        return None
    return _("Say why this is in proportion to what the nonconformity did.")


def it_follows_from_the_verification(
    action: CorrectiveAction, person: Person
) -> StrOrPromise | None:
    """The program makes these moves when the effect of the nonconformity is verified."""
    return say("This follows when the effect of %(ref)s is verified.") % {
        "ref": action.nonconformity.ref
    }


def stamp_done(action: CorrectiveAction, act: Act) -> None:
    action.done_at = act.at
    action.done_by = act.by


def clear_done(action: CorrectiveAction, act: Act) -> None:
    action.done_at = None
    action.done_by = None


def stamp_effect(action: CorrectiveAction, act: Act) -> None:
    action.effect_reviewed_at = act.at


class CorrectiveActionLife(Lifecycle):
    planned = State(_("Planned"), initial=True)
    under_way = State(_("Under way"), tone="now")
    done = State(_("Done"), final=True, tone="partly")
    effective = State(_("Effective"), final=True, tone="met")
    ineffective = State(_("Not effective"), final=True, tone="gap")
    dropped = State(_("Dropped"), final=True)

    start = Move(
        planned,
        under_way,
        _("Start"),
        needs=("owner", "due_at"),
        guards=(work_on_the_cause_has_begun,),
    )
    finish = Move(
        under_way,
        done,
        _("Done"),
        needs=("result",),
        asks=("changes_sms", "change_reference", "proportion"),
        guards=(the_sms_question_is_answered, it_is_in_proportion),
        then=(stamp_done,),
    )
    prove_effective = Move(
        done,
        effective,
        _("Effective"),
        by=(it_follows_from_the_verification,),
        then=(stamp_effect,),
    )
    prove_ineffective = Move(
        done,
        ineffective,
        _("Not effective"),
        by=(it_follows_from_the_verification,),
        then=(stamp_effect,),
    )
    take_up_again = Move(
        (done, dropped),
        under_way,
        _("Take up again"),
        guards=(work_on_the_cause_has_begun,),
        note=True,
        then=(clear_done,),
    )
    drop = Move((planned, under_way), dropped, _("Drop"), note=True)


class CorrectiveActionQuerySet(RecordQuerySet):
    def on_the_cause(self) -> Self:
        """Those that remove the cause or keep it from arising elsewhere."""
        return self.filter(type__in=CorrectiveAction.ON_THE_CAUSE)

    def touched_by(self, person: Person) -> Self:
        """Those a person owns or has done."""
        return self.filter(Q(owner=person) | Q(done_by=person)).exclude(state="dropped")


class CorrectiveAction(Record):
    """Something that is done about a nonconformity."""

    class Type(models.TextChoices):
        CORRECTION = "correction", _("Correction: puts it right now")
        CORRECTIVE = "corrective", _("Corrective: removes the cause")
        PREVENTIVE = "preventive", _("Preventive: keeps similar ones from arising")

    ON_THE_CAUSE: ClassVar[tuple[str, ...]] = ("corrective", "preventive")

    lifecycle = CorrectiveActionLife

    nonconformity = models.ForeignKey(
        Nonconformity, models.PROTECT, related_name="actions", verbose_name=_("nonconformity")
    )
    type = models.CharField(_("type"), max_length=12, choices=Type, default=Type.CORRECTIVE)
    description = models.TextField(_("what is done"), blank=True)
    proportion = models.TextField(
        _("why it is in proportion"),
        blank=True,
        help_text=_("Weigh what it takes against what the nonconformity did."),
    )
    changes_sms = models.BooleanField(
        _("the service management system has to change"), null=True, blank=True
    )
    change_reference = models.CharField(_("change of it"), max_length=60, blank=True)
    result = models.TextField(_("result"), blank=True)
    done_at = models.DateTimeField(_("done"), null=True, editable=False)
    done_by = models.ForeignKey(
        "engine.Person",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("done by"),
    )
    effect_reviewed_at = models.DateTimeField(_("effect reviewed"), null=True, editable=False)
    round = models.PositiveSmallIntegerField(_("round"), default=0, editable=False)

    objects: ClassVar[Any] = CorrectiveActionQuerySet.as_manager()

    class Meta:
        verbose_name = _("corrective action")
        verbose_name_plural = _("corrective actions")

    @property
    def is_on_the_cause(self) -> bool:
        return self.type in self.ON_THE_CAUSE

    def set_derived(self) -> None:
        if not self.round:
            self.round = self.nonconformity.round

    def clean(self) -> None:
        if self._state.adding and not self.nonconformity.is_open:
            raise ValidationError(
                {
                    "nonconformity": say("%(ref)s is closed: reopen it to plan more.")
                    % {"ref": self.nonconformity.ref}
                }
            )
