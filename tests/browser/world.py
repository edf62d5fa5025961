"""A small company to make journeys in, filed through the verbs in a new database in VERNE_HOME.

VERNE_HOME=/tmp/verne-journeys .venv/bin/python tests/browser/world.py
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

PASSWORD = "a quiet harbour at dawn"

STAFF: dict[str, dict[str, Any]] = {
    "ada": {
        "name": "Ada Berg",
        "roles": (
            "sms_manager",
            "administrator",
            "incident_manager",
            "request_manager",
            "problem_manager",
            "service_level_manager",
            "service_portfolio_manager",
            "service_catalogue_manager",
            "business_relationship_manager",
        ),
    },
    "laura": {"name": "Laura Keller", "roles": ("internal_auditor", "audit_manager")},
    "jun": {"name": "Jun Park", "roles": ("service_desk_agent",)},
    "petr": {"name": "Petr Novak", "roles": ("service_desk_agent",)},
    "minjun": {"name": "Minjun Kim", "roles": ("service_desk_agent",), "language": "ko"},
}
CUSTOMERS = {"chen": ("Chen Li", "Harbour Retail"), "emil": ("Emil Vogt", "Alder Clinics")}

FAULTS = (
    "Card terminal is offline",
    "Nobody can send mail",
    "Shared calendar is empty",
    "Mail arrives an hour late",
    "Password reset mail never comes",
)


def build() -> None:
    """People, a service with an agreement, what can be asked for, and forty incidents."""
    from django.utils import timezone

    from verne.conformity.statement import take_snapshot
    from verne.engine.acts import act, move
    from verne.engine.people import Organization, Person, Role
    from verne.engine.testing import a_person, proof_of
    from verne.sms.evaluation.audit.samples import an_audit, an_auditprogramme
    from verne.sms.evaluation.sampling.samples import an_auditsample
    from verne.sms.portfolio.service.samples import a_live_service
    from verne.sms.relationship.agreement.models import Agreement
    from verne.sms.relationship.agreement.samples import an_agreement
    from verne.sms.resolution.classification.samples import a_category, a_prioritymatrix
    from verne.sms.resolution.incident.samples import an_incident
    from verne.sms.resolution.request.samples import a_model_in_force
    from verne.sms.support.document.samples import (
        a_document_in_force,
        a_revision,
        an_approvalwaiver,
    )

    admin = Person.objects.get(username="admin")
    with act("settle", by=admin, note="The company and its customers"):
        ours = Organization.objects.create(name="Meridian Services", kind="own")
        customers = {
            name: Organization.objects.create(name=name, kind="customer")
            for _person, name in CUSTOMERS.values()
        }
    take_snapshot(note="The day before", at=timezone.now() - timedelta(days=1))
    founder = a_person("Founder", roles=Role.objects.values_list("key", flat=True))
    for username, facts in STAFF.items():
        a_person(username=username, organization=ours, **facts)
    for username, (name, organization) in CUSTOMERS.items():
        a_person(
            name,
            username=username,
            organization=customers[organization],
            roles=("customer_user", "customer_manager"),
        )
    with act("settle", by=admin, note="Passwords are handed over"):
        for person in Person.objects.filter(username__in=[*STAFF, *CUSTOMERS]):
            person.set_password(PASSWORD)
            person.save()

    a_prioritymatrix(founder)
    mail = a_live_service(founder, customers=list(customers.values()))
    for agreement in Agreement.objects.in_state("agreed"):
        move(agreement, "activate", by=founder)
    an_agreement(founder, services=[mail], customer=customers["Harbour Retail"])
    a_model_in_force(founder, service=mail)
    category = a_category(founder, title="Mail")
    for number in range(40):
        reporter = "emil" if number == 0 else "chen"
        an_incident(
            founder,
            title=f"{FAULTS[number % len(FAULTS)]} in shop {number + 1}",
            service=mail,
            category=category,
            impact=1 + number % 3,
            urgency=1 + number % 4 % 3,
            reporter=Person.objects.get(username=reporter),
            owner=Person.objects.get(username="jun" if number % 2 else "petr"),
        )
    laura = Person.objects.get(username="laura")
    move(an_auditprogramme(laura), "lay_out", by=laura)
    audit = move(move(an_audit(laura), "prepare", by=laura), "start", by=laura)
    an_auditsample(laura, audit=audit, source="/incidents/", size=12)
    move(an_approvalwaiver(founder), "grant", by=founder, proof=proof_of(founder))
    policy = a_document_in_force(founder, founder, to_acknowledge=True)
    a_revision(founder, edition=policy.editions.get())
    take_snapshot(note="The first morning")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "verne.settings")
    from verne.cli import people, start

    start.apps()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    people.remember(people.first_administrator())
    build()
