"""A certificate, the audits of its body, and the days that follow from its decision."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.records import Part, Record

from ..audit.coverage import later
from ..audit.models import Audit

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act

CYCLE = 36
"""Months a certificate is good for."""

AHEAD = 3
"""Months before its end by which the recertification audit is due, so that its findings can be
answered and the body can decide in time."""


def stages_are_held(certificate: Certificate) -> StrOrPromise | None:
    stages = (CertificationVisit.Kind.STAGE_1, CertificationVisit.Kind.STAGE_2)
    if certificate.visits.filter(kind__in=stages, held_on=None).exists():
        return _("Say when stage 1 and stage 2 were held.")
    return None


def due_days(decided: date, ends: date, held: dict[str, list[date]]) -> Iterator[tuple[str, date]]:
    """The audits of one cycle and the last day for each; `held` are those there have been, by kind.

    A surveillance is due within a year of the decision, later ones in the calendar year after the
    one before, and never later than the anniversary.
    """
    kind = CertificationVisit.Kind
    done = sorted(held.get(kind.SURVEILLANCE, ()))
    last_year = decided.year
    for number in (1, 2):
        anniversary = later(decided, 12 * number)
        by_year = date(last_year + 1, 12, 31)
        due = anniversary if number == 1 else min(anniversary, by_year)
        yield kind.SURVEILLANCE, due
        last_year = (done[number - 1] if len(done) >= number else due).year
    yield kind.RECERTIFICATION, later(ends, -AHEAD)


def plan_visits(certificate: Certificate, act: Act) -> None:
    """A row for each audit of the cycle, with the day by which it is due; those held stay."""
    if certificate.decided_on is None:
        return
    if certificate.valid_until is None:
        certificate.valid_until = later(certificate.decided_on, CYCLE) - timedelta(days=1)
    kind = CertificationVisit.Kind
    rows = list(certificate.visits.filter(kind__in=(kind.SURVEILLANCE, kind.RECERTIFICATION)))
    held: dict[str, list[date]] = {}
    for row in rows:
        if row.held_on and row.held_on >= certificate.decided_on:
            held.setdefault(row.kind, []).append(row.held_on)
    waiting = [row for row in rows if row.held_on is None]
    for each, due in due_days(certificate.decided_on, certificate.valid_until, held):
        if held.get(each):
            held[each].pop(0)
            continue
        planned = next((row for row in waiting if row.kind == each), None)
        if planned is None:
            CertificationVisit.objects.create(of=certificate, kind=each, due_on=due)
            continue
        waiting.remove(planned)
        planned.due_on = due
        planned.save(update_fields=["due_on"])


class CertificateLife(Lifecycle):
    applied = State(_("Applied for"), initial=True)
    certified = State(_("Certified"), tone="met")
    suspended = State(_("Suspended"), tone="gap")
    ended = State(_("Ended"), final=True)

    grant = Move(
        applied,
        certified,
        _("Certified"),
        needs=("body", "number", "standards", "scope", "decided_on"),
        asks=("valid_until",),
        guards=(stages_are_held,),
        then=(plan_visits,),
    )
    compute_days = Move(
        certified, certified, _("Compute the days"), needs=("decided_on",), then=(plan_visits,)
    )
    renew = Move(
        certified,
        certified,
        _("Renewed"),
        needs=("decided_on", "valid_until"),
        note=True,
        then=(plan_visits,),
    )
    suspend = Move(certified, suspended, _("Suspended"), note=True)
    restore = Move(suspended, certified, _("Restored"), note=True)
    end = Move((applied, certified, suspended), ended, _("Ended"), note=True)


class Certificate(Record):
    """What a certification body attests: for which scope, against which standards, until when."""

    lifecycle = CertificateLife

    body = models.CharField(_("certification body"), max_length=200)
    accreditation = models.CharField(_("accredited by"), max_length=200, blank=True)
    number = models.CharField(_("number of the certificate"), max_length=100, blank=True)
    standards = models.CharField(
        _("standards"), max_length=200, default="ISO/IEC 20000-1:2018", blank=True
    )
    scope = models.TextField(
        _("scope"), blank=True, help_text=_("The wording of the certificate, word by word.")
    )
    decided_on = models.DateField(_("decided on"), null=True, blank=True)
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    review_due = models.DateField(_("next audit due"), null=True, editable=False)

    class Meta:
        verbose_name = _("certificate")
        verbose_name_plural = _("certificates")

    def clean(self) -> None:
        super().clean()
        if self.decided_on and self.valid_until and self.valid_until <= self.decided_on:
            raise ValidationError({"valid_until": _("The end must come after the beginning.")})

    def set_derived(self) -> None:
        """The next audit is the first that is due and not held."""
        waiting = CertificationVisit.objects.filter(of=self.pk, held_on=None)
        next_one = waiting.exclude(due_on=None).order_by("due_on").first()
        self.review_due = next_one.due_on if next_one else None


class CertificationVisit(Part):
    """An audit of the body: by when, when it was, and how it ended."""

    class Kind(models.TextChoices):
        STAGE_1 = "stage_1", _("Stage 1")
        STAGE_2 = "stage_2", _("Stage 2")
        SURVEILLANCE = "surveillance", _("Surveillance")
        RECERTIFICATION = "recertification", _("Recertification")
        SPECIAL = "special", _("Special audit")

    part_fields: ClassVar[tuple[str, ...]] = (
        "kind",
        "due_on",
        "planned_for",
        "held_on",
        "audit",
        "result",
    )

    of = models.ForeignKey(Certificate, models.PROTECT, related_name="visits")
    kind = models.CharField(_("audit"), max_length=20, choices=Kind)
    due_on = models.DateField(_("due by"), null=True, blank=True)
    planned_for = models.DateField(_("planned for"), null=True, blank=True)
    held_on = models.DateField(_("held on"), null=True, blank=True)
    audit = models.ForeignKey(
        Audit,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="visits",
        verbose_name=_("its findings"),
    )
    result = models.CharField(_("result"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("audit of the body")
        verbose_name_plural = _("audits of the body")
        ordering = ("due_on", "id")

    def __str__(self) -> str:
        return str(self.get_kind_display())
