"""Who has to read what: the audience of a document, what each has acknowledged, what is missing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verne.engine.acts import act
from verne.engine.people import Assignment, Organization, Person
from verne.engine.signing import Proof, Signature, prove, sign
from verne.engine.standpoint import PreparedFor

from .models import Document
from .revision import Revision

if TYPE_CHECKING:
    from collections.abc import Iterable

REMIND_EVERY = timedelta(days=7)


class Reminder(models.Model):
    """That somebody was reminded to read a revision."""

    history_record: ClassVar[str] = "of"
    append_only: ClassVar[bool] = True

    of = models.ForeignKey(Revision, models.PROTECT, related_name="reminders")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = gettext_lazy("reminder")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["person", "of", "at"], name="reminder_of_person"),
        ]

    def __str__(self) -> str:
        return f"{self.of_id}: {self.person}"


def audience_of(document: Document, *, at: datetime | None = None) -> models.QuerySet[Person]:
    """The people of ours who should have read a document."""
    ours = Q(organization=None) | Q(organization__kind=Organization.Kind.OWN)
    people = Person.objects.filter(ours, active=True)
    if document.audience == Document.Audience.EVERYBODY:
        return people.filter(sms_relevant=True)
    valid = Assignment.objects.valid(at or timezone.now())
    holding = valid.filter(role__in=document.audience_roles.values("pk"))
    in_team = document.audience_teams.values("members")
    return people.filter(Q(pk__in=holding.values("person")) | Q(pk__in=in_team))


def is_in_audience(person: Person) -> Q:
    """Documents in whose audience a person is, as a filter."""
    chosen = Q(audience_roles__key__in=person.roles) | Q(audience_teams__in=person.team_ids)
    mine = Document.objects.filter(chosen, audience=Document.Audience.CHOSEN).values("pk")
    everybody = Q(audience=Document.Audience.EVERYBODY)
    if person.kind_of_party != Organization.Kind.OWN or not person.sms_relevant:
        everybody = Q(pk__in=[])
    return everybody | Q(pk__in=mine)


def acknowledgements(document: Any, major: Any) -> models.QuerySet[Signature]:
    """Signatures under any text of a document with this major number, in whatever language."""
    same = Revision.objects.filter(document=document, major=major).values("pk")
    return Signature.objects.filter(meaning="acknowledgement", record__in=same)


def still_to_read(person: Person) -> list[Revision]:
    """Revisions in force that a person has yet to acknowledge, one for each document.

    The edition in the person's language comes first where there are several.
    """
    found: dict[int, Revision] = {}
    for row in _unread(person):
        there = found.get(row.document_id)
        if there is None or row.language == person.language:
            found[row.document_id] = row
    return list(found.values())


@PreparedFor
def _unread(person: Person) -> models.QuerySet[Revision]:
    signed = acknowledgements(OuterRef(OuterRef("document")), OuterRef(OuterRef("major")))
    # Two levels deep: the signature is asked for the texts of the document of this row.
    return (
        Revision.objects.filter(state="in_force", withdrawn_at=None, document__to_acknowledge=True)
        .filter(document__in=Document.objects.filter(is_in_audience(person)).values("pk"))
        .exclude(Exists(signed.filter(by=person)))
        .select_related("document", "edition")
        .order_by("in_force_at", "pk")
    )


def is_read(revision: Revision, person: Person) -> Signature | None:
    """The person's word that they have read it, or an earlier minor step of it."""
    rows = acknowledgements(revision.document_id, revision.major)
    return rows.filter(by=person).order_by("at").first()


def readers(document: Document) -> list[tuple[Person, Signature | None]]:
    """Everybody in the audience, with their word if they gave it; those without come first."""
    majors = set(document.in_force().values_list("major", flat=True))
    rows = Signature.objects.none()
    for major in majors:
        rows = rows | acknowledgements(document.pk, major)
    said = {row.by_id: row for row in rows.order_by("at")}
    people = audience_of(document).order_by("name")
    return sorted(((p, said.get(p.pk)) for p in people), key=lambda pair: pair[1] is not None)


def read_by(revision: Revision) -> datetime:
    """Until when it should be read."""
    since = revision.in_force_at or timezone.now()
    return since + timedelta(days=revision.document.read_within_days)


def acknowledge(
    revision: Revision, *, by: Person, proof: Proof | None = None, at: datetime | None = None
) -> Signature:
    """“I have read and understood”, as a signature under exactly this content."""
    if revision.state != "in_force":
        raise ValidationError(_("Only what is in force is acknowledged."))
    document: Document = revision.document
    if not document.to_acknowledge or not Document.objects.filter(
        is_in_audience(by), pk=document.pk
    ):
        raise PermissionDenied(_("You need not acknowledge this document."))
    if (there := is_read(revision, by)) is not None:
        return there
    return sign(
        revision,
        meaning="acknowledgement",
        what=revision.what_is_signed(),
        content_hash=revision.content_hash,
        by=by,
        proof=proof or prove(by, way="session"),
        at=at,
    )


def overdue(at: datetime) -> Iterable[tuple[Revision, Person]]:
    """Whom to remind of what: past the day, and not reminded within a week."""
    rows = Revision.objects.filter(
        state="in_force", withdrawn_at=None, document__to_acknowledge=True
    )
    for revision in rows.select_related("document", "edition").order_by("pk"):
        if read_by(revision) > at:
            continue
        recent = Reminder.objects.filter(of=revision, at__gt=at - REMIND_EVERY)
        read = acknowledgements(revision.document_id, revision.major)
        people = audience_of(revision.document).exclude(pk__in=recent.values("person"))
        for person in people.exclude(pk__in=read.values("by")):
            # Of several languages, people are reminded of one.
            if any(r.pk == revision.pk for r in still_to_read(person)):
                yield revision, person


def remind(at: datetime) -> int:
    """Remind everybody who is late; how many."""
    due: dict[Revision, list[Person]] = {}
    for revision, person in overdue(at):
        due.setdefault(revision, []).append(person)
    for revision, people in due.items():
        note = ", ".join(person.name for person in people)
        with act(
            "remind", by=None, record=revision.pk, note=note, at=at, kind=revision.kind_name()
        ):
            Reminder.objects.bulk_create(Reminder(of=revision, person=p, at=at) for p in people)
    return sum(len(people) for people in due.values())
