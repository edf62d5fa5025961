"""A waiver: where there are too few people, an author may approve their own text for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.records import Record

from .models import Document, today

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

LONGEST = timedelta(days=366)
"""A waiver has to be thought about once a year."""


def it_ends_within_a_year(waiver: ApprovalWaiver) -> StrOrPromise | None:
    if waiver.until is None or today() < waiver.until <= today() + LONGEST:
        return None
    return _("Choose a last day that lies ahead, within a year.")


class WaiverLife(Lifecycle):
    draft = State(_("Draft"), initial=True, tone="gap")
    granted = State(_("Granted"), tone="partly")
    revoked = State(_("Revoked"), final=True)

    grant = Move(
        draft,
        granted,
        _("Grant"),
        needs=("reason", "until"),
        guards=(it_ends_within_a_year,),
        signed="waiver",
    )
    revoke = Move((draft, granted), revoked, _("Revoke"), note=True)


class ApprovalWaiver(Record):
    """Lets the author of a document be its only reviewer and approver, with a reason, for a while.

    It shows wherever it was used: in the signatures of the revision, and in the list of waivers.
    """

    lifecycle = WaiverLife

    document = models.ForeignKey(
        Document,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="waivers",
        verbose_name=_("document"),
        help_text=_("Empty: all documents."),
    )
    reason = models.TextField(
        _("reason"), blank=True, help_text=_("Why nobody else can, and what makes up for it.")
    )
    until = models.DateField(_("valid until"), null=True, blank=True)

    class Meta:
        verbose_name = _("approval waiver")
        verbose_name_plural = _("approval waivers")


def waived(revision: Any) -> bool:
    """Whether the author of this revision may approve it today."""
    valid = ApprovalWaiver.objects.standing().filter(state="granted", until__gte=today())
    mine = models.Q(document=None) | models.Q(document=revision.document_id)
    return bool(valid.filter(mine).exists())
