"""How a plausible organization stands: the wheel, the line, the tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from verne.web import components as c
from verne.web import drawings as d

if TYPE_CHECKING:
    from verne.web.parts import Quarter

COUNTS = {
    "met": 121,
    "partly": 18,
    "gap": 9,
    "not_yet_due": 14,
    "no_occurrence": 11,
    "not_computed": 43,
}


_PLAN = (
    ("4.1", "Understanding the organization and its context", "met", 3, 3),
    ("4.2", "Needs and expectations of interested parties", "met", 3, 3),
    ("4.3", "Scope of the service management system", "met", 4, 4),
    ("4.4", "Service management system", "partly", 1, 2),
    ("5.1", "Leadership and commitment", "awaiting", 5, 9),
    ("5.2", "Policy", "met", 7, 7),
    ("5.3", "Roles, responsibilities and authorities", "met", 3, 3),
    ("6.1", "Risks and opportunities", "partly", 5, 8),
    ("6.2", "Objectives", "gap", 2, 12),
    ("6.3", "Plan the service management system", "met", 11, 11),
    ("7.1", "Resources", "met", 1, 1),
    ("7.2", "Competence", "partly", 3, 4),
    ("7.3", "Awareness", "met", 5, 5),
    ("7.4", "Communication", "met", 5, 5),
    ("7.5", "Documented information", "partly", 14, 19),
    ("7.6", "Knowledge", "not_computed", 0, 2),
)


_DO = (
    ("8.1", "Operational planning and control", "met", 6, 6),
    ("8.2", "Service portfolio", "partly", 24, 34),
    ("8.3", "Relationship and agreement", "met", 30, 31),
    ("8.4", "Supply and demand", "not_computed", 2, 11),
    ("8.5", "Service design, build and transition", "partly", 31, 62),
    ("8.6", "Resolution and fulfilment", "partly", 28, 32),
    ("8.7", "Service assurance", "gap", 6, 36),
)


_CHECK = (
    ("9.1", "Monitoring, measurement, analysis and evaluation", "met", 8, 8),
    ("9.2", "Internal audit", "partly", 7, 11),
    ("9.3", "Management review", "not_yet_due", 0, 17),
    ("9.4", "Service reporting", "met", 5, 5),
)


_ACT = (
    ("10.1", "Nonconformity and corrective action", "met", 11, 11),
    ("10.2", "Continual improvement", "no_occurrence", 2, 8),
)


QUARTERS: tuple[tuple[Quarter, str, str, Sequence[tuple[str, str, str, int, int]]], ...] = (
    ("plan", "Plan", "4–7", _PLAN),
    ("do", "Do", "8", _DO),
    ("check", "Check", "9", _CHECK),
    ("act", "Act", "10", _ACT),
)


def wheel() -> d.Wheel:
    """The wheel of an organization that is well on its way."""
    return d.Wheel(
        readiness=0.72,
        caption="ready today",
        quarters=[
            d.WheelQuarter(
                key=key,
                label=label,
                note=f"{sum(row[3] for row in clauses)} of {sum(row[4] for row in clauses)} met",
                clauses=[
                    d.WheelClause(
                        number=number,
                        title=title,
                        result=result,
                        share=met / total,
                        met=met,
                        total=total,
                        url="?specimen=standard",
                    )
                    for number, title, result, met, total in clauses
                ],
            )
            for key, label, _numbers, clauses in QUARTERS
        ],
    )


def readiness() -> d.Line:
    """Twelve months of one figure; one of them is missing."""
    months = ("Dec", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov")
    values = (31, 34, 41, 44, None, 52, 55, 54, 61, 66, 70, 72)
    return d.Line(
        title="Readiness",
        note="share of what the standard asks that is met, by month",
        points=list(zip(months, values, strict=True)),
        unit="%",
        high=100,
        labels=("Month", "Readiness"),
    )


def tree() -> list[dict[str, object]]:
    """The clauses, with the obligations of one of them."""
    return [
        {
            "key": key,
            "label": label,
            "numbers": numbers,
            "clauses": [
                {
                    "number": number,
                    "title": title,
                    "verdict": c.verdict(result),
                    "share": d.progress(met, total),
                    "figure": f"{met} / {total}",
                }
                for number, title, result, met, total in clauses
            ],
        }
        for key, label, numbers, clauses in QUARTERS
    ]
