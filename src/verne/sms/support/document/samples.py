"""Documents as an example shows them, made through the verbs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from verne.engine.acts import file, move
from verne.engine.approvals import current, vote
from verne.engine.people import Person
from verne.engine.signing import Proof
from verne.engine.testing import proof_of

from .models import Document, today
from .retention import Disposal, RetentionRule
from .revision import Revision
from .waiver import ApprovalWaiver

POLICY = """# Purpose

We run services that our customers can rely on, and say what they may expect of us.

# What we commit to

- We meet the requirements that apply to our services. [[commits: requirements]]
- We improve the management system and the services all the time. [[commits: improvement]]

# Who answers for it

Top management answers for this policy and reviews it once a year.
"""


def a_document(by: Person, **facts: Any) -> Document:
    usual = {
        "title": "Service management policy",
        "document_kind": "policy",
        "description": "What we promise, and what everybody who works here goes by.",
        "owner": by,
    }
    return file(Document, usual | facts, by=by)


def a_revision(by: Person, **facts: Any) -> Revision:
    document = facts.pop("document", None) or ("edition" not in facts and a_document(by))
    usual: dict[str, Any] = {
        "text": POLICY,
        "author": by,
        "change_summary": "Written for the first time.",
    }
    if document:
        usual["edition"] = document.editions.get()
    return file(Revision, usual | facts, by=by)


def put_in_force(revision: Revision, *, by: Person, signer: Person | None = None) -> Revision:
    """Submit, review and approve a draft. `signer` does what its author may not."""
    signer = signer or by
    if revision.state == "draft":
        revision = move(revision, "submit", by=by)
    revision = move(revision, "review", by=signer, proof=proof_of(signer))
    return approve(revision, by=signer)


def approve(revision: Revision, *, by: Person, proof: Proof | None = None) -> Revision:
    """Give the approval that was asked for when the revision was submitted."""
    asked = current(revision, "approve")
    assert asked is not None
    vote(asked, by=by, agrees=True, proof=proof or proof_of(by))
    return Revision.objects.get(pk=revision.pk)


def a_document_in_force(by: Person, approver: Person, **facts: Any) -> Document:
    text = {name: facts.pop(name) for name in ("text", "effective_from") if name in facts}
    document = a_document(by, **facts)
    revision = a_revision(by, edition=document.editions.get(), **text)
    put_in_force(revision, by=by, signer=approver)
    return Document.objects.get(pk=document.pk)


def an_approvalwaiver(by: Person, **facts: Any) -> ApprovalWaiver:
    usual = {
        "title": "Two people run the documents",
        "reason": "The second of them is away; the auditor reads each text afterwards.",
        "until": today() + timedelta(days=90),
        "owner": by,
    }
    return file(ApprovalWaiver, usual | facts, by=by)


def a_retentionrule(by: Person, **facts: Any) -> RetentionRule:
    usual = {
        "title": "Policies and procedures",
        "keep_months": 36,
        "method": "erase",
        "legal_basis": "Three years, one round of certification",
        "subjects": [{"subject": "document:policy"}, {"subject": "document:procedure"}],
        "owner": by,
    }
    return file(RetentionRule, usual | facts, by=by)


def a_disposal(by: Person, **facts: Any) -> Disposal:
    usual = {
        "title": "Binders of the former help desk",
        "what": "Eleven binders of 2019 and 2020, room 4",
        "method": "destroy",
        "owner": by,
    }
    return file(Disposal, usual | facts, by=by)
