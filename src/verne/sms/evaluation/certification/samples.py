"""A certificate as an example shows it."""

from datetime import date
from typing import Any

from verne.engine.acts import file
from verne.engine.people import Person

from .models import Certificate


def a_certificate(by: Person, **facts: Any) -> Certificate:
    usual = {
        "title": "Service management of managed services",
        "body": "Hansa Cert",
        "number": "HC-20K-0417",
        "scope": "The service management system for managed services delivered from Hamburg.",
        "decided_on": date(2025, 3, 12),
        "owner": by,
        "visits": [
            {"kind": "stage_1", "held_on": date(2025, 1, 20)},
            {"kind": "stage_2", "held_on": date(2025, 2, 24)},
        ],
    }
    return file(Certificate, usual | facts, by=by)
