"""What was found, from what and when: check results, runs, snapshots, and the adjusted values.

All but the adjustments can be computed again from the records, so the history leaves them out.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .attesting.models import Attestation as Attestation
from .library.models import Library as Library
from .verdict import Outcome, Result, RollUp


class Run(models.Model):
    """One computation of some checks, with what it was computed from."""

    class Why(models.TextChoices):
        CHANGE = "change", _("records changed")
        DEMAND = "demand", _("asked for by a person")
        DAILY = "daily", _("daily")

    history: ClassVar[bool] = False

    at = models.DateTimeField()
    """The instant judged."""
    started_at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True)
    why = models.CharField(max_length=10, choices=Why)
    inputs = models.JSONField()
    """The standard and the digest of its file, the number of the last act, the adjusted values."""
    digest = models.CharField(max_length=64)
    checks = models.PositiveIntegerField(default=0)
    queries = models.PositiveIntegerField(default=0)
    milliseconds = models.PositiveIntegerField(default=0)

    class Meta:
        app_label = "conformity"
        ordering = ("-id",)
        verbose_name = _("run")

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} {self.why}"


class CheckResult(models.Model):
    """What a check said when it was last computed."""

    history: ClassVar[bool] = False

    key = models.CharField(max_length=100, primary_key=True)
    outcome = models.CharField(max_length=20, default=Outcome.NOT_YET_COMPUTED.value)
    population = models.PositiveIntegerField(null=True)
    exceptions = models.PositiveIntegerField(null=True)
    note = models.TextField(blank=True)
    fault = models.TextField(blank=True)
    """Why it could not be computed, if it could not."""
    at = models.DateTimeField(null=True)
    computed_at = models.DateTimeField(null=True)
    run = models.ForeignKey(Run, models.PROTECT, related_name="results", null=True)
    inputs = models.JSONField(default=dict)
    queries = models.PositiveIntegerField(default=0)
    milliseconds = models.PositiveIntegerField(default=0)
    counted_whole_at = models.DateTimeField(null=True)
    """When every block was counted, where sums by block are kept; see `counting`."""
    whole_milliseconds = models.PositiveIntegerField(default=0)
    """What that took."""
    stale = models.BooleanField(default=True, db_index=True)
    generation = models.PositiveIntegerField(default=0)
    """Raised when a record it reads has changed, so that an older computation cannot win."""

    class Meta:
        app_label = "conformity"
        ordering = ("key",)
        verbose_name = _("check result")

    def __str__(self) -> str:
        return f"{self.key}: {self.outcome}"


class BlockCount(models.Model):
    """What a check found among the records of one block of numbers; see `counting`."""

    history: ClassVar[bool] = False

    key = models.CharField(max_length=100)
    block = models.BigIntegerField()
    population = models.PositiveIntegerField(default=0)
    exceptions = models.PositiveIntegerField(default=0)
    stale = models.BooleanField(default=False)
    """A record of the block has changed since."""

    class Meta:
        app_label = "conformity"
        ordering = ("key", "block")
        verbose_name = _("count of a block")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["key", "block"], name="block_counted_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["key"], condition=models.Q(stale=True), name="blocks_to_count")
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.block}: {self.population}"


class Touched(models.Model):
    """A record or kind that has changed since the checks that read it were last marked.

    Rows are only added by an act, never looked up: two acts need not wait for each other.
    """

    history: ClassVar[bool] = False

    kind = models.CharField(max_length=80)
    record = models.BigIntegerField(null=True)
    """Number of the cover sheet; without it, any record of the kind may have changed."""

    class Meta:
        app_label = "conformity"
        verbose_name = _("change to look at")

    def __str__(self) -> str:
        return self.kind


class Snapshot(models.Model):
    """The whole statement as it stood at an instant."""

    class Why(models.TextChoices):
        DAILY = "daily", _("daily")
        DEMAND = "demand", _("asked for by a person")
        BASELINE = "baseline", _("baseline to compare with")

    history: ClassVar[bool] = False

    at = models.DateTimeField(db_index=True)
    why = models.CharField(max_length=10, choices=Why)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True)
    note = models.CharField(max_length=300, blank=True)
    run = models.ForeignKey(Run, models.PROTECT, related_name="snapshots", null=True)
    standard = models.CharField(max_length=60)
    counts = models.JSONField()
    """Obligations by result, beside the whole, so that a year of it is read in one small query."""
    content = models.JSONField()

    class Meta:
        app_label = "conformity"
        ordering = ("-at", "-id")
        verbose_name = _("snapshot")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.why}"

    @property
    def whole(self) -> RollUp:
        counts = {Result(word): number for word, number in self.counts.items()}
        return RollUp({result: counts[result] for result in Result if counts.get(result)})


class KindOfInformation(models.Model):
    """A kind of documented information of the catalogue, as a row, so that conditions count it."""

    history: ClassVar[bool] = False

    id = models.PositiveSmallIntegerField(primary_key=True)
    """Its place in the order of the standard."""
    key = models.CharField(max_length=40, unique=True)

    class Meta:
        app_label = "conformity"
        ordering = ("id",)
        verbose_name = _("kind of documented information")

    def __str__(self) -> str:
        from .catalogue import catalogue

        kind = catalogue().documented_information.get(self.key)
        return kind.name if kind else self.key


class AdjustmentQuerySet(models.QuerySet["Adjustment"]):
    def in_force(self, at: Any) -> dict[tuple[str, str], Adjustment]:
        """The newest adjustment of each value at an instant."""
        return {(a.what, a.key): a for a in self.filter(at__lte=at).order_by("at", "id")}


class Adjustment(models.Model):
    """A value of the catalogue that the organization set for itself; the newest counts."""

    class What(models.TextChoices):
        PARAMETER = "parameter", _("parameter")
        FREQUENCY = "frequency", _("planned interval")

    what = models.CharField(_("what"), max_length=10, choices=What)
    key = models.CharField(_("key"), max_length=100)
    """Key of a parameter, or id of the obligation whose planned interval it is."""
    value = models.CharField(_("value"), max_length=30, blank=True)
    """A duration or a number as the catalogue writes it; empty returns to the default."""
    why = models.TextField(_("reason"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by")
    )
    at = models.DateTimeField(_("at"), default=timezone.now)

    objects: ClassVar[Any] = AdjustmentQuerySet.as_manager()

    class Meta:
        app_label = "conformity"
        ordering = ("-at", "-id")
        verbose_name = _("adjustment")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["what", "key", "at"], name="adjustment_newest")
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.key}: {self.value}"
