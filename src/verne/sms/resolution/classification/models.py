"""Categories, and the matrix from impact and urgency to priority."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from verne.engine.acts import move_by_rule
from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.once import once
from verne.engine.prepared import Prepared
from verne.engine.records import Part, Priority, Record

if TYPE_CHECKING:
    from datetime import datetime

    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act


class Degree(models.IntegerChoices):
    """How large an effect is, and how fast it bites."""

    HIGH = 1, _("High")
    MEDIUM = 2, _("Medium")
    LOW = 3, _("Low")


USUAL_MATRIX = {(i, u): i + u - 1 for i in Degree.values for u in Degree.values}
"""Impact and urgency to priority where no matrix is in force: 1 × 1 is 1, 3 × 3 is 5."""


class CategoryLife(Lifecycle):
    in_use = State(_("In use"), initial=True, tone="met")
    retired = State(_("Retired"), final=True)

    retire = Move(in_use, retired, _("Retire"), note=True)
    reinstate = Move(retired, in_use, _("Use it again"))


class Category(Record):
    """What an incident, a request or a problem is about."""

    lifecycle = CategoryLife

    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="subcategories",
        verbose_name=_("part of"),
    )
    hint = models.CharField(_("when to choose it"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")


def every_cell_is_filled(matrix: PriorityMatrix) -> StrOrPromise | None:
    filled = set(matrix.cells.values_list("impact", "urgency"))
    if set(USUAL_MATRIX) <= filled:
        return None
    return _("Give a priority for each pair of impact and urgency: nine in all.")


def supersede_the_former(matrix: PriorityMatrix, act: Act) -> None:
    """One matrix is in force; the former steps back in the same act."""
    matrix.in_force_since = act.at
    note = say("%(ref)s has taken its place.") % {"ref": matrix.ref}
    for former in PriorityMatrix.objects.standing().in_state("in_force").exclude(pk=matrix.pk):
        move_by_rule(former, "supersede", by=act.by, note=note, at=act.at)


class PriorityMatrixLife(Lifecycle):
    draft = State(_("Draft"), initial=True)
    in_force = State(_("In force"), tone="met")
    superseded = State(_("Superseded"), final=True)

    put_in_force = Move(
        draft,
        in_force,
        _("Put in force"),
        needs=("review_due",),
        guards=(every_cell_is_filled,),
        then=(supersede_the_former,),
    )
    supersede = Move(in_force, superseded, _("Take out of force"), note=True)


class PriorityMatrix(Record):
    """The agreed rule by which impact and urgency give a priority."""

    lifecycle = PriorityMatrixLife

    in_force_since = models.DateTimeField(_("in force since"), null=True, editable=False)
    review_due = models.DateField(_("review due"), null=True, blank=True)

    class Meta:
        verbose_name = _("priority matrix")
        verbose_name_plural = _("priority matrices")

    def clean(self) -> None:
        if self.state != "draft" and (why := every_cell_is_filled(self)):
            raise ValidationError(why)


class PriorityCell(Part):
    """One pair of impact and urgency, and the priority it gives."""

    part_fields: ClassVar[tuple[str, ...]] = ("impact", "urgency", "gives")

    of = models.ForeignKey(PriorityMatrix, models.PROTECT, related_name="cells")
    impact = models.PositiveSmallIntegerField(_("impact"), choices=Degree)
    urgency = models.PositiveSmallIntegerField(_("urgency"), choices=Degree)
    gives = models.PositiveSmallIntegerField(
        _("priority"),
        choices=Priority,
        validators=[MinValueValidator(1), MaxValueValidator(5)],
    )

    class Meta:
        verbose_name = _("cell")
        verbose_name_plural = _("cells")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["of", "impact", "urgency"], name="cell_once"),
        ]

    def clean(self) -> None:
        kept = PriorityCell.objects.filter(pk=self.pk).values_list(*self.part_fields).first()
        if self.of.state != "draft" and kept != (self.impact, self.urgency, self.gives):
            raise ValidationError(_("A matrix that was put in force stands: draft another one."))


def matrices() -> Any:
    """Those that are or were in force, oldest first."""
    return (
        PriorityMatrix.objects.standing()
        .exclude(in_force_since=None)
        .order_by("in_force_since", "pk")
    )


def priority_of(impact: int | None, urgency: int | None, *, at: datetime) -> int | None:
    """The priority by the matrix in force at an instant; None while impact or urgency is open.

    What was recorded before the first matrix goes by that one; without any, by the usual one.
    """
    if impact is None or urgency is None:
        return None
    priority = USUAL_MATRIX[(impact, urgency)]
    for n, (since, gives) in enumerate(_given(impact, urgency)):
        if n == 0 or since <= at:
            priority = gives
    return priority


def _of_pair(impact: Any, urgency: Any) -> Any:
    cells = PriorityCell.objects.filter(of__in=matrices(), impact=impact, urgency=urgency)
    ordered: Any = cells.order_by("of__in_force_since", "of")
    return ordered.values_list("of__in_force_since", "gives")


_cells = Prepared(_of_pair, impact=models.IntegerField(), urgency=models.IntegerField())


def _given(impact: int, urgency: int) -> list[tuple[datetime, int]]:
    """What the matrices give for a pair, with the instant from which each was in force."""

    def ask() -> list[tuple[datetime, int]]:
        return _cells(impact=impact, urgency=urgency)

    return once(PriorityMatrix.kind_name(), (impact, urgency), ask)
