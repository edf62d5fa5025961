"""The checklist of an audit: a question for each obligation in scope, and the verdicts on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.utils.translation import gettext as _

from verne.engine.acts import act
from verne.engine.requirements import Found, Obligation, library, obligations_within
from verne.engine.rights import may

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from verne.engine.history import Act
    from verne.engine.people import Person

    from .finding import AuditFinding
    from .models import Audit, AuditQuestion


@dataclass(frozen=True)
class Question:
    """A question with the evidence beside it: what the checks say now."""

    row: AuditQuestion
    obligation: Obligation
    found: Sequence[Found]


class Overtaken(ValidationError):
    """Somebody else gave a verdict on the same question meanwhile. Holds the question as it is."""

    def __init__(self, question: AuditQuestion) -> None:
        super().__init__(
            _("%(who)s has judged this meanwhile: look at their verdict, then give yours again.")
            % {"who": question.judged_by},
            code="conflict",
        )
        self.question = question


def generate(audit: Audit, act: Act) -> None:
    """Make a question of each obligation in scope that has none yet; those left over stay.

    A follow-up asks again about whatever was found and is still open.
    """
    from .models import AuditQuestion

    there = set(audit.questions.values_list("obligation", flat=True))
    known = library().obligations()
    asked = [o.id for o in obligations_within(audit.numbers)]
    asked += [finding.obligation for finding in left_open(audit)]
    AuditQuestion.objects.bulk_create(
        AuditQuestion(of=audit, obligation=id, clause=known[id].clause)
        for id in dict.fromkeys(asked)
        if id not in there and id in known
    )


def left_open(audit: Audit) -> list[AuditFinding]:
    """What the audit that this one follows up found, and what is not closed."""
    from .finding import AuditFinding

    if audit.follow_up_of_id is None:
        return []
    found = AuditFinding.objects.standing().open().filter(audit=audit.follow_up_of_id)
    return list(found.exclude(grade="strength").order_by("pk"))


def questions_of(audit: Audit, *, clause: str = "") -> list[Question]:
    """The questions in the order of the standard, each with what its checks say now."""
    known = library().obligations()
    place = {id: number for number, id in enumerate(known)}
    rows = audit.questions.select_related("judged_by")
    if clause:
        rows = rows.filter(clause=clause)
    kept = sorted((r for r in rows if r.obligation in known), key=lambda r: place[r.obligation])
    figures = library().found(key for row in kept for key in known[row.obligation].checks)
    return [
        Question(row, known[row.obligation], [figures[key] for key in known[row.obligation].checks])
        for row in kept
    ]


def judge(
    question: AuditQuestion, *, verdict: str, note: str = "", by: Person, seen: int
) -> AuditQuestion:
    """Give a verdict on a question; what its checks say at this moment is kept with it."""
    from .models import Audit, AuditQuestion

    audit = question.of
    _require_judge(audit, by)
    if verdict not in AuditQuestion.Verdict.values:
        raise ValidationError({"verdict": _("Choose a verdict.")})
    if verdict != AuditQuestion.Verdict.CONFORM and not note.strip():
        raise ValidationError({"note": _("Say what you saw, or why it was not evaluated.")})
    with act("judge", by=by, record=audit.pk, name="checklist", kind=Audit.kind_name()) as work:
        row = AuditQuestion.objects.select_for_update().get(pk=question.pk)
        if row.version != seen:
            raise Overtaken(row)
        row.verdict, row.note = verdict, note.strip()
        _judged(row, by=by, at=work.act.at)
        row.save()
    return row


def judge_rest(
    audit: Audit, *, clause: str, verdict: str, note: str = "", by: Person
) -> list[AuditQuestion]:
    """Give the questions of a clause that have no verdict yet the same one, in one act."""
    from .models import Audit, AuditQuestion

    _require_judge(audit, by)
    if verdict not in AuditQuestion.Verdict.values:
        raise ValidationError({"verdict": _("Choose a verdict.")})
    if verdict != AuditQuestion.Verdict.CONFORM and not note.strip():
        raise ValidationError({"note": _("Say what you saw, or why it was not evaluated.")})
    with act("judge", by=by, record=audit.pk, name="checklist", kind=Audit.kind_name()) as work:
        open_ones = audit.questions.select_for_update().filter(clause=clause, verdict="")
        rows = list(open_ones.order_by("pk"))
        for row in rows:
            row.verdict, row.note = verdict, note.strip()
            _judged(row, by=by, at=work.act.at)
            row.save()
    return rows


def _judged(row: AuditQuestion, *, by: Person, at: datetime) -> None:
    """Note who judged and when, and what the checks of the question say at that instant."""
    checks = library().obligations()[row.obligation].checks
    row.found = [_kept(found) for found in library().found_at(checks, at=at).values()]
    row.judged_by, row.judged_at = by, at
    row.version += 1


def _require_judge(audit: Audit, by: Person) -> None:
    from .models import Audit

    if not Audit.objects.visible_to(by).filter(pk=audit.pk).exists():
        raise PermissionDenied(_("There is no such record for you."))
    if not may(by, "revise", Audit):
        raise PermissionDenied(_("Your roles do not let you judge in an audit."))
    if audit.state not in ("under_way", "prepared") or audit.withdrawn_at is not None:
        raise ValidationError(
            _("%(ref)s is %(state)s: its checklist is not open.")
            % {"ref": audit.ref, "state": audit.standing.label}
        )


def _kept(found: Found) -> dict[str, Any]:
    """A figure as it is kept with a verdict: plain, and in no language."""
    return {
        "key": found.key,
        "result": found.result,
        "population": found.population,
        "exceptions": found.exceptions,
        "at": found.at.isoformat() if found.at else None,
    }
