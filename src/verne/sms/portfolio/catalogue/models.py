"""Catalogue entries: a service in the words of those who use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.links import linked
from verne.engine.people import Organization
from verne.engine.records import Record, RecordQuerySet

from ..service.models import Service, needed_at_go_live

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act


def the_service_is_live_or_announced(entry: CatalogueEntry) -> StrOrPromise | None:
    if entry.service.state in ("live", "being_removed", "being_transferred"):
        return None
    if entry.announced_for and entry.service.state in ("planned", "in_development"):
        return None
    return _("The service is not live: say for when it is announced.")


def its_dependencies_can_be_told(entry: CatalogueEntry) -> StrOrPromise | None:
    if entry.service.stands_alone or linked(entry.service, "depends_on").exists():
        return None
    return _("Link the services it depends on, or state on the service that there are none.")


def the_service_stays_in_a_view(entry: CatalogueEntry) -> StrOrPromise | None:
    if entry.service.state != "live":
        return None
    others = entry.service.catalogue_entries.published().exclude(pk=entry.pk)
    if others.exists():
        return None
    return _("The service is live and no other entry describes it: publish another one first.")


def stamp_publication(entry: CatalogueEntry, act: Act) -> None:
    entry.published_at = act.at
    entry.confirmed_at = act.at


def stamp_confirmation(entry: CatalogueEntry, act: Act) -> None:
    entry.confirmed_at = act.at


class EntryLife(Lifecycle):
    draft = State(_("Draft"), initial=True)
    published = State(_("Published"), tone="met")
    withdrawn = State(_("Withdrawn"), final=True)

    publish = Move(
        draft,
        published,
        _("Publish"),
        needs=("description", "intended_outcomes"),
        asks=("announced_for",),
        guards=(
            the_service_is_live_or_announced,
            its_dependencies_can_be_told,
        ),
        then=(stamp_publication,),
    )
    confirm = Move(
        published,
        published,
        _("Confirm that it is still right"),
        guards=(its_dependencies_can_be_told,),
        then=(stamp_confirmation,),
    )
    take_down = Move(
        (draft, published),
        withdrawn,
        _("Take out of the catalogue"),
        note=True,
        guards=(the_service_stays_in_a_view,),
    )
    restore = Move(withdrawn, draft, _("Back to draft"))


class EntryQuerySet(RecordQuerySet):
    def published(self) -> Self:
        return self.standing().in_state("published")

    def to_confirm(self) -> Self:
        """Published before the service was last changed, so perhaps no longer right."""
        return self.published().filter(
            Q(confirmed_at=None) | Q(confirmed_at__lt=F("service__changed_at"))
        )


class CatalogueEntry(Record):
    """A service as its audience reads about it."""

    class Readers(models.TextChoices):
        EVERYBODY = "everybody", _("Customers and our own people")
        CUSTOMERS = "customers", _("Customers")
        INTERNAL = "internal", _("Our own people")

    lifecycle = EntryLife

    service = models.ForeignKey(
        Service, models.PROTECT, related_name="catalogue_entries", verbose_name=_("service")
    )
    description = models.TextField(
        _("description"), blank=True, help_text=_("For those who use it, without our jargon.")
    )
    intended_outcomes = models.TextField(
        _("intended outcomes"), blank=True, help_text=_("What one can achieve with it.")
    )
    ordering = models.TextField(
        _("how to ask for it"), blank=True, help_text=_("Who may have it, and what to do.")
    )
    readers = models.CharField(_("for"), max_length=20, choices=Readers, default=Readers.EVERYBODY)
    audience = models.ManyToManyField(
        Organization,
        related_name="catalogue_entries",
        blank=True,
        limit_choices_to={"kind": Organization.Kind.CUSTOMER},
        verbose_name=_("only these customers"),
        help_text=_("Empty: all customers."),
    )
    announced_for = models.DateField(_("announced for"), null=True, blank=True)
    published_at = models.DateTimeField(_("published"), null=True, editable=False)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, editable=False)

    objects: ClassVar[Any] = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("catalogue entry")
        verbose_name_plural = _("catalogue entries")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["published_at"], name="catalogue_published"),
        ]

    @property
    def is_outdated(self) -> bool:
        """Published, and the service has changed since somebody last found it right."""
        if self.state != "published":
            return False
        return self.confirmed_at is None or self.confirmed_at < self.service.changed_at

    def clean(self) -> None:
        if (
            self.withdrawn_at
            and self.state == "published"
            and (why := the_service_stays_in_a_view(self))
        ):
            raise ValidationError(why)


@needed_at_go_live
def it_is_in_the_catalogue(service: Service) -> StrOrPromise | None:
    if CatalogueEntry.objects.published().filter(service=service).exists():
        return None
    return _("No catalogue entry of it is published: announce it first.")
