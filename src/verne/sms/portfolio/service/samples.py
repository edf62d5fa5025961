"""Services as an example shows them, made through the verbs."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps

from verne.engine.acts import file, move, revise
from verne.engine.chapters import Chapter
from verne.engine.people import Person

from .models import Service, ServiceOverlap, ServiceRequirement


def a_service(by: Person, **facts: Any) -> Service:
    at = facts.pop("at", None)
    usual = {
        "title": "E-mail",
        "description": "Mailboxes, calendars and address books for every user.",
        "owner": by,
        "criticality": Service.Criticality.HIGH,
        "stands_alone": True,
    }
    return file(Service, usual | facts, by=by, at=at)


def a_service_in_development(by: Person, **facts: Any) -> Service:
    """A service with an agreed requirement and everything it has to say about itself."""
    at = facts.pop("at", None)
    usual = {
        "requested_by": "Harbour Retail",
        "need": "Everybody has to be reached in writing.",
        "portfolio_priority": 1,
        "criticality_basis": "Customers, users and we ourselves stop working within a day.",
        "intended_outcomes": "People reach each other in writing within minutes.",
        "value_to_customer": "Orders and questions arrive the same day.",
        "value_to_organization": "It pays a third of our costs.",
    }
    service = a_service(by, **usual | facts, at=at)
    service = move(service, "plan", by=by, at=at)
    an_agreed_requirement(by, service=service, at=at)
    return move(service, "develop", by=by, at=at)


def a_live_service(by: Person, **facts: Any) -> Service:
    """A service that has everything each process asks for before it goes live.

    The processes that ask say in their own samples, with `prepare_go_live`, how to satisfy them.
    """
    at = facts.pop("at", None)
    service = a_service_in_development(by, **facts, at=at)
    for prepare in _preparations():
        prepare(service, by, at)
    return move(service, "go_live", by=by, at=at)


def _preparations() -> list[Any]:
    """Found by name, because a chapter may not import those that come after it."""
    paths = [
        f"{chapter.name}.{process}.samples"
        for chapter in apps.get_app_configs()
        if isinstance(chapter, Chapter)
        for process in chapter.processes
    ]
    modules = [import_module(path) for path in paths if find_spec(path)]
    return [m.prepare_go_live for m in modules if hasattr(m, "prepare_go_live")]


def a_servicerequirement(by: Person, **facts: Any) -> ServiceRequirement:
    at = facts.pop("at", None)
    service = facts.pop("service", None) or a_service(by, at=at)
    usual = {
        "title": "Mail arrives within two minutes",
        "service": service,
        "statement": "95 % of messages inside the organization arrive within two minutes.",
        "source": "Customer workshop",
    }
    return file(ServiceRequirement, usual | facts, by=by, at=at)


def an_agreed_requirement(by: Person, **facts: Any) -> ServiceRequirement:
    return move(a_servicerequirement(by, **facts), "agree", by=by, at=facts.get("at"))


def a_serviceoverlap(by: Person, **facts: Any) -> ServiceOverlap:
    usual = {
        "title": "Two ways to share files",
        "service": facts.pop("service", None) or a_service(by, title="Shared folders"),
        "other": facts.pop("other", None) or a_service(by, title="Document library"),
        "overlap": "Teams keep the same documents in both.",
        "owner": by,
    }
    return file(ServiceOverlap, usual | facts, by=by)


def given_to(service: Service, *customers: Any, by: Person) -> Service:
    """The service, with these organizations added to those that receive it."""
    return revise(service, {"customers": [*service.customers.all(), *customers]}, by=by)
