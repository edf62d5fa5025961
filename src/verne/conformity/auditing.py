"""Internal audits in the statement: which requirements lie in a clause that nobody has audited."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from verne.engine.requirements import lies_within
from verne.sms.evaluation.audit.clauses import read
from verne.sms.evaluation.audit.coverage import later
from verne.sms.evaluation.audit.models import Audit

from .catalogue import Catalogue

AUDITED = "audited-in-interval"

MONTHS = 12
"""How old the newest audit of a clause may be; the condition says so itself."""


def not_audited(catalogue: Catalogue, at: datetime) -> frozenset[str]:
    """The requirements whose clause no audit completed in the interval has wholly in its scope."""
    first = later(timezone.localtime(at).date(), -MONTHS)
    audits: Any = Audit.objects.standing().filter(
        type__in=Audit.OURS, completed_at__lte=at, completed_at__date__gte=first
    )
    scopes = {read(text) for text in audits.values_list("clauses", flat=True)}
    named = {clause for scope in scopes for clause in scope}
    return frozenset(
        requirement.id
        for requirement in catalogue.requirements.values()
        if not any(lies_within(requirement.clause, clause) for clause in named)
    )
