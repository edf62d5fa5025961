"""A request for evidence: what an auditor asks to see, by when, and what they were given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.records import Record

from .clauses import an_obligation
from .guest import room_of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act
    from verne.engine.people import Person


def somebody_else_answered(request: EvidenceRequest, person: Person) -> StrOrPromise | None:
    if request.answered_by_id != person.pk:
        return None
    return _("You gave the answer: somebody of the audit says whether it is enough.")


def stamp_answer(request: EvidenceRequest, act: Act) -> None:
    request.answered_at = act.at
    request.answered_by = act.by


def clear_answer(request: EvidenceRequest, act: Act) -> None:
    request.answered_at = None
    request.answered_by = None


class RequestLife(Lifecycle):
    asked = State(_("Asked"), initial=True, tone="gap")
    answered = State(_("Answered"), tone="now")
    accepted = State(_("Accepted"), final=True)
    dropped = State(_("Dropped"), final=True)

    give_answer = Move(asked, answered, _("Answer"), needs=("answer",), then=(stamp_answer,))
    accept = Move(answered, accepted, _("Accept"), by=(somebody_else_answered,))
    reject = Move(
        answered,
        asked,
        _("Ask again"),
        by=(somebody_else_answered,),
        note=True,
        then=(clear_answer,),
    )
    drop = Move((asked, answered), dropped, _("Drop"), note=True)


class EvidenceRequest(Record):
    """Something an auditor asks to see. Files and records are attached to the answer."""

    lifecycle = RequestLife

    audit = models.ForeignKey(
        "evaluation.Audit",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="requests",
        verbose_name=_("audit"),
    )
    room = models.ForeignKey(
        "evaluation.AuditRoom",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="requests",
        verbose_name=_("audit room"),
    )
    obligation = models.CharField(
        _("obligation"), max_length=40, blank=True, validators=[an_obligation]
    )
    wanted = models.TextField(_("what is asked for"))
    answer = models.TextField(
        _("answer"), blank=True, help_text=_("Attach files and link records below.")
    )
    answered_at = models.DateTimeField(_("answered"), null=True, editable=False)
    answered_by = models.ForeignKey(
        "engine.Person",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("answered by"),
    )

    class Meta:
        verbose_name = _("request for evidence")
        verbose_name_plural = _("requests for evidence")

    def set_derived(self) -> None:
        self.room = self.room or room_of(self.filed_by)
