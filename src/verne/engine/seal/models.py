"""What the seal keeps: leaves and their salts, the roots of whole subtrees, keys, checkpoints."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Leaf(models.Model):
    """The place of one row of the history in the tree, given when it was sealed."""

    history: ClassVar[bool] = False
    append_only: ClassVar[bool] = True

    id = models.BigIntegerField(primary_key=True)
    """Its place, counted from 0 without gaps."""
    source = models.CharField(max_length=20)
    row = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        app_label = "engine"
        ordering = ("id",)
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["source", "row"], name="leaf_once"),
        ]

    def __str__(self) -> str:
        return f"{self.id}: {self.source} {self.row}"


class Salt(models.Model):
    """What was hashed together with the content of a leaf; gone when the content was erased.

    Without it nobody can guess an erased name by trying out names.
    """

    history: ClassVar[bool] = False

    id = models.BigIntegerField(primary_key=True)
    """The place of its leaf."""
    salt = models.BinaryField(max_length=16)

    class Meta:
        app_label = "engine"

    def __str__(self) -> str:
        return str(self.id)


class Node(models.Model):
    """The root of a whole subtree, kept for every eighth level so that no proof rehashes the tree.

    Node `place` of a level covers the leaves from place × 2^level on, 2^level of them.
    """

    history: ClassVar[bool] = False
    append_only: ClassVar[bool] = True

    level = models.PositiveSmallIntegerField()
    place = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        app_label = "engine"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["level", "place"], name="node_once"),
        ]

    def __str__(self) -> str:
        return f"{self.level}/{self.place}"


class SealKey(models.Model):
    """A public key checkpoints are signed with; the newest signs."""

    history: ClassVar[bool] = False
    append_only: ClassVar[bool] = True

    key = models.CharField(max_length=200, unique=True)
    """As C2SP writes it: name, number and key, joined by +."""
    since = models.DateTimeField(default=timezone.now)
    endorsement = models.TextField(blank=True)
    """A note by which the key before it names this one as its successor."""

    class Meta:
        app_label = "engine"
        ordering = ("id",)
        verbose_name = _("key of the seal")

    def __str__(self) -> str:
        return self.key


class SealedAt(models.Model):
    """A checkpoint: how many leaves the tree had at an instant, and their root, signed."""

    history: ClassVar[bool] = False
    append_only: ClassVar[bool] = True

    at = models.DateTimeField(db_index=True)
    size = models.BigIntegerField()
    root = models.BinaryField(max_length=32)
    note = models.TextField()
    """The signed note; the columns beside it repeat what it says."""
    reach = models.JSONField(default=dict)
    """By source, the highest number sealed so far."""

    class Meta:
        app_label = "engine"
        ordering = ("id",)
        verbose_name = _("checkpoint")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.size}"


class TimeStamp(models.Model):
    """What an outside authority signed about the time of a checkpoint (RFC 3161)."""

    history: ClassVar[bool] = False
    append_only: ClassVar[bool] = True

    checkpoint = models.ForeignKey(SealedAt, models.PROTECT, related_name="stamps")
    authority = models.CharField(max_length=300)
    at = models.DateTimeField()
    """The time the authority says."""
    token = models.BinaryField()

    class Meta:
        app_label = "engine"
        ordering = ("id",)
        verbose_name = _("time stamp")

    def __str__(self) -> str:
        return f"{self.authority} {self.at:%Y-%m-%d %H:%M}"


class Pack(models.Model):
    """An audit pack that was made: for which period, on what, by whom. The file is not kept."""

    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("to"))
    size = models.BigIntegerField()
    root = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)
    """Of its manifest, which names all its files."""
    files = models.PositiveIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        app_label = "engine"
        ordering = ("-id",)
        verbose_name = _("audit pack")

    def __str__(self) -> str:
        return f"{self.since:%Y-%m-%d} – {self.until:%Y-%m-%d}"


class Erasure(models.Model):
    """That a person's data was erased: when, by whom, why, and what went. Not whose it was."""

    append_only: ClassVar[bool] = True

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="erasures")
    pseudonym = models.CharField(max_length=60)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    why = models.TextField(_("reason"))
    went = models.JSONField(default=dict)
    """How many values of which table were replaced."""

    class Meta:
        app_label = "engine"
        ordering = ("id",)
        verbose_name = _("erasure")

    def __str__(self) -> str:
        return self.pseudonym


class Erased(models.Model):
    """A row of the history whose content an erasure replaced, and the digest of what it says now.

    It is sealed like any other row, so a content that was replaced by somebody else has none.
    """

    append_only: ClassVar[bool] = True

    erasure = models.ForeignKey(Erasure, models.PROTECT, related_name="rows")
    source = models.CharField(max_length=20)
    row = models.BigIntegerField()
    digest = models.CharField(max_length=64)

    class Meta:
        app_label = "engine"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["source", "row", "id"], name="erased_row"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.row}"
