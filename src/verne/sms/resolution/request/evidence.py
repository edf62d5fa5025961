"""What service requests say about 8.6.2, and with incidents about the delivery of services."""

from __future__ import annotations

from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThanOrEqual, IsNull, LessThanOrEqual
from django.utils.translation import gettext_lazy as _

from verne.engine.approvals import Approval
from verne.engine.clock import Clock
from verne.engine.escalation import Escalation
from verne.engine.evidence import Asked, Evidence, every, evidence, none_of
from verne.engine.history import Act
from verne.engine.rights import bundles, right
from verne.sms.portfolio.service.evidence import live_services
from verne.sms.portfolio.service.models import Service
from verne.sms.relationship.agreement.models import Agreement, ServiceLevelMeasurement

from ..evidence import escalated, moves_noted, overdue, settled_enough
from ..incident.models import Incident
from .models import RequestModel, ServiceRequest, ServiceRequestQuerySet


def _requests(asked: Asked) -> ServiceRequestQuerySet:
    found: ServiceRequestQuerySet = ServiceRequest.objects.standing().filter(filed_at__lte=asked.at)
    return found


@evidence("requests-recorded-classified", reads=(ServiceRequest, RequestModel), each=ServiceRequest)
def requests_are_recorded_and_classified(asked: Asked) -> Evidence:
    population = _requests(asked).filter(settled_enough(asked, ("recorded",)))
    return every(
        population,
        Q(service__isnull=False) | Q(request_model__isnull=False),
        Q(category__isnull=False) | Q(request_model__isnull=False),
        requester__isnull=False,
        note=_("Each needs a requester, a date, a service or model, and a classification."),
    )


@evidence("requests-prioritized", reads=(ServiceRequest, RequestModel), each=ServiceRequest)
def priorities_follow_the_model(asked: Asked) -> Evidence:
    usual = Q(request_model=None) | Q(request_model__usual_priority=None)
    usual |= Q(priority=F("request_model__usual_priority")) | ~Q(priority_reason="")
    population = _requests(asked).filter(settled_enough(asked, ("recorded", "classified")))
    return every(
        population,
        usual,
        priority__isnull=False,
        note=_("Each needs the priority of its model, or a reason for another."),
    )


@evidence(
    "requests-fulfilled",
    reads=(ServiceRequest, RequestModel, Clock, Escalation, Approval),
    each=ServiceRequest,
)
def requests_are_fulfilled_as_agreed(asked: Asked) -> Evidence:
    given = Approval.objects.filter(record=OuterRef("pk"), move="approve", standing="used")
    done = Q(state__in=("fulfilled", "closed"))
    unapproved = done & Q(request_model__approvals_needed__gt=0) & ~Q(Exists(given))
    settled = Q(state__in=("fulfilled", "closed", "rejected", "cancelled"))
    late = ~settled & Q(overdue(("fulfil",), asked.at)) & ~Q(escalated(asked.at))
    return none_of(
        _requests(asked),
        unapproved | late,
        note=_("Open past the target without an escalation, or fulfilled without approval."),
    )


@evidence("requests-closed", reads=(ServiceRequest,), each=ServiceRequest)
def requests_are_closed(asked: Asked) -> Evidence:
    patience = asked.delay("request_closure_delay")
    population = _requests(asked).filter(state__in=("fulfilled", "closed"))
    incomplete = Q(state="closed") & (Q(outcome="") | Q(closed_by=None))
    waiting = Q(state="fulfilled", fulfilled_at__lte=asked.at - patience)
    return none_of(
        population,
        incomplete | waiting,
        note=_("Closed without an outcome or a person, or left fulfilled for too long."),
    )


@evidence("requests-updated", reads=(ServiceRequest, Act), each=ServiceRequest)
def requests_have_a_log(asked: Asked) -> Evidence:
    population = _requests(asked)
    return none_of(population, ~moves_noted(population))


@evidence("request-instructions-available", reads=(RequestModel,))
def instructions_reach_those_who_fulfil(asked: Asked) -> Evidence:
    """A model in force holds its instructions; whoever may fulfil a request may read them."""
    models = RequestModel.objects.standing().in_state("in_force").filter(filed_at__lte=asked.at)
    fulfil, view = right("fulfil", ServiceRequest), right("view", RequestModel)
    blind = [role for role, rights in bundles().items() if fulfil in rights and view not in rights]
    if blind:
        return Evidence(models, models, _("A role that fulfils requests may not read them."))
    return none_of(
        models,
        Q(instructions="") | Q(restricted=True),
        note=_("It has no instructions, or not everybody who fulfils it may read them."),
    )


@evidence(
    "services-delivered",
    reads=(Service, Agreement, ServiceLevelMeasurement, Incident, ServiceRequest),
)
def live_services_are_measured_and_worked_on(asked: Asked) -> Evidence:
    """A level was measured, and something was asked or went wrong: delivery leaves records."""
    recent = ServiceLevelMeasurement.objects.filter(
        subject=ServiceLevelMeasurement.Subject.TARGET, window_end__gt=asked.since.date()
    )
    measured = Agreement.services.through.objects.filter(agreement__in=recent.values("agreement"))
    worked_on = Q(_worked_on(Incident, asked)) | Q(_worked_on(ServiceRequest, asked))
    return every(
        live_services().filter(filed_at__lte=asked.at),
        Q(pk__in=measured.values("service")),
        worked_on,
        note=_("Within the interval no level was measured, or no record tells of its operation."),
    )


def _worked_on(kind: type[Incident | ServiceRequest], asked: Asked) -> IsNull:
    """Whether a record of the service was filed within the interval.

    The newest are looked at first, one service after the other: to go through all that was filed in
    a year takes a third of a second at a million incidents.
    """
    # By its name alone, the time would lead to an index, and through the year after all.
    filed_at = Coalesce(F("filed_at"), F("changed_at"))
    of_it = kind.objects.filter(
        GreaterThanOrEqual(filed_at, asked.since),
        LessThanOrEqual(filed_at, asked.at),
        service=OuterRef("pk"),
        withdrawn_at=None,
    )
    newest = Subquery(of_it.order_by("-pk").values("pk")[:1])
    return IsNull(newest, False)
