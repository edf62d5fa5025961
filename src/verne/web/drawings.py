"""Charts as SVG, drawn on the server; the colours are those of the stylesheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from . import phrases
from .components import NOTHING, VERDICTS, verdict, verdict_key

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


# Numbers in a drawing are for the browser: a point for the decimals in every language.
def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


# --- The wheel -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class WheelClause:
    """One clause of the wheel. `share` is the part of what it asks that is met, from 0 to 1."""

    number: str
    title: StrOrPromise
    result: str
    share: float
    url: str
    met: int = 0
    total: int = 0


@dataclass(frozen=True, kw_only=True)
class WheelQuarter:
    """A quarter of the wheel: plan, do, check or act."""

    key: str
    label: StrOrPromise
    clauses: Sequence[WheelClause]
    url: str = ""
    note: StrOrPromise = ""


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """The whole wheel: four quarters in the order plan, do, check, act."""

    quarters: Sequence[WheelQuarter]
    readiness: float
    caption: StrOrPromise
    url: str = ""


_CENTRE, _INNER, _OUTER, _ARC, _NUMBERS = 210.0, 84.0, 148.0, 76.0, 161.0


def _point(radius: float, degrees: float) -> tuple[float, float]:
    angle = math.radians(degrees - 90)
    return _CENTRE + radius * math.cos(angle), _CENTRE + radius * math.sin(angle)


def _ring_piece(inner: float, outer: float, start: float, end: float) -> str:
    large = int(end - start > 180)
    (ax, ay), (bx, by) = _point(outer, start), _point(outer, end)
    (cx, cy), (dx, dy) = _point(inner, end), _point(inner, start)
    return (
        f"M{_n(ax)} {_n(ay)}A{_n(outer)} {_n(outer)} 0 {large} 1 {_n(bx)} {_n(by)}"
        f"L{_n(cx)} {_n(cy)}A{_n(inner)} {_n(inner)} 0 {large} 0 {_n(dx)} {_n(dy)}z"
    )


def _arc(radius: float, start: float, end: float) -> str:
    (ax, ay), (bx, by) = _point(radius, start), _point(radius, end)
    return f"M{_n(ax)} {_n(ay)}A{_n(radius)} {_n(radius)} 0 0 1 {_n(bx)} {_n(by)}"


def _wheel_clause(clause: WheelClause, start: float, end: float, number: bool) -> SafeString:
    key = verdict_key(clause.result)
    words = _("%(number)s %(title)s: %(verdict)s") % {
        "number": clause.number,
        "title": clause.title,
        "verdict": VERDICTS[key],
    }
    if clause.total:
        words = _("%(clause)s, %(met)s of %(total)s") % {
            "clause": words,
            "met": phrases.number(clause.met),
            "total": phrases.number(clause.total),
        }
    # What is met grows outwards from the hub, so the wheel is read without its colours too.
    reach = _INNER + (_OUTER - _INNER) * min(max(clause.share, 0.0), 1.0)
    parts = [format_html('<path class="track" d="{}"/>', _ring_piece(_INNER, _OUTER, start, end))]
    if clause.share > 0:
        parts.append(
            format_html('<path class="share" d="{}"/>', _ring_piece(_INNER, reach, start, end))
        )
    if key in ("no_occurrence", "no_data", "not_computed", "not_yet_due", "awaiting"):
        outline = _ring_piece(_INNER + 0.5, _OUTER - 0.5, start, end)
        parts.append(format_html('<path class="hollow" d="{}"/>', outline))
    middle = (start + end) / 2
    if key == "gap":
        x, y = _point(_OUTER - 7, middle)
        parts.append(format_html('<circle class="mark" cx="{}" cy="{}" r="3"/>', _n(x), _n(y)))
    if number:
        x, y = _point(_NUMBERS, middle)
        parts.append(
            format_html(
                '<text class="number" x="{}" y="{}" text-anchor="middle">{}</text>',
                _n(x),
                _n(y + 3.5),
                clause.number,
            )
        )
    return format_html(
        '<a href="{}" data-verdict="{}" aria-label="{}" tabindex="-1"><title>{}</title>{}</a>',
        clause.url,
        key,
        words,
        words,
        mark_safe("".join(parts)),
    )


def _wheel_quarter(quarter: WheelQuarter, start: float) -> SafeString:
    inset, gap, wide_gap = 2.0, 0.7, 2.2
    clauses = quarter.clauses
    heads = [clause.number.split(".")[0] for clause in clauses]
    breaks = sum(a != b for a, b in pairwise(heads))
    room = 90 - 2 * inset - gap * (len(clauses) - 1) - (wide_gap - gap) * breaks
    step = room / max(len(clauses), 1)
    numbered = math.radians(step) * _NUMBERS > 22
    pieces: list[SafeString] = []
    spans: dict[str, tuple[float, float]] = {}
    at = start + inset
    for index, (clause, head) in enumerate(zip(clauses, heads, strict=True)):
        if index:
            at += gap if heads[index - 1] == head else wide_gap
        pieces.append(_wheel_clause(clause, at, at + step, numbered))
        spans[head] = (spans.get(head, (at, at))[0], at + step)
        at += step
    if not numbered:
        # Too narrow for every number: say which chapter each group of clauses belongs to.
        for head, (first, last) in spans.items():
            x, y = _point(_NUMBERS, (first + last) / 2)
            pieces.append(
                format_html(
                    '<text class="number" x="{}" y="{}" text-anchor="middle">{}</text>',
                    _n(x),
                    _n(y + 3.5),
                    head,
                )
            )
    right, top = start in (0, 90), start in (0, 270)
    x, y = (418 if right else 2), (16 if top else 400)
    anchor = "end" if right else "start"
    label: str | SafeString = format_html("{}", quarter.label)
    if quarter.url:
        label = format_html('<a href="{}" tabindex="-1">{}</a>', quarter.url, label)
    return format_html(
        '<g data-quarter="{}"><path class="arc" d="{}"/>{}'
        '<text class="quarter" x="{}" y="{}" text-anchor="{}">{}</text>'
        '<text class="sub" x="{}" y="{}" text-anchor="{}">{}</text></g>',
        quarter.key,
        _arc(_ARC, start + inset, start + 90 - inset),
        mark_safe("".join(pieces)),
        x,
        y,
        anchor,
        label,
        x,
        y + 15,
        anchor,
        quarter.note,
    )


def wheel(drawn: Wheel) -> SafeString:
    """Plan, do, check and act as a wheel of clauses. The list beside it holds the same links."""
    turns = zip(drawn.quarters, (0, 90, 180, 270), strict=True)
    return format_html(
        '<svg class="drawing wheel" viewBox="0 0 420 420" role="group" aria-label="{}">{}'
        '<text class="readiness" x="210" y="219" text-anchor="middle">{}</text>'
        '<text class="caption" x="210" y="240" text-anchor="middle">{}</text></svg>',
        _("The four quarters; the list that follows holds the same figures"),
        mark_safe("".join(_wheel_quarter(quarter, start) for quarter, start in turns)),
        phrases.percent(drawn.readiness),
        drawn.caption,
    )


# --- Bars ----------------------------------------------------------------------------------------


def segments(counts: dict[str, int], label: StrOrPromise = "") -> SafeString:
    """How many of each verdict, as one bar; the words are in its label."""
    shown = [(verdict_key(result), count) for result, count in counts.items() if count]
    total = sum(count for _key, count in shown)
    words = ", ".join(
        _("%(number)s %(verdict)s") % {"number": phrases.number(n), "verdict": VERDICTS[key]}
        for key, n in shown
    )
    pieces, at = [], 0.0
    for key, count in shown:
        width = 200 * count / total
        pieces.append(
            format_html(
                '<rect data-verdict="{}" x="{}" y="0" width="{}" height="8"/>',
                key,
                f"{at:.2f}",
                # A hair of ground between neighbours keeps them apart without colour.
                f"{max(width - 1, 0.6):.2f}",
            )
        )
        at += width
    return format_html(
        '<svg class="bar" viewBox="0 0 200 8" preserveAspectRatio="none" role="img"'
        ' aria-label="{}"><rect class="ground" width="200" height="8"/>{}</svg>',
        label or words or _("Nothing to count yet"),
        mark_safe("".join(pieces)),
    )


def progress(done: float, total: float, label: StrOrPromise = "") -> SafeString:
    """How much of a whole is done."""
    share = min(max(done / total, 0), 1) if total else 0
    words = label or _("%(done)s of %(total)s") % {
        "done": phrases.number(done),
        "total": phrases.number(total),
    }
    return format_html(
        '<svg class="bar" viewBox="0 0 200 8" preserveAspectRatio="none" role="img"'
        ' aria-label="{}"><rect class="ground" width="200" height="8"/>'
        '<rect class="progress" width="{}" height="8"/></svg>',
        words,
        f"{200 * share:.1f}",
    )


# --- Lines ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Line:
    """A figure over time. A missing value leaves a hole; it is never drawn as nought."""

    title: StrOrPromise
    points: Sequence[tuple[StrOrPromise, float | None]]
    unit: StrOrPromise = ""
    low: float = 0
    high: float | None = None
    target: float | None = None
    note: StrOrPromise = ""
    labels: tuple[StrOrPromise, StrOrPromise] = ("", "")
    """The headings of the table: of the moment, of the figure."""

    def say(self, value: float | None) -> str:
        if value is None:
            return "–"
        if self.unit == "%":
            return _("%(number)s %%") % {"number": phrases.number(value)}
        return f"{phrases.number(value)} {self.unit}".strip()


def _round_up(value: float) -> float:
    """The next number a person would write on an axis."""
    if value <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * step for step in (1, 2, 2.5, 5, 10) if power * step >= value)


def line_chart(drawn: Line) -> SafeString:
    """A line with its axis, its last value written at its end."""
    left, right, top, bottom = 30.0, 352.0, 10.0, 122.0
    values = [value for _label, value in drawn.points if value is not None]
    high = drawn.high if drawn.high is not None else _round_up(max(values, default=1))
    low = min(drawn.low, high - 1e-9)

    def x_of(index: int) -> float:
        return left + (right - left) * index / max(len(drawn.points) - 1, 1)

    def y_of(value: float) -> float:
        return bottom - (bottom - top) * (value - low) / (high - low)

    grid = []
    for level in (low, (low + high) / 2, high):
        grid.append(
            format_html(
                '<path class="{}" d="M{} {}H{}"/><text x="{}" y="{}" text-anchor="end">{}</text>',
                "axis" if level == low else "grid",
                _n(left),
                _n(y_of(level)),
                _n(right),
                _n(left - 5),
                _n(y_of(level) + 4),
                phrases.number(int(level) if level == int(level) else round(level, 2)),
            )
        )
    every = max(1, math.ceil(len(drawn.points) / 6))
    days = [
        format_html('<text x="{}" y="139" text-anchor="middle">{}</text>', _n(x_of(index)), label)
        for index, (label, _value) in enumerate(drawn.points)
        if (len(drawn.points) - 1 - index) % every == 0
    ]
    runs: list[list[tuple[float, float]]] = [[]]
    for index, (_label, value) in enumerate(drawn.points):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((x_of(index), y_of(value)))
    curves = []
    for run in filter(None, runs):
        path = "L".join(f"{_n(x)} {_n(y)}" for x, y in run)
        curves.append(
            format_html(
                '<path class="under" d="M{} {}L{}L{} {}z"/><path class="curve" d="M{}"/>',
                _n(run[0][0]),
                _n(bottom),
                path,
                _n(run[-1][0]),
                _n(bottom),
                path,
            )
        )
    end: str | SafeString = ""
    if values and runs[-1]:
        x, y = runs[-1][-1]
        end = format_html(
            '<circle class="dot" cx="{}" cy="{}" r="4"/>'
            '<text class="strong" x="{}" y="{}">{}</text>',
            _n(x),
            _n(y),
            _n(x + 8),
            _n(y + 4),
            drawn.say(values[-1]),
        )
    target: str | SafeString = ""
    if drawn.target is not None:
        target = format_html(
            '<path class="target" d="M{} {}H{}"/>', _n(left), _n(y_of(drawn.target)), _n(right)
        )
    return format_html(
        '<svg class="drawing" viewBox="0 0 400 146" role="img" aria-label="{}">{}{}{}{}{}</svg>',
        _("%(title)s; the table that follows holds the figures") % {"title": drawn.title},
        mark_safe("".join(grid)),
        mark_safe("".join(days)),
        target,
        mark_safe("".join(curves)),
        end,
    )


def sparkline(values: Sequence[float | None], label: StrOrPromise = "") -> SafeString:
    """A line as small as a word, for a cell of a table."""
    known = [value for value in values if value is not None]
    if not known:
        return NOTHING
    low, high = min(known), max(known)
    span = (high - low) or 1
    width, height = 72, 18
    points = [
        (
            2 + (width - 5) * index / max(len(values) - 1, 1),
            height - 3 - (height - 6) * (v - low) / span,
        )
        for index, v in enumerate(values)
        if v is not None
    ]
    words = label or _("from %(first)s to %(last)s") % {
        "first": phrases.number(known[0]),
        "last": phrases.number(known[-1]),
    }
    return format_html(
        '<svg class="drawing spark" width="{}" height="{}" viewBox="0 0 {} {}" role="img"'
        ' aria-label="{}"><polyline class="curve" points="{}"/>'
        '<circle class="dot" cx="{}" cy="{}" r="2.5"/></svg>',
        width,
        height,
        width,
        height,
        words,
        mark_safe(" ".join(f"{_n(x)},{_n(y)}" for x, y in points)),
        _n(points[-1][0]),
        _n(points[-1][1]),
    )


def legend(counts: dict[str, int]) -> SafeString:
    """The words and numbers behind a bar of verdicts."""
    rows = [(verdict(result), phrases.number(count)) for result, count in counts.items() if count]
    return format_html(
        '<span class="legend">{}</span>',
        format_html_join("", '<span class="line">{} <b>{}</b></span>', rows),
    )
