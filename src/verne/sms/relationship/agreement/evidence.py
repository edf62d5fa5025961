"""What agreements prove about 7.5.4 and 8.3.3."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from verne.engine.evidence import Asked, Evidence, every, evidence
from verne.sms.portfolio.service.evidence import live_services, says_something
from verne.sms.portfolio.service.models import Service, ServiceRequirement

from ..customer.models import Customer
from .models import Agreement, ServiceLevelTarget


@evidence("sla-per-live-service", reads=[Service, Agreement])
def live_services_have_an_agreement_that_was_reviewed(asked: Asked) -> Evidence:
    current = Agreement.objects.agreed(asked.at).filter(review_due__gte=asked.at.date())
    return every(
        live_services(),
        pk__in=_pairs().filter(agreement__in=current.values("pk")).values("service"),
        note=_("No agreement covers the service, or the review of each is overdue."),
    )


@evidence("services-agreed-with-customer", reads=[Service, Customer, Agreement])
def customers_have_agreed_to_what_they_receive(asked: Asked) -> Evidence:
    """Each customer of a live service has signed an agreement that covers it."""
    agreed = Agreement.objects.agreed(asked.at)
    signed = _pairs().filter(
        agreement__in=agreed.values("pk"),
        service=OuterRef("service"),
        agreement__customer=OuterRef("organization"),
    )
    given = Service.customers.through.objects
    unsigned = given.filter(~Exists(signed)).values("service")
    return every(
        live_services(),
        Q(pk__in=given.values("service")) & ~Q(pk__in=unsigned),
        note=_("The service has no customer, or one that has not agreed to it."),
    )


@evidence("sla-based-on-requirements", reads=[Agreement, ServiceRequirement])
def agreements_answer_the_requirements_of_each_service(asked: Asked) -> Evidence:
    documented = says_something(ServiceRequirement.objects.standing(), "statement")
    answered = Agreement.requirements.through.objects.filter(
        agreement=OuterRef("agreement"),
        servicerequirement__in=documented.values("pk"),
        servicerequirement__service=OuterRef("service"),
    )
    unanswered = _pairs().filter(~Exists(answered)).values("agreement")
    agreements = Agreement.objects.agreed(asked.at)
    return every(
        agreements,
        Q(pk__in=_pairs().values("agreement")) & ~Q(pk__in=unanswered),
        note=_("A service it covers has no requirement to which it refers."),
    )


@evidence("sla-content-complete", reads=[Agreement, ServiceLevelTarget])
def agreements_say_what_they_have_to(asked: Asked) -> Evidence:
    agreements = Agreement.objects.agreed(asked.at)
    limited = says_something(agreements, "workload_limits").values("pk")
    excepted = says_something(agreements, "exceptions").values("pk")
    return every(
        agreements,
        Q(pk__in=ServiceLevelTarget.objects.values("of")),
        Q(pk__in=limited),
        Q(pk__in=excepted) | Q(no_exceptions=True),
        note=_("A target, the workload limits or the statement of exceptions is missing."),
    )


def _pairs() -> Any:
    """Each agreement with each service it covers."""
    return Agreement.services.through.objects
