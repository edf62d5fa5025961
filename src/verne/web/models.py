"""What the pages themselves remember: failed sign-ins, and the views of lists people saved."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


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
