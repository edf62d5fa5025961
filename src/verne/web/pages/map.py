"""The service map: a record, what it stands on and what stands on it, drawn and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from verne.engine.people import Person
from verne.engine.register import register_of
from verne.sms.portfolio.configuration.impact import (
    Reached,
    affected_by,
    foundation_of,
    ties_among,
)

from .. import components, show
from ..context import plural, quarter_of
from ..markup import html, join, safe, shown
from ..parts import Link, PageHeader
from ..seen import sheets_of
from ..views.common import person_of, staff, url
from ..views.record import MAPPED, record_at

DEPTHS = (1, 2, 3, 5)
USUAL_DEPTH = 2
MOST = 80
"""Records on one drawing; more than that nobody can follow."""

WIDTH, HEIGHT, GAP, ROW_GAP, MARGIN = 168, 40, 16, 44, 12
ABREAST = 5
"""Boxes beside one another before a row is broken."""
LETTERS = 22


@dataclass
class Node:
    """A record on the map: how far above the focus (below is negative), and where it is drawn."""

    sheet: Any
    level: int
    through: int = 0
    x: float = 0
    y: float = 0
    lit: bool = True

    @property
    def middle(self) -> float:
        return self.x + WIDTH / 2


@dataclass
class Map:
    """Nodes by their number, who stands on whom, and the size of the drawing."""

    focus: int
    nodes: dict[int, Node] = field(default_factory=dict)
    ties: set[tuple[int, int]] = field(default_factory=set)
    width: float = 0
    height: float = 0
    full: bool = False


@staff
def map_page(request: HttpRequest, ref: str) -> HttpResponse:
    """The map around a record; a box chosen lights up what it would take with it."""
    person = person_of(request)
    record = record_at(ref, person)
    if record.kind not in MAPPED:
        raise Http404
    wish = request.GET.get("depth", "")
    depth = int(wish) if wish.isdecimal() and int(wish) in DEPTHS else USUAL_DEPTH
    drawn = gather(record, person, depth)
    chosen = _chosen(drawn, request.GET.get("chosen", ""))
    taken = _light(drawn, chosen)
    place(drawn)
    register = register_of(record.kind)
    address = f"{record.get_absolute_url()}/map"
    rows = _rows(drawn)
    context = {
        "it": record,
        "header": PageHeader(
            title=_("Map of %(title)s") % {"title": record.title},
            lead=_("Each record stands on those below it."),
            quarter=quarter_of(register),
            crumbs=[
                Link(label=plural(register), url=f"/{register.slug}/"),
                Link(label=str(record), url=record.get_absolute_url()),
            ],
        ),
        "depths": [
            Link(
                label=_("%(number)d steps") % {"number": number} if number > 1 else _("1 step"),
                url=url(address, [("depth", str(number))]),
                current=number == depth,
            )
            for number in DEPTHS
        ],
        "drawing": draw(drawn, address, depth, chosen),
        "alone": len(drawn.nodes) == 1,
        "full": drawn.full,
        "chosen": drawn.nodes[chosen].sheet if chosen else None,
        "taken": taken,
        "clear_url": url(address, [("depth", str(depth))]),
        "rows": rows,
        "composed": join(map(_composed, rows)),
    }
    return render(request, "records/map.html", context)


def gather(record: Any, person: Person, depth: int) -> Map:
    """What the person may see around a record, so many steps up and down."""
    above = affected_by(record.pk, depth=depth, most=MOST)
    below = foundation_of(record.pk, depth=depth, most=MOST)
    reached: dict[int, tuple[int, Reached]] = {}
    for sign, found in ((1, above), (-1, below)):
        for key, hit in found.items():
            # In a circle a record lies on both sides: it is drawn where it is nearer.
            if key not in reached or hit.depth < abs(reached[key][0]):
                reached[key] = (sign * hit.depth, hit)
    nearest = sorted(reached, key=lambda key: (abs(reached[key][0]), key))[:MOST]
    seen = sheets_of(person, nearest)
    drawn = Map(
        focus=record.pk, full=len(reached) > MOST or len(above) == MOST or len(below) == MOST
    )
    drawn.nodes[record.pk] = Node(record, 0)
    for key in nearest:
        if key in seen:
            level, hit = reached[key]
            drawn.nodes[key] = Node(seen[key], level, hit.through)
    drawn.ties = ties_among(list(drawn.nodes))
    return drawn


def _chosen(drawn: Map, ref: str) -> int:
    wanted = ref.upper()
    return next((key for key, node in drawn.nodes.items() if node.sheet.ref == wanted), 0)


def _light(drawn: Map, chosen: int) -> list[Any]:
    """Leave lit what the chosen record takes with it, and give that back, nearest first."""
    if not chosen:
        return []
    taken = [key for key in affected_by(chosen) if key in drawn.nodes]
    for key, node in drawn.nodes.items():
        node.lit = key == chosen or key in taken
    return [drawn.nodes[key].sheet for key in taken]


# --- Where everything is drawn -------------------------------------------------------------------


def place(drawn: Map) -> None:
    """Rows by level, top down; in a row, each box near the middle of what it is tied to."""
    levels = sorted({node.level for node in drawn.nodes.values()}, reverse=True)
    order = _ordered(drawn, levels)
    rows = [keys[i : i + ABREAST] for keys in order.values() for i in range(0, len(keys), ABREAST)]
    widest = max((len(row) for row in rows), default=1)
    drawn.width = 2 * MARGIN + widest * WIDTH + (widest - 1) * GAP
    y = float(MARGIN)
    for row in rows:
        room = len(row) * WIDTH + (len(row) - 1) * GAP
        x = (drawn.width - room) / 2
        for key in row:
            drawn.nodes[key].x, drawn.nodes[key].y = x, y
            x += WIDTH + GAP
        y += HEIGHT + ROW_GAP
    drawn.height = y - ROW_GAP + MARGIN


def _ordered(drawn: Map, levels: Sequence[int]) -> dict[int, list[int]]:
    """Each level in an order that crosses few lines, found from the focus outwards."""
    order: dict[int, list[int]] = {}
    rank: dict[int, float] = {drawn.focus: 0}
    near: dict[int, list[int]] = {key: [] for key in drawn.nodes}
    for upper, lower in drawn.ties:
        near[upper].append(lower)
        near[lower].append(upper)
    for level in sorted(levels, key=abs):
        keys = [key for key, node in drawn.nodes.items() if node.level == level]
        keys.sort(key=lambda key: (_middle(rank[n] for n in near[key] if n in rank), key))
        order[level] = keys
        for index, key in enumerate(keys):
            rank[key] = (index + 0.5) / len(keys) if keys else 0
    return {level: order[level] for level in levels}


def _middle(ranks: Iterable[float]) -> float:
    known = list(ranks)
    return sum(known) / len(known) if known else 0.5


def draw(drawn: Map, address: str, depth: int, chosen: int) -> SafeString:
    """The map as SVG: boxes that are links, and lines down to what each stands on."""
    lines = join(
        _line(drawn.nodes[upper], drawn.nodes[lower]) for upper, lower in sorted(drawn.ties)
    )
    boxes = join(_box(drawn, key, address, depth, chosen) for key in drawn.nodes)
    return html(
        '<svg class="drawing map" width="{}" height="{}" viewBox="0 0 {} {}" role="group"'
        ' aria-label="{}">{}{}</svg>',
        _n(drawn.width),
        _n(drawn.height),
        _n(drawn.width),
        _n(drawn.height),
        _("The map; the table that follows holds the same records"),
        lines,
        boxes,
    )


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _line(upper: Node, lower: Node) -> SafeString:
    if upper.y > lower.y:
        upper, lower = lower, upper
    start, end = upper.y + HEIGHT, lower.y
    bend = max((end - start) / 2, ROW_GAP / 2)
    both = upper.lit and lower.lit
    begin = f"M{_n(upper.middle)} {_n(start)}C{_n(upper.middle)} {_n(start + bend)}"
    finish = f"{_n(lower.middle)} {_n(end - bend)} {_n(lower.middle)} {_n(end)}"
    return SafeString(
        f'<path class="axis" fill="none" opacity="{"1" if both else "0.25"}" d="{begin} {finish}"/>'
    )


def _box(drawn: Map, key: int, address: str, depth: int, chosen: int) -> SafeString:
    node = drawn.nodes[key]
    sheet = node.sheet
    title = sheet.title if len(sheet.title) <= LETTERS else sheet.title[: LETTERS - 1] + "…"
    marked = key == chosen if chosen else key == drawn.focus
    # A second choice of the same box opens its record.
    there = (
        sheet.get_absolute_url()
        if key == chosen
        else url(address, [("depth", str(depth)), ("chosen", sheet.ref)])
    )
    current = ' aria-current="true"' if marked else ""
    opacity = "1" if node.lit else "0.35"
    kind = "curve" if marked or (chosen and node.lit) else "axis"
    x = _n(node.x + 10)
    return SafeString(
        f'<a href="{safe(there)}" aria-label="{safe(str(sheet))}"{current}><g opacity="{opacity}">'
        f'<rect class="{kind}" x="{_n(node.x)}" y="{_n(node.y)}" width="{WIDTH}"'
        f' height="{HEIGHT}" rx="6" fill="var(--paper)"/>'
        f'<text class="strong" x="{x}" y="{_n(node.y + 16)}">{safe(sheet.ref)}</text>'
        f'<text x="{x}" y="{_n(node.y + 31)}">{safe(title)}</text></g></a>'
    )


# --- As a table ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class MapRow:
    """One record of the map in words."""

    ref: str
    title: str
    kind: str
    how: str
    through: str
    state: SafeString


def _rows(drawn: Map) -> list[MapRow]:
    nodes = sorted(drawn.nodes.values(), key=lambda node: (-node.level, node.sheet.ref))
    return [_row(drawn, node) for node in nodes if node.level]


def _composed(row: MapRow) -> SafeString:
    through = components.ref(row.through) if row.through else ""
    return SafeString(
        f'<tr data-row role="row"><td role="cell">{components.ref(row.ref)}</td>'
        f'<td role="cell" class="wide"><a href="/r/{safe(row.ref)}" tabindex="-1">'
        f'{safe(row.title)}</a></td><td role="cell" class="minor">{safe(row.kind)}</td>'
        f'<td role="cell">{safe(row.how)}</td><td role="cell" class="minor">{through}</td>'
        f'<td role="cell">{shown(row.state)}</td></tr>'
    )


def _row(drawn: Map, node: Node) -> MapRow:
    steps = abs(node.level)
    if steps == 1:
        how = _("stands on it") if node.level > 0 else _("carries it")
    elif node.level > 0:
        how = _("stands on it, %(steps)d steps away") % {"steps": steps}
    else:
        how = _("carries it, %(steps)d steps away") % {"steps": steps}
    through = drawn.nodes.get(node.through)
    return MapRow(
        ref=node.sheet.ref,
        title=node.sheet.title,
        kind=str(node.sheet.model._meta.verbose_name),
        how=how,
        through=through.sheet.ref if through and through.level else "",
        state=show.sheet_state(node.sheet),
    )
