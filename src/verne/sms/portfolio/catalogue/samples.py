"""Catalogue entries as an example shows them, made through the verbs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from verne.engine.acts import file, move
from verne.engine.people import Person

from ..service.models import Service
from ..service.samples import a_service_in_development
from .models import CatalogueEntry


def a_catalogueentry(by: Person, **facts: Any) -> CatalogueEntry:
    at = facts.pop("at", None)
    service = facts.pop("service", None) or a_service_in_development(by, at=at)
    usual = {
        "title": service.title,
        "service": service,
        "description": "Write and read mail on every device, with shared calendars.",
        "intended_outcomes": "You reach colleagues and partners in writing within minutes.",
        "ordering": "Ask in the portal; a mailbox is ready the same day.",
        "owner": by,
    }
    return file(CatalogueEntry, usual | facts, by=by, at=at)


def a_published_entry(by: Person, **facts: Any) -> CatalogueEntry:
    """An entry in the catalogue, of a service that is announced for next month if not live."""
    at = facts.get("at")
    soon = ((at or timezone.now()) + timedelta(days=30)).date()
    entry = a_catalogueentry(by, **facts)
    return move(entry, "publish", by=by, at=at, values={"announced_for": soon})


def prepare_go_live(service: Service, by: Person, at: datetime | None) -> None:
    a_published_entry(by, service=service, at=at)
