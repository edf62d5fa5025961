"""The numbered list of what was printed: which content, by whom, for whom, is it back."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from .paper import Paper, clock_time
from .press import pdf

if TYPE_CHECKING:
    from verne.engine.people import Person
    from verne.engine.records import Record


class PrintedCopy(models.Model):
    """One print of one content of a record. Numbers run on for each record and never come twice.

    A copy with a `holder` is looked after: whoever replaces what it says calls it back. Any other
    is good for the moment it was printed.
    """

    history_record: ClassVar[str] = "record"

    record = models.ForeignKey("engine.Sheet", models.PROTECT, related_name="printed_copies")
    number = models.PositiveIntegerField(gettext_lazy("number"))
    what = models.CharField(gettext_lazy("what was printed"), max_length=200)
    content_hash = models.CharField(max_length=64)
    language = models.CharField(gettext_lazy("language"), max_length=10)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        verbose_name=gettext_lazy("printed by"),
    )
    at = models.DateTimeField(gettext_lazy("printed"), default=timezone.now)
    holder = models.CharField(gettext_lazy("who keeps it"), max_length=200, blank=True)
    file_hash = models.CharField(max_length=64, help_text="SHA-256 of the PDF as it was given out.")
    called_back_at = models.DateTimeField(gettext_lazy("called back"), null=True)

    class Meta:
        app_label = "engine"
        ordering = ("record", "number")
        verbose_name = gettext_lazy("printed copy")
        verbose_name_plural = gettext_lazy("printed copies")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["record", "number"], name="copy_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.record_id}/{self.number}"

    @property
    def is_out(self) -> bool:
        """Whether somebody keeps it who must be told when it is replaced."""
        return bool(self.holder) and self.called_back_at is None


def print_copy(
    record: Record, paper: Paper, *, what: str, content_hash: str, by: Person, holder: str = ""
) -> tuple[PrintedCopy, bytes]:
    """Print a content of a record, with its number, who printed it and when on every page.

    Whoever may read it may print it: a copy keeps nothing from anybody, the number keeps it known.
    """
    from verne.engine.acts import _locked, _require_seen, act

    _require_seen(by, record)
    with act("print", by=by, record=record.pk, note=what, kind=record.kind_name()) as work:
        # The lock keeps two people who print at once from getting the same number.
        record = _locked(record)
        last = PrintedCopy.objects.filter(record=record.pk).order_by("-number").first()
        copy = PrintedCopy(
            record_id=record.pk,
            number=last.number + 1 if last else 1,
            what=what,
            content_hash=content_hash,
            language=paper.language,
            by=by,
            at=work.act.at,
            holder=holder.strip()[:200],
        )
        made = pdf(replace(paper, fingerprint=content_hash, foot=_foot(copy)), at=copy.at)
        copy.file_hash = hashlib.sha256(made).hexdigest()
        copy.save(force_insert=True)
    return copy, made


def call_back(copy: PrintedCopy, *, by: Person, note: str) -> PrintedCopy:
    """Note that a copy somebody kept is back, destroyed or replaced; say which."""
    from verne.engine.acts import _locked, _require_seen, act
    from verne.engine.rights import may

    record = copy.record.opened()
    _require_seen(by, record)
    if not may(by, "comment", type(record)):
        raise PermissionDenied(_("Your roles do not let you look after copies of this."))
    if not note.strip():
        raise ValidationError(_("Say what became of the copy: destroyed, replaced, lost."))
    with act(
        "call_back",
        by=by,
        record=record.pk,
        name=str(copy.number),
        note=note,
        kind=record.kind_name(),
    ) as work:
        _locked(record)
        copy.refresh_from_db()
        if not copy.holder:
            raise ValidationError(_("Nobody keeps this copy, so there is nothing to call back."))
        if copy.called_back_at is None:
            copy.called_back_at = work.act.at
            copy.save(update_fields=["called_back_at"])
    return copy


def _foot(copy: PrintedCopy) -> str:
    """What each page says of the copy, in the language of the paper."""
    facts = {
        "number": copy.number,
        "name": copy.by.name,
        "time": clock_time(copy.at),
        "holder": copy.holder,
    }
    with override(copy.language):
        if copy.holder:
            return (
                _(
                    "Controlled copy %(number)d, kept by %(holder)s. "
                    "Printed by %(name)s, %(time)s. Uncontrolled when copied again."
                )
                % facts
            )
        return (
            _("Copy %(number)d, printed by %(name)s, %(time)s. Uncontrolled when printed.") % facts
        )
