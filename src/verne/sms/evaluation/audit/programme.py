"""The audit programme: which clauses are looked at how often over some years, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from verne.engine.lifecycle import Approval, Lifecycle, Move, State
from verne.engine.moment import now
from verne.engine.records import Part, Record
from verne.engine.requirements import library, lies_within

from .clauses import a_list_of_clauses, auditable

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act

OFTEN, USUAL = 6, 12
"""Months between two audits of an area: of a heavy one, and of any other."""

HEAVY = 7
"""From this weight on, of at most nine, an area is looked at twice as often."""


def every_clause_has_an_area(programme: AuditProgramme) -> StrOrPromise | None:
    planned = set(programme.areas.values_list("clause", flat=True))
    missing = [c.number for c in auditable() if not any(lies_within(c.number, p) for p in planned)]
    if not missing:
        return None
    return ngettext(
        "%(number)d clause has no area: %(clauses)s. Lay out the areas, or add it.",
        "%(number)d clauses have no area: %(clauses)s. Lay out the areas, or add them.",
        len(missing),
    ) % {"number": len(missing), "clauses": ", ".join(missing[:8])}


def stamp_approval(programme: AuditProgramme, act: Act) -> None:
    programme.approved_at = act.at


def clear_approval(programme: AuditProgramme, act: Act) -> None:
    programme.approved_at = None


def lay_out_areas(programme: AuditProgramme, act: Act) -> None:
    """An area for each clause that has none yet, weighed by what is known of it today."""
    from .finding import AuditFinding

    there = set(programme.areas.values_list("clause", flat=True))
    results = library().standings()
    obligations = library().obligations().values()
    grades: dict[str, set[str]] = {}
    for clause, grade in AuditFinding.objects.standing().values_list("clause", "grade"):
        grades.setdefault(clause, set()).add(grade)
    for clause in auditable():
        if clause.number in there:
            continue
        inside = [o for o in obligations if lies_within(o.clause, clause.number)]
        failing = [o for o in inside if results[o.id].result == "nonconforming"]
        found = {g for c, gs in grades.items() if lies_within(c, clause.number) for g in gs}
        former = 3 if "major" in found else 2 if found & {"minor"} or failing else 1
        AuditArea.objects.create(
            of=programme,
            clause=clause.number,
            importance=3 if len(inside) >= 10 else 2,
            change=2,
            former=former,
        )


class ProgrammeLife(Lifecycle):
    draft = State(_("Draft"), initial=True)
    in_force = State(_("In force"), tone="met")
    ended = State(_("Ended"), final=True)

    lay_out = Move(draft, draft, _("Lay out the areas"), then=(lay_out_areas,))
    put_in_force = Move(
        draft,
        in_force,
        _("Put in force"),
        needs=(
            "owner",
            "methods",
            "responsibilities",
            "planning_requirements",
            "reporting",
            "importance_basis",
            "changes_basis",
            "previous_results_basis",
        ),
        guards=(every_clause_has_an_area,),
        approval=Approval(),
        then=(stamp_approval,),
    )
    plan_anew = Move(in_force, draft, _("Plan anew"), note=True, then=(clear_approval,))
    end = Move(in_force, ended, _("End"), note=True)


class AuditProgramme(Record):
    """What is audited over some years, how often and by which means, and why so."""

    lifecycle = ProgrammeLife

    since = models.DateField(_("from"))
    until = models.DateField(_("until"))
    frequency = models.CharField(
        _("frequency"), max_length=300, default="", help_text=_("Such as: every clause each year.")
    )
    methods = models.TextField(
        _("methods"),
        blank=True,
        help_text=_("Such as: interviews, samples of records, watching work being done."),
    )
    responsibilities = models.TextField(
        _("responsibilities"),
        blank=True,
        help_text=_(
            "Who plans, who audits, who answers, who sees to it that findings are settled."
        ),
    )
    planning_requirements = models.TextField(
        _("planning requirements"),
        blank=True,
        help_text=_("What each audit needs before it starts: notice, checklist, independence."),
    )
    reporting = models.TextField(
        _("reporting"), blank=True, help_text=_("To whom results go, how, and how soon.")
    )
    importance_basis = models.TextField(
        _("how importance shaped it"),
        blank=True,
        help_text=_("Which processes matter most to the services, and how that shows in the plan."),
    )
    changes_basis = models.TextField(
        _("how changes shaped it"),
        blank=True,
        help_text=_("Changes of the organization, its services and parties since the last plan."),
    )
    previous_results_basis = models.TextField(
        _("how former results shaped it"),
        blank=True,
        help_text=_("What earlier audits found, and where one looks again because of it."),
    )
    approved_at = models.DateTimeField(_("approved"), null=True, editable=False)

    class Meta:
        verbose_name = _("audit programme")
        verbose_name_plural = _("audit programmes")

    def clean(self) -> None:
        super().clean()
        if self.since and self.until and self.until <= self.since:
            raise ValidationError({"until": _("The end must come after the beginning.")})

    @property
    def is_current(self) -> bool:
        today = timezone.localdate(now())
        return self.state == "in_force" and self.since <= today <= self.until


def three_steps() -> list[tuple[int, Any]]:
    return [(1, _("Low")), (2, _("Usual")), (3, _("High"))]


class AuditArea(Part):
    """A clause as the programme weighs it; the weight says how often it is looked at."""

    part_fields: ClassVar[tuple[str, ...]] = (
        "clause",
        "importance",
        "change",
        "former",
        "every_months",
        "reason",
    )

    of = models.ForeignKey(AuditProgramme, models.PROTECT, related_name="areas")
    clause = models.CharField(_("clause"), max_length=20, validators=[a_list_of_clauses])
    importance = models.PositiveSmallIntegerField(_("importance"), choices=three_steps, default=2)
    change = models.PositiveSmallIntegerField(_("change"), choices=three_steps, default=2)
    former = models.PositiveSmallIntegerField(_("former results"), choices=three_steps, default=1)
    every_months = models.PositiveSmallIntegerField(
        _("every … months"),
        null=True,
        blank=True,
        help_text=_("Empty: as the weight says."),
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("area")
        verbose_name_plural = _("areas")
        ordering = ("id",)
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["of", "clause"], name="area_once"),
        ]

    def __str__(self) -> str:
        return self.clause

    @property
    def weight(self) -> int:
        """From 3 to 9."""
        return self.importance + self.change + self.former

    @property
    def months(self) -> int:
        """How many months may lie between two audits of it."""
        return self.every_months or (OFTEN if self.weight >= HEAVY else USUAL)
