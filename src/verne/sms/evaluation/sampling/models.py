"""A sample: a population frozen at an instant, the records drawn from it, and a verdict on each."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.records import Part, Record, Sheet

from ..audit.clauses import an_obligation
from ..audit.guest import room_of
from . import draw
from .population import address_then, freeze

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act


def every_item_has_a_verdict(sample: AuditSample) -> StrOrPromise | None:
    waiting = sample.items.filter(verdict="").count()
    if not waiting:
        return None
    return (
        ngettext(
            "%d item has no verdict yet; “not evaluated” is one.",
            "%d items have no verdict yet; “not evaluated” is one.",
            waiting,
        )
        % waiting
    )


def take_items(sample: AuditSample, act: Act) -> None:
    """Draw the items by the method, and keep each with its place and stratum."""
    stratum_of = {ref: name for name, refs in sample.strata.items() for ref in refs}
    drawn = sample.draw_again()
    sheets = dict(Sheet.objects.filter(ref__in=drawn).values_list("ref", "pk"))
    SampleItem.objects.bulk_create(
        SampleItem(
            of=sample,
            position=place,
            sheet_id=sheets[ref],
            ref=ref,
            stratum=stratum_of.get(ref, ""),
        )
        for place, ref in enumerate(drawn, start=1)
    )
    sample.drawn_at = act.at


class SampleLife(Lifecycle):
    frozen = State(_("Population frozen"), initial=True)
    drawn = State(_("Drawn"), tone="now")
    evaluated = State(_("Evaluated"), final=True)

    draw = Move(frozen, drawn, _("Draw"), auto=True, then=(take_items,))
    evaluate = Move(
        drawn,
        evaluated,
        _("Conclude"),
        needs=("conclusion",),
        guards=(every_item_has_a_verdict,),
    )
    look_again = Move(evaluated, drawn, _("Look again"), note=True)


class AuditSample(Record):
    """Some records out of a population, drawn by a rule that anybody can repeat."""

    class Method(models.TextChoices):
        RANDOM = "random", _("Random, by the seed")
        SYSTEMATIC = "systematic", _("Systematic, every so many")
        STRATIFIED = "stratified", _("Random within each stratum")
        JUDGEMENT = "judgement", _("Judgement of the auditor")

    GIVEN = ("source", "frozen_at", "method", "size", "seed", "stratum", "chosen")
    """What a draw rests on; once it is drawn, another draw is another sample."""

    lifecycle = SampleLife

    audit = models.ForeignKey(
        "evaluation.Audit",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="samples",
        verbose_name=_("audit"),
    )
    room = models.ForeignKey(
        "evaluation.AuditRoom",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="samples",
        verbose_name=_("audit room"),
    )
    obligation = models.CharField(
        _("obligation"), max_length=40, blank=True, validators=[an_obligation]
    )
    source = models.CharField(
        _("drawn from"),
        max_length=1000,
        help_text=_(
            "The address of a list with its filters, or of a check: /incidents/?state=closed"
        ),
    )
    method = models.CharField(_("method"), max_length=12, choices=Method, default=Method.RANDOM)
    size = models.PositiveIntegerField(
        _("size"), null=True, blank=True, help_text=_("Empty: as many as the program suggests.")
    )
    seed = models.CharField(
        _("seed"), max_length=64, blank=True, help_text=_("Empty: the program makes one.")
    )
    stratum = models.CharField(
        _("strata by"),
        max_length=40,
        blank=True,
        help_text=_("A field with few values, such as priority or team."),
    )
    chosen = models.TextField(
        _("references chosen"),
        blank=True,
        help_text=_("For a sample by judgement: INC-12, INC-31."),
    )
    conclusion = models.TextField(_("conclusion"), blank=True)
    frozen_at = models.DateTimeField(
        _("as of"),
        null=True,
        blank=True,
        help_text=_("Empty: now. Otherwise the records as they stood at this instant."),
    )
    drawn_at = models.DateTimeField(_("drawn"), null=True, editable=False)
    population: Any = models.JSONField(_("frozen population"), default=list, editable=False)
    """References in order."""
    strata: Any = models.JSONField(_("strata"), default=dict, editable=False)
    """References by stratum, where strata were asked for."""
    population_size = models.PositiveIntegerField(_("population"), default=0, editable=False)
    population_hash = models.CharField(
        _("hash of the population"), max_length=64, blank=True, editable=False
    )
    hidden = models.PositiveIntegerField(_("out of sight"), default=0, editable=False)
    """Records of the population that whoever drew may not see."""

    class Meta:
        verbose_name = _("audit sample")
        verbose_name_plural = _("audit samples")

    def clean(self) -> None:
        super().clean()
        if self.drawn_at is not None:
            stood = type(self)._default_manager.filter(pk=self.pk).values(*self.GIVEN).first()
            for name in self.GIVEN:
                if stood is not None and stood[name] != getattr(self, name):
                    raise ValidationError(
                        {name: _("It is drawn already: draw another sample instead.")}
                    )
        if self.size is not None and not 1 <= self.size <= max(self.population_size, 1):
            raise ValidationError(
                {"size": _("Choose a size from 1 to %(most)d.") % {"most": self.population_size}}
            )

    def set_derived(self) -> None:
        """Freeze the population when the sample is filed."""
        self.room = self.room or room_of(self.filed_by)
        if self.population_hash or not self.source or self.filed_by is None:
            return
        by_strata = self.method == self.Method.STRATIFIED
        if by_strata and not self.stratum:
            raise ValidationError({"stratum": _("Name the field that divides the population.")})
        frozen = freeze(
            self.source,
            by=self.filed_by,
            at=self.frozen_at,
            stratum=self.stratum if by_strata else "",
        )
        self.source, self.hidden, self.frozen_at = frozen.source, frozen.hidden, frozen.at
        self.population, self.strata = frozen.refs, dict(frozen.strata)
        self.population_size = len(frozen.refs)
        self.population_hash = draw.population_hash(frozen.refs)
        self.seed = self.seed.strip() or secrets.token_hex(8)
        if self.method == self.Method.JUDGEMENT:
            self.size = len(self._named())
        elif self.size is None:
            self.size = draw.suggested_size(len(frozen.refs))

    def _named(self) -> list[str]:
        """The references an auditor chose, each of which must be in the population."""
        named = [part.upper() for part in self.chosen.replace(",", " ").split()]
        if not named:
            raise ValidationError({"chosen": _("Name the references you want to look at.")})
        strange = [ref for ref in named if ref not in set(self.population)]
        if strange:
            raise ValidationError(
                {
                    "chosen": _("%(ref)s is not among the records at this address.")
                    % {"ref": strange[0]}
                }
            )
        return draw.in_order(named)

    def draw_again(self) -> list[str]:
        """The references that the population, the method and the seed lead to."""
        method, size = self.Method, self.size or 0
        if self.method == method.JUDGEMENT:
            return self._named()
        if self.method == method.SYSTEMATIC:
            return draw.systematically(self.population, seed=self.seed, size=size)
        if self.method == method.STRATIFIED:
            return draw.by_strata(self.strata, seed=self.seed, size=size)
        return draw.at_random(self.population, seed=self.seed, size=size)

    def address_then(self) -> str:
        """Where anybody finds the population as it was when it was frozen."""
        return address_then(self.source, self.frozen_at) if self.frozen_at else self.source

    def is_repeatable(self) -> bool:
        """Whether drawing again gives the items it holds, from a population that has its hash."""
        held = list(self.items.values_list("ref", flat=True))
        return (
            held == self.draw_again()
            and draw.population_hash(self.population) == self.population_hash
        )


class SampleItem(Part):
    """A record that was drawn, and what the auditor made of it."""

    class Verdict(models.TextChoices):
        CONFORM = "conform", _("Conforms")
        NONCONFORM = "nonconform", _("Does not conform")
        NOT_EVALUATED = "not_evaluated", _("Not evaluated")

    of = models.ForeignKey(AuditSample, models.PROTECT, related_name="items")
    position = models.PositiveIntegerField(_("number"))
    sheet = models.ForeignKey("engine.Sheet", models.PROTECT, related_name="+")
    ref = models.CharField(_("reference"), max_length=20)
    stratum = models.CharField(_("stratum"), max_length=200, blank=True)
    verdict = models.CharField(_("verdict"), max_length=15, choices=Verdict, blank=True)
    note = models.TextField(_("note"), blank=True)
    judged_by = models.ForeignKey(
        "engine.Person",
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("judged by"),
    )
    judged_at = models.DateTimeField(_("judged"), null=True)
    version = models.PositiveIntegerField(_("version"), default=1)

    part_fields: ClassVar[tuple[str, ...]] = ()

    class Meta:
        verbose_name = _("item")
        verbose_name_plural = _("items")
        ordering = ("position",)
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["of", "sheet"], name="item_once"),
        ]

    def __str__(self) -> str:
        return self.ref
