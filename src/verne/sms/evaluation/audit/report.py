"""The report of an audit: what it says, its hash, and whether somebody signed just that."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from verne.engine import signing
from verne.engine.signing import Proof, Signature, signatures_of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from verne.engine.people import Person

    from .models import Audit

MEANING = "audit_report"
signing.meanings[MEANING] = _("Report of an audit")


def content(audit: Audit) -> dict[str, Any]:
    """What the report says, as plain values: the same for the same audit, whoever asks."""
    return {
        "ref": audit.ref,
        "title": audit.title,
        "type": audit.type,
        "criteria": audit.criteria,
        "scope": audit.scope,
        "clauses": list(audit.numbers),
        "period": [str(audit.since or ""), str(audit.until or "")],
        "effectiveness": audit.effectiveness,
        "conclusion": audit.conclusion,
        "team": [[m.person.username, m.duty] for m in audit.members.select_related("person")],
        "plan": [
            list(map(str, row))
            for row in audit.sessions.values_list("day", "clauses", "subject", "auditor", "auditee")
        ],
        "questions": [
            list(row)
            for row in audit.questions.order_by("obligation").values_list(
                "obligation", "verdict", "note"
            )
        ],
        "samples": [
            [s.ref, s.population_hash, s.seed, s.size]
            for s in audit.samples.standing().order_by("pk")
        ],
        "findings": [
            [f.ref, f.grade, f.obligation, f.statement, f.evidence]
            for f in audit.findings.standing().order_by("pk")
        ],
    }


def content_hash(audit: Audit) -> str:
    """SHA-256 of what the report says."""
    text = json.dumps(content(audit), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def sign(audit: Audit, *, by: Person, proof: Proof) -> Signature:
    """Put one's name under the report as it reads now."""
    return signing.sign(
        audit,
        meaning=MEANING,
        what=f"{audit.ref}",
        by=by,
        proof=proof,
        content_hash=content_hash(audit),
    )


def signature(audit: Audit) -> Signature | None:
    """The newest signature under the report as it reads now."""
    said = signatures_of(audit, meaning=MEANING).filter(content_hash=content_hash(audit))
    return said.order_by("-at").first()


def what_is_missing(audit: Audit) -> StrOrPromise | None:
    """Why it cannot be reported yet: nobody has signed what it says now."""
    if not audit.is_ours or signature(audit) is not None:
        return None
    return _("Sign the report as it reads now, on its page.")
