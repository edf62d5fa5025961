"""What the pages themselves remember: who is signed in and how they prove it, and saved views."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

# --- Signing in ----------------------------------------------------------------------------------


class SignInPolicy(models.Model):
    """How long people stay signed in, and who needs a second step. There is one row, or none."""

    idle_minutes = models.PositiveIntegerField(
        _("minutes without a click"),
        default=120,
        help_text=_("Somebody who does nothing for so long has to sign in again: 15 to 1440."),
    )
    longest_hours = models.PositiveIntegerField(
        _("hours at most"),
        default=12,
        help_text=_("After so long everybody has to sign in again: 1 to 720."),
    )
    link_hours = models.PositiveIntegerField(
        _("hours a link for a new password holds"),
        default=24,
        help_text=_("1 to 168. It works once."),
    )
    second_step_roles = models.JSONField(_("roles that need a second step"), default=list)

    class Meta:
        app_label = "web"
        verbose_name = _("rules for signing in")

    def __str__(self) -> str:
        return str(_("Rules for signing in"))


class Session(models.Model):
    """A browser in which somebody is signed in, or about to. Its key is kept as a hash only."""

    # When people came and went is no fact of the management system.
    history: ClassVar[bool] = False

    digest = models.CharField(max_length=64, unique=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        related_name="sessions",
        verbose_name=_("person"),
    )
    data = models.TextField()
    way = models.CharField(_("how they signed in"), max_length=20, blank=True)
    agent = models.CharField(_("browser"), max_length=300, blank=True)
    address = models.CharField(_("address"), max_length=45, blank=True)
    began_at = models.DateTimeField(_("signed in"), default=timezone.now)
    last_at = models.DateTimeField(_("last seen"), default=timezone.now)
    expires_at = models.DateTimeField(_("ends"), db_index=True)

    class Meta:
        app_label = "web"
        ordering = ("-last_at", "-id")
        verbose_name = _("session")

    def __str__(self) -> str:
        return f"{self.person} {self.began_at:%Y-%m-%d %H:%M}"


class Factor(models.Model):
    """A second step of signing in: an authenticator app, or a passkey."""

    # What people call their devices and what opens them is not shown in the history.
    history_secrets: ClassVar[tuple[str, ...]] = ("name", "key", "secret")

    class Kind(models.TextChoices):
        APP = "app", _("Authenticator app")
        PASSKEY = "passkey", _("Passkey")

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="factors",
        verbose_name=_("person"),
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    name = models.CharField(_("name"), max_length=60)
    key = models.CharField(max_length=1400, unique=True, null=True)
    """Of a passkey its identifier, as the browser names it."""
    host = models.CharField(max_length=253, blank=True)
    """Of a passkey the host it was made for; a browser offers it nowhere else."""
    secret = models.TextField()
    """Of an app the shared secret, sealed; of a passkey its public key, which is no secret."""
    made_at = models.DateTimeField(_("added"), default=timezone.now)

    class Meta:
        app_label = "web"
        ordering = ("made_at", "id")
        verbose_name = _("second step")

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.name}"


class FactorUse(models.Model):
    """How far a factor has counted, so that nothing is taken twice, and when it was last used."""

    history: ClassVar[bool] = False

    factor = models.OneToOneField(Factor, models.CASCADE, primary_key=True, related_name="use")
    counter = models.BigIntegerField(default=0)
    last_at = models.DateTimeField(_("last used"), null=True)

    class Meta:
        app_label = "web"
        verbose_name = _("use of a second step")

    def __str__(self) -> str:
        return f"{self.factor_id} {self.counter}"


class RecoveryCode(models.Model):
    """A code for whoever has lost the second step. Works once; only its hash is kept."""

    history_secrets: ClassVar[tuple[str, ...]] = ("digest",)

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="recovery_codes",
        verbose_name=_("person"),
    )
    digest = models.CharField(max_length=64, unique=True)
    used_at = models.DateTimeField(_("used"), null=True)

    class Meta:
        app_label = "web"
        verbose_name = _("recovery code")

    def __str__(self) -> str:
        return f"{self.person_id} {self.digest[:6]}"


class PasswordLink(models.Model):
    """A link that an administrator hands over: whoever has it chooses a new password, once."""

    history_secrets: ClassVar[tuple[str, ...]] = ("digest",)

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="password_links",
        verbose_name=_("person"),
    )
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(_("made"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"))
    used_at = models.DateTimeField(_("used"), null=True)

    class Meta:
        app_label = "web"
        verbose_name = _("link for a new password")

    def __str__(self) -> str:
        return f"{self.person_id} {self.made_at:%Y-%m-%d %H:%M}"


class PasswordDue(models.Model):
    """Somebody whose password another person chose: they choose their own when they sign in."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("person")
    )
    since = models.DateTimeField(_("from"), default=timezone.now)

    class Meta:
        app_label = "web"
        verbose_name = _("password to be chosen")

    def __str__(self) -> str:
        return str(self.person_id)


class AccountEvent(models.Model):
    """Something that happened to somebody's sign-in, kept for them to see."""

    history: ClassVar[bool] = False

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    what = models.CharField(max_length=30)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    agent = models.CharField(max_length=300, blank=True)
    address = models.CharField(max_length=45, blank=True)
    told_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "web"
        ordering = ("-at", "-id")
        verbose_name = _("event of an account")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["person", "-at"], name="account_event_of"),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.at:%Y-%m-%d %H:%M}"


class SignInAttempt(models.Model):
    """Failures in a row for one sign-in name from one address, and until when it must wait.

    The key is a hash, so that a password typed into the wrong box is not kept. It is no part of
    the history: it says nothing about a record, and it is forgotten after a day.
    """

    history: ClassVar[bool] = False

    key = models.CharField(max_length=64, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(default=timezone.now, db_index=True)
    wait_until = models.DateTimeField(null=True)

    class Meta:
        app_label = "web"
        verbose_name = _("failed sign-in")

    def __str__(self) -> str:
        return f"{self.key[:8]} {self.failures}"


class Spent(models.Model):
    """Something that may be shown once only and has been, kept until it would expire anyway."""

    history: ClassVar[bool] = False

    key = models.CharField(max_length=64, primary_key=True)
    until = models.DateTimeField(db_index=True)

    class Meta:
        app_label = "web"
        verbose_name = _("used challenge")

    def __str__(self) -> str:
        return self.key[:8]


# --- Lists ---------------------------------------------------------------------------------------


class SavedView(models.Model):
    """A list with its filters, order and columns, under a name somebody gave it."""

    history: ClassVar[bool] = False

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("person")
    )
    kind = models.CharField(max_length=80)
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(max_length=2000)

    class Meta:
        app_label = "web"
        ordering = ("name",)
        verbose_name = _("saved view")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["person", "kind", "name"], name="saved_view_once"),
        ]

    def __str__(self) -> str:
        return self.name
