"""What a role is, who is appointed to it from when to when, and who stands in meanwhile."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from verne.engine import moment
from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.people import Assignment, Person, Role
from verne.engine.records import Part, Record, RecordQuerySet
from verne.engine.roles import OF_THE_PROGRAM
from verne.engine.signing import meanings

from . import granting

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act


meanings["acceptance"] = _("Acceptance")


# --- The role -------------------------------------------------------------------------------------


class RoleDefinitionLife(Lifecycle):
    draft = State(_("Draft"), initial=True)
    in_force = State(_("In force"), tone="met")
    retired = State(_("Retired"), final=True)

    put_in_force = Move(draft, in_force, _("Put in force"), needs=("duties", "authorities"))
    rework = Move(in_force, draft, _("Rework"), note=True)
    retire = Move((draft, in_force), retired, _("Retire"), note=True)
    bring_back = Move(retired, draft, _("Bring back"))


class RoleDefinition(Record):
    """What a role of the management system answers for and may decide."""

    lifecycle = RoleDefinitionLife

    role = models.ForeignKey(
        Role, models.PROTECT, related_name="definitions", verbose_name=_("role of the program")
    )
    duties = models.TextField(_("duties"), blank=True, help_text=_("What the holder answers for."))
    authorities = models.TextField(
        _("authorities"), blank=True, help_text=_("What the holder decides without asking.")
    )
    contribution = models.TextField(
        _("contribution"),
        blank=True,
        help_text=_("What the role adds to the SMS; the holder accepts it with the role."),
    )
    least_holders = models.PositiveSmallIntegerField(
        _("least number of holders"),
        default=1,
        validators=[MinValueValidator(1)],
        help_text=_("With fewer, the seat counts as vacant."),
    )
    shapes_performance = models.BooleanField(
        _("affects the performance of the SMS or the services"),
        default=True,
        help_text=_("Then it needs at least one required competence."),
    )
    review_due = models.DateField(_("review due"), null=True, blank=True)

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")

    def clean(self) -> None:
        others = RoleDefinition.objects.standing().filter(role=self.role_id).exclude(pk=self.pk)
        if self.withdrawn_at is None and others.exists():
            raise ValidationError({"role": _("This role is described already.")})

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        # The engine's row names the duty where the role is chosen: it says what stands here.
        Role.objects.filter(pk=self.role_id).exclude(duty=self.duties).update(duty=self.duties)


class Conflict(Part):
    """Another role that the same person should not hold beside this one."""

    part_fields: ClassVar[tuple[str, ...]] = ("role", "why")

    of = models.ForeignKey(RoleDefinition, models.PROTECT, related_name="conflicts")
    role = models.ForeignKey(
        Role, models.PROTECT, related_name="conflicts_named", verbose_name=_("other role")
    )
    why = models.CharField(_("reason"), max_length=300)

    class Meta:
        verbose_name = _("conflict of duty")
        verbose_name_plural = _("conflicts of duty")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["of", "role"], name="conflict_once"),
        ]

    def __str__(self) -> str:
        return str(self.role)

    def clean(self) -> None:
        if self.role_id == self.of.role_id:
            raise ValidationError({"role": _("Choose another role than this one.")})


# --- The appointment ------------------------------------------------------------------------------


def it_needs_no_acceptance(appointment: Appointment) -> StrOrPromise | None:
    """Roles of the program alone give access, and answer for no obligation."""
    if appointment.role.key in OF_THE_PROGRAM:
        return None
    return _("The person appointed has to accept it.")


def its_end_has_come(appointment: Appointment) -> StrOrPromise | None:
    if appointment.until is not None and appointment.until <= moment.now():
        return None
    return _("It has not run out yet.")


def somebody_else_may_appoint(appointment: Appointment) -> StrOrPromise | None:
    """Somebody must be able to give roles, or nobody ever could again."""
    if granting.somebody_else_may_appoint(appointment.grant):
        return None
    return _("Nobody else may give roles: appoint somebody who may first.")


def only_who_is_appointed(appointment: Appointment, person: Person) -> StrOrPromise | None:
    if person.pk == appointment.person_id:
        return None
    return _("Only the person appointed can do this.")


def the_holder_or_who_appoints(appointment: Appointment, person: Person) -> StrOrPromise | None:
    if person.pk == appointment.person_id or person.may("leadership.file_appointment"):
        return None
    return _("Only the person appointed, or whoever may appoint, can do this.")


def stamp_acceptance(appointment: Appointment, act: Act) -> None:
    appointment.communicated_at = appointment.communicated_at or act.at
    appointment.accepted_at = act.at


def stamp_end(appointment: Appointment, act: Act) -> None:
    """It ends now; one that has not begun yet ends before it begins to count."""
    appointment.until = granting.the_end(appointment.since, appointment.until, act.at)


def stamp_review(appointment: Appointment, act: Act) -> None:
    appointment.reviewed_at = act.at


def begin_absence(appointment: Appointment, act: Act) -> None:
    """The deputy stands in from the day given to the day given."""
    absence = Absence(of=appointment, deputy=appointment.deputy, why=act.note[:300])
    if appointment.away_since and appointment.away_until:
        absence.since, absence.until = appointment.away_since, appointment.away_until
    appointment.away_since = appointment.away_until = None
    absence.full_clean()
    absence.save()


class AppointmentLife(Lifecycle):
    awaiting = State(_("Awaiting acceptance"), initial=True, tone="gap")
    in_force = State(_("In force"), tone="met")
    expired = State(_("Expired"), tone="partly")
    ended = State(_("Ended"), final=True)
    declined = State(_("Declined"), final=True)

    accept = Move(
        awaiting,
        in_force,
        _("Accept"),
        by=(only_who_is_appointed,),
        then=(stamp_acceptance,),
        signed="acceptance",
    )
    decline = Move(
        awaiting,
        declined,
        _("Decline"),
        by=(only_who_is_appointed,),
        guards=(somebody_else_may_appoint,),
        then=(stamp_end,),
        note=True,
    )
    take_effect = Move(
        awaiting, in_force, _("Put in force"), guards=(it_needs_no_acceptance,), auto=True
    )
    hand_over = Move(
        in_force,
        in_force,
        _("Hand over to the deputy"),
        needs=("deputy", "away_since", "away_until"),
        by=(the_holder_or_who_appoints,),
        then=(begin_absence,),
    )
    confirm_access = Move(in_force, in_force, _("Confirm the access"), then=(stamp_review,))
    expire = Move((awaiting, in_force), expired, _("Expire"), guards=(its_end_has_come,), auto=True)
    end = Move(
        (awaiting, in_force, expired),
        ended,
        _("End"),
        guards=(somebody_else_may_appoint,),
        then=(stamp_end,),
        note=True,
    )


class AppointmentQuerySet(RecordQuerySet):
    def running(self, at: datetime) -> Self:
        """Those that count at an instant, whoever the person is by now."""
        return (
            self.standing()
            .exclude(state="declined")
            .filter(Q(until=None) | Q(until__gt=at), since__lte=at)
        )


class Appointment(Record):
    """A role given to a person from a day to a day. What it says is what grants the rights."""

    lifecycle = AppointmentLife

    role = models.ForeignKey(
        Role, models.PROTECT, related_name="appointments", verbose_name=_("role")
    )
    person = models.ForeignKey(
        Person, models.PROTECT, related_name="appointments", verbose_name=_("person")
    )
    limited_to = models.CharField(
        _("limited to"),
        max_length=200,
        blank=True,
        help_text=_("The service, process or site it is for, if it is not for all."),
    )
    since = models.DateTimeField(_("from"), default=timezone.now)
    until = models.DateTimeField(
        _("until"), null=True, blank=True, help_text=_("Empty while no end is foreseen.")
    )
    deputy = models.ForeignKey(
        Person,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="deputizes",
        verbose_name=_("deputy"),
        help_text=_("Has the rights of the role only while standing in."),
    )
    away_since = models.DateTimeField(_("away from"), null=True, blank=True)
    away_until = models.DateTimeField(_("away until"), null=True, blank=True)
    communicated_at = models.DateTimeField(
        _("communicated"), null=True, blank=True, help_text=_("When the person was told.")
    )
    conflict_reason = models.CharField(
        _("why a conflict of duty is acceptable"), max_length=300, blank=True
    )
    accepted_at = models.DateTimeField(_("accepted"), null=True, editable=False)
    reviewed_at = models.DateTimeField(_("access reviewed"), null=True, editable=False)
    grant = models.OneToOneField(
        Assignment,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="appointment",
        verbose_name=_("grant"),
    )

    objects: ClassVar[Any] = AppointmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")

    def content(self) -> dict[str, Any]:
        """What the holder accepts: the role as it is described, and for how long it is given."""
        given = super().content()
        terms = {name: given[name] for name in ("role", "person", "limited_to", "since", "until")}
        definition = RoleDefinition.objects.standing().filter(role=self.role_id).first()
        return terms | {"definition": definition.content() if definition else None}

    def what_is_signed(self) -> str:
        return f"{self.ref} {self.role.name}"

    def set_derived(self) -> None:
        self.title = self.title or f"{self.role.name}: {self.person.name}"[:200]
        # It stands among the work of whoever has to accept it.
        self.owner_id = self.person_id

    def clean(self) -> None:
        if self.until and self.until <= self.since:
            raise ValidationError({"until": _("The end must come after the beginning.")})
        if self.deputy_id == self.person_id:
            raise ValidationError({"deputy": _("The deputy must be somebody else.")})
        for name, somebody in (("person", self.person), ("deputy", self.deputy)):
            if somebody is not None and (why := granting.wrong_side(self.role, somebody)):
                raise ValidationError({name: why})
        if self.grant is not None:
            self._refuse_rewriting(self.grant)
        if self.withdrawn_at is not None and (why := somebody_else_may_appoint(self)):
            raise ValidationError(why)

    def _refuse_rewriting(self, grant: Assignment) -> None:
        """Who held a role when is a fact that others rest on: what has passed stays as it was."""
        if (grant.role_id, grant.person_id) != (self.role_id, self.person_id):
            raise ValidationError(
                _("Role and person of an appointment stay: end this one and appoint anew.")
            )
        now = moment.now()
        if grant.since <= now and grant.since != self.since:
            raise ValidationError({"since": _("It has begun already: the beginning stays.")})
        if grant.until is not None and grant.until <= now and grant.until != self.until:
            raise ValidationError({"until": _("It has run out: appoint the person anew.")})

    def save(self, *args: Any, **kwargs: Any) -> None:
        """The row that grants the rights is written with the appointment, in the same act."""
        fields = kwargs.get("update_fields")
        if granting.write_grant(self) and fields is not None:
            kwargs["update_fields"] = {*fields, "grant"}
        super().save(*args, **kwargs)
        for absence in self.absences.filter(until__gt=moment.now()):
            # A deputy has no more than the one deputized.
            absence.of = self
            granting.write_deputy_grant(absence)

    def runs_at(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or self.until > at)


class Absence(Part):
    """A span in which the deputy stands in, and has the rights of the role."""

    part_fields: ClassVar[tuple[str, ...]] = ("deputy", "since", "until", "why")

    of = models.ForeignKey(Appointment, models.PROTECT, related_name="absences")
    deputy = models.ForeignKey(
        Person, models.PROTECT, related_name="stands_in", verbose_name=_("deputy")
    )
    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until"))
    why = models.CharField(_("reason"), max_length=300, blank=True)
    grant = models.OneToOneField(
        Assignment,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="absence",
        verbose_name=_("grant"),
    )

    class Meta:
        verbose_name = _("time a deputy stands in")
        verbose_name_plural = _("times a deputy stands in")
        ordering = ("since", "id")

    def __str__(self) -> str:
        return str(self.deputy)

    def clean(self) -> None:
        if not (self.deputy_id and self.since and self.until):
            return
        if self.until <= self.since:
            raise ValidationError({"until": _("The end must come after the beginning.")})
        if self.deputy_id == self.of.person_id:
            raise ValidationError({"deputy": _("The deputy must be somebody else.")})
        if why := granting.wrong_side(self.of.role, self.deputy):
            raise ValidationError({"deputy": why})
        if self.since < self.of.since or (self.of.until and self.until > self.of.until):
            raise ValidationError(_("A deputy stands in while the appointment runs, not beyond."))
        self._refuse_rewriting()

    def _refuse_rewriting(self) -> None:
        now, grant = moment.now(), self.grant
        if grant is None:
            return
        begun = grant.since <= now
        if begun and (grant.person_id, grant.since) != (self.deputy_id, self.since):
            raise ValidationError(_("The deputy stands in already: set the end, and add another."))
        if grant.until is not None and grant.until <= now and grant.until != self.until:
            raise ValidationError({"until": _("This time is over: add another.")})

    def save(self, *args: Any, **kwargs: Any) -> None:
        fields = kwargs.get("update_fields")
        if granting.write_deputy_grant(self) and fields is not None:
            kwargs["update_fields"] = {*fields, "grant"}
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """A time that has not begun can be taken out; its grant never counts."""
        now, grant = moment.now(), self.grant
        if grant is not None and grant.since <= now:
            raise ValidationError(_("The deputy has stood in: set the end instead."))
        gone = super().delete(*args, **kwargs)
        if grant is not None:
            granting.never_counts(grant)
        return gone
