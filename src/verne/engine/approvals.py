"""Agreement before a move: asked for, voted on, void when what was agreed to changes."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from .signing import Signature, require_proof, sign

if TYPE_CHECKING:
    from datetime import datetime

    from . import lifecycle
    from .history import Act
    from .lifecycle import Move
    from .people import Person
    from .records import Record, Sheet
    from .signing import Proof


class Approval(models.Model):
    """One asking: for which move of which record, and over which content."""

    class Standing(models.TextChoices):
        OPEN = "open", gettext_lazy("Awaiting votes")
        GIVEN = "given", gettext_lazy("Approved")
        REFUSED = "refused", gettext_lazy("Refused")
        VOID = "void", gettext_lazy("Void: what it was about has changed")
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
    signature = models.OneToOneField(
        Signature, models.PROTECT, null=True, blank=True, related_name="vote"
    )

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


def _hash_as_saved(record: Record) -> str:
    """The same for what the database holds: 5 and 5.00, or one instant in two zones, are alike."""
    return content_hash(type(record)._default_manager.get(pk=record.pk))


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
    if approval.content_hash != content_hash(record):
        return _("It says something else than what was asked about: save it and ask again.")
    if approval.standing == Approval.Standing.GIVEN:
        return None
    given = approval.votes.filter(agrees=True).count()
    return _("%(given)d of %(needed)d approvals given.") % {
        "given": given,
        "needed": approval.needed,
    }


def ask(record: Record, move: str, *, by: Person) -> Approval:
    """Ask for the approval a move needs. What is agreed to is the record as it is now."""
    from .acts import NotOpen, _locked, _require_seen, act
    from .rights import may

    step = record.lifecycle.moves.get(move)
    if not may(by, "revise", type(record)):
        raise PermissionDenied(_("Your roles do not let you ask for this approval."))
    _require_seen(by, record)
    if step is None or step.approval is None or not step.approval.number(record):
        raise ValidationError(_("This step needs no approval."))
    with act("ask", by=by, record=record.pk, name=move, kind=record.kind_name()) as work:
        record = _locked(record)
        if step not in record.moves():
            raise ValidationError(_("This step is not open now."))
        # Whoever agrees should see all of it: what is filled in later would void their word.
        if obstacles := step.obstacles(record):
            raise NotOpen(obstacles)
        there = current(record, move)
        if there is not None and there.standing != Approval.Standing.REFUSED:
            raise ValidationError(_("Approval has been asked for already."))
        if there is not None:
            Approval.objects.filter(pk=there.pk).update(standing=Approval.Standing.VOID)
        return open_asking(record, move, by=by, at=work.act.at)


def open_asking(record: Record, move: str, *, by: Person | None, at: datetime) -> Approval:
    """Put the question about a saved record; call it in an act."""
    approval = record.lifecycle.moves[move].approval
    asker = by or record.filed_by
    assert asker is not None  # whoever wrote the record, or filed it
    return Approval.objects.create(
        record_id=record.pk,
        move=move,
        content_hash=_hash_as_saved(record),
        needed=approval.number(record) if approval else 1,
        asked_by=asker,
        asked_at=at,
    )


def may_vote(approval: Approval, record: Record, person: Person) -> str | None:
    """Why this person may not vote; None when they may."""
    if not type(record).objects.visible_to(person).filter(pk=record.pk).exists():
        return _("There is no such record for you.")
    return _hindrance(approval, record, person)


def _hindrance(approval: Approval, sheet: Sheet, person: Person) -> str | None:
    """Why somebody who sees the record may not vote. The record itself is read only if need be."""
    from .rights import right

    model = sheet.model
    step = model.lifecycle.moves.get(approval.move)
    if approval.standing != Approval.Standing.OPEN or step is None or step.approval is None:
        return _("This approval is no longer open.")
    if not person.may(step.approval.right or right(step.name, model)):
        return _("Your roles do not let you approve this.")
    if why := _too_close(approval, step.approval, sheet, person):
        return why
    if approval.votes.filter(by=person).exists():
        return _("You have voted already.")
    return None


def _too_close(
    approval: Approval, rule: lifecycle.Approval, sheet: Sheet, person: Person
) -> str | None:
    """Why it may not be this person: they ask for it themselves, or it is not theirs to decide."""
    asked_it = person.pk in (approval.asked_by_id, sheet.filed_by_id)
    if rule.alone is None and asked_it:
        return _("Nobody approves what they asked for themselves.")
    if not (rule.alone or rule.but_not or rule.by):
        return None
    record = sheet if isinstance(sheet, sheet.model) else sheet.opened()
    if rule.alone is None or not rule.alone(record):
        kept_out = {getattr(record, f"{name}_id") for name in rule.but_not}
        if asked_it or person.pk in kept_out:
            return _("Nobody approves what they asked for themselves.")
    return next((str(why) for guard in rule.by if (why := guard(record, person))), None)


def is_signed(approval: Approval, record: Sheet) -> bool:
    """Whether agreeing takes a signature."""
    step = record.model.lifecycle.moves.get(approval.move)
    return bool(step and step.approval and step.approval.signed)


def vote(
    approval: Approval, *, by: Person, agrees: bool, note: str = "", proof: Proof | None = None
) -> Approval:
    """Agree or refuse. Enough agreement makes the move open, and makes it if it is automatic.

    Where the approval is signed, agreeing takes a proof of who one is and leaves a signature.
    """
    from .acts import _locked, _require_standing, _walk_automatic, act

    record = approval.record.opened()
    _require_standing(record)
    with act(
        "approve" if agrees else "refuse",
        by=by,
        record=record.pk,
        name=approval.move,
        note=note,
        kind=record.kind_name(),
    ) as work:
        record = _locked(record)
        approval = Approval.objects.select_for_update().get(pk=approval.pk)
        if why := may_vote(approval, record, by):
            raise PermissionDenied(why)
        if not agrees and not note.strip():
            raise ValidationError(_("Say why you refuse."))
        if approval.content_hash != content_hash(record):
            raise ValidationError(_("It was changed since you were asked: it must be asked anew."))
        signature = None
        if agrees and is_signed(approval, record):
            require_proof(proof, by)
            signature = sign(
                record,
                meaning="approval",
                what=record.what_is_signed(),
                content_hash=approval.content_hash,
                by=by,
                proof=proof,
                note=note,
                at=work.act.at,
            )
        Vote.objects.create(
            of=approval, by=by, at=work.act.at, agrees=agrees, note=note, signature=signature
        )
        if not agrees:
            approval.standing = Approval.Standing.REFUSED
        elif approval.votes.filter(agrees=True).count() >= approval.needed:
            approval.standing = Approval.Standing.GIVEN
        approval.save(update_fields=["standing"])
        if approval.standing == Approval.Standing.GIVEN:
            _walk_automatic(record, by=by, at=None)
    approval.refresh_from_db()
    return approval


def use(record: Record, step: Move) -> None:
    """An approval is good for one move: the next time it has to be asked for anew."""
    given = Approval.objects.filter(record=record.pk, move=step.name)
    given.filter(standing=Approval.Standing.GIVEN).update(standing=Approval.Standing.USED)


def keep_true(record: Record, act: Act) -> None:
    """Askings and approvals whose content or step is no longer there do not count any more.

    Where the program asked by itself, because the move is made by itself, it asks again.
    """
    counted = (Approval.Standing.OPEN, Approval.Standing.GIVEN)
    rows = list(Approval.objects.filter(record=record.pk, standing__in=counted))
    if not rows:
        return
    now = _hash_as_saved(record)
    open_moves = {step.name: step for step in record.moves()}
    for row in rows:
        step = open_moves.get(row.move)
        if step is not None and row.content_hash == now:
            continue
        Approval.objects.filter(pk=row.pk).update(standing=Approval.Standing.VOID)
        if step is not None and step.auto and step.approval and step.approval.number(record):
            open_asking(record, row.move, by=act.by or row.asked_by, at=act.at)


def awaiting(person: Person) -> list[Approval]:
    """Open askings this person may answer."""
    from .records import Sheet
    from .rights import scope

    seen = Sheet.objects.filter(scope(person, Sheet), withdrawn_at=None)
    rows = Approval.objects.filter(standing=Approval.Standing.OPEN, record__in=seen)
    others = rows.exclude(asked_by=person).exclude(record__filed_by=person)
    return [
        approval
        for approval in others.exclude(votes__by=person).select_related("record")[:200]
        if _hindrance(approval, approval.record, person) is None
    ]
