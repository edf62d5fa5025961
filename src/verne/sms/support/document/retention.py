"""How long things are kept, and the log of what was disposed of, with approval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from verne.engine.lifecycle import Approval, Lifecycle, Move, State
from verne.engine.people import Person
from verne.engine.records import Part, Record
from verne.engine.register import registers

from .models import Document, months_after, today

if TYPE_CHECKING:
    from datetime import date

    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act


def subjects() -> list[tuple[str, StrOrPromise]]:
    """What a rule can speak of: each kind of document, and each other type of record."""
    documents = [(f"document:{kind}", label) for kind, label in Document.Kind.choices]
    records = [
        (kind, register.model._meta.verbose_name_plural or kind)
        for kind, register in registers.items()
        if register.model is not Document
    ]
    return [*documents, *records]


class RetentionLife(Lifecycle):
    draft = State(_("Draft"), initial=True, tone="gap")
    in_force = State(_("In force"), tone="met")
    retired = State(_("Retired"), final=True)

    put_in_force = Move(
        draft, in_force, _("Put in force"), needs=("keep_months", "method", "subjects")
    )
    rework = Move(in_force, draft, _("Rework"), note=True)
    retire = Move((draft, in_force), retired, _("Retire"), note=True)


class RetentionRule(Record):
    """How long a kind of thing is kept after it has served, and what happens to it then."""

    class Method(models.TextChoices):
        ERASE = "erase", _("Erased so that it cannot be restored")
        DESTROY = "destroy", _("Destroyed on paper or medium")
        ARCHIVE = "archive", _("Handed to the archive")
        RETURN = "return", _("Given back to whoever it belongs to")

    lifecycle = RetentionLife

    keep_months = models.PositiveSmallIntegerField(
        _("months to keep"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1200)],
        help_text=_("Counted from the day it was withdrawn or closed."),
    )
    method = models.CharField(_("disposal"), max_length=20, choices=Method, blank=True)
    legal_basis = models.CharField(_("basis"), max_length=300, blank=True)
    on_hold = models.BooleanField(
        _("on hold"),
        default=False,
        help_text=_("A dispute or an inquiry is open: nothing under it is disposed of."),
    )

    class Meta:
        verbose_name = _("retention rule")
        verbose_name_plural = _("retention rules")


class RetentionSubject(Part):
    """What a retention rule speaks of."""

    part_fields: ClassVar[tuple[str, ...]] = ("subject",)

    of = models.ForeignKey(RetentionRule, models.PROTECT, related_name="subjects")
    subject = models.CharField(_("subject"), max_length=80, choices=subjects)

    class Meta:
        verbose_name = _("subject")
        verbose_name_plural = _("subjects")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["of", "subject"], name="retention_subject_once"),
        ]

    def __str__(self) -> str:
        return str(self.get_subject_display())


def rule_of(document: Document) -> RetentionRule | None:
    """The rule a document is kept by: its own, or that of its kind."""
    if document.retention is not None:
        return document.retention
    subject = f"document:{document.document_kind}"
    rule: RetentionRule | None = (
        RetentionRule.objects.standing()
        .filter(state="in_force", subjects__subject=subject)
        .order_by("-keep_months", "pk")
        .first()
    )
    return rule


def kept_until(document: Document) -> date | None:
    """The day until which a withdrawn document is kept; None while it serves, or without a rule."""
    rule = rule_of(document)
    if document.retired_at is None or rule is None or rule.keep_months is None:
        return None
    day: date = months_after(timezone.localtime(document.retired_at).date(), rule.keep_months)
    return day


# --- The log of disposals ------------------------------------------------------------------------


def something_is_named(disposal: Disposal) -> StrOrPromise | None:
    if disposal.what.strip() or disposal.documents.exists():
        return None
    return _("Name the documents, or say what else is disposed of.")


def no_rule_is_on_hold(disposal: Disposal) -> StrOrPromise | None:
    rules = [disposal.rule, *(rule_of(document) for document in disposal.documents.all())]
    held = next((rule for rule in rules if rule is not None and rule.on_hold), None)
    if held is None:
        return None
    return _("%(ref)s is on hold: nothing under it is disposed of.") % {"ref": held.ref}


def its_time_has_come_or_a_reason_is_given(disposal: Disposal) -> StrOrPromise | None:
    if disposal.early_reason.strip():
        return None
    for document in disposal.documents.all():
        until = kept_until(document)
        if until is None or until > today():
            return _("%(ref)s is to be kept longer: say why it is disposed of early.") % {
                "ref": document.ref
            }
    return None


def note_who_did_it(disposal: Disposal, act: Act) -> None:
    disposal.carried_out_by, disposal.carried_out_at = act.by, act.at


class DisposalLife(Lifecycle):
    proposed = State(_("Proposed"), initial=True, tone="gap")
    approved = State(_("Approved"), tone="now")
    carried_out = State(_("Carried out"), final=True)

    approve = Move(
        proposed,
        approved,
        _("Approve"),
        needs=("method",),
        guards=(something_is_named, no_rule_is_on_hold, its_time_has_come_or_a_reason_is_given),
        approval=Approval(signed=True),
        auto=True,
    )
    carry_out = Move(
        approved,
        carried_out,
        _("Note that it is done"),
        needs=("how_shown",),
        guards=(no_rule_is_on_hold,),
        then=(note_who_did_it,),
    )


class Disposal(Record):
    """Documents or records that were disposed of: which, why, how, by whom and with whose approval.

    Verne itself removes nothing: what happened to a record stays in the history.
    """

    lifecycle = DisposalLife

    documents = models.ManyToManyField(
        Document, blank=True, related_name="disposals", verbose_name=_("documents")
    )
    what = models.TextField(
        _("what else"), blank=True, help_text=_("Papers, media, files of another system.")
    )
    rule = models.ForeignKey(
        RetentionRule,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="disposals",
        verbose_name=_("retention rule"),
    )
    method = models.CharField(
        _("disposal"), max_length=20, choices=RetentionRule.Method, blank=True
    )
    early_reason = models.TextField(_("reason, if it is early"), blank=True)
    how_shown = models.TextField(
        _("how it is shown"), blank=True, help_text=_("A certificate, a log, a witness.")
    )
    carried_out_by = models.ForeignKey(
        Person,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("carried out by"),
    )
    carried_out_at = models.DateTimeField(_("carried out"), null=True, editable=False)

    class Meta:
        verbose_name = _("disposal")
        verbose_name_plural = _("disposals")


def past_their_time(at: Any) -> list[int]:
    """Numbers of withdrawn documents that should have been disposed of by now."""
    withdrawn = Document.objects.standing().filter(state="retired", retired_at__lte=at)
    gone = Disposal.objects.standing().filter(state="carried_out").values("documents")
    day = timezone.localtime(at).date()
    return [
        document.pk
        for document in withdrawn.exclude(pk__in=gone).select_related("retention")
        if (until := kept_until(document)) is not None and until < day
    ]
