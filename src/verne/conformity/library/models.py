"""Libraries and their versions, the frameworks read out of them, and what people judged of them.

Libraries, versions and judgements are in the history. What is read out of a version's text is not:
it can be read out of it again, and the digest in the history vouches for the text.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from .shape import Choice, Question, Relationship, ScaleStep


class LibraryQuerySet(models.QuerySet["Library"]):
    def loaded(self) -> LibraryQuerySet:
        """Those that have a version in use; the others were taken back."""
        return self.exclude(current=None)


class Library(models.Model):
    """A library in one language; the version in use is `current`."""

    class Origin(models.TextChoices):
        OURS = "ours", _("comes with Verne")
        LOADED = "loaded", _("loaded from a file")

    key = models.CharField(max_length=300)
    """Its URN as it is compared; languages of one library share it."""
    locale = models.CharField(_("language"), max_length=20)
    origin = models.CharField(_("origin"), max_length=10, choices=Origin)
    current = models.ForeignKey(
        "conformity.LibraryVersion", models.PROTECT, null=True, related_name="+"
    )

    objects: ClassVar[Any] = LibraryQuerySet.as_manager()

    class Meta:
        app_label = "conformity"
        ordering = ("id",)
        verbose_name = _("library")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["key", "locale"], name="library_once")
        ]

    def __str__(self) -> str:
        return self.current.name if self.current else self.key

    @property
    def ours(self) -> bool:
        return self.origin == self.Origin.OURS


class LibraryText(models.Model):
    """The text of a version as it came, byte for byte but for the ends of its lines."""

    history: ClassVar[bool] = False

    text = models.TextField()

    class Meta:
        app_label = "conformity"

    def __str__(self) -> str:
        return self.text[:60]


class LibraryVersion(models.Model):
    """A version of a library as it was loaded, with the report of loading it."""

    library = models.ForeignKey(Library, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    digest = models.CharField(max_length=64)
    """SHA-256 of what it says, however it is laid out."""
    text = models.OneToOneField(LibraryText, models.PROTECT, related_name="version")
    urn = models.CharField(max_length=300)
    ref = models.CharField(_("reference"), max_length=200)
    name = models.CharField(_("name"), max_length=500)
    description = models.TextField(_("description"), blank=True)
    published = models.CharField(_("published"), max_length=40, blank=True)
    provider = models.CharField(_("provider"), max_length=300, blank=True)
    packager = models.CharField(_("packager"), max_length=300, blank=True)
    copyright = models.TextField(_("copyright"), blank=True)
    file_name = models.CharField(_("file"), max_length=300, blank=True)
    former = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    """What was in use before it was loaded; undoing leads back there."""
    report = models.JSONField(default=dict)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    """Nobody for what comes with the program."""
    at = models.DateTimeField(_("loaded"))
    undone_at = models.DateTimeField(_("undone"), null=True)

    class Meta:
        app_label = "conformity"
        ordering = ("-id",)
        verbose_name = _("version of a library")

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class Told(models.Model):
    """Something a file tells in several languages; the reader's own is preferred."""

    name = models.CharField(_("name"), max_length=500, blank=True)
    description = models.TextField(_("description"), blank=True)
    locale = models.CharField(max_length=20, default="en")
    texts = models.JSONField(default=dict)
    """Other languages: name, description, annotation, typical_evidence by locale."""

    class Meta:
        abstract = True

    def told(self, what: str) -> str:
        """A text in the reader's language, else in English, else as the library tells it."""
        wanted = (get_language() or "en").lower().replace("_", "-")
        own = str(getattr(self, what))
        if own and _base(self.locale) == _base(wanted):
            return own
        others = {locale.lower().replace("_", "-"): texts for locale, texts in self.texts.items()}
        close = [locale for locale in others if _base(locale) == _base(wanted)]
        for locale in (wanted, *close, "en"):
            if text := others.get(locale, {}).get(what):
                return str(text)
        return own


def _base(locale: str) -> str:
    return locale.lower().replace("_", "-").partition("-")[0]


class Framework(Told):
    """A framework as the library in use tells it."""

    history: ClassVar[bool] = False

    key = models.CharField(max_length=300, unique=True)
    urn = models.CharField(max_length=300)
    library = models.ForeignKey(Library, models.PROTECT, related_name="frameworks")
    ref = models.CharField(_("reference"), max_length=200)
    min_score = models.PositiveIntegerField(default=0)
    max_score = models.PositiveIntegerField(default=100)
    scale = models.JSONField(default=list)
    groups = models.JSONField(default=list)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "conformity"
        ordering = ("name", "id")
        verbose_name = _("framework")

    def __str__(self) -> str:
        return self.told("name")

    @property
    def steps(self) -> list[ScaleStep]:
        return [ScaleStep(**step) for step in self.scale]


class FrameworkNode(Told):
    """A chapter, requirement or control of a framework. It is retired, never removed."""

    history: ClassVar[bool] = False

    framework = models.ForeignKey(Framework, models.PROTECT, related_name="nodes")
    key = models.CharField(max_length=400)
    urn = models.CharField(max_length=400)
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    order = models.PositiveIntegerField()
    depth = models.PositiveSmallIntegerField()
    ref = models.CharField(_("number"), max_length=200, blank=True)
    annotation = models.TextField(_("guidance"), blank=True)
    typical_evidence = models.TextField(_("typical evidence"), blank=True)
    assessable = models.BooleanField(default=False)
    groups = models.JSONField(default=list)
    questions = models.JSONField(default=list)
    weight = models.FloatField(default=1)
    importance = models.CharField(max_length=40, blank=True)
    min_score = models.PositiveIntegerField(null=True)
    max_score = models.PositiveIntegerField(null=True)
    scale = models.JSONField(default=list)
    retired_at = models.DateTimeField(null=True)
    successor = models.ForeignKey("self", models.PROTECT, null=True, related_name="predecessors")

    class Meta:
        app_label = "conformity"
        ordering = ("order", "id")
        verbose_name = _("node of a framework")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["framework", "key"], name="framework_node_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["framework", "order"], name="framework_node_order"),
        ]

    def __str__(self) -> str:
        return f"{self.ref} {self.told('name') or self.told('description')[:80]}".strip()

    @property
    def asked(self) -> list[Question]:
        """Its questions as objects again."""
        return [
            Question(
                **q
                | {
                    "choices": tuple(
                        Choice(**c | {"groups": tuple(c["groups"])}) for c in q["choices"]
                    ),
                    "asked_when": (
                        (q["asked_when"][0], tuple(q["asked_when"][1]), q["asked_when"][2])
                        if q["asked_when"]
                        else None
                    ),
                }
            )
            for q in self.questions
        ]

    def bounds(self) -> tuple[int, int]:
        """The lowest and highest score it can have."""
        of = self.framework
        low = of.min_score if self.min_score is None else self.min_score
        return low, of.max_score if self.max_score is None else self.max_score

    def steps(self) -> list[ScaleStep]:
        return [ScaleStep(**step) for step in self.scale] or self.framework.steps


class MappingSet(models.Model):
    """How one framework reads towards another, as the library in use tells it.

    The ends are named, not pointed at: a set may come before the frameworks it speaks of.
    """

    history: ClassVar[bool] = False

    key = models.CharField(max_length=300, unique=True)
    library = models.ForeignKey(Library, models.PROTECT, related_name="mapping_sets")
    ref = models.CharField(max_length=200)
    name = models.CharField(_("name"), max_length=500)
    source = models.CharField(max_length=300, db_index=True)
    target = models.CharField(max_length=300, db_index=True)

    class Meta:
        app_label = "conformity"
        ordering = ("name", "id")
        verbose_name = _("mapping")

    def __str__(self) -> str:
        return self.name


class MappingRow(models.Model):
    """A pair of nodes and how the first reads towards the second."""

    history: ClassVar[bool] = False

    of = models.ForeignKey(MappingSet, models.CASCADE, related_name="rows")
    source = models.CharField(max_length=400)
    target = models.CharField(max_length=400)
    relationship = models.CharField(
        max_length=20, choices=[(r.value, r.value) for r in Relationship]
    )
    rationale = models.TextField(blank=True)
    strength = models.FloatField(null=True)
    strength_said = models.CharField(max_length=40, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        app_label = "conformity"
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.source} {self.relationship} {self.target}"


class Assessment(models.Model):
    """A round in which people judge a framework, or the groups of it they chose."""

    framework = models.ForeignKey(Framework, models.PROTECT, related_name="assessments")
    title = models.CharField(_("title"), max_length=200)
    scope = models.TextField(
        _("scope"),
        blank=True,
        help_text=_("Which part of the organization or which service is looked at."),
    )
    groups = models.JSONField(_("implementation groups"), default=list, blank=True)
    """References of the chosen implementation groups; all nodes when none is chosen."""
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("owner")
    )
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        app_label = "conformity"
        ordering = ("-started_at", "-id")
        verbose_name = _("assessment of a framework")

    def __str__(self) -> str:
        return self.title


class Assessed(models.Model):
    """What was judged of one node in one assessment, by whom, resting on what."""

    class Result(models.TextChoices):
        NOT_ASSESSED = "", _("Not assessed")
        CONFORMING = "conforming", _("Conforming")
        PARTLY = "partly conforming", _("Partly conforming")
        NONCONFORMING = "nonconforming", _("Nonconforming")
        NOT_APPLICABLE = "not applicable", _("Not applicable")

    assessment = models.ForeignKey(Assessment, models.PROTECT, related_name="assessed")
    node = models.ForeignKey(FrameworkNode, models.PROTECT, related_name="assessed")
    result = models.CharField(_("result"), max_length=20, choices=Result, blank=True)
    score = models.FloatField(_("score"), null=True, blank=True)
    note = models.TextField(_("note"), blank=True)
    answers = models.JSONField(default=dict)
    """By key of a question: the chosen keys, or what was written."""
    evidence = models.ManyToManyField("engine.Sheet", related_name="+", verbose_name=_("evidence"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(_("assessed"))
    carried_from = models.ForeignKey("self", models.PROTECT, null=True, related_name="carried_to")
    """The judgement of a retired node that was taken over."""
    version = models.PositiveIntegerField(default=1)

    class Meta:
        app_label = "conformity"
        ordering = ("id",)
        verbose_name = _("assessed node")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["assessment", "node"], name="assessed_once"),
            models.CheckConstraint(
                condition=Q(score=None) | Q(score__gte=0), name="assessed_score_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(carried_from=None) | ~Q(carried_from=F("id")),
                name="assessed_not_from_itself",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.node_id}: {self.result or 'not assessed'}"
