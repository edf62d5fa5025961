"""Request models and requests as an example shows them."""

from typing import Any

from verne.engine.acts import file, move
from verne.engine.people import Person
from verne.sms.portfolio.service.samples import a_service

from .models import RequestModel, ServiceRequest


def a_requestmodel(by: Person, **facts: Any) -> RequestModel:
    usual = {
        "title": "Mailbox for a new colleague",
        "service": facts.pop("service", None) or a_service(by),
        "offer": "A mailbox with calendar, ready on the first day.",
        "instructions": "Create the account, add it to the team list, send the welcome note.",
        "usual_priority": 4,
        "owner": by,
    }
    return file(RequestModel, usual | facts, by=by)


def a_model_in_force(by: Person, **facts: Any) -> RequestModel:
    return move(a_requestmodel(by, **facts), "put_in_force", by=by)


def a_servicerequest(by: Person, **facts: Any) -> ServiceRequest:
    usual = {
        "title": "Mailbox for Mina Park",
        "request_model": facts.pop("request_model", None) or a_model_in_force(by),
        "description": "She starts on Monday.",
        "owner": by,
    }
    return file(ServiceRequest, usual | facts, by=by)
