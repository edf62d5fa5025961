"""How catalogue entries are listed, filed and shown."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from verne.engine.links import linked
from verne.engine.people import Person
from verne.engine.register import Column, Panel, Register, Section
from verne.engine.rights import ALL, READ, WORK

from .models import CatalogueEntry


def what_it_depends_on(entry: CatalogueEntry, person: Person) -> list[tuple[Any, ...]]:
    """The services under the one described, read from their links, never typed."""
    from ..service.models import Service

    below = linked(entry.service, "depends_on").values("pk")
    seen = Service.objects.visible_to(person).filter(pk__in=below).order_by("title")
    return [(service, service.state_label) for service in seen]


def standing_of(entry: CatalogueEntry) -> str:
    return say("To be confirmed: the service has changed") if entry.is_outdated else ""


class CatalogueEntryRegister(Register):
    model = CatalogueEntry
    prefix = "CAT"
    slug = "catalogue"
    clauses = ("8.2.4",)
    purpose = _("Each service in the words of those who use it, for the audience it is meant for.")
    first_step = _("Describe the service people ask about most.")
    columns = (
        "ref",
        "title",
        "service",
        "readers",
        "state",
        Column("standing", _("To do"), standing_of, needs=("service",)),
        "confirmed_at",
        "owner",
    )
    filters = ("state", "readers", "service", "owner")
    search = ("title", "description", "intended_outcomes", "ordering")
    sections = (
        Section(_("What it is"), "title", "service", "description", "intended_outcomes", "owner"),
        Section(_("Who reads it"), "readers", "audience", "announced_for"),
        Section(_("How to get it"), "ordering"),
    )
    panels = (
        Panel(
            _("It depends on"),
            (_("Service"), _("State")),
            what_it_depends_on,
            empty=_("It depends on no other service."),
        ),
    )
    order = "title"
    documented = {"catalogue": ("published",)}
    roles = {
        "service_catalogue_manager": ALL,
        "sms_manager": ALL,
        "service_portfolio_manager": WORK,
        "service_owner": (*WORK, "publish", "confirm"),
        "service_level_manager": READ,
        "business_relationship_manager": READ,
        "request_manager": READ,
        "incident_manager": READ,
        "service_desk_agent": READ,
        "top_management": READ,
        "process_owner": READ,
        "internal_auditor": READ,
        "audit_manager": READ,
        "reader": READ,
        "customer_user": READ,
        "customer_manager": READ,
    }

    @classmethod
    def widen(cls, person: Person) -> Q | None:
        """Customers read what is published for them."""
        if not person.is_customer:
            return None
        named = CatalogueEntry.audience.through.objects
        narrowed = Q(pk__in=named.values("catalogueentry"))
        for_them = Q(
            pk__in=named.filter(organization=person.organization_id).values("catalogueentry")
        )
        public = Q(state="published", withdrawn_at=None) & ~Q(
            readers=CatalogueEntry.Readers.INTERNAL
        )
        return public & (for_them | ~narrowed)
