"""Whether auditors are able to audit: the competences their role asks for, held and not run out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from verne.engine.moment import now
from verne.sms.support.competence.models import CompetenceNeed, CompetenceRecord

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from .models import Audit

ROLE = "internal_auditor"
"""The role whose competences whoever judges in an audit has to have."""


def needs(at: datetime) -> QuerySet[CompetenceNeed]:
    """What is asked of an auditor at an instant."""
    return CompetenceNeed.objects.filter(
        role__key=ROLE, of__withdrawn_at=None, of__state="in_use", of__filed_at__lte=at
    )


def unmet(at: datetime, person: Any) -> QuerySet[CompetenceNeed]:
    """The needs that somebody does not meet; `person` may be an outer reference."""
    held = CompetenceRecord.objects.valid(at).filter(
        person=person, competence=OuterRef("of"), level__gte=OuterRef("level")
    )
    return needs(at).filter(~Exists(held))


def refusal(audit: Audit) -> StrOrPromise | None:
    """Who of the team lacks a competence that auditors need; None when nobody does."""
    if not audit.is_ours:
        return None
    at = now()
    for member in audit.members.filter(duty__in=("lead", "auditor")).select_related("person"):
        lacking = unmet(at, member.person_id).select_related("of").first()
        if lacking is not None:
            return _(
                "%(name)s holds no valid record of the competence “%(competence)s”, which auditors "
                "need. Have it assessed, or choose somebody else."
            ) % {"name": member.person, "competence": lacking.of.title}
    return None
