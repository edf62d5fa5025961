"""Configuration items, their types, and the ties between them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.links import Link, LinkType
from verne.engine.records import Part, Record, RecordQuerySet

from ..service.models import Service, needed_at_go_live

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def no_item_has_it(ci_type: CIType) -> StrOrPromise | None:
    if ci_type.items.standing().exclude(state="removed").exists():
        return _("Items of this type are still on file: remove them or give them another type.")
    return None


class CITypeLife(Lifecycle):
    in_use = State(_("In use"), initial=True, tone="met")
    retired = State(_("Retired"), final=True)

    retire = Move(in_use, retired, _("Retire"), note=True, guards=(no_item_has_it,))


class CIType(Record):
    """A kind of configuration item, and how much is recorded about each."""

    lifecycle = CITypeLife

    level_of_detail = models.TextField(
        _("level of detail"),
        help_text=_("Down to what part items of this type are recorded, and why no further."),
    )
    controlled = models.BooleanField(
        _("under change control"),
        default=True,
        help_text=_("Items of this type are altered through changes only."),
    )
    stands_for_service = models.BooleanField(
        _("stands for a service"),
        default=False,
        help_text=_("An item of this type is a service, not something the service stands on."),
    )

    class Meta:
        verbose_name = _("configuration item type")
        verbose_name_plural = _("configuration item types")


class CIAttribute(Part):
    """Something recorded about every item of a type."""

    class Form(models.TextChoices):
        TEXT = "text", _("Text")
        NUMBER = "number", _("Number")
        DATE = "date", _("Date")
        YES_NO = "yes_no", _("Yes or no")

    part_fields = ("name", "form", "required", "controlled")

    of = models.ForeignKey(CIType, models.PROTECT, related_name="attributes")
    name = models.CharField(
        _("name"),
        max_length=60,
        validators=[
            RegexValidator(
                r"^[a-z][a-z0-9_]*$", _("Use small letters, digits and _, as in serial_number.")
            )
        ],
    )
    form = models.CharField(_("form"), max_length=10, choices=Form, default=Form.TEXT)
    required = models.BooleanField(_("required"), default=False)
    controlled = models.BooleanField(_("under change control"), default=False)

    class Meta:
        verbose_name = _("attribute")
        verbose_name_plural = _("attributes")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["of", "name"], name="ci_attribute_once"),
        ]

    def __str__(self) -> str:
        return self.name

    def objection(self, value: Any) -> str | None:
        """Why a value does not have this attribute's form; None when it does."""
        if value in (None, ""):
            return None
        if self.form == self.Form.YES_NO and not isinstance(value, bool):
            return say("%(name)s is yes or no: write true or false.") % {"name": self.name}
        if self.form == self.Form.NUMBER and (
            isinstance(value, bool) or not isinstance(value, int | float)
        ):
            return say("%(name)s is a number.") % {"name": self.name}
        if self.form == self.Form.TEXT and not isinstance(value, str):
            return say("%(name)s is text.") % {"name": self.name}
        if self.form == self.Form.DATE and not _is_date(value):
            return say("%(name)s is a date: write it as 2026-12-31.") % {"name": self.name}
        return None


def _is_date(value: Any) -> bool:
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def its_ties_are_stated(item: ConfigurationItem) -> StrOrPromise | None:
    if item.stands_alone or item.is_tied():
        return None
    return _("Link it to what it belongs with, or say why it stands alone.")


def it_has_what_its_type_requires(item: ConfigurationItem) -> StrOrPromise | None:
    missing = item.missing_attributes()
    if not missing:
        return None
    return say("Its type asks for %(names)s.") % {"names": ", ".join(missing)}


class ItemLife(Lifecycle):
    planned = State(_("Planned"), initial=True)
    in_build = State(_("In build"))
    live = State(_("Live"), tone="met")
    under_change = State(_("Under change"), tone="partly")
    retired = State(_("Retired"))
    removed = State(_("Removed"), final=True)

    build = Move(planned, in_build, _("Build"))
    put_live = Move(
        (planned, in_build),
        live,
        _("Put live"),
        needs=("description",),
        guards=(it_has_what_its_type_requires, its_ties_are_stated),
    )
    begin_change = Move(live, under_change, _("Begin change"), note=True)
    end_change = Move(
        under_change,
        live,
        _("End change"),
        guards=(it_has_what_its_type_requires, its_ties_are_stated),
    )
    retire = Move((planned, in_build, live, under_change), retired, _("Retire"), note=True)
    bring_back = Move(retired, in_build, _("Bring back"), note=True)
    remove = Move(retired, removed, pgettext_lazy("for good", "Remove"), note=True)


class ItemQuerySet(RecordQuerySet):
    def in_operation(self) -> Self:
        return self.standing().in_state("live", "under_change")

    def tied(self) -> Self:
        """Those with a standing tie to another record, a service they serve or stand for."""
        ties = Link.objects.filter(ended_at=None)
        return self.filter(
            models.Exists(ties.filter(source=models.OuterRef("pk")))
            | models.Exists(ties.filter(target=models.OuterRef("pk")))
            | models.Q(
                pk__in=ConfigurationItem.services.through.objects.values("configurationitem")
            )
            | models.Q(represents__isnull=False)
        )


class ConfigurationItem(Record):
    """Something we have to control in order to deliver a service."""

    class Environment(models.TextChoices):
        PRODUCTION = "production", _("Production")
        ACCEPTANCE = "acceptance", _("Acceptance")
        TEST = "test", _("Test")
        DEVELOPMENT = "development", _("Development")
        RECOVERY = "recovery", _("Recovery")

    lifecycle = ItemLife

    identifier = models.CharField(
        _("identifier"),
        max_length=120,
        unique=True,
        help_text=_("A name no other item has, such as srv-mail-01."),
    )
    ci_type = models.ForeignKey(
        CIType, models.PROTECT, related_name="items", verbose_name=_("type")
    )
    description = models.TextField(_("description"))
    attributes = models.JSONField(
        _("attributes"),
        default=dict,
        blank=True,
        help_text=_("What its type asks to be recorded, by name."),
    )
    environment = models.CharField(
        _("environment"), max_length=20, choices=Environment, default=Environment.PRODUCTION
    )
    location = models.CharField(_("location"), max_length=200, blank=True)
    services = models.ManyToManyField(
        Service,
        related_name="configuration_items",
        blank=True,
        verbose_name=_("services it serves"),
    )
    represents = models.ForeignKey(
        Service,
        models.PROTECT,
        null=True,
        blank=True,
        # Nearly all are empty: an index over the few that are not is the one worth using.
        db_index=False,
        related_name="standing_as_item",
        verbose_name=_("service it stands for"),
    )
    stands_alone = models.TextField(
        _("why it stands alone"),
        blank=True,
        help_text=_("Only for an item that has nothing to do with any other."),
    )
    source = models.CharField(
        _("source"), max_length=100, blank=True, help_text=_("Where this was read from.")
    )
    last_seen_at = models.DateTimeField(_("last seen"), null=True, blank=True)

    objects: ClassVar[Any] = ItemQuerySet.as_manager()

    derives_from: ClassVar[tuple[str, ...]] = ("ci_type__attributes",)

    class Meta:
        verbose_name = _("configuration item")
        verbose_name_plural = _("configuration items")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["represents"],
                condition=models.Q(represents__isnull=False),
                name="one_item_for_a_service",
                violation_error_message=_("Another item stands for this service already."),
            ),
        ]

    def set_derived(self) -> None:
        """An item that is gone gives back what only one may have; its history keeps both."""
        if self.withdrawn_at or self.state == "removed":
            self.represents = None
        if self.withdrawn_at and not self.identifier.endswith(f"({self.ref})"):
            self.identifier = f"{self.identifier[:90]} ({self.ref})"

    def clean(self) -> None:
        """Attributes are those of the type and have their forms."""
        if self.represents_id and self.ci_type_id and not self.ci_type.stands_for_service:
            raise ValidationError(
                {"represents": _("Only an item of a type for services stands for a service.")}
            )
        if not isinstance(self.attributes, dict):
            raise ValidationError({"attributes": _("Attributes are given by name.")})
        if not self.attributes or not self.ci_type_id:
            return
        known = {a.name: a for a in self.ci_type.attributes.all()}
        objections = [
            say("%(name)s is not an attribute of the type; it has %(known)s.")
            % {"name": name, "known": ", ".join(sorted(known)) or say("none")}
            if name not in known
            else known[name].objection(value)
            for name, value in self.attributes.items()
        ]
        if found := [o for o in objections if o]:
            raise ValidationError({"attributes": found})

    def is_tied(self) -> bool:
        return ConfigurationItem.objects.filter(pk=self.pk).tied().exists()

    def missing_attributes(self) -> list[str]:
        """Names of the attributes its type requires and it lacks."""
        asked = self.ci_type.attributes.filter(required=True).order_by("pk")
        return [
            name
            for name in asked.values_list("name", flat=True)
            if self.attributes.get(name) in (None, "", [])
        ]


@needed_at_go_live
def an_item_stands_for_it(service: Service) -> StrOrPromise | None:
    if service.standing_as_item.standing().exists():
        return None
    return _("No configuration item stands for it.")


ITEM = "portfolio.configurationitem"
SERVICE = "portfolio.service"

# The source is what is affected, the target what it stands on: impact passes from target to source.
RUNS_ON = LinkType(
    "runs_on",
    _("runs on"),
    "hosts",
    _("hosts"),
    sources=(ITEM, SERVICE),
    targets=(ITEM,),
    carries=True,
)
HAS_PART = LinkType(
    "has_part",
    _("has the part"),
    "part_of",
    _("is part of"),
    sources=(ITEM,),
    targets=(ITEM,),
    carries=True,
)
USES = LinkType(
    "uses",
    _("uses"),
    "used_by",
    _("is used by"),
    sources=(ITEM, SERVICE),
    targets=(ITEM,),
    carries=True,
)
CONNECTED_THROUGH = LinkType(
    "connected_through",
    _("is connected through"),
    "connects",
    _("connects"),
    sources=(ITEM,),
    targets=(ITEM,),
    carries=True,
)
# Peers on a cable do not take each other along, or one laptop would take the whole network.
CONNECTED_TO = LinkType(
    "connected_to",
    _("is connected to"),
    "connected_to",
    _("is connected to"),
    sources=(ITEM,),
    targets=(ITEM,),
)
# Losing the copy does not stop the original.
BACKED_UP_BY = LinkType(
    "backed_up_by",
    _("is backed up by"),
    "backs_up",
    _("backs up"),
    sources=(ITEM,),
    targets=(ITEM,),
)
