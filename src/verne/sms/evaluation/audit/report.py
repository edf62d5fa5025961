"""The report of an audit: what is signed when it is reported, and how it is printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.utils.translation import get_language
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from verne.engine import signing
from verne.engine.printing import blocks
from verne.engine.printing.blocks import Block
from verne.engine.printing.paper import Paper, Signed, clock_time
from verne.engine.requirements import library
from verne.engine.signing import signatures_of

if TYPE_CHECKING:
    from .finding import AuditFinding
    from .models import Audit, AuditQuestion

MEANING = "audit_report"
signing.meanings[MEANING] = _("Report of an audit")


def content(audit: Audit) -> dict[str, Any]:
    """What the report says beside the fields of the audit, as plain values, for its signature."""
    return {
        "questions": [
            list(row)
            for row in audit.questions.order_by("obligation").values_list(
                "obligation", "verdict", "note"
            )
        ],
        "samples": [
            list(row)
            for row in audit.samples.standing()
            .order_by("pk")
            .values_list("ref", "population_hash", "seed", "size", "conclusion")
        ],
        "findings": [
            list(row)
            for row in audit.findings.standing()
            .order_by("pk")
            .values_list("ref", "grade", "obligation", "title", "statement", "evidence")
        ],
    }


def verdicts(audit: Audit) -> Counter[str]:
    """How many questions got which verdict."""
    return Counter(audit.questions.values_list("verdict", flat=True))


def findings(audit: Audit) -> list[AuditFinding]:
    """What it found, the gravest first."""
    grades = [str(grade) for grade in audit.findings.model.Grade]
    found = audit.findings.standing().select_related("owner", "repeat_of")
    return sorted(found, key=lambda finding: (grades.index(finding.grade), finding.pk))


def not_conforming(audit: Audit) -> list[AuditQuestion]:
    return list(audit.questions.filter(verdict="nonconform").order_by("pk"))


def paper(audit: Audit) -> Paper:
    """The report as it is printed, in the reader's language."""
    signed = [
        Signed(s.name, s.meaning_label, s.at, s.what) for s in signatures_of(audit, meaning=MEANING)
    ]
    return Paper(
        title=audit.title,
        body=blocks.without_gaps(_body(audit)),
        language=get_language() or "en",
        kind=say("Report of an audit"),
        number=audit.ref,
        facts=list(_facts(audit)),
        signatures=signed,
        mark="" if signed else say("Draft"),
        edge=audit.clauses,
    )


def _facts(audit: Audit) -> Iterator[tuple[str, str]]:
    yield say("Type"), str(audit.get_type_display())
    yield say("Clauses"), audit.clauses
    if audit.since and audit.until:
        yield say("Period"), f"{audit.since} – {audit.until}"
    yield say("Team"), ", ".join(str(member) for member in audit.members.select_related("person"))
    if audit.completed_at:
        yield say("Completed"), clock_time(audit.completed_at)
    if audit.reported_at:
        yield say("Reported"), clock_time(audit.reported_at)


def _body(audit: Audit) -> Iterator[Block]:
    yield blocks.heading(1, say("Criteria and scope"))
    yield blocks.paragraph(audit.criteria)
    yield blocks.paragraph(audit.scope)
    yield blocks.heading(1, say("Conclusion"))
    if audit.effectiveness:
        yield blocks.paragraph([blocks.strong(str(audit.get_effectiveness_display()))])
    yield blocks.paragraph(audit.conclusion)
    yield blocks.heading(1, say("Findings"))
    for finding in findings(audit):
        yield from _finding(finding)
    yield blocks.heading(1, say("Samples"))
    yield blocks.table(
        [say("Sample"), say("Drawn from"), say("Items of population"), say("SHA-256")],
        [
            [s.ref, s.source, f"{s.size} / {s.population_size}", s.population_hash[:16]]
            for s in audit.samples.standing().order_by("pk")
        ],
    )
    yield blocks.heading(1, say("Checklist"))
    known = library().obligations()
    yield blocks.table(
        [say("Obligation"), say("Verdict"), say("Note")],
        [
            [
                known[q.obligation].cite if q.obligation in known else q.obligation,
                str(q.get_verdict_display() or "–"),
                q.note,
            ]
            for q in audit.questions.order_by("pk")
        ],
    )


def _finding(finding: AuditFinding) -> Iterator[Block]:
    yield blocks.heading(2, f"{finding.ref} {finding.title}")
    yield blocks.facts(
        [
            (say("Grade"), finding.get_grade_display()),
            (say("Criterion"), finding.obligation),
            (say("Statement"), finding.statement),
            (say("Evidence"), finding.evidence),
        ]
    )
