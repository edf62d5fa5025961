"""What customers prove about 8.3.2."""

from __future__ import annotations

from verne.engine.evidence import Asked, Evidence, every, evidence
from verne.engine.people import Assignment, Person

from .models import Customer


@evidence("customer-owner-designated", reads=[Customer, Assignment, Person])
def active_customers_have_a_manager_who_is_active(asked: Asked) -> Evidence:
    customers = Customer.objects.standing().in_state("active")
    return every(customers, relationship_manager__active=True)
