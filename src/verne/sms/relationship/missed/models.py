"""A target that was missed in one window, and what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.links import LinkType, linked
from verne.engine.records import Record

from ..agreement.models import ServiceLevelMeasurement

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act

ANSWERS = ("improved_by", "gave_rise_to")
"""Links to what is done about it: a problem or a nonconformity, chosen or raised from here."""


def something_follows_or_a_reason_is_given(missed: MissedTarget) -> StrOrPromise | None:
    if missed.no_action_reason.strip():
        return None
    if any(linked(missed, name).exists() for name in ANSWERS):
        return None
    return _("Link the problem or nonconformity that deals with it, or say why nothing follows.")


def stamp_answer(missed: MissedTarget, act: Act) -> None:
    missed.answered_at = act.at


def clear_answer(missed: MissedTarget, act: Act) -> None:
    missed.answered_at = None


class MissedTargetLife(Lifecycle):
    missed = State(_("Missed"), initial=True, tone="gap")
    answered = State(_("Answered"), final=True, tone="met")

    answer = Move(
        missed,
        answered,
        _("Answer"),
        needs=("owner",),
        asks=("explanation", "no_action_reason"),
        guards=(something_follows_or_a_reason_is_given,),
        then=(stamp_answer,),
    )
    take_up_again = Move(answered, missed, _("Take up again"), note=True, then=(clear_answer,))


class MissedTarget(Record):
    """A service level that was not reached in a window, and what follows."""

    lifecycle = MissedTargetLife

    measurement = models.ForeignKey(
        ServiceLevelMeasurement,
        models.PROTECT,
        related_name="misses",
        verbose_name=_("measurement"),
    )
    service = models.ForeignKey(
        "portfolio.Service",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="missed_targets",
        verbose_name=_("service"),
        help_text=_("Empty where the agreement covers several."),
    )
    explanation = models.TextField(_("how it came about"), blank=True)
    no_action_reason = models.TextField(_("reason why nothing follows"), blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, editable=False)

    class Meta:
        verbose_name = _("missed target")
        verbose_name_plural = _("missed targets")

    def set_derived(self) -> None:
        # The customer reads about it through the measurement, not the discussion of its causes.
        if not self.title:
            self.title = str(self.measurement)[:200]

    def clean(self) -> None:
        if self.measurement.reached is not False:
            raise ValidationError({"measurement": _("This target was reached.")})
        there = MissedTarget.objects.standing().filter(measurement=self.measurement_id)
        if self.withdrawn_at is None and (other := there.exclude(pk=self.pk).first()):
            raise ValidationError(
                {"measurement": _("It is on file as %(ref)s already.") % {"ref": other.ref}}
            )


IMPROVED_BY = LinkType(
    "improved_by",
    _("is dealt with by"),
    "improves_on",
    _("deals with"),
    sources=("relationship.missedtarget",),
    targets=("resolution.problem", "improvement.nonconformity"),
)
