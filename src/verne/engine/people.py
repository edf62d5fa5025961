"""Who works here and for whom: people, teams, organizations, and the roles people hold."""

from __future__ import annotations

import zoneinfo
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .prepared import Prepared

if TYPE_CHECKING:
    from collections.abc import Iterable


def _a_time_zone(value: str) -> None:
    if value not in zoneinfo.available_timezones():
        raise ValidationError(
            _("%(value)s is not a time zone: write one such as Europe/Berlin."),
            params={"value": value},
        )


class Organization(models.Model):
    """A body that people belong to: our own, a customer, a supplier."""

    class Kind(models.TextChoices):
        OWN = "own", _("Our organization")
        CUSTOMER = "customer", _("Customer")
        SUPPLIER = "supplier", _("Supplier")
        OTHER = "other", _("Other party")

    name = models.CharField(_("name"), max_length=200, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind, default=Kind.OWN)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        app_label = "engine"
        ordering = ("name",)
        verbose_name = _("organization")

    def __str__(self) -> str:
        return self.name


class PersonManager(BaseUserManager["Person"]):
    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get(username=username)


class Person(AbstractBaseUser):
    """Somebody who does work here or is served here. People are deactivated, never deleted."""

    class Theme(models.TextChoices):
        AUTO = "", _("As the device")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    # Every change of a person is an entry in the history, so signing in writes none.
    last_login = None

    username = models.CharField(_("sign-in name"), max_length=150, unique=True)
    name = models.CharField(_("name"), max_length=150)
    email = models.EmailField(_("e-mail"), blank=True)
    organization = models.ForeignKey(
        Organization,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="people",
        verbose_name=_("organization"),
    )
    unit = models.CharField(_("unit"), max_length=150, blank=True)
    active = models.BooleanField(_("active"), default=True)
    sms_relevant = models.BooleanField(
        _("does work that affects the SMS or the services"), default=True
    )
    language = models.CharField(_("language"), max_length=10, blank=True)
    time_zone = models.CharField(
        _("time zone"), max_length=60, blank=True, validators=[_a_time_zone]
    )
    theme = models.CharField(_("theme"), max_length=10, choices=Theme, blank=True)
    wants_mail = models.BooleanField(
        _("a letter in the morning"),
        default=True,
        help_text=_("At most one a day, with what needs you; none while nothing does."),
    )

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    history_secrets: ClassVar[tuple[str, ...]] = ("password",)

    objects: ClassVar[PersonManager] = PersonManager()

    class Meta:
        app_label = "engine"
        ordering = ("name",)
        verbose_name = _("person")
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["name"])]

    def __str__(self) -> str:
        return self.name or self.username

    # Django's sign-in asks for these two names.
    @property
    def is_active(self) -> bool:  # type: ignore[override]
        return self.active

    @property
    def is_staff(self) -> bool:
        return False

    @cached_property
    def roles(self) -> frozenset[str]:
        """Keys of the roles held at this moment."""
        return self._held[0]

    def roles_at(self, at: datetime) -> frozenset[str]:
        return frozenset(
            Assignment.objects.valid(at).filter(person=self).values_list("role__key", flat=True)
        )

    @cached_property
    def rights(self) -> frozenset[str]:
        from . import guests
        from .rights import rights_of

        if not self.active:
            return frozenset()
        return guests.rights_of(self) if guests.is_guest(self) else rights_of(self.roles)

    def may(self, right: str) -> bool:
        """Whether this person holds a right; a right nobody declared is a mistake and raises."""
        from .rights import known

        return known(right) in self.rights

    def forget_rights(self) -> None:
        """Look roles and rights up anew: they were changed during this person's request."""
        for name in ("_held", "roles", "rights", "team_ids", "kind_of_party", "_admission"):
            self.__dict__.pop(name, None)

    @cached_property
    def team_ids(self) -> frozenset[int]:
        return self._held[1]

    @cached_property
    def _held(self) -> tuple[frozenset[str], frozenset[int]]:
        """The roles held at this moment and the teams worked in: every page asks for both."""
        found = _held_by(person=self.pk, at=timezone.now())
        return (
            frozenset(role for role, _team in found if role is not None),
            frozenset(number for _role, number in found if number is not None),
        )

    @cached_property
    def kind_of_party(self) -> str:
        """Which kind of organization this person belongs to; without one, our own."""
        return self.organization.kind if self.organization else Organization.Kind.OWN

    @property
    def is_customer(self) -> bool:
        return self.kind_of_party == Organization.Kind.CUSTOMER


class Team(models.Model):
    """People who share work; records are handed to a team when no single owner is known yet."""

    name = models.CharField(_("name"), max_length=150, unique=True)
    purpose = models.CharField(_("purpose"), max_length=300, blank=True)
    lead = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("lead")
    )
    members = models.ManyToManyField(
        Person, related_name="teams", blank=True, verbose_name=_("members")
    )
    organization = models.ForeignKey(
        Organization,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="teams",
        verbose_name=_("organization"),
    )
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        app_label = "engine"
        ordering = ("name",)
        verbose_name = _("team")

    def __str__(self) -> str:
        return self.name


class Role(models.Model):
    """A role of the management system; what it may do is declared by the registers."""

    key = models.CharField(_("key"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=150)
    duty = models.TextField(_("duty"), blank=True)

    class Meta:
        app_label = "engine"
        ordering = ("name",)
        verbose_name = _("role")

    def __str__(self) -> str:
        return self.name


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def valid(self, at: datetime) -> AssignmentQuerySet:
        return self.filter(
            models.Q(until=None) | models.Q(until__gt=at), since__lte=at, person__active=True
        )


class Assignment(models.Model):
    """A role held by a person from one moment to another."""

    role = models.ForeignKey(
        Role, models.PROTECT, related_name="assignments", verbose_name=_("role")
    )
    person = models.ForeignKey(
        Person, models.PROTECT, related_name="assignments", verbose_name=_("person")
    )
    since = models.DateTimeField(_("from"), default=timezone.now)
    until = models.DateTimeField(_("until"), null=True, blank=True)
    communicated_at = models.DateTimeField(_("communicated"), null=True, blank=True)
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True, blank=True)
    reviewed_at = models.DateTimeField(_("access reviewed"), null=True, blank=True)

    objects: ClassVar[Any] = AssignmentQuerySet.as_manager()

    class Meta:
        app_label = "engine"
        ordering = ("role__name", "since")
        verbose_name = _("role assignment")

    def __str__(self) -> str:
        return f"{self.role} · {self.person}"

    def clean(self) -> None:
        if self.until and self.until <= self.since:
            raise ValidationError({"until": _("The end must come after the beginning.")})


def _held(person: Any, at: Any) -> models.QuerySet[Any, Any]:
    key = models.CharField(max_length=60)
    team = models.BigIntegerField()
    held = Assignment.objects.valid(at).filter(person=person).order_by()
    worked = Team.members.through.objects.filter(person=person).order_by()
    union: models.QuerySet[Any, Any] = held.values_list(
        "role__key", models.Value(None, team)
    ).union(worked.values_list(models.Value(None, key), "team_id"), all=True)
    return union


_held_by = Prepared(_held, person=models.BigIntegerField(), at=models.DateTimeField())


def holders(role: str, *, at: datetime | None = None) -> Iterable[Person]:
    """The active people who hold a role at an instant."""
    valid = Assignment.objects.valid(at or timezone.now()).filter(role__key=role)
    return Person.objects.filter(pk__in=valid.values("person"), active=True)
