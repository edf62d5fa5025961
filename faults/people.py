"""A program of its own: puts on file what the clients need, and prints their tokens as JSON."""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import django
from django.utils import timezone


def main(clients: int) -> None:
    django.setup()
    from verne.api.models import Token
    from verne.engine.jobs_workers import run_waiting
    from verne.engine.people import Role
    from verne.engine.testing import a_person
    from verne.sms.relationship.agreement.samples import an_agreement
    from verne.sms.resolution.classification.samples import a_category

    from .jobs import WHO

    # Long enough, for a role counts from when it was given, and a clock may be set back.
    since = timezone.now() - timedelta(days=2)
    roles = Role.objects.values_list("key", flat=True)
    person = a_person("Faults", roles=roles, username=WHO, since=since)
    agreement = an_agreement(person)
    facts = {
        "service": agreement.services.get().ref,
        "customer": agreement.customer.name,
        "category": a_category(person).ref,
        "impact": 2,
        "urgency": 2,
        "major_answer": "no",
        "owner": person.username,
    }
    tokens = [
        Token.issue(person, name=f"client {n}", scope=("write",), days=1, by=None)[1]
        for n in range(clients)
    ]
    # What the first start asks for would be begun anew after each kill, and hide the rest.
    run_waiting()
    json.dump({"facts": facts, "tokens": tokens}, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]))
