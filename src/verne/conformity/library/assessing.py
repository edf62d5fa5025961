"""Assessing a framework by hand: result, score, note, answers and evidence, each time an act."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from verne.engine.acts import act
from verne.engine.history import Entry
from verne.engine.records import Sheet

from .models import Assessed, Assessment, Framework, FrameworkNode
from .questions import selected_groups, suggestion

if TYPE_CHECKING:
    from verne.engine.people import Person

RIGHT: Final = "conformity.assess_frameworks"
VIEW: Final = "conformity.view_statement"
KIND: Final = "conformity.assessment"
Result = Assessed.Result


def require(by: Person) -> None:
    if not by.may(RIGHT):
        raise PermissionDenied(_("Your roles do not let you assess frameworks."))


# --- The round ------------------------------------------------------------------------------------


def begin(
    framework: Framework,
    *,
    by: Person,
    title: str,
    scope: str = "",
    groups: Sequence[str] = (),
    owner: Person | None = None,
    at: datetime | None = None,
) -> Assessment:
    """Begin to assess a framework, or the chosen groups of it."""
    require(by)
    if framework.library.ours:
        raise ValidationError(
            _("%(framework)s is judged from your records. Load a framework to assess it by hand.")
            % {"framework": framework}
        )
    if framework.retired_at is not None:
        raise ValidationError(_("This framework is no longer in use."))
    with act("assess", by=by, name="begin", at=at, kind=KIND) as work:
        assessment = Assessment(
            framework=framework,
            title=title.strip(),
            scope=scope.strip(),
            groups=_known(framework, groups),
            owner=owner or by,
            started_at=work.act.at,
        )
        assessment.full_clean()
        assessment.save()
    return assessment


def change(
    assessment: Assessment, values: Mapping[str, Any], *, by: Person, version: int
) -> Assessment:
    """Change what is assessed: title, scope, groups, owner. Nothing judged is lost by it."""
    require(by)
    with transaction.atomic():
        assessment = locked(assessment)
        require_open(assessment)
        if version != assessment.version:
            raise ValidationError(
                _("Somebody else changed the assessment meanwhile. Look at it again.")
            )
        with act("assess", by=by, name="change", kind=KIND):
            assessment.title = str(values["title"]).strip()
            assessment.scope = str(values["scope"]).strip()
            assessment.groups = _known(assessment.framework, values["groups"])
            assessment.owner = values["owner"]
            assessment.version += 1
            assessment.full_clean()
            assessment.save()
    return assessment


def finish(assessment: Assessment, *, by: Person, note: str = "") -> Assessment:
    """Close a round; what was judged stands as it is until somebody takes the round up again."""
    require(by)
    with transaction.atomic():
        assessment = locked(assessment)
        require_open(assessment)
        with act("assess", by=by, name="finish", note=note.strip(), kind=KIND) as work:
            assessment.finished_at = work.act.at
            assessment.version += 1
            assessment.save(update_fields=["finished_at", "version"])
    return assessment


def take_up_again(assessment: Assessment, *, by: Person, note: str) -> Assessment:
    require(by)
    if not note.strip():
        raise ValidationError({"note": _("Say why it is taken up again.")})
    with transaction.atomic():
        assessment = locked(assessment)
        if assessment.finished_at is None:
            raise ValidationError(_("This assessment is not finished."))
        with act("assess", by=by, name="take_up_again", note=note.strip(), kind=KIND):
            assessment.finished_at = None
            assessment.version += 1
            assessment.save(update_fields=["finished_at", "version"])
    return assessment


# --- A node ---------------------------------------------------------------------------------------


def judge(
    assessment: Assessment,
    node: FrameworkNode,
    *,
    by: Person,
    result: str = "",
    score: float | None = None,
    note: str = "",
    answers: Mapping[str, Any] | None = None,
    evidence: Iterable[Sheet] = (),
    version: int | None = None,
    at: datetime | None = None,
    carried_from: Assessed | None = None,
) -> Assessed:
    """Say how a node stands. Without a result or score, what the answers speak for is taken.

    `version` is the one the person saw, 0 for none: somebody else's judgement is not overwritten.
    """
    require(by)
    answers = dict(answers or {})
    proposed = suggestion(node.asked, answers)
    result = result or proposed.result
    score = proposed.score if score is None else score
    with transaction.atomic():
        assessment = locked(assessment)
        require_open(assessment)
        _refuse_wrong(assessment, node, result=result, score=score, note=note)
        there = Assessed.objects.filter(assessment=assessment, node=node).first()
        if version is not None and version != (there.version if there else 0):
            raise _overtaken(there)
        with act("assess", by=by, name="judge", at=at, kind=KIND) as work:
            judged = there or Assessed(assessment=assessment, node=node, version=0)
            judged.result, judged.score, judged.note = result, score, note.strip()
            judged.answers, judged.by, judged.at = answers, by, work.act.at
            judged.carried_from = carried_from or judged.carried_from
            judged.version += 1
            judged.save()
            _keep_evidence(judged, evidence, by=by)
    return judged


def carry_over(judged: Assessed, to: FrameworkNode, *, by: Person, note: str = "") -> Assessed:
    """Take over for a node what was judged of one that is retired."""
    if judged.node.retired_at is None:
        raise ValidationError(_("Only what was judged of a retired node is taken over."))
    if Assessed.objects.filter(assessment=judged.assessment, node=to).exclude(result="").exists():
        raise ValidationError(
            _("%(node)s has been assessed already; it is not overwritten.") % {"node": to}
        )
    words = "\n".join(w for w in (judged.note, note.strip()) if w)
    return judge(
        judged.assessment,
        to,
        by=by,
        result=judged.result,
        score=_within(judged.score, to),
        note=words,
        evidence=judged.evidence.all(),
        carried_from=judged,
    )


def _within(score: float | None, node: FrameworkNode) -> float | None:
    low, high = node.bounds()
    return None if score is None else min(max(score, low), high)


def visible_sheets(by: Person) -> Any:
    """Cover sheets of all records this person may see."""
    from verne.engine.rights import scope

    return Sheet.objects.filter(scope(by, Sheet))


def _keep_evidence(judged: Assessed, evidence: Iterable[Sheet], *, by: Person) -> None:
    """Set the evidence a person sees; what they may not see stays."""
    wanted = {sheet.pk for sheet in evidence}
    seen = set(visible_sheets(by).filter(pk__in=wanted).values_list("pk", flat=True))
    there = judged.evidence.exclude(pk__in=visible_sheets(by).values("pk"))
    hidden = set(there.values_list("pk", flat=True))
    if judged.carried_from is not None:
        hidden |= wanted & set(judged.carried_from.evidence.values_list("pk", flat=True))
    if wanted - seen - hidden:
        raise ValidationError({"evidence": _("Choose records that you can see.")})
    judged.evidence.set(wanted | hidden)


def _refuse_wrong(
    assessment: Assessment,
    node: FrameworkNode,
    *,
    result: str,
    score: float | None,
    note: str,
) -> None:
    if node.framework_id != assessment.framework_id or not node.assessable:
        raise ValidationError(_("This is nothing that the assessment looks at."))
    if node.retired_at is not None:
        raise ValidationError(_("This node is retired. Assess its successor."))
    if result not in Result.values:
        raise ValidationError({"result": _("Choose one of the results.")})
    if result == Result.NOT_APPLICABLE and not note.strip():
        raise ValidationError({"note": _("Say why it does not apply.")})
    low, high = node.bounds()
    if score is not None and not low <= score <= high:
        raise ValidationError(
            {"score": _("Give a score from %(low)d to %(high)d.") % {"low": low, "high": high}}
        )


def _overtaken(there: Assessed | None) -> ValidationError:
    if there is None:
        return ValidationError(_("Look at the page again, and then judge."), code="conflict")
    return ValidationError(
        _(
            "%(person)s judged this meanwhile: %(result)s. Yours is still in the form; send it "
            "again if it should stand."
        )
        % {"person": there.by, "result": there.get_result_display()},
        code="conflict",
    )


def locked(assessment: Assessment) -> Assessment:
    rows = Assessment.objects.select_for_update(of=("self",)).select_related("framework__library")
    fresh: Assessment = rows.get(pk=assessment.pk)
    return fresh


def require_open(assessment: Assessment) -> None:
    if assessment.finished_at is not None:
        raise ValidationError(_("This assessment is finished. Take it up again to change it."))


def _known(framework: Framework, groups: Iterable[str]) -> list[str]:
    there = [group["ref"] for group in framework.groups]
    if strange := [ref for ref in groups if ref not in there]:
        raise ValidationError(
            {"groups": _("There is no implementation group %(group)s.") % {"group": strange[0]}}
        )
    return [ref for ref in there if ref in groups]


# --- How it stands --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sheetful:
    """An assessment with all it looks at: three queries, however long it is."""

    assessment: Assessment
    nodes: Sequence[FrameworkNode]
    judged: Mapping[int, Assessed]

    @classmethod
    def of(cls, assessment: Assessment) -> Sheetful:
        nodes = list(assessment.framework.nodes.all())
        for node in nodes:
            node.framework = assessment.framework
        rows = assessment.assessed.select_related("by").prefetch_related("evidence")
        return cls(assessment, nodes, {row.node_id: row for row in rows})

    @cached_property
    def groups(self) -> frozenset[str]:
        """The implementation groups that count: chosen, or brought in by an answer."""
        found = set(self.assessment.groups)
        for node in self.nodes:
            if node.questions and node.pk in self.judged:
                found |= selected_groups(node.asked, self.judged[node.pk].answers)
        return frozenset(found)

    def asks(self, node: FrameworkNode) -> bool:
        """Whether a node is to be assessed. What is in no group is everybody's."""
        if not node.assessable or node.retired_at is not None:
            return False
        return not self.groups or not node.groups or bool(self.groups & set(node.groups))

    @cached_property
    def asked(self) -> list[FrameworkNode]:
        return [node for node in self.nodes if self.asks(node)]

    @cached_property
    def left_behind(self) -> list[FrameworkNode]:
        """Nodes that were assessed and are retired, or lie outside the groups of now."""
        return [n for n in self.nodes if n.pk in self.judged and not self.asks(n)]

    def result(self, node: FrameworkNode) -> str:
        return self.judged[node.pk].result if node.pk in self.judged else ""

    def counts(self, nodes: Iterable[FrameworkNode] | None = None) -> dict[str, int]:
        """How many nodes came to which result, from good to bad, then what is open."""
        found = [self.result(node) for node in (self.asked if nodes is None else nodes)]
        order = [r for r in Result if r != Result.NOT_ASSESSED] + [Result.NOT_ASSESSED]
        return {r.value: found.count(r.value) for r in order if found.count(r.value)}

    @property
    def done(self) -> int:
        return sum(bool(self.result(node)) for node in self.asked)

    @property
    def score(self) -> float | None:
        """The weighted mean of the scores, each as a share of its own scale."""
        total = weight = 0.0
        for node in self.asked:
            judged = self.judged.get(node.pk)
            if judged is None or judged.score is None or judged.result == Result.NOT_APPLICABLE:
                continue
            low, high = node.bounds()
            total += node.weight * (judged.score - low) / (high - low)
            weight += node.weight
        return total / weight if weight else None


def latest(framework: Framework) -> Assessment | None:
    """The assessment that speaks for a framework: the one begun last."""
    found: Assessment | None = framework.assessments.first()
    return found


def history(judged: Assessed) -> list[Entry]:
    """What was judged of a node before, the newest first, as the database noted it."""
    rows = Entry.objects.filter(table=Assessed._meta.db_table, row=judged.pk)
    return list(rows.select_related("act__by").order_by("-id"))
