"""An audit room and the book of what its guests looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from verne.engine import guests
from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.moment import now
from verne.engine.people import Person
from verne.engine.records import Record, RecordQuerySet

from ..audit.clauses import a_list_of_clauses, read, tidy
from ..audit.models import Audit

if TYPE_CHECKING:
    from datetime import datetime

    from django_stubs_ext import StrOrPromise


def its_guests_come_from_outside(room: AuditRoom) -> StrOrPromise | None:
    ours = room.guests.exclude(pk__in=guests.guests_at(now()).values("pk"))
    stranger = ours.order_by("name").first()
    if stranger is None:
        return None
    return _(
        "%(name)s is no guest: they belong to another organization and hold the role "
        "“External auditor”. Give it to them first."
    ) % {"name": stranger}


def it_closes_in_the_future(room: AuditRoom) -> StrOrPromise | None:
    if room.expires_at is None or room.expires_at > now():
        return None
    return _("Choose an hour in the future at which it closes.")


class RoomLife(Lifecycle):
    prepared = State(_("Prepared"), initial=True)
    open = State(_("Open"), tone="now")
    closed = State(_("Closed"), final=True)

    let_in = Move(
        prepared,
        open,
        _("Open"),
        needs=("guests", "clauses", "expires_at"),
        guards=(its_guests_come_from_outside, it_closes_in_the_future),
    )
    close = Move(open, closed, _("Close"))
    open_again = Move(
        closed,
        open,
        _("Open again"),
        needs=("expires_at",),
        guards=(its_guests_come_from_outside, it_closes_in_the_future),
        note=True,
    )


class RoomQuerySet(RecordQuerySet):
    def open_for(self, person: Person, at: datetime) -> Self:
        """Rooms that this guest may enter at an instant."""
        return self.standing().filter(state="open", expires_at__gt=at, guests=person)


class AuditRoom(Record):
    """What some guests may see of the management system, and until when."""

    lifecycle = RoomLife

    body = models.CharField(
        _("who comes"), max_length=200, help_text=_("The certification body or customer.")
    )
    guests = models.ManyToManyField(
        "engine.Person",
        related_name="audit_rooms",
        blank=True,
        verbose_name=_("guests"),
        help_text=_("They hold the role “External auditor”, and see nothing but this room."),
    )
    audit = models.ForeignKey(
        Audit,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="rooms",
        verbose_name=_("audit"),
    )
    clauses = models.CharField(
        _("clauses"),
        max_length=500,
        blank=True,
        validators=[a_list_of_clauses],
        help_text=_("What they see: numbers with commas between, such as 8.6, 9.2."),
    )
    since = models.DateField(_("records from"), null=True, blank=True)
    until = models.DateField(_("records until"), null=True, blank=True)
    expires_at = models.DateTimeField(_("closes at"), null=True, blank=True)
    may_sample = models.BooleanField(_("they may draw samples"), default=True)
    may_ask = models.BooleanField(_("they may ask for evidence"), default=True)
    may_note = models.BooleanField(_("they may note findings"), default=False)

    objects: ClassVar[Any] = RoomQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit room")
        verbose_name_plural = _("audit rooms")

    def clean(self) -> None:
        super().clean()
        if self.since and self.until and self.until < self.since:
            raise ValidationError({"until": _("The end must not come before the beginning.")})

    def set_derived(self) -> None:
        self.clauses = tidy(self.clauses)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The clauses its guests see."""
        return read(self.clauses)


class RoomView(models.Model):
    """One page a guest opened. Noted like everything else, and never changed."""

    history_record: ClassVar[str] = "room"
    append_only: ClassVar[bool] = True

    room = models.ForeignKey(AuditRoom, models.PROTECT, related_name="views")
    guest = models.ForeignKey("engine.Person", models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    path = models.CharField(max_length=500)
    ref = models.CharField(max_length=20, blank=True)

    class Meta:
        verbose_name = _("view in an audit room")
        ordering = ("-at", "-id")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["room", "at"], name="view_of_room"),
        ]

    def __str__(self) -> str:
        return self.path
