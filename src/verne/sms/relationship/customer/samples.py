"""Customers as an example shows them, made through the verbs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from verne.engine.acts import act, file, move
from verne.engine.people import Organization, Person
from verne.sms.portfolio.service.models import Service
from verne.sms.portfolio.service.samples import given_to

from .models import Customer


def an_organization(name: str = "Harbour Retail") -> Organization:
    there = Organization.objects.filter(name=name).first()
    if there is not None:
        return there
    with act("settle", by=None, note=f"{name} becomes known"):
        return Organization.objects.create(name=name, kind=Organization.Kind.CUSTOMER)


def a_customer(by: Person, **facts: Any) -> Customer:
    at = facts.pop("at", None)
    organization = facts.pop("organization", None) or _one_not_on_file()
    usual = {
        "title": organization.name,
        "organization": organization,
        "relationship_manager": by,
        "communication": "A call every Monday, a review every quarter, the portal at any time.",
        "users_count": 240,
        "users_described": "Cashiers, branch managers and the head office in Busan.",
    }
    return file(Customer, usual | facts, by=by, at=at)


def _one_not_on_file() -> Organization:
    """An organization without a record as a customer: Harbour Retail, and others after it."""
    known = Organization.objects.filter(kind=Organization.Kind.CUSTOMER)
    free = known.filter(as_customer=None).order_by("pk").first()
    names = ("Harbour Retail", "Northern Rail", "Lakeside Clinic", "Pine Logistics")
    taken = set(known.values_list("name", flat=True))
    unused = [name for name in names if name not in taken]
    return free or an_organization(unused[0] if unused else f"Branch {len(taken)}")


def an_active_customer(by: Person, **facts: Any) -> Customer:
    return move(a_customer(by, **facts), "activate", by=by, at=facts.get("at"))


def prepare_go_live(service: Service, by: Person, at: datetime | None) -> None:
    organizations = list(service.customers.all()) or [an_organization()]
    for organization in organizations:
        if not Customer.objects.standing().filter(organization=organization).exists():
            an_active_customer(by, organization=organization, at=at)
    given_to(service, *organizations, by=by)
