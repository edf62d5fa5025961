"""A customer, and what it takes to look after one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from verne.engine.lifecycle import Lifecycle, Move, State
from verne.engine.people import Organization
from verne.engine.records import Record
from verne.sms.portfolio.service.models import Service, needed_at_go_live

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def its_manager_works_here(customer: Customer) -> StrOrPromise | None:
    manager = customer.relationship_manager
    if manager is None or (manager.active and not manager.is_customer):
        return None
    return _("Its relationship manager is no longer active here: name another one.")


def no_live_service_names_it(customer: Customer) -> StrOrPromise | None:
    if customer.organization.services.live().exists():
        return _("It still receives live services: take it off them first.")
    return None


class CustomerLife(Lifecycle):
    prospective = State(_("Prospective"), initial=True)
    active = State(_("Active"), tone="met")
    former = State(_("Former"), final=True)

    activate = Move(
        prospective,
        active,
        _("Take on"),
        needs=("relationship_manager", "communication"),
        guards=(its_manager_works_here,),
    )
    part = Move(
        (prospective, active),
        former,
        _("Part"),
        note=True,
        guards=(no_live_service_names_it,),
    )
    win_back = Move(former, prospective, _("Win back"), note=True)


class Customer(Record):
    """An organization, or part of one, that receives our services."""

    lifecycle = CustomerLife

    organization = models.ForeignKey(
        Organization,
        models.PROTECT,
        related_name="as_customer",
        limit_choices_to={"kind": Organization.Kind.CUSTOMER},
        verbose_name=_("organization"),
    )
    relationship_manager = models.ForeignKey(
        "engine.Person",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="customers_managed",
        verbose_name=_("relationship manager"),
    )
    communication = models.TextField(
        _("communication arrangement"),
        blank=True,
        help_text=_("How, how often and between whom we talk; how needs and complaints reach us."),
    )
    users_count = models.PositiveIntegerField(_("number of users"), null=True, blank=True)
    users_described = models.TextField(
        _("users"), blank=True, help_text=_("Who uses the services, and for what.")
    )

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")

    def set_derived(self) -> None:
        # Its own people see the record: they are scoped by the customer on the cover sheet.
        self.customer = self.organization

    def clean(self) -> None:
        if self.organization.kind != Organization.Kind.CUSTOMER:
            raise ValidationError({"organization": _("Choose an organization that is a customer.")})
        others = Customer.objects.standing().filter(organization=self.organization_id)
        if self.withdrawn_at is None and others.exclude(pk=self.pk).exists():
            raise ValidationError(
                {"organization": _("This organization is on file as a customer already.")}
            )


@needed_at_go_live
def it_has_an_active_customer(service: Service) -> StrOrPromise | None:
    if (
        Customer.objects.standing()
        .in_state("active")
        .filter(organization__services=service)
        .exists()
    ):
        return None
    return _("No active customer receives it.")
