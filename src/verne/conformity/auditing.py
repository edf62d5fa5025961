"""Internal audits in the statement: which requirements lie in a clause that nobody has audited."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.utils import timezone

from verne.engine.prepared import Prepared
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
    return outside(catalogue, clauses_audited(at))


def clauses_audited(at: datetime) -> frozenset[str]:
    """The clauses that an audit completed in the interval has wholly in its scope."""
    first = later(timezone.localtime(at).date(), -MONTHS)
    return frozenset(clause for (text,) in _scopes(at=at, first=first) for clause in read(text))


def _completed(at: Any, first: Any) -> models.QuerySet[Any]:
    audits: Any = Audit.objects.standing().filter(
        type__in=Audit.OURS, completed_at__lte=at, completed_at__date__gte=first
    )
    rows: models.QuerySet[Any] = audits.order_by().values_list("clauses").distinct()
    return rows


_scopes = Prepared(_completed, at=models.DateTimeField(), first=models.DateField())


def outside(catalogue: Catalogue, clauses: frozenset[str]) -> frozenset[str]:
    """The requirements that lie in none of these clauses."""
    return frozenset(
        requirement.id
        for requirement in catalogue.requirements.values()
        if not any(lies_within(requirement.clause, clause) for clause in clauses)
    )
