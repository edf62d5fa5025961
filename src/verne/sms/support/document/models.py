"""A document: what it is about, for whom, and when it is looked at again. Its text is elsewhere."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from verne.engine import moment
from verne.engine.acts import file, move_by_rule
from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.people import Person, Role, Team
from verne.engine.records import Part, Record, RecordQuerySet, Sheet
from verne.engine.signing import meanings

from .kinds import documented_choices

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act

    from .revision import Revision

meanings["revision"] = _("Periodic review: to be revised")
meanings["withdrawal"] = _("Withdrawal")

TIME_TO_REVISE = timedelta(days=90)
"""How long a document whose review asked for a revision may stay as it is."""


def a_revision_is_in_force(document: Document) -> StrOrPromise | None:
    return None if document.in_force() else _("Put a revision in force first.")


def nothing_is_under_way(document: Document) -> StrOrPromise | None:
    drafts = document.revisions.standing().in_state("draft", "in_review", "approved")
    if (draft := drafts.first()) is None:
        return None
    return _("%(ref)s is still under way: finish it, or withdraw it.") % {"ref": draft.ref}


def it_happens_by_itself(record: Record, person: Person) -> StrOrPromise | None:
    return _("This happens by itself, when a revision takes force or ends.")


def set_the_next_review(document: Document, act: Act) -> None:
    start = timezone.localtime(act.at).date()
    document.review_by = months_after(start, document.review_months)


def note_the_check(document: Document, act: Act) -> None:
    """Looking at a document from outside is seeing whether its edition is still the newest."""
    document.checked_on = timezone.localtime(act.at).date()


def begin_the_revision(document: Document, act: Act) -> None:
    """A draft in each edition that has none, and a day by which it should be in force."""
    from .revision import Revision

    document.review_by = (timezone.localtime(act.at) + TIME_TO_REVISE).date()
    for revision in document.in_force():
        if act.by is not None and not Revision.objects.filter(drafts_of=revision.edition).exists():
            values = {
                "edition": revision.edition,
                "change_summary": act.note,
                "author": act.by,
                "form": revision.form,
                "location": revision.location,
            }
            file(Revision, values, by=act.by, at=act.at)


def end_its_revisions(document: Document, act: Act) -> None:
    for revision in document.in_force():
        move_by_rule(revision, "end", by=act.by, note=act.note, at=act.at)
    document.retired_at = act.at
    document.review_by = None


def forget_the_end(document: Document, act: Act) -> None:
    document.retired_at = None


class DocumentLife(Lifecycle):
    in_preparation = State(_("In preparation"), initial=True, tone="now")
    in_force = State(_("In force"), tone="met")
    retired = State(_("Withdrawn"), final=True)

    take_force = Move(
        in_preparation,
        in_force,
        _("Take force"),
        by=(it_happens_by_itself,),
        then=(set_the_next_review,),
    )
    renew = Move(
        in_force,
        in_force,
        _("Take force anew"),
        by=(it_happens_by_itself,),
        then=(set_the_next_review,),
    )
    confirm = Move(
        in_force,
        in_force,
        _("Confirm after review"),
        note=True,
        signed="confirmation",
        then=(set_the_next_review, note_the_check),
    )
    call_for_revision = Move(
        in_force,
        in_force,
        _("Ask for a revision after review"),
        note=True,
        signed="revision",
        then=(begin_the_revision,),
    )
    lapse = Move(in_force, in_preparation, _("Lose force"), by=(it_happens_by_itself,))
    retire = Move(
        (in_preparation, in_force),
        retired,
        _("Withdraw after review"),
        note=True,
        signed="withdrawal",
        guards=(nothing_is_under_way,),
        then=(end_its_revisions,),
    )
    bring_back = Move(retired, in_preparation, _("Bring back"), note=True, then=(forget_the_end,))


class DocumentQuerySet(RecordQuerySet):
    def in_force(self) -> Self:
        return self.standing().filter(state="in_force")

    def carrying(self, key: str) -> Self:
        """Documents that carry a kind of documented information of the catalogue."""
        return self.standing().filter(carries__key=key).distinct()

    def review_overdue(self, at: datetime) -> Self:
        return self.in_force().filter(review_by__lt=timezone.localtime(at).date())


class Document(Record):
    """Something written that people work by or point at."""

    class Kind(models.TextChoices):
        POLICY = "policy", _("Policy")
        PROCESS = "process", _("Process description")
        PROCEDURE = "procedure", _("Procedure")
        PLAN = "plan", _("Plan")
        INSTRUCTION = "instruction", _("Work instruction")
        FORM = "form", _("Form or template")
        SCOPE = "scope", _("Scope")
        OBJECTIVES = "objectives", _("Objectives")
        REQUIREMENT = "requirement", _("Requirements")
        AGREEMENT = "agreement", _("Agreement or contract")
        REPORT = "report", _("Report")
        EXTERNAL = "external", _("Document from outside")
        OTHER = "other", _("Other document")

    class Classification(models.TextChoices):
        PUBLIC = "public", _("Public")
        INTERNAL = "internal", _("Internal")
        CONFIDENTIAL = "confidential", _("Confidential: its audience only")

    class Audience(models.TextChoices):
        EVERYBODY = "everybody", _("Everybody who works here")
        CHOSEN = "chosen", _("The roles and teams chosen below")

    lifecycle = DocumentLife

    document_kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    description = models.TextField(_("what it is about"), blank=True)
    own_need = models.BooleanField(
        _("necessary in our own judgement"),
        default=False,
        help_text=_("The standard does not ask for it; we found that the SMS needs it."),
    )
    classification = models.CharField(
        _("classification"),
        max_length=20,
        choices=Classification,
        default=Classification.INTERNAL,
    )
    audience = models.CharField(
        _("audience"), max_length=20, choices=Audience, default=Audience.EVERYBODY
    )
    audience_roles = models.ManyToManyField(
        Role, blank=True, related_name="+", verbose_name=_("roles in the audience")
    )
    audience_teams = models.ManyToManyField(
        Team, blank=True, related_name="+", verbose_name=_("teams in the audience")
    )
    for_customers = models.BooleanField(
        _("customers may read it"), default=False, help_text=_("They find it in the portal.")
    )
    to_acknowledge = models.BooleanField(
        _("to be acknowledged"),
        default=False,
        help_text=_("Everybody in the audience says that they have read and understood it."),
    )
    read_within_days = models.PositiveSmallIntegerField(
        _("days to read it"), default=14, validators=[MinValueValidator(1), MaxValueValidator(365)]
    )
    approver_role = models.ForeignKey(
        Role,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("approved by the role"),
        help_text=_("Empty: whoever may approve documents."),
    )
    approvals_needed = models.PositiveSmallIntegerField(
        _("approvals needed"), default=1, validators=[MinValueValidator(1), MaxValueValidator(9)]
    )
    review_months = models.PositiveSmallIntegerField(
        _("months between reviews"),
        default=12,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
    )
    review_by = models.DateField(_("next review"), null=True, blank=True)
    retention = models.ForeignKey(
        "support.RetentionRule",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="documents",
        verbose_name=_("retention rule"),
        help_text=_("Empty: the rule of its kind."),
    )
    source = models.CharField(
        _("source"),
        max_length=300,
        blank=True,
        help_text=_("For a document from outside: who publishes it, and where."),
    )
    outside_edition = models.CharField(
        _("edition outside"), max_length=120, blank=True, help_text=_("As its publisher names it.")
    )
    checked_on = models.DateField(_("last checked"), null=True, blank=True)
    retired_at = models.DateTimeField(_("withdrawn"), null=True, editable=False)

    objects: ClassVar[Any] = DocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")

    def in_force(self) -> models.QuerySet[Revision]:
        """The revisions people work by now, one for each edition at most."""
        rows: models.QuerySet[Revision] = self.revisions.filter(holds__isnull=False)
        return rows.select_related("edition").order_by("edition__language")

    def set_derived(self) -> None:
        in_force = self.state == "in_force" and self.review_by is not None
        self.due_at = _start_of(self.review_by) if in_force and self.review_by else None

    def save(self, *args: Any, **kwargs: Any) -> None:
        adding = self._state.adding
        super().save(*args, **kwargs)
        # Whoever may not see a document may not see its texts either.
        texts = Sheet.objects.filter(pk__in=self.revisions.values("pk"))
        texts.exclude(restricted=self.restricted).update(restricted=self.restricted)
        if adding:
            # Nobody has to think of editions before there is a second language.
            Edition.objects.create(of=self, language=self._language())

    def _language(self) -> str:
        spoken = self.filed_by.language if self.filed_by else ""
        return spoken or settings.LANGUAGE_CODE

    def what_is_signed(self) -> str:
        said = ", ".join(f"{r.number} ({r.language})" for r in self.in_force())
        return f"{self.ref} {said}".strip()

    def content(self) -> dict[str, Any]:
        """What a review confirms or ends: the document with the texts that are in force."""
        return {
            "ref": self.ref,
            "title": self.title,
            "kind": self.document_kind,
            "in_force": [revision.content_hash for revision in self.in_force()],
        }


class Carried(Part):
    """A kind of documented information of the catalogue that the document carries."""

    part_fields: ClassVar[tuple[str, ...]] = ("key",)

    of = models.ForeignKey(Document, models.PROTECT, related_name="carries")
    key = models.CharField(_("documented information"), max_length=40, choices=documented_choices)

    class Meta:
        verbose_name = _("documented information")
        verbose_name_plural = _("documented information it carries")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["of", "key"], name="carried_once"),
        ]

    def __str__(self) -> str:
        return str(self.get_key_display())


class Publication(Part):
    """A class of interested parties outside that may have the document, and where they find it."""

    class Party(models.TextChoices):
        CUSTOMERS = "customers", _("Customers and their users")
        SUPPLIERS = "suppliers", _("Suppliers")
        OWNERS = "owners", _("Owners and investors")
        AUTHORITIES = "authorities", _("Authorities and regulators")
        PARTNERS = "partners", _("Partners")
        PUBLIC = "public", _("Everybody")

    part_fields: ClassVar[tuple[str, ...]] = ("party", "place", "since")

    of = models.ForeignKey(Document, models.PROTECT, related_name="publications")
    party = models.CharField(_("interested party"), max_length=20, choices=Party)
    place = models.CharField(
        _("where they find it"),
        max_length=300,
        blank=True,
        help_text=_("An address, a place in the portal, or how it is handed over."),
    )
    since = models.DateField(_("since"), null=True, blank=True)

    class Meta:
        verbose_name = _("publication")
        verbose_name_plural = _("who may have it outside")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["of", "party"], name="published_once"),
        ]

    def __str__(self) -> str:
        return str(self.get_party_display())


def languages() -> list[tuple[str, StrOrPromise]]:
    return [(code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES]


class Edition(Part):
    """A document in one language."""

    part_fields: ClassVar[tuple[str, ...]] = ("language",)

    of = models.ForeignKey(Document, models.PROTECT, related_name="editions")
    language = models.CharField(_("language"), max_length=10, choices=languages)

    class Meta:
        verbose_name = _("edition")
        verbose_name_plural = _("editions")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["of", "language"], name="edition_once"),
        ]

    def __str__(self) -> str:
        return f"{self.of.ref} · {self.get_language_display()}"

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        if self.revisions.exists():
            raise ValidationError(
                {"editions": _("An edition with revisions stays: withdraw its revisions instead.")}
            )
        return super().delete(*args, **kwargs)


def months_after(start: Any, months: int) -> Any:
    """The same day some months later; the last day of the month where there is none."""
    from calendar import monthrange

    month = start.month - 1 + months
    year, month = start.year + month // 12, month % 12 + 1
    return start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1]))


def _start_of(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def today() -> Any:
    """The day of the act under way, as the calendar on the wall has it."""
    return timezone.localtime(moment.now()).date()
