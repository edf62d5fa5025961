"""Judging many nodes at once by what another framework already shows: proposed, taken, taken back.

Only nodes that nobody has judged are proposed. What covers a node in full makes it conforming, in
part partly conforming; the records on which that rests come along. A taking over is one act, and
can be taken back: what somebody has judged anew since stays as they judged it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from verne.engine.acts import act
from verne.engine.history import Act, Entry
from verne.engine.records import Sheet

from .assessing import (
    KIND,
    Result,
    Sheetful,
    latest,
    locked,
    require,
    require_open,
    visible_sheets,
)
from .covering import Coverage, Reach, Standing, covered, reached, standings
from .models import Assessed, Assessment, Framework, FrameworkNode

if TYPE_CHECKING:
    from verne.engine.people import Person

    from ..statement import Statement

TAKE, BACK = "take_over", "take_back"

RESULTS = {Coverage.FULL: Result.CONFORMING, Coverage.PARTIAL: Result.PARTLY}


@dataclass(frozen=True)
class Proposal:
    """A node, what it would be judged, and what that rests on."""

    node: FrameworkNode
    coverage: Coverage
    sources: Sequence[FrameworkNode]
    evidence: Sequence[Sheet]

    @property
    def result(self) -> str:
        return RESULTS[self.coverage].value

    def note(self, source: Framework) -> str:
        named = ", ".join(n.ref or str(n) for n in self.sources)
        return _("Taken over from %(framework)s: %(refs)s.") % {
            "framework": source,
            "refs": named,
        }


@dataclass(frozen=True)
class Taking:
    """A taking over that can still be taken back, and how many of its judgements stand."""

    act: Act
    standing: int
    all: int


def proposals(
    assessment: Assessment, source: Framework, *, by: Person, statement: Statement | None = None
) -> list[Proposal]:
    """What of the source covers nodes nobody has judged; a handful of queries, however many."""
    sheet = Sheetful.of(assessment)
    reaches = reached(source.key, assessment.framework.key)
    stand = standings(source, statement)
    open_nodes = [node for node in sheet.asked if not sheet.result(node)]
    known = {node.key: node for node in source.nodes.all()}
    evidence = _evidence_of(source, by)
    found = []
    for node in open_nodes:
        telling = _telling(reaches.get(node.key, ()), stand, known)
        said = covered(telling, stand)
        if said not in RESULTS:
            continue
        sources = [known[reach.source] for reach in telling]
        sheets = {s.pk: s for each in sources for s in evidence.get(each.pk, ())}
        found.append(Proposal(node, said, sources, list(sheets.values())))
    return found


def _telling(
    reaches: Iterable[Reach], stand: Mapping[str, Standing], known: Mapping[str, Any]
) -> list[Reach]:
    """Those nodes of the source that are at least partly shown."""
    shown = (Standing.MET, Standing.PARTLY)
    return [r for r in reaches if r.source in known and stand.get(r.source) in shown]


def _evidence_of(source: Framework, by: Person) -> dict[int, list[Sheet]]:
    """The records on which the newest round over the source rests, as far as one may see them."""
    assessment = latest(source)
    if assessment is None:
        return {}
    pairs: Any = Assessed.evidence.through._default_manager.filter(
        assessed__assessment=assessment, sheet__in=visible_sheets(by).values("pk")
    )
    found: dict[int, list[Sheet]] = {}
    rows = pairs.select_related("sheet").order_by("sheet__ref")
    for node, pair in ((pair.assessed_id, pair) for pair in rows):
        found.setdefault(node, []).append(pair.sheet)
    nodes = dict(assessment.assessed.values_list("pk", "node"))
    return {nodes[judged]: sheets for judged, sheets in found.items()}


def take_over(
    assessment: Assessment,
    source: Framework,
    nodes: Iterable[FrameworkNode],
    *,
    by: Person,
    statement: Statement | None = None,
    at: datetime | None = None,
) -> list[Assessed]:
    """Judge these nodes as proposed, all in one act; what was judged meanwhile is left alone."""
    require(by)
    wanted = {node.pk for node in nodes}
    with transaction.atomic():
        assessment = locked(assessment)
        require_open(assessment)
        offered = proposals(assessment, source, by=by, statement=statement)
        chosen = [proposal for proposal in offered if proposal.node.pk in wanted]
        if not chosen:
            raise ValidationError(_("Choose at least one requirement that nobody has judged."))
        there = {row.node_id: row for row in assessment.assessed.all()}
        with act("assess", by=by, name=TAKE, note=str(source), at=at, kind=KIND) as work:
            taken = []
            for proposal in chosen:
                row = there.get(proposal.node.pk) or Assessed(
                    assessment=assessment, node=proposal.node, version=0
                )
                row.result, row.note = proposal.result, proposal.note(source)
                row.by, row.at = by, work.act.at
                row.version += 1
                row.save()
                row.evidence.set(proposal.evidence)
                taken.append(row)
    return taken


def takings(assessment: Assessment) -> list[Taking]:
    """The takings over of a round of which something still stands as taken, the newest first."""
    versions = dict(assessment.assessed.values_list("pk", "version"))
    noted: dict[Act, list[bool]] = {}
    for entry in _entries(assessment):
        stands = (entry.after or {}).get("version") == versions.get(entry.row)
        noted.setdefault(entry.act, []).append(stands)
    found = [Taking(a, sum(stands), len(stands)) for a, stands in noted.items() if any(stands)]
    return sorted(found, key=lambda taking: -taking.act.pk)


def take_back(assessment: Assessment, taken: Act, *, by: Person) -> int:
    """Leave open again what a taking over judged and nobody has touched since; how many."""
    require(by)
    with transaction.atomic():
        assessment = locked(assessment)
        require_open(assessment)
        rows = {row.pk: row for row in assessment.assessed.all()}
        standing = [
            rows[entry.row]
            for entry in _entries(assessment).filter(act=taken)
            if (entry.after or {}).get("version") == rows[entry.row].version
        ]
        if not standing:
            raise ValidationError(_("Nothing of it stands as it was taken over."))
        with act("assess", by=by, name=BACK, note=taken.note, kind=KIND) as work:
            for row in standing:
                row.result, row.note, row.score = "", "", None
                row.by, row.at = by, work.act.at
                row.version += 1
                row.save()
                row.evidence.clear()
    return len(standing)


def _entries(assessment: Assessment) -> Any:
    """What the history notes of judgements taken over in this round."""
    return Entry.objects.filter(
        table=Assessed._meta.db_table,
        row__in=list(assessment.assessed.values_list("pk", flat=True)),
        act__verb="assess",
        act__name=TAKE,
    ).select_related("act__by")
