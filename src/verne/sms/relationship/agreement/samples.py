"""Agreements as an example shows them, made through the verbs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from verne.engine.acts import file, move
from verne.engine.people import Person
from verne.sms.portfolio.service.models import Service
from verne.sms.portfolio.service.samples import a_service, an_agreed_requirement

from ..customer.samples import an_organization
from .measuring import measure
from .models import Agreement, MeasurementCorrection, ServiceLevelMeasurement

HOUR = 3600

USUAL_TARGETS: list[dict[str, Any]] = [
    {"measure": measure, "applies_to": records, "priority": priority, "seconds": n, "goal": goal}
    for measure, records, priority, n, goal in (
        ("respond", "incident", None, HOUR, 95),
        ("respond", "incident", 1, HOUR // 4, 99),
        ("next_update", "incident", None, 4 * HOUR, 90),
        ("resolve", "incident", None, 24 * HOUR, 95),
        ("resolve", "incident", 1, 4 * HOUR, 95),
        ("resolve", "incident", 2, 8 * HOUR, 95),
        ("respond", "service_request", None, 8 * HOUR, 90),
        ("fulfil", "service_request", None, 72 * HOUR, 90),
    )
]


def a_draft_agreement(by: Person, **facts: Any) -> Agreement:
    """A draft with everything it takes to be signed."""
    at = facts.pop("at", None)
    day = (at or timezone.now()).date()
    services = facts.pop("services", None) or [a_service(by, at=at)]
    requirements = facts.pop("requirements", None)
    if requirements is None:
        requirements = [_a_requirement_of(service, by, at) for service in services]
    if "customer" not in facts:
        facts["customer"] = an_organization()
    usual = {
        "title": "Service levels for {}".format(", ".join(s.title for s in services))[:200],
        "services": services,
        "requirements": requirements,
        "owner": by,
        "valid_from": day - timedelta(days=400),
        "review_due": day + timedelta(days=180),
        "workload_limits": "Up to 300 incidents and 500 service requests a month.",
        "monthly_incidents": 300,
        "monthly_requests": 500,
        "no_exceptions": not facts.get("exceptions"),
        "support_fit": "The contract for lines promises repair in three hours, within our four.",
        "targets": USUAL_TARGETS,
    }
    return file(Agreement, usual | facts, by=by, at=at)


def an_agreed_agreement(by: Person, **facts: Any) -> Agreement:
    at = facts.get("at")
    return signed(a_draft_agreement(by, **facts), by=by, at=at)


def an_agreement(by: Person, **facts: Any) -> Agreement:
    """An agreement in force."""
    return move(an_agreed_agreement(by, **facts), "activate", by=by, at=facts.get("at"))


def signed(agreement: Agreement, *, by: Person, at: datetime | None = None) -> Agreement:
    """The agreement with both signatures under it."""
    day = (at or timezone.now()).date()
    if agreement.state == "draft":
        agreement = move(agreement, "negotiate", by=by, at=at)
    signatures = {
        "signed_by": by,
        "signed_on": day,
        "customer_signatory": "Minji Park, head of operations",
        "customer_signed_on": day,
    }
    return move(agreement, "agree", by=by, values=signatures, at=at)


def a_measurementcorrection(by: Person, **facts: Any) -> MeasurementCorrection:
    """A correction of this month's number of incidents."""
    measurement = facts.pop("measurement", None) or _this_month(an_agreement(by), by)
    usual = {
        "title": "Two incidents were recorded twice",
        "measurement": measurement,
        "corrected_value": 0,
        "reason": "The mail gateway delivered the same two reports again after its restart.",
        "owner": by,
    }
    return file(MeasurementCorrection, usual | facts, by=by)


def _this_month(agreement: Agreement, by: Person) -> ServiceLevelMeasurement:
    measure(agreement, timezone.now(), by=by)
    return agreement.measurements.filter(subject="incidents").latest("window_start")


def prepare_go_live(service: Service, by: Person, at: datetime | None) -> None:
    customer = service.customers.first()
    an_agreed_agreement(by, services=[service], customer=customer, at=at)


def _a_requirement_of(service: Service, by: Person, at: datetime | None) -> Any:
    there = service.requirements.in_state("agreed").standing().first()
    return there or an_agreed_requirement(by, service=service, at=at)
