"""Configuration items as an example shows them, made through the verbs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from verne.engine.acts import file, move
from verne.engine.people import Person

from ..service.models import Service
from .models import CIType, ConfigurationItem


def a_citype(by: Person, **facts: Any) -> CIType:
    at = facts.pop("at", None)
    usual = {
        "title": "Server",
        "level_of_detail": "Each machine with its operating system; parts inside are not recorded.",
        "attributes": [
            {"name": "operating_system", "form": "text", "required": True},
            {"name": "memory_gb", "form": "number"},
            {"name": "supported_until", "form": "date"},
        ],
        "owner": by,
    }
    return file(CIType, usual | facts, by=by, at=at)


def a_configurationitem(by: Person, **facts: Any) -> ConfigurationItem:
    at = facts.pop("at", None)
    number = ConfigurationItem.objects.count() + 1
    usual = {
        "title": f"Mail server {number}",
        "identifier": f"srv-mail-{number:02}",
        "description": "Takes in and hands out the mail of every user.",
        "attributes": {"operating_system": "Debian 12", "memory_gb": 64},
        "location": "Seoul, room 2, rack 4",
        "owner": by,
    }
    if "ci_type" not in facts:
        usual["ci_type"] = _the_type(by, "Server", at)
    return file(ConfigurationItem, usual | facts, by=by, at=at)


def a_live_item(by: Person, **facts: Any) -> ConfigurationItem:
    at = facts.get("at")
    usual = {} if facts.get("services") or facts.get("represents") else {"stands_alone": "A spare."}
    return move(a_configurationitem(by, **usual | facts), "put_live", by=by, at=at)


def an_item_for(service: Service, by: Person, **facts: Any) -> ConfigurationItem:
    """The configuration item that stands for a service."""
    at = facts.get("at")
    usual = {
        "title": service.title,
        "identifier": f"svc-{service.ref.lower()}",
        "description": service.description or service.title,
        "ci_type": _the_type(by, "Service", at, stands_for_service=True, attributes=[]),
        "attributes": {},
        "location": "",
        "represents": service,
    }
    return a_live_item(by, **usual | facts)


def prepare_go_live(service: Service, by: Person, at: datetime | None) -> None:
    an_item_for(service, by, at=at)


def _the_type(by: Person, title: str, at: datetime | None, **facts: Any) -> CIType:
    there = CIType.objects.in_state("in_use").filter(title=title).first()
    return there or a_citype(by, title=title, at=at, **facts)
