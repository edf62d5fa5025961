"""What services, their requirements and their ties prove about 5.1, 7.3, 7.5.4 and 8.2.2."""

from __future__ import annotations

from typing import Any

from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Trim
from django.utils.translation import gettext_lazy as _

from verne.engine.evidence import Asked, Evidence, every, evidence
from verne.engine.history import Act
from verne.engine.links import Link
from verne.engine.people import Person, Team
from verne.engine.records import Sheet
from verne.sms.support.awareness.evidence import know
from verne.sms.support.awareness.models import Campaign, our_people
from verne.sms.support.document.models import Document
from verne.sms.support.document.revision import Revision
from verne.sms.support.plan.evidence import named_in_force
from verne.sms.support.plan.models import TakenOver

from .models import DEPENDS_ON, Service, ServiceOverlap, ServiceRequirement


def live_services() -> Any:
    """Services in scope at stage live: what most conditions speak of."""
    return Service.objects.live().filter(in_scope=True)


def services_not_yet_removed() -> Any:
    return Service.objects.not_yet_removed().filter(in_scope=True)


def says_something(services: Any, *fields: str) -> Any:
    """Those in which all of these texts are more than blanks."""
    for field in fields:
        services = services.annotate(**{f"said_{field}": Trim(field)}).exclude(
            **{f"said_{field}": ""}
        )
    return services


@evidence("service-value-stated", reads=[Service])
def live_services_state_their_value(asked: Asked) -> Evidence:
    stated = says_something(live_services(), "value_to_customer", "value_to_organization")
    confirmed = stated.filter(value_confirmed_at__gte=asked.since)
    return every(
        live_services(),
        pk__in=confirmed.values("pk"),
        note=_("The value is missing or was not confirmed within the interval."),
    )


@evidence("doc-service-requirements", reads=[Service, ServiceRequirement])
def live_services_have_an_agreed_requirement(asked: Asked) -> Evidence:
    agreed = ServiceRequirement.objects.standing().in_state("agreed")
    return every(live_services(), pk__in=agreed.values("service"))


@evidence("requirements-per-service", reads=[Service, ServiceRequirement])
def services_have_requirements_that_are_settled(asked: Asked) -> Evidence:
    """Each has an agreed one with a source; and none was in draft when the service went live."""
    services = Service.objects.standing().filter(
        in_scope=True, state__in=("planned", "in_development", "live")
    )
    written = says_something(ServiceRequirement.objects.standing(), "statement", "source")
    agreed = written.in_state("agreed").values("service")
    return every(
        services,
        Q(pk__in=agreed) & ~Q(state="live", pk__in=_in_draft_at_go_live().values("service")),
        note=_("No requirement is agreed, or one was still in draft when the service went live."),
    )


def _in_draft_at_go_live() -> Any:
    """Requirements on file when their service went live, whose last step until then left a draft.

    A service that came here live has no such step: it went live for us when it was filed.
    """
    steps = Act.objects.filter(verb="move").order_by("-at", "-pk")
    went_live = steps.filter(record=OuterRef("service"), name="go_live")
    until_then = steps.filter(record=OuterRef("pk"), at__lte=OuterRef("live_at"))
    return (
        ServiceRequirement.objects.standing()
        .annotate(live_at=Coalesce(Subquery(went_live.values("at")[:1]), F("service__filed_at")))
        .annotate(last_step=Subquery(until_then.values("name")[:1]))
        .filter(Q(last_step="amend") | Q(last_step=None, state="draft"), filed_at__lte=F("live_at"))
    )


@evidence("criticality-set", reads=[Service])
def services_have_a_confirmed_criticality(asked: Asked) -> Evidence:
    """A criticality with the needs weighed for it, confirmed within the interval.

    Starting development confirms it; before that it has only just been filed.
    """
    weighed = says_something(services_not_yet_removed(), "criticality_basis")
    confirmed = Q(criticality_confirmed_at__gte=asked.since) | Q(
        criticality_confirmed_at=None, filed_at__gte=asked.since
    )
    return every(
        services_not_yet_removed(),
        pk__in=weighed.filter(confirmed, criticality__isnull=False).values("pk"),
        note=_("The criticality or its basis is missing or was not confirmed within the interval."),
    )


@evidence("dependencies-managed", reads=[Service, ServiceOverlap])
def dependencies_are_listed_and_overlaps_decided(asked: Asked) -> Evidence:
    """Live services with their dependencies or none stated; and every overlap with its decision."""
    links = Link.objects.filter(kind=DEPENDS_ON.name, ended_at=None, target__withdrawn_at=None)
    stated = live_services().filter(Q(stands_alone=True) | Q(pk__in=links.values("source")))
    overlaps = ServiceOverlap.objects.standing()
    decided = says_something(overlaps, "decision").in_state("decided")
    population = Sheet.objects.filter(
        Q(pk__in=live_services().values("pk")) | Q(pk__in=overlaps.values("pk"))
    )
    return every(
        population,
        Q(pk__in=stated.values("pk")) | Q(pk__in=decided.values("pk")),
        note=_("A live service does not list its dependencies, or an overlap is undecided."),
    )


@evidence("smp-services", reads=(Service, Document, Revision, TakenOver))
def every_live_service_stands_in_the_plan(asked: Asked) -> Evidence:
    return every(
        live_services().filter(filed_at__lte=asked.at),
        ref__in=named_in_force("services", asked.at),
        note=_("The service management plan in force does not name it."),
    )


@evidence("aware-services", reads=(Person, Team, Service, Campaign))
def people_know_the_services_their_work_is_for(asked: Asked) -> Evidence:
    """Tied to a live service as its owner or through a team, and signed that they know it."""
    services = live_services()
    teams = Team.objects.filter(
        Q(pk__in=services.values("first_line")) | Q(pk__in=services.values("team"))
    )
    tied = Q(pk__in=services.values("owner")) | Q(teams__in=teams)
    linked = our_people().filter(tied).values("pk")
    return every(
        our_people(),
        Q(pk__in=linked) & know(asked, about_services=True),
        note=_("Tied to no live service, or has not signed that they know what it is."),
    )
