"""An audit room as an example shows it."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from verne.engine.acts import file
from verne.engine.people import Person

from .models import AuditRoom


def an_auditroom(by: Person, **facts: Any) -> AuditRoom:
    usual = {
        "title": "Surveillance by Hansa Cert",
        "body": "Hansa Cert",
        "clauses": "8.6, 9.2",
        "expires_at": timezone.now() + timedelta(days=5),
        "owner": by,
    }
    return file(AuditRoom, usual | facts, by=by)
