"""What service requests say about 8.6.2."""

from __future__ import annotations

from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from verne.engine.approvals import Approval
from verne.engine.clock import Clock
from verne.engine.escalation import Escalation
from verne.engine.evidence import Asked, Evidence, every, evidence, none_of
from verne.engine.history import Act

from ..evidence import escalated, moves_noted, overdue, settled_enough
from .models import RequestModel, ServiceRequest, ServiceRequestQuerySet


def _requests(asked: Asked) -> ServiceRequestQuerySet:
    found: ServiceRequestQuerySet = ServiceRequest.objects.standing().filter(filed_at__lte=asked.at)
    return found


@evidence("requests-recorded-classified", reads=(ServiceRequest, RequestModel))
def requests_are_recorded_and_classified(asked: Asked) -> Evidence:
    population = _requests(asked).filter(settled_enough(asked, ("recorded",)))
    return every(
        population,
        Q(service__isnull=False) | Q(request_model__isnull=False),
        Q(category__isnull=False) | Q(request_model__isnull=False),
        requester__isnull=False,
        note=_("Each needs a requester, a date, a service or model, and a classification."),
    )


@evidence("requests-prioritized", reads=(ServiceRequest, RequestModel))
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


@evidence("requests-fulfilled", reads=(ServiceRequest, RequestModel, Clock, Escalation, Approval))
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


@evidence("requests-closed", reads=(ServiceRequest,))
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


@evidence("requests-updated", reads=(ServiceRequest, Act))
def requests_have_a_log(asked: Asked) -> Evidence:
    population = _requests(asked)
    return none_of(population, ~moves_noted(population))
