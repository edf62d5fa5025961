"""How far the plan has drifted from the registers it rests on, section by section."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import get_language, override

from verne.sms.support.document.revision import Revision

from .models import newest
from .sections import SECTIONS, Line, Passage, Section, passages


@dataclass(frozen=True)
class Change:
    """A field of a record that says something else now."""

    head: str
    before: str
    now: str


@dataclass(frozen=True)
class Changed:
    """A record of which the plan says something that no longer holds."""

    ref: str
    title: str
    changes: Sequence[Change]


@dataclass(frozen=True)
class Drift:
    """What one register says now that the plan does not, and the other way round."""

    kind: str
    label: str
    added: Sequence[Line]
    gone: Sequence[Line]
    changed: Sequence[Changed]

    @property
    def number(self) -> int:
        return len(self.added) + len(self.gone) + len(self.changed)


@dataclass(frozen=True)
class SectionStanding:
    """A section of the plan beside its registers."""

    section: Section
    now: Sequence[Passage]
    taken_at: datetime | None
    """When the registers were taken over; never, if the section is written by hand."""
    drifts: Sequence[Drift] = ()

    @property
    def by_hand(self) -> bool:
        return not self.section.sources

    @property
    def drifted(self) -> int:
        """How many records differ."""
        return sum(drift.number for drift in self.drifts)


def standings(revision: Revision | None) -> list[SectionStanding]:
    """Every section: what the registers say now, and how a text of the plan differs from it.

    Both are told in the language of that text, or equal things would seem to differ.
    """
    rests_on = newest(revision)
    found = []
    with override(revision.language if revision else get_language()):
        for section in SECTIONS:
            now = passages(section)
            taken = rests_on.get(section.key)
            former = [Passage.of_data(each) for each in taken.passages] if taken else []
            found.append(
                SectionStanding(
                    section,
                    now,
                    taken.at if taken else None,
                    _drifts(former, now) if taken else (),
                )
            )
    return found


def _drifts(former: Sequence[Passage], now: Sequence[Passage]) -> list[Drift]:
    then = {passage.kind: passage for passage in former}
    compared = [drift_between(then.pop(passage.kind, None), passage) for passage in now]
    return [drift for drift in compared if drift.number]


def drift_between(former: Passage | None, now: Passage) -> Drift:
    """What differs between a register as it was taken over and as it is."""
    then = {line.ref: line for line in former.lines} if former else {}
    here = {line.ref: line for line in now.lines}
    heads = former.heads if former else now.heads
    return Drift(
        kind=now.kind,
        label=now.label,
        added=[line for ref, line in here.items() if ref not in then],
        gone=[line for ref, line in then.items() if ref not in here],
        changed=[
            Changed(ref, _title(line), _changes(dict(_pairs(heads, then[ref])), now.heads, line))
            for ref, line in here.items()
            if ref in then and _changes(dict(_pairs(heads, then[ref])), now.heads, line)
        ],
    )


def _pairs(heads: Sequence[str], line: Line) -> list[tuple[str, str]]:
    return list(zip(heads[1:], line.cells, strict=True))


def _changes(before: dict[str, str], heads: Sequence[str], line: Line) -> list[Change]:
    """Fields that both name and that differ; a column that is new is no drift of the record."""
    return [
        Change(head, before[head], now)
        for head, now in _pairs(heads, line)
        if head in before and before[head] != now
    ]


def _title(line: Line) -> str:
    return line.cells[0] if line.cells else ""
