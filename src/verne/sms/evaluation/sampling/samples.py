"""A sample as an example shows it, drawn from the list of audits."""

from typing import Any

from verne.engine.acts import file
from verne.engine.people import Person

from ..audit.samples import an_audit
from .models import AuditSample


def an_auditsample(by: Person, **facts: Any) -> AuditSample:
    usual = {
        "title": "Audits of the year",
        "audit": facts.pop("audit", None) or an_audit(by),
        "source": "/audits/",
        "seed": "autumn",
        "owner": by,
    }
    return file(AuditSample, usual | facts, by=by)
