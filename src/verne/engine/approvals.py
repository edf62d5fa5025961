"""Agreement before a move: asked for, voted on, void when what was agreed to changes."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

if TYPE_CHECKING:
    from .lifecycle import Move
    from .people import Person
    from .records import Record


class Approval(models.Model):
    """One asking: for which move of which record, and over which content."""

    class Standing(models.TextChoices):
        OPEN = "open", gettext_lazy("Awaiting votes")
        GIVEN = "given", gettext_lazy("Approved")
        REFUSED = "refused", gettext_lazy("Refused")
        VOID = "void", gettext_lazy("Void: the content changed")
        USED = "used", gettext_lazy("Used")

    history_record: ClassVar[str] = "record"

    record = models.ForeignKey("engine.Sheet", models.PROTECT, related_name="approvals")
    move = models.CharField(max_length=40)
    content_hash = models.CharField(max_length=64)
    needed = models.PositiveSmallIntegerField(default=1)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    standing = models.CharField(max_length=10, choices=Standing, default=Standing.OPEN)

    class Meta:
        app_label = "engine"
        ordering = ("asked_at", "id")

    def __str__(self) -> str:
        return f"{self.move}: {self.standing}"


class Vote(models.Model):
    """What one person said to an asking. A vote is never changed."""

    of = models.ForeignKey(Approval, models.PROTECT, related_name="votes")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    agrees = models.BooleanField()
    note = models.TextField(blank=True)

    class Meta:
        app_label = "engine"
        ordering = ("at", "id")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["of", "by"], name="vote_once"),
        ]

    def __str__(self) -> str:
        return f"{self.by}: {self.agrees}"


def content_hash(record: Record) -> str:
    """SHA-256 of what the record says, in canonical JSON."""
    text = json.dumps(record.content(), sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def current(record: Record, move: str) -> Approval | None:
    """The latest asking for a move that still counts."""
    counted = (Approval.Standing.OPEN, Approval.Standing.GIVEN, Approval.Standing.REFUSED)
    rows = Approval.objects.filter(record=record.pk, move=move, standing__in=counted)
    return rows.order_by("-id").first()


def missing_approval(record: Record, step: Move) -> str | None:
    """Why this move still lacks approval; None when it has it or needs none."""
    if step.approval is None or not (number := step.approval.number(record)):
        return None
    approval = current(record, step.name)
    if approval is None:
        return (
            ngettext("%d person must approve it first.", "%d people must approve it first.", number)
            % number
        )
    if approval.standing == Approval.Standing.REFUSED:
        return _("Approval was refused: change it and ask again.")
    if approval.standing == Approval.Standing.GIVEN:
        return None
    given = approval.votes.filter(agrees=True).count()
    return _("%(given)d of %(needed)d approvals given.") % {
        "given": given,
        "needed": approval.needed,
    }


def ask(record: Record, move: str, *, by: Person) -> Approval:
    """Ask for the approval a move needs. What is agreed to is the record as it is now."""
    from .acts import _locked, act
    from .rights import may

    step = record.lifecycle.moves[move]
    if not may(by, "revise", type(record)):
        raise PermissionDenied(_("Your roles do not let you ask for this approval."))
    if step.approval is None or not (number := step.approval.number(record)):
        raise ValidationError(_("This step needs no approval."))
    with act("ask", by=by, record=record.pk, name=move, kind=record.kind_name()) as work:
        record = _locked(record)
        if step not in record.moves():
            raise ValidationError(_("This step is not open now."))
        there = current(record, move)
        if there is not None and there.standing != Approval.Standing.REFUSED:
            raise ValidationError(_("Approval has been asked for already."))
        if there is not None:
            Approval.objects.filter(pk=there.pk).update(standing=Approval.Standing.VOID)
        return Approval.objects.create(
            record_id=record.pk,
            move=move,
            content_hash=content_hash(record),
            needed=number,
            asked_by=by,
            asked_at=work.act.at,
        )


def may_vote(approval: Approval, record: Record, person: Person) -> str | None:
    """Why this person may not vote; None when they may."""
    step = record.lifecycle.moves[approval.move]
    if approval.standing != Approval.Standing.OPEN:
        return _("This approval is no longer open.")
    if person.pk in (approval.asked_by_id, record.filed_by_id):
        return _("Nobody approves what they asked for themselves.")
    wanted = step.approval.right if step.approval and step.approval.right else None
    if wanted is None:
        from .rights import right

        wanted = right(approval.move, type(record))
    if not person.may(wanted):
        return _("Your roles do not let you approve this.")
    if approval.votes.filter(by=person).exists():
        return _("You have voted already.")
    return None


def vote(approval: Approval, *, by: Person, agrees: bool, note: str = "") -> Approval:
    """Agree or refuse. Enough agreement makes the move open, and makes it if it is automatic."""
    from .acts import _locked, _walk_automatic, act

    record = approval.record.opened()
    with act(
        "approve" if agrees else "refuse",
        by=by,
        record=record.pk,
        name=approval.move,
        note=note,
        kind=record.kind_name(),
    ):
        record = _locked(record)
        approval = Approval.objects.select_for_update().get(pk=approval.pk)
        if why := may_vote(approval, record, by):
            raise PermissionDenied(why)
        if not agrees and not note.strip():
            raise ValidationError(_("Say why you refuse."))
        if approval.content_hash != content_hash(record):
            raise ValidationError(_("It was changed since you were asked: it must be asked anew."))
        Vote.objects.create(of=approval, by=by, agrees=agrees, note=note)
        if not agrees:
            approval.standing = Approval.Standing.REFUSED
        elif approval.votes.filter(agrees=True).count() >= approval.needed:
            approval.standing = Approval.Standing.GIVEN
        approval.save(update_fields=["standing"])
        if approval.standing == Approval.Standing.GIVEN:
            _walk_automatic(record, by=by, at=None)
    return approval


def void_if_changed(record: Record) -> None:
    """Askings and approvals over a content that is no longer there do not count any more."""
    counted = (Approval.Standing.OPEN, Approval.Standing.GIVEN)
    rows = list(Approval.objects.filter(record=record.pk, standing__in=counted))
    if not rows:
        return
    now = content_hash(record)
    for row in rows:
        if row.content_hash != now:
            Approval.objects.filter(pk=row.pk).update(standing=Approval.Standing.VOID)


def awaiting(person: Person) -> Any:
    """Open askings this person may answer."""
    open_ones = Approval.objects.filter(standing=Approval.Standing.OPEN).select_related("record")
    return [
        approval
        for approval in open_ones.exclude(asked_by=person).exclude(votes__by=person)[:200]
        if may_vote(approval, approval.record.opened(), person) is None
    ]
