"""A revision: one text of a document in one language, and what people have signed of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from verne.engine import approvals
from verne.engine.acts import move_by_rule
from verne.engine.files import File
from verne.engine.lifecycle import Approval, Lifecycle, Move, State
from verne.engine.people import Person
from verne.engine.records import Record, Sheet
from verne.engine.roles import label

from ..starters.starter import left_to_fill_in
from .models import Document, Edition, it_happens_by_itself, languages, today
from .prose import references_in
from .waiver import waived

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act

SAID = (
    "title",
    "edition_id",
    "major",
    "minor",
    "form",
    "text",
    "file_id",
    "location",
    "author_id",
    "change_summary",
)
"""What a revision says, which nobody changes once it is approved."""


# --- Guards --------------------------------------------------------------------------------------


def it_says_something(revision: Revision) -> StrOrPromise | None:
    if revision.form == Revision.Form.WRITTEN and not revision.text.strip():
        return _("Write its text first.")
    if revision.form == Revision.Form.FILE and revision.newest_file() is None:
        return _("Attach the file first.")
    if revision.form == Revision.Form.ELSEWHERE and not revision.location.strip():
        return _("Say where it is kept.")
    return None


def its_choices_are_made(revision: Revision) -> StrOrPromise | None:
    """A starter text says in [brackets] what the organization has to choose."""
    left = left_to_fill_in(revision.text) if revision.form == Revision.Form.WRITTEN else []
    if not left:
        return None
    return ngettext(
        "%(number)d place in brackets is still to be filled in: %(places)s",
        "%(number)d places in brackets are still to be filled in: %(places)s",
        len(left),
    ) % {"number": len(left), "places": ", ".join(left[:4]) + (" …" if left[4:] else "")}


def it_was_reviewed(revision: Revision) -> StrOrPromise | None:
    if revision.reviewed_hash == "":
        return _("Somebody other than its author must review it first.")
    if revision.reviewed_hash != revision.content_hash:
        return _("It was changed since it was reviewed: have it reviewed again.")
    return None


def its_day_has_come(revision: Revision) -> StrOrPromise | None:
    day = revision.effective_from
    if day is None or day <= today():
        return None
    return _("It takes force by itself on its day.")


def not_its_author(revision: Revision, person: Person) -> StrOrPromise | None:
    if person.pk not in (revision.author_id, revision.filed_by_id) or waived(revision):
        return None
    return _("Nobody reviews what they wrote themselves.")


def holds_the_authority(revision: Revision, person: Person) -> StrOrPromise | None:
    role = revision.document.approver_role
    if role is None or role.key in person.roles:
        return None
    return _("This document is approved by the role “%(role)s”.") % {"role": label(role.key)}


def approvals_needed(revision: Revision) -> int:
    return revision.document.approvals_needed


# --- Effects -------------------------------------------------------------------------------------


def pin_the_file(revision: Revision, act: Act) -> None:
    """What is reviewed and approved is the file as it is now, whatever is attached later."""
    newest = revision.newest_file() if revision.form == Revision.Form.FILE else None
    revision.file = newest.file if newest else None
    revision.file_name = newest.name if newest else ""


def note_the_review(revision: Revision, act: Act) -> None:
    revision.reviewed_by, revision.reviewed_at = act.by, act.at
    revision.reviewed_hash = revision.content_hash


def forget_the_review(revision: Revision, act: Act) -> None:
    revision.reviewed_by = revision.reviewed_at = None
    revision.reviewed_hash = ""


def note_the_approval(revision: Revision, act: Act) -> None:
    revision.approved_at = act.at


def take_force(revision: Revision, act: Act) -> None:
    """In one instant: the former one ends, this one is in force, and the document knows it."""
    former = Revision.objects.filter(holds=revision.edition_id).first()
    if former is not None:
        note = str(_("Revision %(number)s takes its place.") % {"number": revision.number})
        move_by_rule(former, "supersede", by=act.by, note=note, at=act.at)
    revision.holds_id, revision.drafts_of_id = revision.edition_id, None
    revision.in_force_at = act.at
    document = revision.document
    step = "renew" if document.state == "in_force" else "take_force"
    note = str(_("Revision %(number)s is in force.") % {"number": revision.number})
    move_by_rule(document, step, by=act.by, note=note, at=act.at)


def end_force(revision: Revision, act: Act) -> None:
    revision.holds = None
    revision.ended_at = act.at


def let_the_document_lapse(revision: Revision, act: Act) -> None:
    """Without its last revision in force, a document is in preparation again."""
    others = revision.document.in_force().exclude(pk=revision.pk)
    if not others.exists():
        note = str(_("Revision %(number)s is withdrawn.") % {"number": revision.number})
        move_by_rule(revision.document, "lapse", by=act.by, note=note, at=act.at)


class RevisionLife(Lifecycle):
    draft = State(_("Draft"), initial=True, tone="gap")
    in_review = State(_("In review"), tone="now")
    approved = State(_("Approved"), tone="now")
    in_force = State(_("In force"), tone="met")
    superseded = State(_("Superseded"), final=True)
    withdrawn = State(_("Withdrawn"), final=True)

    submit = Move(
        draft,
        in_review,
        _("Submit for review"),
        needs=("author", "change_summary"),
        asks=("effective_from",),
        guards=(it_says_something, its_choices_are_made),
        then=(pin_the_file,),
        submits="approve",
    )
    review = Move(
        in_review,
        in_review,
        _("Sign the review"),
        signed="review",
        by=(not_its_author,),
        then=(note_the_review,),
    )
    request_changes = Move(
        in_review, draft, _("Ask for changes"), note=True, then=(forget_the_review,)
    )
    approve = Move(
        in_review,
        approved,
        _("Approve"),
        guards=(it_was_reviewed,),
        approval=Approval(
            needed=approvals_needed,
            but_not=("author",),
            by=(holds_the_authority,),
            alone=waived,
            signed=True,
        ),
        auto=True,
        then=(note_the_approval,),
    )
    publish = Move(
        approved,
        in_force,
        _("Put in force"),
        guards=(its_day_has_come,),
        auto=True,
        then=(take_force,),
    )
    take_back = Move(approved, draft, _("Take back"), note=True, then=(forget_the_review,))
    supersede = Move(
        in_force, superseded, _("Supersede"), by=(it_happens_by_itself,), then=(end_force,)
    )
    end = Move(
        in_force,
        withdrawn,
        _("End with the document"),
        by=(it_happens_by_itself,),
        then=(end_force,),
    )
    take_out = Move(
        in_force,
        withdrawn,
        _("Withdraw this revision"),
        note=True,
        signed="withdrawal",
        then=(end_force, let_the_document_lapse),
    )


class Revision(Record):
    """One text of one edition, numbered, and never changed once it is approved."""

    class Size(models.TextChoices):
        MAJOR = "major", _("Major: people read it again")
        MINOR = "minor", _("Minor: what people read still holds")

    class Form(models.TextChoices):
        WRITTEN = "written", _("Written here")
        FILE = "file", _("A file")
        ELSEWHERE = "elsewhere", _("Kept elsewhere")

    lifecycle = RevisionLife

    edition = models.ForeignKey(
        Edition, models.PROTECT, related_name="revisions", verbose_name=_("edition")
    )
    # Document and language follow from the edition; they are here so that lists show them.
    document = models.ForeignKey(
        Document,
        models.PROTECT,
        related_name="revisions",
        editable=False,
        verbose_name=_("document"),
    )
    language = models.CharField(
        _("language"), max_length=10, choices=languages, editable=False, default=""
    )
    holds = models.OneToOneField(
        Edition,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="in_force",
        verbose_name=_("in force for"),
        help_text="The edition of which this is the revision in force: unique, so there is one.",
    )
    drafts_of = models.OneToOneField(
        Edition,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="draft",
        verbose_name=_("under way for"),
        help_text="The edition of which this is the revision under way: unique, so there is one.",
    )
    major = models.PositiveSmallIntegerField(_("major number"), default=0, editable=False)
    minor = models.PositiveSmallIntegerField(_("minor number"), default=0, editable=False)
    size = models.CharField(_("size"), max_length=10, choices=Size, default=Size.MAJOR)
    predecessor = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="successors",
        verbose_name=_("predecessor"),
    )
    author = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("author")
    )
    change_summary = models.TextField(
        _("what changes and why"), blank=True, help_text=_("For the first one: why it is written.")
    )
    form = models.CharField(_("form"), max_length=20, choices=Form, default=Form.WRITTEN)
    text = models.TextField(_("text"), blank=True, help_text=_("In Markdown."))
    location = models.CharField(
        _("kept at"), max_length=500, blank=True, help_text=_("An address, or a shelf.")
    )
    file = models.ForeignKey(
        File, models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("file")
    )
    file_name = models.CharField(_("file name"), max_length=255, blank=True, editable=False)
    content_hash = models.CharField(
        _("SHA-256 of its content"), max_length=64, blank=True, editable=False
    )
    effective_from = models.DateField(
        _("in force from"), null=True, blank=True, help_text=_("Empty: as soon as it is approved.")
    )
    reviewed_by = models.ForeignKey(
        Person,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("reviewed by"),
    )
    reviewed_at = models.DateTimeField(_("reviewed"), null=True, editable=False)
    reviewed_hash = models.CharField(
        _("SHA-256 of what was reviewed"), max_length=64, blank=True, editable=False
    )
    approved_at = models.DateTimeField(_("approved"), null=True, editable=False)
    in_force_at = models.DateTimeField(_("in force since"), null=True, editable=False)
    ended_at = models.DateTimeField(_("in force until"), null=True, editable=False)

    class Meta:
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["edition", "major", "minor"], name="revision_number_once"
            ),
        ]

    @property
    def number(self) -> str:
        return f"{self.major}.{self.minor}"

    @property
    def is_fixed(self) -> bool:
        """Whether nobody changes any more what it says."""
        return self.state not in ("draft", "in_review")

    def newest_file(self) -> Any:
        return self.attachments.filter(removed_at=None).select_related("file").last()

    def what_is_signed(self) -> str:
        return f"{self.document.ref} {self.number} ({self.language})"

    def content(self) -> dict[str, Any]:
        """What is signed: the text under its number, not who handles it or when."""
        return {
            "document": self.document.ref,
            "language": self.language,
            "number": self.number,
            "title": self.title,
            "form": self.form,
            "text": self.text,
            "file": self.file.sha256 if self.file else "",
            "location": self.location,
        }

    def set_derived(self) -> None:
        if self.edition_id is None:
            return
        self.document, self.language = self.edition.of, self.edition.language
        self.restricted = self.document.restricted
        if self._state.adding:
            self._continue_the_edition()
        if self.withdrawn_at is not None:
            self.drafts_of = None
        self.content_hash = approvals.content_hash(self)

    def _continue_the_edition(self) -> None:
        """The next number after all there were, and the text that it goes on from."""
        former = Revision.objects.filter(edition=self.edition_id)
        last = former.order_by("-major", "-minor").first()
        if last is None:
            self.major, self.minor, self.size = 1, 0, self.Size.MAJOR
        elif self.size == self.Size.MINOR:
            self.major, self.minor = last.major, last.minor + 1
        else:
            self.major, self.minor = last.major + 1, 0
        self.predecessor = former.standing().order_by("-major", "-minor").first()
        self.title = self.title or (self.predecessor or self.document).title
        if self.predecessor and self.form == self.Form.WRITTEN and not self.text:
            self.text = self.predecessor.text
        self.drafts_of_id = self.edition_id
        self.owner_id = self.owner_id or self.author_id

    def clean(self) -> None:
        self._refuse_second_draft()
        before = Revision.objects.filter(pk=self.pk).values("state", "withdrawn_at", *SAID).first()
        if before is None:
            return
        if self.withdrawn_at and not before["withdrawn_at"] and self.state in OVER:
            raise ValidationError(
                _("Revision %(number)s has been in force: withdraw it with its own step.")
                % {"number": self.number}
            )
        changed = [name for name in SAID if before[name] != getattr(self, name)]
        if changed and before["state"] not in ("draft", "in_review"):
            raise ValidationError(
                _("Revision %(number)s is approved, and stays as it was signed: begin a new one.")
                % {"number": self.number}
            )

    def _refuse_second_draft(self) -> None:
        if self.drafts_of_id is None:
            return
        other = Revision.objects.filter(drafts_of=self.drafts_of_id).exclude(pk=self.pk).first()
        if other is not None:
            raise ValidationError(
                {
                    "edition": _("%(ref)s is under way in this edition: finish or withdraw it.")
                    % {"ref": other.ref}
                }
            )

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        self._keep_references()

    def _keep_references(self) -> None:
        """Rows for the records that the text names, so that one sees what names a record."""
        named = references_in(self.text)
        there = {row.ref: row for row in self.references.all()}
        for ref in there.keys() - named:
            there[ref].delete()
        new = named - there.keys()
        if new:
            sheets = {s.ref: s for s in Sheet.objects.filter(ref__in=new)}
            for ref in sorted(new):
                Reference.objects.create(of=self, ref=ref, target=sheets.get(ref))


OVER = ("in_force", "superseded", "withdrawn")


class Reference(models.Model):
    """A record that a text names. Computed from the text, never typed in."""

    history_record: ClassVar[str] = "of"

    of = models.ForeignKey(Revision, models.PROTECT, related_name="references")
    ref = models.CharField(max_length=20)
    target = models.ForeignKey(
        Sheet, models.PROTECT, null=True, related_name="named_in", verbose_name=_("record")
    )

    class Meta:
        verbose_name = _("cross-reference")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["of", "ref"], name="reference_once"),
        ]

    def __str__(self) -> str:
        return self.ref

    @property
    def outdated(self) -> bool:
        """Whether it leads to something nobody should work by any more, or nowhere."""
        gone = self.target is None or self.target.withdrawn_at is not None
        return gone or (self.target is not None and self.target.state in NO_LONGER)


NO_LONGER = ("superseded", "withdrawn", "retired", "revoked", "lapsed")
"""States, of whatever type, in which a record is history."""


def due_for_force(day: Any) -> models.QuerySet[Revision]:
    """Approved revisions whose day has come."""
    rows: models.QuerySet[Revision] = Revision.objects.standing().filter(
        state="approved", effective_from__lte=day
    )
    return rows.order_by("effective_from", "pk")
