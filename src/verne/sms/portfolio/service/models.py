"""A service, its stages, the requirements it has to meet and the services it overlaps with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from verne.engine.lifecycle import Guard, Lifecycle, Move, State
from verne.engine.links import LinkType, linked
from verne.engine.records import Record, RecordQuerySet

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.history import Act


def it_has_an_agreed_requirement(service: Service) -> StrOrPromise | None:
    if service.requirements.in_state("agreed").standing().exists():
        return None
    return _("No requirement of it is agreed yet.")


def no_requirement_is_in_draft(service: Service) -> StrOrPromise | None:
    if service.requirements.in_state("draft").standing().exists():
        return _("A requirement of it is still in draft.")
    return None


def its_dependencies_are_stated(service: Service) -> StrOrPromise | None:
    if service.stands_alone or linked(service, "depends_on").exists():
        return None
    return _("Link the services it depends on, or state that there are none.")


go_live_needs: list[Guard] = []
"""What later processes ask of a service before it goes live: a catalogue entry, an agreement."""


def needed_at_go_live(guard: Guard) -> Guard:
    """Enrol a guard of a later process, so that a service goes live only when it agrees."""
    go_live_needs.append(guard)
    ServiceLife.go_live.guards += (guard,)
    return guard


def stamp_value_confirmed(service: Service, act: Act) -> None:
    service.value_confirmed_at = act.at
    service.criticality_confirmed_at = act.at


def stamp_criticality(service: Service, act: Act) -> None:
    service.criticality_confirmed_at = act.at


def stamp_decision(overlap: ServiceOverlap, act: Act) -> None:
    overlap.decided_at = act.at


class ServiceLife(Lifecycle):
    proposed = State(_("Proposed"), initial=True)
    planned = State(_("Planned"))
    in_development = State(_("In development"))
    live = State(_("Live"), tone="met")
    being_removed = State(_("Being removed"), tone="partly")
    being_transferred = State(_("Being transferred"), tone="partly")
    removed = State(_("Removed"), final=True)
    transferred_out = State(_("Transferred out"), final=True)
    rejected = State(_("Rejected"), final=True)

    plan = Move(proposed, planned, _("Plan"), needs=("portfolio_priority", "requested_by", "need"))
    reject = Move(proposed, rejected, _("Reject"), note=True)
    develop = Move(
        planned,
        in_development,
        _("Start development"),
        needs=("criticality", "criticality_basis"),
        guards=(it_has_an_agreed_requirement,),
        then=(stamp_criticality,),
    )
    go_live = Move(
        in_development,
        live,
        _("Go live"),
        needs=(
            "owner",
            "criticality",
            "criticality_basis",
            "intended_outcomes",
            "value_to_customer",
            "value_to_organization",
        ),
        guards=(
            it_has_an_agreed_requirement,
            no_requirement_is_in_draft,
            its_dependencies_are_stated,
        ),
        then=(stamp_value_confirmed,),
    )
    confirm = Move(
        live, live, _("Confirm value and criticality"), note=True, then=(stamp_value_confirmed,)
    )
    begin_removal = Move(
        live, being_removed, _("Begin removal"), needs=("removal_date",), note=True
    )
    begin_transfer = Move(
        live, being_transferred, _("Begin transfer"), needs=("removal_date",), note=True
    )
    keep_live = Move(
        (being_removed, being_transferred), live, _("Keep it live after all"), note=True
    )
    remove = Move(being_removed, removed, _("Finish removal"), note=True)
    hand_over = Move(being_transferred, transferred_out, _("Finish transfer"), note=True)


class ServiceQuerySet(RecordQuerySet):
    def live(self) -> Self:
        return self.standing().in_state("live")

    def not_yet_removed(self) -> Self:
        """Planned, in development, live, or on the way out."""
        return self.standing().in_state(
            "planned", "in_development", "live", "being_removed", "being_transferred"
        )


class Service(Record):
    """Something customers get from us and recognise by name."""

    class Criticality(models.IntegerChoices):
        HIGH = 1, _("High")
        MEDIUM = 2, _("Medium")
        LOW = 3, _("Low")

    lifecycle = ServiceLife

    description = models.TextField(_("description"), blank=True)
    in_scope = models.BooleanField(_("in the scope of the SMS"), default=True)
    portfolio_priority = models.PositiveSmallIntegerField(
        _("priority in the portfolio"), null=True, blank=True, help_text=_("1 comes first.")
    )
    requested_by = models.CharField(_("requested by"), max_length=200, blank=True)
    need = models.TextField(_("need it answers"), blank=True)
    criticality = models.PositiveSmallIntegerField(
        _("criticality"), choices=Criticality, null=True, blank=True
    )
    criticality_basis = models.TextField(
        _("basis of the criticality"),
        blank=True,
        help_text=_("The needs of the organization, customers, users and other parties weighed."),
    )
    criticality_confirmed_at = models.DateTimeField(
        _("criticality confirmed"), null=True, editable=False
    )
    intended_outcomes = models.TextField(
        _("intended outcomes"), blank=True, help_text=_("What a customer achieves with it.")
    )
    value_to_customer = models.TextField(_("value to the customer"), blank=True)
    value_to_organization = models.TextField(_("value to us"), blank=True)
    value_confirmed_at = models.DateTimeField(_("value confirmed"), null=True, editable=False)
    stands_alone = models.BooleanField(_("depends on no other service"), default=False)
    customers = models.ManyToManyField(
        "engine.Organization",
        related_name="services",
        blank=True,
        limit_choices_to={"kind": "customer"},
        verbose_name=_("customers"),
    )
    first_line = models.ForeignKey(
        "engine.Team",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("first-line team"),
    )
    removal_date = models.DateField(_("date of removal or transfer"), null=True, blank=True)

    objects: ClassVar[Any] = ServiceQuerySet.as_manager()

    class Meta:
        verbose_name = _("service")
        verbose_name_plural = _("services")


class RequirementLife(Lifecycle):
    draft = State(_("Draft"), initial=True)
    agreed = State(_("Agreed"), tone="met")
    retired = State(_("Retired"), final=True)

    agree = Move(draft, agreed, _("Agree"), needs=("statement", "source"))
    amend = Move(agreed, draft, _("Amend"), note=True)
    retire = Move((draft, agreed), retired, _("Retire"), note=True)


class ServiceRequirement(Record):
    """What somebody needs from a service, in words that can be tested."""

    class Kind(models.TextChoices):
        FUNCTION = "function", _("What it does")
        LEVEL = "level", _("How well")
        CAPACITY = "capacity", _("How much")
        AVAILABILITY = "availability", _("Availability")
        CONTINUITY = "continuity", _("Continuity")
        SECURITY = "security", _("Information security")
        LEGAL = "legal", _("Law and regulation")

    lifecycle = RequirementLife

    service = models.ForeignKey(
        Service, models.PROTECT, related_name="requirements", verbose_name=_("service")
    )
    requirement_kind = models.CharField(_("kind"), max_length=20, choices=Kind, default=Kind.LEVEL)
    statement = models.TextField(_("statement"), blank=True)
    source = models.CharField(
        _("source"), max_length=200, blank=True, help_text=_("Who needs it, or what asks for it.")
    )

    class Meta:
        verbose_name = _("service requirement")
        verbose_name_plural = _("service requirements")


class OverlapLife(Lifecycle):
    found = State(_("Found"), initial=True)
    decided = State(_("Decided"), final=True, tone="met")

    decide = Move(found, decided, _("Decide"), needs=("decision", "owner"), then=(stamp_decision,))
    take_up_again = Move(decided, found, _("Take up again"), note=True)


class ServiceOverlap(Record):
    """Two services that do the same or partly the same, and what was decided about it."""

    class Extent(models.TextChoices):
        DUPLICATE = "duplicate", _("They do the same")
        PART = "part", _("They do partly the same")

    lifecycle = OverlapLife

    service = models.ForeignKey(
        Service, models.PROTECT, related_name="overlaps", verbose_name=_("service")
    )
    other = models.ForeignKey(
        Service, models.PROTECT, related_name="overlapped_by", verbose_name=_("other service")
    )
    extent = models.CharField(_("extent"), max_length=20, choices=Extent, default=Extent.PART)
    overlap = models.TextField(_("what overlaps"))
    decision = models.TextField(
        _("decision"),
        blank=True,
        help_text=_("Keep both and why, join them, or remove one."),
    )
    decided_at = models.DateTimeField(_("decided"), null=True, editable=False)

    class Meta:
        verbose_name = _("service overlap")
        verbose_name_plural = _("service overlaps")

    def clean(self) -> None:
        if self.service_id and self.service_id == self.other_id:
            raise ValidationError({"other": _("Name two different services.")})


DEPENDS_ON = LinkType(
    "depends_on",
    _("depends on"),
    "supports",
    _("supports"),
    sources=("portfolio.service",),
    targets=("portfolio.service",),
    carries=True,
)
